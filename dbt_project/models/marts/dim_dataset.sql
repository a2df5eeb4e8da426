with fetched as (
    select source_id, max(fetched_at) as fetched_at
    from {{ ref('stg_lake__source_files') }}
    group by source_id
)

select
    datasets.dataset_id,
    datasets.title_fr,
    datasets.title_en,
    datasets.producer,
    datasets.licence,
    datasets.citation,
    datasets.homepage,
    datasets.validation_status,
    datasets.resolution_km,
    datasets.notice_fr,
    datasets.notice_en,
    fetched.fetched_at,
    states.checked_at,
    coalesce(states.is_stale, false) as is_stale,
    states.stale_reason
from {{ ref('stg_lake__datasets') }} as datasets
left join fetched on datasets.dataset_id = fetched.source_id
left join {{ ref('stg_lake__source_states') }} as states on datasets.dataset_id = states.source_id
