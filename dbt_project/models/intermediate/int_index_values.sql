{{ config(materialized='view') }}
-- Producer levels by indicator: run × context × cell × indicator. A date of 0 is a false zero (border points), hence NULL.
select
    indices.source_file_id,
    indices.simulation_id,
    indices.context_id,
    indices.cell_id,
    indices.season,
    mapping.indicator_id,
    headers.base_code,
    headers.half_unit,
    case
        when mapping.zero_is_missing and indices.value = 0 then null
        else indices.value + mapping.value_offset
    end as value
from {{ ref('stg_lake__producer_indices') }} as indices
inner join {{ ref('producer_indices') }} as mapping
    on indices.index_code = mapping.index_code and indices.season = mapping.season
inner join {{ ref('stg_lake__producer_index_headers') }} as headers
    on indices.source_file_id = headers.source_file_id and indices.index_code = headers.index_code
where headers.statistic = 'level'
