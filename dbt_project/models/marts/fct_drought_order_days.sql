-- Days under orders that restrict water use, by year and level: a number, or why there is none. No order in the file is not zero: some
-- orders have no département (they and their zones are counted beside the days, which are a floor), and a file may begin in the middle
-- of a year.
with years as (

    select
        dataset_id,
        any_value(first_day) as first_day,
        any_value(last_day) as last_day,
        unnest(range(year(any_value(first_day)), year(any_value(last_day)) + 1))::smallint as year
    from {{ ref('int_drought_zone_days') }}
    group by dataset_id

),

-- what is of no known département, hence may be of any
unassigned as (

    select
        zone_days.dataset_id,
        year(zone_days.day)::smallint as year,
        levels.level,
        count(distinct zone_days.order_id) as orders,
        count(distinct zone_days.zone_id) as zones
    from {{ ref('int_drought_zone_days') }} as zone_days
    inner join {{ ref('drought_levels') }} as levels on zone_days.level_position >= levels.position
    where zone_days.departement is null
    group by all

)

select
    territories.territory_id,
    years.dataset_id,
    years.year,
    levels.level,
    days.days,
    days.orders,
    coalesce(unassigned.orders, 0)::integer as orders_unassigned,
    coalesce(unassigned.zones, 0)::integer as zones_unassigned,
    greatest(years.first_day, make_date(years.year, 1, 1)) as date_start,
    least(years.last_day, make_date(years.year, 12, 31)) as date_end,
    datasets.validation_status,
    case when days.days is null then 'no_order_in_file' end as reason
from (
    select territory_id from {{ ref('stg_lake__territories') }} where kind in ('departement', 'region', 'country')
) as territories
cross join years
cross join {{ ref('drought_levels') }} as levels
inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)
left join {{ ref('int_drought_days') }} as days
    on territories.territory_id = days.territory_id
    and years.dataset_id = days.dataset_id
    and years.year = days.year
    and levels.level = days.level
left join unassigned on years.dataset_id = unassigned.dataset_id and years.year = unassigned.year and levels.level = unassigned.level
