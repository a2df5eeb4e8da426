select
    context_id,
    axis,
    position::smallint as position,
    level_c::float as level_c,
    scenario,
    horizon,
    year_start::smallint as year_start,
    year_end::smallint as year_end,
    label_fr,
    label_en
from {{ ref('contexts') }}
