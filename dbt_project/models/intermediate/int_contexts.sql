select
    position::utinyint as context_key,
    context_id,
    axis
from {{ ref('contexts') }}
