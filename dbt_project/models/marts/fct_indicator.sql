-- Quantiles over runs come last: one run, one vote. A territory without values has its rows too, with the reason.
with runs as (

    select
        *,
        {{ ensemble_quantiles('run_values') }} as level_quantiles,
        {{ ensemble_quantiles('run_changes') }} as change_quantiles
    from {{ ref('fct_indicator_run') }}

),

reference as (

    select territory_id, indicator_id, dataset_id, weighting, level_quantiles[2] as ref_q50
    from runs
    where context_id = 'ref'

),

asked as (

    select distinct dataset_id, indicator_id, context_id, weighting from runs

),

every_territory as (

    select territories.territory_id, territories.territory_reason, asked.*
    from {{ ref('stg_lake__territories') }} as territories
    cross join asked

),

joined as (

    select
        every_territory.*,
        reference.ref_q50,
        runs.level_quantiles,
        runs.change_quantiles,
        runs.run_values,
        runs.run_changes,
        coverage.n_cells,
        coverage.extrapolated_weight / coverage.covered_share as extrapolated_share,
        coverage.method,
        datasets.resolution_km,
        case
            when coverage.covered_share >= {{ var('min_covered_share') }} then null
            else coalesce(every_territory.territory_reason, 'missing_cells')
        end as reason
    from every_territory
    left join runs using (territory_id, indicator_id, dataset_id, context_id, weighting)
    left join reference using (territory_id, indicator_id, dataset_id, weighting)
    left join {{ ref('int_territory_coverage') }} as coverage using (territory_id, indicator_id, dataset_id, weighting)
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
    case when reason is null then {{ run_count('run_values') }} else 0 end::smallint as n_runs,
    case when reason is null then {{ sign_agreement('run_changes', 'change_quantiles[2]') }} end::float as agreement,
    -- the AR6 class needs annual series, which a producer's indices do not carry
    case when reason is null and context_id <> 'ref' then 'not_computable' end as robustness,
    coalesce(n_cells, 0)::integer as n_cells,
    case when reason is null then coalesce(extrapolated_share, 0) end::float as extrapolated_share,
    resolution_km,
    method,
    reason
from joined
