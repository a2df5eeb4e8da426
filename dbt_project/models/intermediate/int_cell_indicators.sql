{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='simulation_id',
        on_schema_change='append_new_columns',
    )
}}
-- Exports: run × context × cell, one column per indicator. A cell counts for an indicator only where the run has it in every
-- context: levels, reference and changes then speak of the same cells.
{%- set indicator_enum = enum_of(exported_indicators()) %}
{%- set context_enum = enum_of(context_ids()) %}
with runs as (

    select run_key, simulation_id, dataset_id, grid_id, fingerprint
    from {{ ref('int_simulations') }}
    {% if is_incremental() %}
    where fingerprint not in (select distinct fingerprint from {{ this }})
    {% endif %}

),

levels as (

    select
        runs.run_key,
        levels.context_id::{{ context_enum }} as context_id,
        levels.cell_id,
        levels.indicator_id::{{ indicator_enum }} as indicator_id,
        levels.value
    from {{ ref('int_index_values') }} as levels
    inner join runs using (simulation_id)
    where levels.value is not null

),

recovered as (

    select
        runs.run_key,
        'ref'::{{ context_enum }} as context_id,
        recovered.cell_id,
        recovered.indicator_id::{{ indicator_enum }} as indicator_id,
        recovered.value
    from {{ ref('int_reference_values') }} as recovered
    inner join runs using (simulation_id)
    where recovered.from_context_id = 'rwl20' and recovered.value is not null

),

every_context as (

    select * from levels
    union all
    select * from recovered

),

contexts_of_series as (

    select run_key, indicator_id, context_id, count(*) as n_cells, bit_xor(hash(cell_id)) as cells
    from every_context
    group by run_key, indicator_id, context_id

),

-- series whose contexts do not hold the same cells: few, so that only they are looked at cell by cell
uneven as (

    select run_key, indicator_id, count(*) as n_contexts
    from contexts_of_series
    group by run_key, indicator_id
    having count(distinct (n_cells, cells)) > 1

),

complete_cells as (

    select run_key, indicator_id, cell_id
    from every_context
    inner join uneven using (run_key, indicator_id)
    group by run_key, indicator_id, cell_id
    having count(*) = any_value(uneven.n_contexts)

),

complete as (

    select every_context.* from every_context anti join uneven using (run_key, indicator_id)
    union all
    select every_context.* from every_context semi join complete_cells using (run_key, indicator_id, cell_id)

),

wide as (

    select
        run_key,
        context_id,
        cell_id{{ "," if exported_indicators() }}
        {%- for indicator in exported_indicators() %}
        (max(value) filter (indicator_id = '{{ indicator }}'))::float as {{ indicator }}{{ "," if not loop.last }}
        {%- endfor %}
    from complete
    group by run_key, context_id, cell_id

)

select runs.* exclude (run_key), wide.* exclude (run_key) replace (wide.context_id::varchar as context_id)
from wide
inner join runs using (run_key)
