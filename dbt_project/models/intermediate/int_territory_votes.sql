{{ config(materialized='view') }}
-- The values that vote, by territory, dataset, context and indicator, in the order of dim_simulation: those of every run, but
-- at the reference a model that comes with several scenarios votes once.
with voters as (

    select dataset_id, list(votes_at_reference order by run_position) as votes
    from {{ ref('int_simulations') }}
    group by dataset_id

)

select
    runs.*,
    case
        when runs.context_key = 0
            then list_transform(runs.run_values, lambda value, i: case when voters.votes[i] then value end)
        else runs.run_values
    end as votes
from {{ ref('int_territory_runs') }} as runs
inner join voters using (dataset_id)
