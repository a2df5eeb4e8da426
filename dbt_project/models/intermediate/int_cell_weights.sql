select
    territories.territory_key,
    weights.weighting,
    weights.grid_id,
    weights.cell_id,
    weights.weight,
    weights.method
from {{ ref('stg_lake__cell_weights') }} as weights
inner join {{ ref('int_territories') }} as territories using (territory_id)
