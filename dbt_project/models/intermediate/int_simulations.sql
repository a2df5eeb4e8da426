-- One row per run, with its place in its dataset (the order of every run_values list) and a fingerprint of all that
-- its territory values depend on: a run is computed again only when its fingerprint changes.
with files as (

    select
        simulation_id,
        string_agg(distinct source_file_id, ',' order by source_file_id) as source_file_ids
    from {{ ref('stg_lake__producer_indices') }}
    group by simulation_id

),

weights as (

    select bit_xor(hash(cell_id, territory_id, weighting, weight)) as fingerprint
    from {{ ref('stg_lake__cell_weights') }}

)

select
    simulations.*,
    row_number() over (partition by dataset_id order by simulations.simulation_id) as run_position,
    md5(concat_ws('|', files.source_file_ids, weights.fingerprint, '{{ indicator_columns() | join(",") }}')) as fingerprint
from {{ ref('stg_lake__simulations') }} as simulations
inner join files using (simulation_id)
cross join weights
