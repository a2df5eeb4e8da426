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
with runs as (

    select simulation_id, dataset_id, grid_id, fingerprint
    from {{ ref('int_simulations') }}
    {% if is_incremental() %}
    where fingerprint not in (select distinct fingerprint from {{ this }})
    {% endif %}

),

levels as (

    select simulation_id, context_id, cell_id, indicator_id, value
    from {{ ref('int_index_values') }}
    where simulation_id in (select simulation_id from runs)

),

recovered as (

    select simulation_id, 'ref' as context_id, cell_id, indicator_id, value
    from {{ ref('int_reference_values') }}
    where simulation_id in (select simulation_id from runs) and from_context_id = 'rwl20'

),

every_context as (

    select * from levels where value is not null
    union all
    select * from recovered where value is not null

),

contexts_of_run as (

    select simulation_id, indicator_id, count(distinct context_id) as n_contexts
    from every_context
    group by simulation_id, indicator_id

),

complete_cells as (

    select simulation_id, indicator_id, cell_id
    from every_context
    group by simulation_id, indicator_id, cell_id
    having count(*) = (
        select n_contexts
        from contexts_of_run
        where contexts_of_run.simulation_id = every_context.simulation_id
            and contexts_of_run.indicator_id = every_context.indicator_id
    )

),

complete as (

    select every_context.*
    from every_context
    semi join complete_cells using (simulation_id, indicator_id, cell_id)

)

select
    runs.dataset_id,
    runs.fingerprint,
    runs.grid_id,
    complete.simulation_id,
    complete.context_id,
    complete.cell_id{{ "," if exported_indicators() }}
    {%- for indicator in exported_indicators() %}
    (max(complete.value) filter (complete.indicator_id = '{{ indicator }}'))::float as {{ indicator }}{{ "," if not loop.last }}
    {%- endfor %}
from complete
inner join runs using (simulation_id)
group by all
