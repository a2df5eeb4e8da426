select
    variety_id,
    name,
    huglin_need::float as huglin_need,
    reference,
    param_status
from {{ ref('grape_varieties') }}
