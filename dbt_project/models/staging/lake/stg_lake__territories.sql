select
    * exclude (reason),
    reason as territory_reason
from {{ source('lake', 'territory') }}
