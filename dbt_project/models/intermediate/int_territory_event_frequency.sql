-- depends_on: {{ ref('int_territory_indicators') }}
-- depends_on: {{ ref('int_simulations') }}
-- Territory × dataset × context × date indicator: the share of years with the event, median over runs.
{%- set events = event_columns(indicator_columns(), keep=true) %}
{% if events %}
select
    territory_key,
    weighting,
    dataset_id,
    context_key,
    regexp_replace(indicator_id, '_event$', '') as indicator_id,
    median(frequency)::float as event_frequency
from (
    unpivot (
        select territory_key, weighting, dataset_id, context_key, {{ events | join(', ') }}
        from {{ ref('int_territory_indicators') }}
        inner join {{ ref('int_simulations') }} using (run_key, fingerprint)
    )
    on {{ events | join(', ') }}
    into name indicator_id value frequency
)
group by all
{% else %}
select
    null::integer as territory_key,
    null::varchar as weighting,
    null::varchar as dataset_id,
    null::utinyint as context_key,
    null::varchar as indicator_id,
    null::float as event_frequency
where false
{% endif %}
