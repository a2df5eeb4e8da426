with cells as (

    select territory_id, count(*)::integer as n_cells, any_value(method) as weight_method
    from {{ ref('stg_lake__cell_weights') }}
    where weighting = 'area' and grid_id = 'lambert_8km'
    group by territory_id

)

select
    territories.territory_id,
    kind,
    code,
    name,
    name_en,
    zone,
    epci_id,
    departement_id,
    region_id,
    caisse_id,
    caisse_shared_with,
    massif_id,
    population,
    area_km2,
    altitude_low_m,
    altitude_m,
    altitude_high_m,
    cog_year,
    longitude,
    latitude,
    coalesce(cells.n_cells, 0) as n_cells,
    cells.weight_method,
    geometry_method,
    territory_reason as reason,
    geometry,
    outline
from {{ ref('stg_lake__territories') }} as territories
left join cells using (territory_id)
