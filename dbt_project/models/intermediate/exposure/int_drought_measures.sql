-- Orders restricting water use, over the days of the data, as rows of fct_exposure. A département, a région and the country count the
-- days on which one of their zones was restricted; a commune, its share of area, where the layer of zones is loaded; a territory of
-- communes that is neither, the mean of their areas. Orders of no known département count by their zones only:
-- fct_drought_order_days has how many they are.
with periods as (

    select dataset_id, any_value(first_day) as first_day, any_value(last_day) as last_day
    from {{ ref('int_drought_zone_days') }}
    group by dataset_id

),

layers as (

    select dataset_id, count(*) > 0 as is_loaded from {{ ref('stg_lake__drought_zones') }} group by dataset_id

),

counted as (

    select
        dataset_id,
        territory_id,
        'drought_days_' || level as measure_id,
        any_value(source_file_id) as source_file_id,
        sum(days)::double as value
    from {{ ref('int_drought_days') }}
    group by dataset_id, territory_id, level
    union all
    select
        zone_days.dataset_id,
        members.territory_id,
        'drought_orders_n',
        any_value(zone_days.source_file_id),
        count(distinct zone_days.order_id)
    from {{ ref('int_drought_zone_days') }} as zone_days
    inner join (
        select
            territory_id as departement_id,
            unnest([territory_id, region_id, case when zone = 'metro' then 'country:FR' end]) as territory_id
        from {{ ref('stg_lake__territories') }}
        where kind = 'departement'
    ) as members on members.departement_id = 'departement:' || zone_days.departement
    where members.territory_id is not null
    group by zone_days.dataset_id, members.territory_id

),

-- communes of the départements that orders speak of: a région or the country may be known in part
spoken_of as (

    select departements.dataset_id, members.territory_id, count(*) as n_communes
    from (
        select distinct dataset_id, 'departement:' || departement as departement_id
        from {{ ref('int_drought_zone_days') }}
        where departement is not null
    ) as departements
    inner join {{ ref('stg_lake__territories') }} as communes
        on departements.departement_id = communes.departement_id and communes.kind = 'commune'
    inner join {{ ref('int_territory_members') }} as members on communes.territory_id = members.commune_id
    group by departements.dataset_id, members.territory_id

),

communes as (

    select
        days.dataset_id,
        territories.territory_id,
        'drought_days_' || days.level as measure_id,
        days.days as value,
        territories.area_km2
    from {{ ref('int_drought_commune_days') }} as days
    inner join {{ ref('stg_lake__territories') }} as territories
        on days.commune_code = territories.code and territories.kind = 'commune'

),

by_area as (

    select dataset_id, territory_id, measure_id, value, 1 as n_communes_studied from communes
    union all
    select
        communes.dataset_id,
        members.territory_id,
        communes.measure_id,
        sum(communes.value * communes.area_km2) / sum(communes.area_km2),
        count(*)
    from communes
    inner join {{ ref('int_territory_members') }} as members on communes.territory_id = members.commune_id
    where members.territory_id is not null and split_part(members.territory_id, ':', 1) not in ('departement', 'region', 'country')
    group by communes.dataset_id, members.territory_id, communes.measure_id

),

places as (

    select commune_id as territory_id, 1 as n_communes from {{ ref('int_territory_members') }} group by commune_id
    union all
    select territory_id, count(*) from {{ ref('int_territory_members') }} where territory_id is not null group by territory_id

)

select
    places.territory_id,
    periods.dataset_id,
    measures.measure_id,
    null::smallint as return_period,
    periods.first_day as date_start,
    periods.last_day as date_end,
    counted.source_file_id,
    null::varchar as note,
    coalesce(counted.value, by_area.value) as value,
    case
        when counted.value is not null or by_area.value is not null then null
        when split_part(places.territory_id, ':', 1) in ('departement', 'region', 'country') then 'no_order_in_file'
        when layers.is_loaded is null then 'zone_layer_missing'
        else 'not_studied'
    end as reason,
    places.n_communes::integer as n_communes,
    (case when counted.value is not null then spoken_of.n_communes else coalesce(by_area.n_communes_studied, 0) end)::integer
        as n_communes_studied,
    false as is_partial
from periods
cross join places
cross join (
    select 'drought_days_' || level as measure_id from {{ ref('drought_levels') }}
    union all
    select 'drought_orders_n'
) as measures
left join counted using (dataset_id, territory_id, measure_id)
left join by_area using (dataset_id, territory_id, measure_id)
left join spoken_of using (dataset_id, territory_id)
left join layers using (dataset_id)
