{{ config(materialized='view') }}
{%- for mode in ('threshold', 'rank') %}
select
    territories.territory_id,
    scores.score_id,
    scores.dataset_id,
    scores.axis,
    contexts.context_id,
    '{{ mode }}' as mode,
    scores.{{ mode }}_score as score,
    scores.{{ mode }}_q05 as q05,
    scores.{{ mode }}_q50 as q50,
    scores.{{ mode }}_q95 as q95,
    scores.{{ mode }}_class::tinyint as class,
    scores.{{ mode }}_class_confidence as class_confidence,
    scores.n_runs,
    scores.coverage,
    scores.parts,
    {%- if mode == 'rank' %}
    scores.region_rank,
    scores.drawn_q05,
    scores.drawn_q95,
    {%- else %}
    null::float as region_rank,
    null::float as drawn_q05,
    null::float as drawn_q95,
    {%- endif %}
    versions.bin_version,
    datasets.validation_status,
    -- by position, not by case: DuckDB cannot compare a case that ends in a constant where the table is empty
    [coalesce(scores.reason, 'too_few_to_rank')][if(scores.{{ mode }}_score is null, 1, 2)] as reason
from {{ ref('int_scores') }} as scores
inner join {{ ref('int_territories') }} as territories using (territory_key)
inner join {{ ref('int_contexts') }} as contexts using (context_key)
inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)
inner join {{ ref('int_score_versions') }} as versions
    on scores.dataset_id = versions.dataset_id and scores.axis = versions.axis and scores.score_id = versions.score_id
{{ 'union all' if not loop.last }}
{%- endfor %}
