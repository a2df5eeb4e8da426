-- Day × order × zone under restriction. The last day of the data is that of the last signature: of later days the file says what was
-- planned, not what came after. An order without an end holds until then.
with periods as (

    select
        dataset_id,
        min(date_start) filter (reason is distinct from 'ends_before_start') as first_day,
        max(date_signed) as last_day
    from {{ ref('stg_lake__drought_orders') }}
    group by dataset_id

)

select
    orders.dataset_id,
    orders.source_file_id,
    orders.order_id,
    orders.zone_id,
    orders.departement,
    levels.position as level_position,
    periods.first_day,
    periods.last_day,
    unnest(generate_series(
        orders.date_start, least(coalesce(orders.date_end, periods.last_day), periods.last_day), interval 1 day
    ))::date as day
from {{ ref('stg_lake__drought_orders') }} as orders
inner join periods using (dataset_id)
inner join {{ ref('drought_levels') }} as levels using (level)
where orders.reason is distinct from 'ends_before_start'
