-- What could not be carried to a commune of today, with its value: counts of communes that were split since, unknown codes.
with given as (

    select
        facts.dataset_id,
        facts.commune_code,
        facts.measure_id,
        facts.return_period,
        facts.value,
        communes.commune_codes,
        communes.cause,
        measures.aggregation
    from {{ ref('stg_lake__commune_facts') }} as facts
    inner join {{ ref('exposure_measures') }} as measures using (measure_id)
    inner join {{ ref('int_source_communes') }} as communes
        on facts.dataset_id = communes.dataset_id
        and facts.commune_code = communes.commune_code
        and facts.vintage = communes.vintage

),

events as (

    select
        events.dataset_id,
        events.commune_code,
        'catnat_n_total' as measure_id,
        count(*)::double as value,
        communes.commune_codes,
        communes.cause,
        'sum' as aggregation
    from {{ ref('stg_lake__catnat_events') }} as events
    inner join {{ ref('int_source_communes') }} as communes using (dataset_id, commune_code)
    group by all

)

select
    dataset_id,
    commune_code,
    measure_id,
    return_period,
    value,
    cause,
    commune_codes
from (select * from given union all by name select * from events)
where cause = 'unknown_code' or (cause = 'split_since' and aggregation not in ('mean', 'max'))
