select territory_id, weighting, computed_as, amount, share, method, source_id, reason
from {{ source('lake', 'territory_weighting') }}
