select
    source_file_id,
    index_code,
    base_code,
    label,
    unit,
    statistic,
    -- half a unit of the last printed decimal: the most that rounding can have moved a printed value
    0.5 * pow(10, -decimals) as half_unit
from {{ source('lake', 'producer_index_header') }}
