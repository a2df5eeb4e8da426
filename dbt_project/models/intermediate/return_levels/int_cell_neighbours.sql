-- A cell and the eight around it, itself included: cell ids are row × columns + column on every grid.
with cells as (

    select
        grid_id,
        cell_id,
        case when grid_id = 'lambert_8km' then 143 else regexp_extract(grid_id, '_\d+x(\d+)_', 1)::integer end as n_columns
    from {{ ref('stg_lake__cells') }}
    -- bands of altitude and stations have no neighbours
    where grid_id not in ('{{ var("massif_grid") }}', '{{ var("station_grid") }}')

),

around as (

    select
        cells.grid_id,
        cells.cell_id,
        cells.cell_id + rows.step * cells.n_columns + columns.step as neighbour_id
    from cells
    cross join (select unnest([-1, 0, 1]) as step) as rows
    cross join (select unnest([-1, 0, 1]) as step) as columns
    where cells.cell_id % cells.n_columns + columns.step between 0 and cells.n_columns - 1

)

select around.*
from around
semi join cells on around.grid_id = cells.grid_id and around.neighbour_id = cells.cell_id
