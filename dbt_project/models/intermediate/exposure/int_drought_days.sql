-- Département, région, country × year × level: days on which at least one of their zones was under that level or a higher one, each
-- once, and the orders that were in force at it. Only orders whose département is known.
with members as (

    select
        territory_id as departement_id,
        unnest([territory_id, region_id, case when zone = 'metro' then 'country:FR' end]) as territory_id
    from {{ ref('stg_lake__territories') }}
    where kind = 'departement'

)

select
    zone_days.dataset_id,
    members.territory_id,
    year(zone_days.day)::smallint as year,
    levels.level,
    levels.position as level_position,
    any_value(zone_days.source_file_id) as source_file_id,
    count(distinct zone_days.day) filter (zone_days.level_position >= levels.position)::integer as days,
    count(distinct zone_days.order_id) filter (zone_days.level_position >= levels.position)::integer as orders
from {{ ref('int_drought_zone_days') }} as zone_days
inner join members on members.departement_id = 'departement:' || zone_days.departement
cross join {{ ref('drought_levels') }} as levels
where members.territory_id is not null
group by all
