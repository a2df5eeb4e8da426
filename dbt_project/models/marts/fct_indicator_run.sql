{{ config(materialized='view') }}
select
    territories.territory_id,
    runs.indicator_id,
    runs.dataset_id,
    contexts.context_id,
    runs.weighting,
    runs.run_values,
    runs.run_changes
from {{ ref('int_territory_runs') }} as runs
inner join {{ ref('int_territories') }} as territories using (territory_key)
inner join {{ ref('int_contexts') }} as contexts using (context_key)
