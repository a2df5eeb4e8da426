select
    source_file_id,
    source_id,
    name,
    url,
    fetched_at,
    extracted_at,
    bytes,
    sha256,
    rows as n_records,
    licence
from {{ ref('stg_lake__source_files') }}
