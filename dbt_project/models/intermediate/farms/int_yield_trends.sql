-- Territory × crop × year: the trend of the yield, by local regression (LOESS, Cleveland 1979): a straight line through the nearest
-- years, weighted by the tricube of their distance. Only series of enough years have one.
with series as (

    select dataset_id, territory_id, crop_group, crop, year, yield
    from {{ ref('stg_lake__crop_yields') }}
    where yield is not null
    qualify count(*) over (partition by dataset_id, territory_id, crop_group, crop) >= {{ var('min_trend_years') }}

),

neighbours as (

    select
        here.dataset_id,
        here.territory_id,
        here.crop_group,
        here.crop,
        here.year,
        other.year - here.year as step,
        other.yield,
        count(*) over same as n_years,
        row_number() over (same order by abs(other.year - here.year), other.year) as rank
    from series as here
    inner join series as other using (dataset_id, territory_id, crop_group, crop)
    window same as (partition by here.dataset_id, here.territory_id, here.crop_group, here.crop, here.year)

),

nearest as (

    -- years as far as the farthest of the nearest weigh nothing
    select
        *,
        max(abs(step)) over (partition by dataset_id, territory_id, crop_group, crop, year) as reach
    from neighbours
    where rank <= floor({{ var('loess_span') }} * n_years + 1e-9)

),

weighted as (

    select *, pow(1 - pow(abs(step) / reach, 3), 3) as weight from nearest

),

sums as (

    select
        dataset_id,
        territory_id,
        crop_group,
        crop,
        year,
        sum(weight) as w,
        sum(weight * step) as wx,
        sum(weight * step * step) as wxx,
        sum(weight * yield) as wy,
        sum(weight * step * yield) as wxy
    from weighted
    group by dataset_id, territory_id, crop_group, crop, year

)

-- the line at its own year, where step is 0
select
    dataset_id,
    territory_id,
    crop_group,
    crop,
    year,
    (wy * wxx - wx * wxy) / (w * wxx - wx * wx) as trend
from sums
