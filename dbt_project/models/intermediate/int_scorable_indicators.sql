{{ config(materialized='view') }}
-- What a score may read: validated datasets only. A dataset under evaluation, or simulated, feeds no score.
select *
from {{ ref('fct_indicator') }}
where validation_status = 'validated'
