-- The bounds of the classes. ``threshold``: quantiles of the communes' scores at the reference; ``rank``: fifths. A class has the
-- scores above its lower bound, or below its upper one where a high score is the better one.
with bounds as (

    select
        dataset_id,
        axis,
        score_id,
        any_value(threshold_bounds) as threshold,
        any_value(rank_bounds) as rank
    from {{ ref('int_scores') }}
    group by all

),

modes as (

    unpivot bounds on threshold, rank into name mode value bounds

)

select
    modes.dataset_id,
    modes.axis,
    modes.score_id,
    modes.mode,
    classes.class::tinyint as class,
    case when classes.class > 1 then modes.bounds[classes.class - 1] end as bound
from modes
cross join {{ ref('score_classes') }} as classes
