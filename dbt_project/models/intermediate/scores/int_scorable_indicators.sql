{{ config(materialized='view') }}
-- The indicators that a score may read.
select facts.*
from {{ ref('fct_indicator') }} as facts
inner join {{ ref('int_scorable_datasets') }} as datasets using (dataset_id)
