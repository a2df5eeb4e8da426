-- Day × order × zone under restriction. The days of the data go from the first signature to the last: of later days the file says what
-- was planned, not what came after; an order without an end holds until then. A start before the first signature is a slip of the pen.
with periods as (

    select
        dataset_id,
        min(date_signed) as first_day,
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
        greatest(orders.date_start, periods.first_day),
        least(coalesce(orders.date_end, periods.last_day), periods.last_day),
        interval 1 day
    ))::date as day
from {{ ref('stg_lake__drought_orders') }} as orders
inner join periods using (dataset_id)
inner join {{ ref('drought_levels') }} as levels using (level)
where orders.reason is distinct from 'ends_before_start'
