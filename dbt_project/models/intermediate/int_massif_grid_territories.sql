-- Dataset × territory × weighting that the grid of massif bands serves: those with weights, and those that it should serve and
-- does not, with the reason (gap).
with datasets as (

    select dataset_id from {{ ref('int_datasets') }} where is_of_massifs

)

select datasets.dataset_id, served.*
from datasets
cross join (
    select distinct territory_key, weighting, null::varchar as gap
    from {{ ref('int_cell_weights') }}
    where grid_id = '{{ var("massif_grid") }}'
    union all
    select territories.territory_key, gaps.weighting, gaps.reason
    from {{ ref('stg_lake__weight_gaps') }} as gaps
    inner join {{ ref('int_territories') }} as territories using (territory_id)
    where gaps.grid_id = '{{ var("massif_grid") }}'
) as served
