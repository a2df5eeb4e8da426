-- Per run: the years in which each warming level falls, and the emission window whose middle is nearest to them.
with levels as (

    select windows.* from {{ ref('int_run_windows') }} as windows
    inner join {{ ref('contexts') }} as contexts using (context_id)
    where contexts.axis = 'warming_level'

),

horizons as (

    select windows.simulation_id, windows.context_id, windows.year_start, windows.year_end
    from {{ ref('int_run_windows') }} as windows
    inner join {{ ref('contexts') }} as contexts using (context_id)
    where contexts.axis = 'emission'

)

select
    levels.simulation_id,
    simulations.dataset_id,
    levels.context_id,
    levels.pivot_year::smallint as pivot_year,
    levels.pivot_source,
    levels.year_start::smallint as year_start,
    levels.year_end::smallint as year_end,
    levels.is_cut_short,
    arg_min(
        horizons.context_id,
        abs(levels.year_start + levels.year_end - horizons.year_start - horizons.year_end)
    ) as nearest_emission_context_id
from levels
inner join {{ ref('int_simulations') }} as simulations using (simulation_id)
left join horizons using (simulation_id)
group by all
