select
    score_id,
    label_fr,
    label_en,
    short_label_fr,
    short_label_en,
    acute_chronic,
    taxonomy_family,
    taxonomy_hazard,
    high_is,
    min_pillar_weight::double as min_pillar_weight,
    min_pillars::tinyint as min_pillars,
    is_hazard_only::boolean as is_hazard_only,
    notice_fr,
    notice_en,
    version::varchar as version
from {{ ref('hazards') }}
