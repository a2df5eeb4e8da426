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
-- depends_on: {{ ref('weightings') }}
-- depends_on: {{ ref('int_cell_indicators') }}
-- depends_on: {{ ref('int_cell_projections') }}
-- depends_on: {{ ref('int_contexts') }}
-- depends_on: {{ ref('int_cell_weights') }}
-- Run × context × territory: the weighted mean over the cells that have a value. Sums in float64, stored as float32.
-- A weighting other than the area has the indicators that ask for it.
-- Exports and daily runs are summed apart, each with its own indicators: together, every group would carry the sums of all.
{%- set with_gaps = indicators_with_gaps() %}
{%- set sources = {
    'int_cell_indicators': exported_indicators(),
    'int_cell_projections': projected_indicators() + fitted_indicators(),
} %}
{%- set parts = [] %}
{%- for source, indicators in sources.items() if indicators %}
    {%- for weighting, columns in columns_by_weighting(indicators).items() %}
        {%- do parts.append((source, weighting, columns)) %}
    {%- endfor %}
{%- endfor %}
with runs as (

    select simulation_id, run_key, fingerprint
    from {{ ref('int_simulations') }}
    {% if is_incremental() %}
    where fingerprint not in (select distinct fingerprint from {{ this }})
    {% endif %}

)
{% for source, weighting, columns in parts %}
{{ "union all by name" if not loop.first }}
select
    runs.run_key,
    any_value(runs.fingerprint) as fingerprint,
    contexts.context_key,
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
from {{ ref(source) }} as cells
inner join runs using (simulation_id, fingerprint)
inner join {{ ref('int_contexts') }} as contexts using (context_id)
inner join {{ ref('int_cell_weights') }} as weights using (grid_id, cell_id)
where weights.weighting = '{{ weighting }}'
group by runs.run_key, contexts.context_key, weights.territory_key
{% endfor %}
