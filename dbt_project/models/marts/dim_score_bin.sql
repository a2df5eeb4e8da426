-- The bins of the scores: a goalpost row per part, a class row per class and mode.
select
    dataset_id,
    axis,
    score_id,
    'goalposts' as bin,
    null::varchar as mode,
    null::tinyint as class,
    pillar_id,
    pillar_weight::double as pillar_weight,
    kind as part_kind,
    part_id,
    measure_dataset_id,
    statistic,
    weight::double as weight,
    direction,
    low,
    high,
    low_quantile::double as low_quantile,
    high_quantile::double as high_quantile,
    n_pooled,
    pooled_kind,
    null::double as bound,
    bin_version
from {{ ref('int_score_bins') }}
inner join {{ ref('int_score_versions') }} using (dataset_id, axis, score_id)
union all by name
select dataset_id, axis, score_id, 'class' as bin, mode, class, bound, bin_version
from {{ ref('int_score_classes') }}
inner join {{ ref('int_score_versions') }} using (dataset_id, axis, score_id)
