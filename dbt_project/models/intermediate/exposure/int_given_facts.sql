-- What the sources give, on the communes of today. Several old communes in one: counts add up, shares are averaged, years take
-- the latest, classes the highest. What a split commune counted is carried to neither part (fct_exposure_unmapped); its shares hold for both.
with facts as (

    select
        facts.*,
        -- a class is the highest of the old communes, though groups of communes may have none
        case when measures.unit = 'class' then 'max' else measures.aggregation end as aggregation
    from {{ ref('stg_lake__commune_facts') }} as facts
    inner join {{ ref('exposure_measures') }} as measures using (measure_id)

),

carried as (

    select
        facts.* exclude (commune_code),
        facts.commune_code as source_code,
        unnest(communes.commune_codes) as commune_code
    from facts
    inner join {{ ref('int_source_communes') }} as communes
        on facts.dataset_id = communes.dataset_id
        and facts.commune_code = communes.commune_code
        and facts.vintage = communes.vintage
    where communes.cause is null or (communes.cause = 'split_since' and facts.aggregation in ('mean', 'max'))

)

select
    dataset_id,
    any_value(source_file_id) as source_file_id,
    commune_code,
    measure_id,
    return_period,
    min(date_start) as date_start,
    max(date_end) as date_end,
    case any_value(aggregation)
        when 'sum' then sum(value)
        when 'mean' then avg(value)
        when 'max' then max(value)
        else case when count(*) = 1 then max(value) end
    end as value,
    -- some of the old communes have a value and others none: what is known is that of a part
    case
        when count(value) > 0 and count_if(value is null and reason is distinct from 'merged_elsewhere') > 0
            then least(coalesce(min(studied_share), 1), count(value) / count(*))
        else min(studied_share)
    end::float as studied_share,
    max(reason) as reason,
    string_agg(distinct note, ' · ' order by note) as note
from carried
group by dataset_id, commune_code, measure_id, return_period
