select territory_id, group_id, kind, source_id, listed_codes, extent
from {{ source('lake', 'territory_membership') }}
