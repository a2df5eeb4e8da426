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

    select bit_xor(hash(grid_id, cell_id, territory_id, weighting, weight)) as fingerprint
    from {{ ref('stg_lake__cell_weights') }}

)

select
    simulations.*,
    (row_number() over (order by dataset_id, simulations.simulation_id))::smallint as run_key,
    row_number() over (partition by dataset_id order by simulations.simulation_id) as run_position,
    -- a model that comes with several scenarios has one reference, hence one vote there
    row_number() over (
        partition by dataset_id, gcm, rcm, member, correction
        order by coalesce(list_position({{ var('warming_level_scenarios') }}, scenario), 99), simulations.simulation_id
    ) = 1 as votes_at_reference,
    md5(
        concat_ws(
            '|', files.source_file_ids, simulations.content_sha256, weights.fingerprint, '{{ indicator_columns() | join(",") }}'
        )
    ) as fingerprint
from {{ ref('stg_lake__simulations') }} as simulations
left join files using (simulation_id)
cross join weights
where files.source_file_ids is not null or simulations.content_sha256 is not null
