select
    simulation_id,
    dataset_id,
    run_position::smallint as run_position,
    gcm,
    rcm,
    member,
    correction,
    scenario,
    calendar,
    year_start,
    year_end,
    validation_status,
    pet_method,
    grid_id
from {{ ref('int_simulations') }}
