-- Facts of the communes of today: those that the sources give, those made of events, those that follow from others. Several old
-- communes in one: counts add up, shares are averaged, years take the latest. What a split commune counted is carried to neither
-- part (fct_exposure_unmapped); its shares hold for both.
with facts as (

    select
        facts.* replace (coalesce(facts.date_end, date '9999-12-30') as date_end),
        measures.aggregation
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
        and facts.date_end = communes.vintage
    where communes.cause is null or (communes.cause = 'split_since' and facts.aggregation in ('mean', 'max'))

),

given as (

    select
        dataset_id,
        any_value(source_file_id) as source_file_id,
        commune_code,
        measure_id,
        return_period,
        min(date_start) as date_start,
        nullif(max(date_end), date '9999-12-30') as date_end,
        case any_value(aggregation)
            when 'sum' then sum(value)
            when 'mean' then avg(value)
            when 'max' then max(value)
            else case when count(*) = 1 then max(value) end
        end as value,
        max(reason) as reason,
        string_agg(distinct note, ' · ' order by note) as note
    from carried
    group by dataset_id, commune_code, measure_id, return_period

),

counted as (

    select * from given
    union all by name
    select * from {{ ref('int_catnat_measures') }}

),

rates as (

    select
        dataset_id,
        source_file_id,
        commune_code,
        'catnat_rate10' as measure_id,
        date_start,
        date_end,
        10 * value / (date_diff('day', date_start, date_end) / 365.25) as value
    from counted
    where measure_id = 'catnat_n_total'

)

select *
from counted
union all by name
select * from rates
