select
    territory_id,
    group_id,
    kind,
    source_id,
    listed_codes,
    extent
from {{ ref('stg_lake__territory_memberships') }}
