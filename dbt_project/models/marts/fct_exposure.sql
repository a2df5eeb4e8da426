-- Every territory × measure × dataset: a value, or why there is none. Not studied is a state; it is never zero.
with series as (

    -- what a dataset measures, and when
    select
        dataset_id,
        measure_id,
        return_period,
        min(date_start) as date_start,
        max(date_end) as date_end,
        case when count(distinct source_file_id) = 1 then any_value(source_file_id) end as source_file_id
    from {{ ref('int_commune_facts') }}
    group by dataset_id, measure_id, return_period

),

communes as (

    select
        territories.territory_id,
        territories.population,
        territories.area_km2,
        series.dataset_id,
        series.measure_id,
        series.return_period,
        measures.aggregation,
        measures.weight,
        case when facts.commune_code is null then series.date_start else facts.date_start end as date_start,
        case when facts.commune_code is null then series.date_end else facts.date_end end as date_end,
        coalesce(facts.source_file_id, series.source_file_id) as source_file_id,
        facts.note,
        coalesce(facts.studied_share < {{ var('min_studied_share') }}, false) as is_partial,
        case
            when facts.commune_code is not null then facts.value
            when absent.meaning = 'zero' then 0
        end as value,
        case
            when facts.commune_code is not null then case when facts.value is null then coalesce(facts.reason, 'not_published') end
            else {{ silence_reason('absent.meaning') }}
        end as reason
    from (select * from {{ ref('stg_lake__territories') }} where kind = 'commune') as territories
    cross join series
    inner join {{ ref('exposure_measures') }} as measures using (measure_id)
    left join {{ ref('int_commune_facts') }} as facts
        on territories.code = facts.commune_code
        and series.dataset_id = facts.dataset_id
        and series.measure_id = facts.measure_id
        and series.return_period is not distinct from facts.return_period
    left join {{ ref('int_uncarried_communes') }} as uncarried
        on territories.code = uncarried.commune_code and series.dataset_id = uncarried.dataset_id
    left join {{ ref('stg_lake__datasets') }} as sources on series.dataset_id = sources.dataset_id
    cross join lateral (select {{ silence_means('measures.absent_means') }} as meaning) as absent

),

weighted as (

    select
        communes.*,
        case communes.weight
            when 'population' then communes.population
            when 'area' then communes.area_km2
            when 'commune' then 1
            else weights.value
        end::double as weight_value
    from communes
    left join communes as weights
        on communes.territory_id = weights.territory_id
        and communes.dataset_id = weights.dataset_id
        and communes.weight = weights.measure_id
        and weights.return_period is null

),

groups as (

    select
        members.territory_id,
        weighted.dataset_id,
        weighted.measure_id,
        weighted.return_period,
        min(weighted.date_start) as date_start,
        max(weighted.date_end) as date_end,
        case when count(distinct weighted.source_file_id) = 1 then any_value(weighted.source_file_id) end as source_file_id,
        case any_value(weighted.aggregation)
            when 'sum' then sum(weighted.value)
            when 'max' then max(weighted.value)
            when 'mean' then sum(weighted.value * weighted.weight_value)
                / nullif(sum(weighted.weight_value) filter (weighted.value is not null), 0)
        end as value,
        bool_or(weighted.is_partial) as is_partial,
        count(*) as n_communes,
        count_if(weighted.value is not null or weighted.reason in ('no_event', 'no_weight', 'no_sale', 'too_few_sales')) as n_communes_studied
    from weighted
    inner join {{ ref('int_territory_members') }} as members on weighted.territory_id = members.commune_id
    where members.territory_id is not null and weighted.aggregation <> 'none'
    group by members.territory_id, weighted.dataset_id, weighted.measure_id, weighted.return_period

),

every_territory as (

    select
        * exclude (population, area_km2, aggregation, weight),
        1 as n_communes,
        (value is not null or reason in ('no_event', 'no_weight', 'no_sale', 'too_few_sales'))::integer as n_communes_studied
    from communes
    union all by name
    select
        *,
        case
            when value is not null then null
            when n_communes_studied = 0 then 'not_studied'
            when measure_id in (select measure_id from {{ ref('exposure_measures') }} where aggregation = 'max') then 'no_event'
            else 'no_weight'
        end as reason
    from groups
    union all by name
    select * from {{ ref('int_drought_measures') }}

)

select
    every_territory.territory_id,
    every_territory.measure_id,
    every_territory.dataset_id,
    every_territory.return_period,
    every_territory.value,
    case
        when every_territory.n_communes_studied = 0 then 'not_studied'
        when every_territory.n_communes_studied < every_territory.n_communes or every_territory.is_partial
            then 'partly_studied'
        else 'studied'
    end as state,
    every_territory.date_start,
    every_territory.date_end,
    every_territory.n_communes::integer as n_communes,
    every_territory.n_communes_studied::integer as n_communes_studied,
    every_territory.note,
    every_territory.source_file_id,
    datasets.validation_status,
    every_territory.reason
from every_territory
inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)
