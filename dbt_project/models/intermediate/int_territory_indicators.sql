{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='simulation_id',
        on_schema_change='append_new_columns',
    )
}}
-- Run × context × territory: the weighted mean over the cells that have a value. Sums in float64, stored as float32.
with cells as (

    select *
    from (
        select * from {{ ref('int_cell_indicators') }}
        union all by name
        select * from {{ ref('int_cell_projections') }}
    )
    {% if is_incremental() %}
    where fingerprint not in (select distinct fingerprint from {{ this }})
    {% endif %}

)

select
    cells.dataset_id,
    cells.fingerprint,
    cells.simulation_id,
    cells.context_id,
    weights.weighting,
    weights.territory_id,
    {%- for indicator in indicator_columns() %}
    (sum(weights.weight * cells.{{ indicator }}) / sum(weights.weight) filter (cells.{{ indicator }} is not null))::float
        as {{ indicator }}{{ "," if not loop.last }}
    {%- endfor %}
from {{ ref('stg_lake__cell_weights') }} as weights
inner join cells using (grid_id, cell_id)
group by all
