{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='run_key',
        on_schema_change='append_new_columns',
    )
}}
-- depends_on: {{ ref('stg_lake__cell_weights') }}
-- depends_on: {{ ref('indicators') }}
-- Run × context × territory: the weighted mean over the cells that have a value. Sums in float64, stored as float32.
-- A weighting other than the area has the indicators that ask for it.
{%- set indicators = indicator_columns() %}
{%- set with_gaps = indicators_with_gaps() %}
with cells as (

    select simulations.run_key, contexts.context_key, cells.*
    from (
        select * from {{ ref('int_cell_indicators') }}
        union all by name
        select * from {{ ref('int_cell_projections') }}
    ) as cells
    inner join {{ ref('int_simulations') }} as simulations using (simulation_id, fingerprint)
    inner join {{ ref('int_contexts') }} as contexts using (context_id)
    {% if is_incremental() %}
    where fingerprint not in (select distinct fingerprint from {{ this }})
    {% endif %}

)
{% for weighting, columns in columns_by_weighting(indicators).items() %}
{{ "union all by name" if not loop.first }}
select
    cells.run_key,
    any_value(cells.fingerprint) as fingerprint,
    cells.context_key,
    '{{ weighting }}' as weighting,
    weights.territory_key,
    {%- for indicator in columns %}
    {%- if indicator in with_gaps %}
    (
        {{ exact_sum("weights.weight * cells." ~ indicator) }}
        / {{ exact_sum("if(cells." ~ indicator ~ " is null, 0, weights.weight)") }}
    )::float as {{ indicator }}{{ "," if not loop.last }}
    {%- else %}
    ({{ exact_sum("weights.weight * cells." ~ indicator) }} / {{ exact_sum("weights.weight") }})::float
        as {{ indicator }}{{ "," if not loop.last }}
    {%- endif %}
    {%- endfor %}
from {{ ref('int_cell_weights') }} as weights
inner join cells using (grid_id, cell_id)
where weights.weighting = '{{ weighting }}'
group by cells.run_key, cells.context_key, weights.territory_key
{% endfor %}
