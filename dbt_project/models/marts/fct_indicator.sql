-- Quantiles over runs come last: one run, one vote. A territory without values has its rows too, with the reason.
with voters as (

    -- at the reference, a model that comes with several scenarios votes once
    select dataset_id, list(votes_at_reference order by run_position) as votes
    from {{ ref('int_simulations') }}
    group by dataset_id

),

voting as (

    select
        runs.*,
        case
            when runs.context_key = 0
                then list_transform(runs.run_values, lambda value, i: case when voters.votes[i] then value end)
            else runs.run_values
        end as votes
    from {{ ref('int_territory_runs') }} as runs
    inner join voters using (dataset_id)

),

runs as (

    select
        *,
        {{ ensemble_quantiles('votes') }} as level_quantiles,
        {{ ensemble_quantiles('run_changes') }} as change_quantiles
    from voting

),

reference as (

    select territory_key, indicator_id, dataset_id, weighting, level_quantiles[2] as ref_q50
    from runs
    where context_key = 0

),

asked as (

    select distinct dataset_id, indicator_id, context_key, weighting from runs

),

every_territory as (

    select territories.*, contexts.context_id, asked.*
    from {{ ref('int_territories') }} as territories
    cross join asked
    inner join {{ ref('int_contexts') }} as contexts using (context_key)

),

years as (

    select simulations.dataset_id, windows.context_id, min(windows.n_years)::smallint as n_years
    from {{ ref('int_run_windows') }} as windows
    inner join {{ ref('int_simulations') }} as simulations using (simulation_id)
    group by simulations.dataset_id, windows.context_id

),

joined as (

    select
        every_territory.*,
        reference.ref_q50,
        runs.level_quantiles,
        runs.change_quantiles,
        runs.votes,
        runs.run_changes,
        signal.gammas,
        frequencies.event_frequency,
        years.n_years,
        coverage.n_cells,
        coverage.extrapolated_weight / coverage.covered_share as extrapolated_share,
        coverage.method,
        datasets.resolution_km,
        datasets.validation_status,
        case
            when coverage.covered_share >= {{ var('min_covered_share') }} and runs.level_quantiles is not null then null
            else coalesce(every_territory.territory_reason, 'missing_cells')
        end as reason
    from every_territory
    left join runs using (territory_key, indicator_id, dataset_id, context_key, weighting)
    left join reference using (territory_key, indicator_id, dataset_id, weighting)
    left join {{ ref('int_territory_signal') }} as signal
        using (territory_key, indicator_id, dataset_id, context_key, weighting)
    left join {{ ref('int_territory_event_frequency') }} as frequencies
        using (territory_key, indicator_id, dataset_id, context_key, weighting)
    left join years using (dataset_id, context_id)
    left join {{ ref('int_territory_coverage') }} as coverage using (territory_key, indicator_id, dataset_id, weighting)
    inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)

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
    case when reason is null then {{ run_count('votes') }} else 0 end::smallint as n_runs,
    case when reason is null then {{ sign_agreement('run_changes', 'change_quantiles[2]') }} end::float as agreement,
    case when reason is null and context_id <> 'ref' then {{ robustness('run_changes', 'gammas') }} end as robustness,
    n_years,
    case when reason is null then event_frequency end as event_frequency,
    coalesce(n_cells, 0)::integer as n_cells,
    case when reason is null then coalesce(extrapolated_share, 0) end::float as extrapolated_share,
    resolution_km,
    method,
    validation_status,
    reason
from joined
