select
    grid_id,
    cell_id,
    x,
    y,
    longitude,
    latitude,
    is_extrapolated,
    polygon
from {{ ref('stg_lake__cells') }}
