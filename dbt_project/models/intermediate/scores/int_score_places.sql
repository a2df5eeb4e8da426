{{ config(materialized='view') }}
-- The territories that have a score's row, by dataset: those of its facts.
select distinct
    facts.dataset_id,
    keys.territory_key,
    territories.kind,
    territories.region_id
from {{ ref('int_scorable_indicators') }} as facts
inner join {{ ref('int_territories') }} as keys using (territory_id)
inner join {{ ref('stg_lake__territories') }} as territories using (territory_id)
where facts.weighting = 'area' and facts.context_id = 'ref'
