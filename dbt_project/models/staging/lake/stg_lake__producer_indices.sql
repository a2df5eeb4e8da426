select
    source_file_id,
    dataset_id,
    simulation_id,
    context_id,
    season,
    cell_id,
    index_code,
    value::double as value
from {{ source('lake', 'producer_index') }}
