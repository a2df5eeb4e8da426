-- Changes are taken run by run, before any quantile.
with runs as (

    select * from {{ ref('int_territory_runs') }}

),

reference as (

    select territory_id, weighting, dataset_id, indicator_id, run_values as reference_values
    from runs
    where context_id = 'ref'

)

select
    runs.territory_id,
    runs.indicator_id,
    runs.dataset_id,
    runs.context_id,
    runs.weighting,
    runs.run_values,
    case
        when runs.context_id <> 'ref'
            then list_transform(
                list_zip(runs.run_values, reference.reference_values),
                lambda pair: pair[1] - pair[2]
            )
    end::float[] as run_changes
from runs
left join reference using (territory_id, weighting, dataset_id, indicator_id)
