select
    territory_id,
    weighting,
    computed_as,
    amount,
    share,
    method,
    source_id,
    reason
from {{ ref('stg_lake__territory_weightings') }}
