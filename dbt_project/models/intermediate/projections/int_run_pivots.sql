-- The year in which each run reaches each warming level of France: published where the producer publishes it, else the first
-- year n whose window [n - before, n + after] is, on the France mean, as much warmer than the run's own reference as the
-- level less the warming that France had already seen in the reference (0.6 °C). Windows may be cut by the end of the run.
with runs as (

    select simulation_id, gcm, rcm, member, scenario
    from {{ ref('stg_lake__simulations') }}
    where scenario in ({{ "'" ~ var('warming_level_scenarios') | join("', '") ~ "'" }})

),

levels as (

    select context_id, level_c from {{ ref('contexts') }} where axis = 'warming_level'

),

reference as (

    select simulation_id, avg(t_mean) as t_mean
    from {{ ref('int_france_years') }}
    where year between {{ var('reference_start') }} and {{ var('reference_end') }}
    group by simulation_id

),

smoothed as (

    select
        simulation_id,
        year,
        avg(t_mean) over (
            partition by simulation_id order by year
            range between {{ var('window_before') }} preceding and {{ var('window_after') }} following
        ) as t_mean
    from {{ ref('int_france_years') }}

),

computed as (

    select runs.simulation_id, levels.context_id, min(smoothed.year) as pivot_year
    from runs
    inner join smoothed using (simulation_id)
    inner join reference using (simulation_id)
    cross join levels
    where smoothed.year > {{ var('reference_end') }}
        and smoothed.t_mean - reference.t_mean >= levels.level_c - {{ var('reference_warming_c') }}
    group by runs.simulation_id, levels.context_id

),

published as (

    select runs.simulation_id, pivots.context_id, pivots.pivot_year
    from runs
    inner join {{ ref('warming_pivots') }} as pivots
        on runs.gcm = pivots.gcm and runs.scenario = pivots.scenario and runs.member = pivots.member
        and ends_with(runs.rcm, pivots.rcm)

),

pivots as (

    select *, 'published' as pivot_source from published where pivot_year is not null
    union all
    -- a run that the producer lists keeps to its list: an empty year there means that the level is not reached
    select *, 'computed' as pivot_source from computed anti join published using (simulation_id)

),

-- a run without a France mean (massif bands) warms as the same climate run does elsewhere
shared as (

    select runs.simulation_id, pivots.context_id, arg_min(pivots.pivot_year, pivots.simulation_id) as pivot_year
    from runs
    inner join runs as others
        on runs.gcm = others.gcm and runs.rcm = others.rcm and runs.scenario = others.scenario
        and coalesce(runs.member, '') = coalesce(others.member, '')
    inner join pivots on others.simulation_id = pivots.simulation_id
    where runs.simulation_id not in (select simulation_id from reference)
        and runs.simulation_id not in (select simulation_id from published)
    group by runs.simulation_id, pivots.context_id

)

select * from pivots
union all
select *, 'same_run' as pivot_source from shared
