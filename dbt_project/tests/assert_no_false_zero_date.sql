-- depends_on: {{ ref('int_cell_projections') }}
-- A date is never a false zero: an export's 0 does not come through, and a date that no year has is NULL.
{%- set dates = event_columns(projected_indicators(), keep=true) %}
select levels.simulation_id, levels.context_id, levels.cell_id, levels.indicator_id, levels.value
from {{ ref('int_index_values') }} as levels
inner join {{ ref('producer_indices') }} as mapping
    on levels.indicator_id = mapping.indicator_id and levels.season = mapping.season
where mapping.zero_is_missing and levels.value = mapping.value_offset
{%- for event in dates %}
{%- set date = event | replace('_event', '') %}
{%- if date in projected_indicators() %}
union all
select simulation_id, context_id, cell_id, '{{ date }}', {{ date }} from {{ ref('int_cell_projections') }}
where {{ event }} = 0 and {{ date }} is not null
{%- endif %}
{%- endfor %}
