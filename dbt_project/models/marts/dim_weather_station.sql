-- Weather stations, each with the cell of the 8 km grid that it stands in. Its values are in fct_cell, on the grid of stations,
-- where its number is its cell_id; they stand for no territory.
select
    stations.dataset_id,
    stations.station_code,
    '{{ var("station_grid") }}' as grid_id,
    stations.station_code::integer as cell_id,
    stations.name,
    stations.departement,
    stations.longitude,
    stations.latitude,
    stations.altitude_m,
    stations.first_day,
    stations.last_day,
    stations.cell_id as lambert_cell_id,
    altitudes.altitude_m as cell_altitude_m,
    stations.source_file_id
from {{ ref('stg_lake__weather_stations') }} as stations
left join {{ ref('stg_lake__cell_altitudes') }} as altitudes
    on stations.cell_id = altitudes.cell_id and altitudes.grid_id = 'lambert_8km'
