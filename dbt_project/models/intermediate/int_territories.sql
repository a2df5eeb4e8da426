-- Territories under an integer key: the heavy tables are grouped and joined on it, three times faster than on the id.
select
    (row_number() over (order by territory_id))::integer as territory_key,
    territory_id,
    territory_reason,
    -- what stands on an altitude and not on an area: served by the grid of massif bands alone
    kind in ('massif_band', 'ski_area') as is_of_altitude
from {{ ref('stg_lake__territories') }}
