-- Which file an indicator of a run and a context comes from, and what its producer calls it.
select distinct
    indices.dataset_id,
    indices.simulation_id,
    indices.context_id,
    mapping.indicator_id,
    indices.source_file_id,
    indices.index_code,
    headers.label as producer_label,
    headers.unit as producer_unit,
    mapping.operator,
    mapping.note
from (
    select distinct dataset_id, simulation_id, context_id, season, source_file_id, index_code
    from {{ ref('stg_lake__producer_indices') }}
) as indices
inner join {{ ref('producer_indices') }} as mapping
    on indices.index_code = mapping.index_code and indices.season = mapping.season
inner join {{ ref('stg_lake__producer_index_headers') }} as headers
    on indices.source_file_id = headers.source_file_id and indices.index_code = headers.index_code
