-- Territory × dataset × context × indicator: the values of the runs as one list, in the order of dim_simulation.
-- One ordered aggregate over structs, then one column each: see docs/decisions/0004-run-lists-by-struct.md.
with present as (

    select values.* exclude (fingerprint), simulations.run_position
    from {{ ref('int_territory_indicators') }} as values
    -- an inner join on the fingerprint: what a replaced file left behind does not speak
    inner join {{ ref('int_simulations') }} as simulations using (simulation_id, fingerprint)

),

-- A run without a context still holds its place in the list: a NULL, never the value of the next run.
absent as (

    select contexts.dataset_id, contexts.context_id, simulations.simulation_id, simulations.run_position
    from (select distinct dataset_id, context_id from present) as contexts
    inner join {{ ref('int_simulations') }} as simulations using (dataset_id)
    anti join (select distinct context_id, simulation_id from present) as held
        on contexts.context_id = held.context_id and simulations.simulation_id = held.simulation_id

),

every_run as (

    select * from present
    union all by name
    select absent.*, territories.weighting, territories.territory_id
    from absent
    cross join (select distinct weighting, territory_id from present) as territories

),

runs as (

    select
        territory_id,
        weighting,
        dataset_id,
        context_id,
        list(
            struct_pack(
                {%- for indicator in indicator_columns() %}
                {{ indicator }} := {{ indicator }}{{ "," if not loop.last }}
                {%- endfor %}
            )
            order by run_position
        ) as runs
    from every_run
    group by territory_id, weighting, dataset_id, context_id

),

columns_of_lists as (

    select
        territory_id,
        weighting,
        dataset_id,
        context_id,
        {%- for indicator in indicator_columns() %}
        list_transform(runs, lambda run: run.{{ indicator }}) as {{ indicator }}{{ "," if not loop.last }}
        {%- endfor %}
    from runs

)

select *
from (
    unpivot columns_of_lists
    on {{ indicator_columns() | join(', ') }}
    into name indicator_id value run_values
)
where {{ run_count('run_values') }} > 0 and not ends_with(indicator_id, '_event')
