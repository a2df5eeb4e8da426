{{ config(materialized='view') }}
select
    territories.territory_id,
    scores.score_id,
    scores.dataset_id,
    scores.axis,
    contexts.context_id,
    scores.mode,
    scores.score,
    scores.q05,
    scores.q50,
    scores.q95,
    scores.class::tinyint as class,
    scores.class_confidence,
    scores.n_runs,
    scores.coverage,
    scores.parts,
    scores.region_rank,
    scores.drawn_q05,
    scores.drawn_q95,
    versions.bin_version,
    datasets.validation_status,
    scores.reason
from {{ ref('int_scores') }} as scores
inner join {{ ref('int_territories') }} as territories using (territory_key)
inner join {{ ref('int_contexts') }} as contexts using (context_key)
inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)
inner join {{ ref('int_score_versions') }} as versions using (dataset_id, axis, score_id)
