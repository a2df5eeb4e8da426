-- depends_on: {{ ref('fct_indicator') }}
-- after fct_indicator, not beside it: each takes most of the memory
-- The cells themselves, for points: quantiles over runs, as in fct_indicator, without the step from cells to a territory.
{%- set indicators = event_columns(indicator_columns(), keep=false) %}
with runs as (

    select
        simulations.run_key,
        simulations.dataset_id,
        simulations.grid_id,
        simulations.votes_at_reference,
        cells.context_id,
        cells.cell_id,
        {{ indicators | join(', ') }}
    from (
        select * from {{ ref('int_cell_indicators') }}
        union all by name
        select * from {{ ref('int_cell_projections') }}
    ) as cells
    inner join {{ ref('int_simulations') }} as simulations using (simulation_id, fingerprint)

),

run_values as (

    unpivot runs on {{ indicators | join(', ') }} into name indicator_id value value

),

changes as (

    select
        run_values.*,
        if(run_values.context_id = 'ref', null, round(run_values.value - reference.value, 4)) as change
    from run_values
    left join (select run_key, cell_id, indicator_id, value from run_values where context_id = 'ref') as reference
        using (run_key, cell_id, indicator_id)

),

quantiles as (

    select
        grid_id,
        cell_id,
        indicator_id,
        dataset_id,
        context_id,
        quantile_cont(value, [0.05, 0.5, 0.95]) filter (context_id <> 'ref' or votes_at_reference) as levels,
        quantile_cont(change, [0.05, 0.5, 0.95]) as changes,
        (count(*) filter (context_id <> 'ref' or votes_at_reference))::smallint as n_runs
    from changes
    group by all

)

select
    grid_id,
    cell_id,
    indicator_id,
    dataset_id,
    context_id,
    levels[1]::float as q05,
    levels[2]::float as q50,
    levels[3]::float as q95,
    changes[1]::float as delta_q05,
    changes[2]::float as delta_q50,
    changes[3]::float as delta_q95,
    n_runs
from quantiles
