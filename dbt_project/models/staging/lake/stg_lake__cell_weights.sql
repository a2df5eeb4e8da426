select grid_id, cell_id, territory_id, weighting, weight, method
from {{ source('lake', 'cell_weight') }}
