-- The years of each context in each run: the reference, the horizons of its scenario, the warming levels that it reaches.
with runs as (

    select simulations.simulation_id, simulations.scenario, min(years.year) as first_year, max(years.year) as last_year
    from {{ ref('stg_lake__simulations') }} as simulations
    inner join {{ ref('int_run_years') }} as years using (simulation_id)
    group by simulations.simulation_id, simulations.scenario

),

fixed as (

    select
        runs.simulation_id,
        contexts.context_id,
        contexts.year_start,
        contexts.year_end,
        null::integer as pivot_year,
        'fixed' as pivot_source
    from runs
    inner join {{ ref('contexts') }} as contexts
        on contexts.axis = 'reference' or (contexts.axis = 'emission' and contexts.scenario = runs.scenario)

),

warming as (

    select
        runs.simulation_id,
        pivots.context_id,
        -- a window that overruns the run takes its last years instead
        least(pivots.pivot_year + {{ var('window_after') }}, runs.last_year)
            - {{ var('window_before') }} - {{ var('window_after') }} as year_start,
        least(pivots.pivot_year + {{ var('window_after') }}, runs.last_year) as year_end,
        pivots.pivot_year,
        pivots.pivot_source
    from runs
    inner join {{ ref('int_run_pivots') }} as pivots using (simulation_id)

),

windows as (

    select * from fixed
    union all
    select * from warming

)

select
    windows.*,
    windows.pivot_year + {{ var('window_after') }} > runs.last_year as is_cut_short,
    windows.year_end - windows.year_start + 1 as n_years_expected,
    (
        select count(*)
        from {{ ref('int_run_years') }} as years
        where years.simulation_id = windows.simulation_id and years.year between windows.year_start and windows.year_end
    ) as n_years
from windows
inner join runs using (simulation_id)
where n_years >= {{ var('min_valid_years_share') }} * n_years_expected
