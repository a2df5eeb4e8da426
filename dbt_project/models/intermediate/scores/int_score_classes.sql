-- The bounds of the classes. ``threshold``: quantiles of the communes' scores at the reference; ``rank``: fifths. A class has the
-- scores above its lower bound, or below its upper one where a high score is the better one.
with bounds as (

    select distinct dataset_id, axis, score_id, mode, bounds from {{ ref('int_scores') }}

)

select
    bounds.dataset_id,
    bounds.axis,
    bounds.score_id,
    bounds.mode,
    classes.class::tinyint as class,
    case when classes.class > 1 then bounds.bounds[classes.class - 1] end as bound
from bounds
cross join {{ ref('score_classes') }} as classes
