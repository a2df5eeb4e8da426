-- Weights of the area, and of what is exposed where that differs.
select grid_id, cell_id, territory_id, weighting, weight, method
from {{ source('lake', 'cell_weight') }}
union all
select grid_id, cell_id, territory_id, weighting, weight, method
from {{ source('lake', 'exposure_weight') }}
