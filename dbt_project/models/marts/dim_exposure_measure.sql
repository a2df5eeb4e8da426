select
    measure_id,
    label_fr,
    label_en,
    theme,
    unit,
    direction,
    aggregation,
    weight,
    absent_means,
    ramp,
    decimals::smallint as decimals,
    breaks,
    definition_fr,
    definition_en,
    reference
from {{ ref('exposure_measures') }}
