-- The legal maps of clay shrink-swell, each with the days in which it is in force: [valid_from, valid_to). A later map of the same basis
-- and status ends the one before: shares of houses and area (basis shares), or one class per commune (basis classes).
with measured as (

    select *, case when measure_id = 'rga_share' then 'shares' else 'classes' end as basis
    from {{ ref('fct_exposure') }}
    where measure_id in ('rga_share', 'rga_class_2020', 'rga_class_2026')

),

maps as (

    select
        dataset_id,
        measure_id,
        basis,
        any_value(validation_status) as validation_status,
        min(date_start) as valid_from
    from measured
    where date_start is not null
    group by dataset_id, measure_id, basis

),

in_force as (

    select
        *,
        min(valid_from) over (
            partition by validation_status = 'synthetic', basis
            order by valid_from
            range between interval 1 day following and unbounded following
        ) as valid_to
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

-- the strongest class of area that the source has and does not tell: no weaker one is the strongest, then
untold as (

    select
        territory_id,
        dataset_id,
        max(list_position(['weak', 'medium', 'strong'], replace(measure_id, 'rga_area_share_', ''))) as class
    from {{ ref('fct_exposure') }}
    where measure_id in ('rga_area_share_weak', 'rga_area_share_medium', 'rga_area_share_strong')
        and reason in ('secret', 'not_published')
    group by territory_id, dataset_id

)

select
    measured.territory_id,
    measured.dataset_id,
    in_force.basis,
    in_force.valid_from,
    in_force.valid_to::date as valid_to,
    shares.rga_share as share,
    shares.rga_share_medium as share_medium,
    shares.rga_share_strong as share_strong,
    shares.rga_houses as houses,
    shares.rga_area_share_weak as area_share_weak,
    shares.rga_area_share_medium as area_share_medium,
    shares.rga_area_share_strong as area_share_strong,
    case
        when measured.state = 'not_studied' then null
        when in_force.basis = 'classes' then ['none_mapped', 'weak', 'medium', 'strong'][measured.value::integer + 1]
        when shares.rga_area_share_strong > 0 then 'strong'
        when untold.class = 3 then null
        when shares.rga_area_share_medium > 0 then 'medium'
        when untold.class = 2 then null
        when shares.rga_area_share_weak > 0 then 'weak'
        when untold.class = 1 then null
        when shares.rga_area_share_strong is not null then 'none_mapped'
    end as strongest,
    measured.state,
    measured.source_file_id,
    in_force.validation_status,
    measured.reason
from measured
inner join in_force using (dataset_id, measure_id)
left join shares
    on measured.territory_id = shares.territory_id and measured.dataset_id = shares.dataset_id and in_force.basis = 'shares'
left join untold
    on measured.territory_id = untold.territory_id and measured.dataset_id = untold.dataset_id and in_force.basis = 'shares'
