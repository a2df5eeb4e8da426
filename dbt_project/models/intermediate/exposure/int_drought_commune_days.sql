-- Commune × level, where the layer of zones is loaded: days × share of the commune's area under that level or a higher one. Zones of one
-- type (surface or ground water) are side by side; those of two types overlap, and the wider of the two counts.
with zone_days as (

    select dataset_id, zone_id, day, max(level_position) as level_position
    from {{ ref('int_drought_zone_days') }}
    group by dataset_id, zone_id, day

),

by_type as (

    select
        zones.dataset_id,
        zones.commune_code,
        levels.level,
        zone_days.day,
        zones.zone_type,
        least(sum(zones.share), 1) as share
    from {{ ref('stg_lake__drought_zones') }} as zones
    inner join zone_days using (dataset_id, zone_id)
    inner join {{ ref('drought_levels') }} as levels on levels.position <= zone_days.level_position
    group by all

),

by_day as (

    select dataset_id, commune_code, level, day, max(share) as share
    from by_type
    group by dataset_id, commune_code, level, day

),

covered as (

    select distinct dataset_id, commune_code from {{ ref('stg_lake__drought_zones') }}

)

select
    covered.dataset_id,
    covered.commune_code,
    levels.level,
    coalesce(sum(by_day.share), 0)::double as days
from covered
cross join {{ ref('drought_levels') }} as levels
left join by_day
    on covered.dataset_id = by_day.dataset_id
    and covered.commune_code = by_day.commune_code
    and levels.level = by_day.level
group by covered.dataset_id, covered.commune_code, levels.level
