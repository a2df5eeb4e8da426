-- The unit in a producer's header is the one that the mapping to an indicator expects.
select headers.source_file_id, headers.index_code, headers.unit, mapping.unit as expected
from {{ ref('stg_lake__producer_index_headers') }} as headers
inner join {{ ref('producer_indices') }} as mapping using (index_code)
where headers.unit <> mapping.unit
