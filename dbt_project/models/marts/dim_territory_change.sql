select
    effective_on,
    change_code,
    change,
    from_kind,
    from_code,
    from_name,
    to_kind,
    to_code,
    to_name,
    source_file_id
from {{ ref('stg_lake__territory_changes') }}
