select class::tinyint as class, label_fr, label_en, lower_share::double as lower_share, version::varchar as version
from {{ ref('score_classes') }}
