select grid_id, territory_id, weighting, reason
from {{ source('lake', 'weight_gap') }}
