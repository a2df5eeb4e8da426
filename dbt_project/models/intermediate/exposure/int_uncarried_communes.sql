{{ config(materialized='view') }}
-- Communes that hold ground of one whose counts could not be carried: their absence from the source says nothing.
select distinct dataset_id, unnest(commune_codes) as commune_code
from {{ ref('int_source_communes') }}
where cause = 'split_since'
