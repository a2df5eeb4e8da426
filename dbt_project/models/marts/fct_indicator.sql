-- Quantiles over runs come last: one run, one vote. A territory without values has its rows too, with the reason.
-- A weighting that no source gives yet has no rows: dim_weighting says so once (docs/decisions/0006-weightings.md).
with runs as (

    select
        *,
        {{ ensemble_quantiles('votes') }} as level_quantiles,
        {{ ensemble_quantiles('run_changes') }} as change_quantiles
    from {{ ref('int_territory_votes') }}

),

-- what holds for all the contexts of a territory, indicator and dataset
places as (

    select
        coverage.territory_key,
        coverage.indicator_id,
        coverage.dataset_id,
        coverage.weighting,
        coverage.n_cells,
        coverage.extrapolated_weight / coverage.covered_share as extrapolated_share,
        coverage.method,
        coverage.covered_share >= {{ var('min_covered_share') }} as is_covered,
        runs.level_quantiles[2] as ref_q50
    from {{ ref('int_territory_coverage') }} as coverage
    left join (select * from runs where context_key = 0) as runs using (territory_key, indicator_id, dataset_id, weighting)

),

years as (

    select simulations.dataset_id, windows.context_id, min(windows.n_years)::smallint as n_years
    from {{ ref('int_run_windows') }} as windows
    inner join {{ ref('int_simulations') }} as simulations using (simulation_id)
    group by simulations.dataset_id, windows.context_id

),

-- what is said of the runs of a territory, once for each set of weights
computed as (

    select
        runs.territory_key,
        runs.indicator_id,
        runs.dataset_id,
        runs.context_key,
        runs.weighting as computed_as,
        runs.level_quantiles,
        runs.change_quantiles,
        {{ run_count('runs.votes') }} as n_runs,
        {{ sign_agreement('runs.run_changes', 'runs.change_quantiles[2]') }} as agreement,
        case when runs.context_key <> 0 then {{ robustness('runs.run_changes', 'signal.gammas') }} end as robustness,
        frequencies.event_frequency,
        places.ref_q50,
        places.n_cells,
        places.extrapolated_share,
        places.method,
        places.is_covered
    from runs
    left join places using (territory_key, indicator_id, dataset_id, weighting)
    left join {{ ref('int_territory_signal') }} as signal
        using (territory_key, indicator_id, dataset_id, context_key, weighting)
    left join {{ ref('int_territory_event_frequency') }} as frequencies
        using (territory_key, indicator_id, dataset_id, context_key, weighting)

),

-- every value under each weighting that its indicator asks for: a territory whose exposed are spread evenly has that of its area.
-- A value on the bands of a massif is of altitudes, and says nothing of where people are.
weighted as (

    select computed.*, weightings.weighting, weightings.method as weighting_method
    from computed
    inner join {{ ref('int_datasets') }} as datasets using (dataset_id)
    inner join {{ ref('int_territory_weightings') }} as weightings using (territory_key, computed_as)
    inner join {{ ref('int_asked_weightings') }} as asked using (indicator_id, weighting)
    where not datasets.is_of_massifs or weightings.weighting = computed_as

),

asked as (

    select dataset_id, indicator_id, context_key, weighting
    from runs
    union
    select runs.dataset_id, runs.indicator_id, runs.context_key, weightings.weighting
    from runs
    inner join {{ ref('int_datasets') }} as datasets using (dataset_id)
    inner join {{ ref('int_asked_weightings') }} as weightings using (indicator_id)
    where weightings.family = 'exposure' and not datasets.is_of_massifs

),

-- a row for every territory of a national dataset, for those that it touches of an extract
without_values as (

    select asked.*, territories.territory_key, null::varchar as gap
    from asked
    inner join {{ ref('int_datasets') }} as datasets using (dataset_id)
    cross join {{ ref('int_territories') }} as territories
    anti join weighted using (territory_key, indicator_id, dataset_id, context_key, weighting)
    where not datasets.is_of_massifs
        and ((datasets.is_national and not territories.is_of_altitude)
            or (territories.territory_key, asked.dataset_id) in (select (territory_key, dataset_id) from places))
    union all
    select asked.*, served.territory_key, served.gap
    from asked
    inner join {{ ref('int_massif_grid_territories') }} as served using (dataset_id, weighting)
    anti join weighted using (territory_key, indicator_id, dataset_id, context_key, weighting)

),

joined as (

    select
        every_row.*,
        territories.territory_id,
        contexts.context_id,
        years.n_years,
        datasets.resolution_km,
        datasets.validation_status,
        case
            when every_row.is_covered and every_row.level_quantiles is not null then null
            else coalesce(every_row.gap, territories.territory_reason, weightings.weighting_reason, 'missing_cells')
        end as reason
    from (
        select * exclude (computed_as) from weighted
        union all by name
        select * from without_values
    ) as every_row
    inner join {{ ref('int_territories') }} as territories using (territory_key)
    inner join {{ ref('int_contexts') }} as contexts using (context_key)
    inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)
    left join {{ ref('int_territory_weightings') }} as weightings using (territory_key, weighting)
    left join years using (dataset_id, context_id)

)

select
    territory_id,
    indicator_id,
    dataset_id,
    context_id,
    weighting,
    case when reason is null then ref_q50 end::float as ref_q50,
    case when reason is null then level_quantiles[1] end::float as q05,
    case when reason is null then level_quantiles[2] end::float as q50,
    case when reason is null then level_quantiles[3] end::float as q95,
    case when reason is null then change_quantiles[1] end::float as delta_q05,
    case when reason is null then change_quantiles[2] end::float as delta_q50,
    case when reason is null then change_quantiles[3] end::float as delta_q95,
    case when reason is null then n_runs else 0 end::smallint as n_runs,
    case when reason is null then agreement end::float as agreement,
    case when reason is null then robustness end as robustness,
    n_years,
    case when reason is null then event_frequency end as event_frequency,
    coalesce(n_cells, 0)::integer as n_cells,
    case when reason is null then coalesce(extrapolated_share, 0) end::float as extrapolated_share,
    resolution_km,
    coalesce(weighting_method, method) as method,
    validation_status,
    reason
from joined
