-- The legal maps of clay shrink-swell, each with the days in which it is in force: [valid_from, valid_to). A later map of the same
-- status ends the one before.
with maps as (

    select
        dataset_id,
        any_value(validation_status) as validation_status,
        min(date_start) as valid_from
    from {{ ref('fct_exposure') }}
    where measure_id = 'rga_share' and date_start is not null
    group by dataset_id

),

in_force as (

    select
        *,
        lead(valid_from) over (partition by validation_status = 'synthetic' order by valid_from, dataset_id) as valid_to
    from maps

),

shares as (

    pivot (
        select territory_id, dataset_id, measure_id, value
        from {{ ref('fct_exposure') }}
        where measure_id in (
            'rga_share', 'rga_share_medium', 'rga_share_strong', 'rga_houses', 'rga_area_share_weak', 'rga_area_share_medium',
            'rga_area_share_strong'
        )
    )
    on measure_id in (
        'rga_share', 'rga_share_medium', 'rga_share_strong', 'rga_houses', 'rga_area_share_weak', 'rga_area_share_medium',
        'rga_area_share_strong'
    )
    using max(value)
    group by territory_id, dataset_id

),

states as (

    select territory_id, dataset_id, state, source_file_id, reason
    from {{ ref('fct_exposure') }}
    where measure_id = 'rga_share'

)

select
    states.territory_id,
    states.dataset_id,
    in_force.valid_from,
    in_force.valid_to,
    shares.rga_share as share,
    shares.rga_share_medium as share_medium,
    shares.rga_share_strong as share_strong,
    shares.rga_houses as houses,
    shares.rga_area_share_weak as area_share_weak,
    shares.rga_area_share_medium as area_share_medium,
    shares.rga_area_share_strong as area_share_strong,
    case
        when states.state = 'not_studied' then null
        when shares.rga_area_share_strong > 0 then 'strong'
        when shares.rga_area_share_medium > 0 then 'medium'
        when shares.rga_area_share_weak > 0 then 'weak'
        when shares.rga_area_share_strong is not null then 'none_mapped'
    end as strongest,
    states.state,
    states.source_file_id,
    in_force.validation_status,
    states.reason
from states
inner join in_force using (dataset_id)
left join shares using (territory_id, dataset_id)
