select
    dataset_id,
    title_fr,
    title_en,
    producer,
    licence,
    citation,
    homepage,
    validation_status,
    resolution_km,
    notice_fr,
    notice_en
from {{ ref('stg_lake__datasets') }}
