{{ config(materialized='view') }}
{%- set pillars = ['heat', 'water', 'flood', 'fire_ground', 'comfort'] %}
select
    territories.territory_id,
    scores.dataset_id,
    scores.axis,
    contexts.context_id,
    scores.threshold_score as score,
    scores.threshold_q05 as score_q05,
    scores.threshold_q50 as score_q50,
    scores.threshold_q95 as score_q95,
    scores.threshold_class::tinyint as class,
    scores.threshold_class_confidence as class_confidence,
    scores.rank_score as percentile,
    scores.region_rank as region_percentile,
    scores.drawn_q05 as percentile_q05,
    scores.drawn_q95 as percentile_q95,
    {%- for pillar in pillars %}
    list_filter(scores.parts, lambda part: part.pillar_id = '{{ pillar }}')[1].pillar_score as {{ pillar }},
    {%- endfor %}
    len(list_distinct(
        list_transform(list_filter(scores.parts, lambda part: part.pillar_score is not null), lambda part: part.pillar_id)
    ))::tinyint as n_pillars,
    scores.coverage,
    scores.n_runs,
    scores.parts,
    versions.bin_version,
    datasets.validation_status,
    definitions.notice_fr,
    definitions.notice_en,
    scores.reason
from {{ ref('int_scores') }} as scores
inner join {{ ref('int_territories') }} as territories using (territory_key)
inner join {{ ref('int_contexts') }} as contexts using (context_key)
inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)
inner join {{ ref('hazards') }} as definitions using (score_id)
inner join {{ ref('int_score_versions') }} as versions
    on scores.dataset_id = versions.dataset_id and scores.axis = versions.axis and scores.score_id = versions.score_id
where scores.score_id = 'habitability'
