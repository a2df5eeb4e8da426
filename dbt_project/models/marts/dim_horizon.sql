select context_id, horizon, label_fr, label_en, version::varchar as version
from {{ ref('horizons') }}
