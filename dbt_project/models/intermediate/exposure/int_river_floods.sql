-- Station × year: the highest flow. Instantaneous maxima where the station has at least 10 years of them, else daily means. A year
-- counts from ten months, or 330 days, of measurements.
with years as (

    select
        dataset_id,
        station_code,
        case when quantity in ('QIXnJ', 'QIXM') then 'instantaneous' else 'daily_mean' end as basis,
        year(date) as year,
        max(flow_m3s) as flow_m3s,
        max(date) as date_end
    from {{ ref('stg_lake__river_flows') }}
    where quantity in ('QIXnJ', 'QIXM', 'QmnJ')
    group by dataset_id, station_code, basis, year(date)
    having count(*) filter (quantity = 'QIXM') >= 10 or count(*) filter (quantity <> 'QIXM') >= 330

)

select *
from years
qualify case
    when count(*) filter (basis = 'instantaneous') over (partition by dataset_id, station_code) >= 10 then basis = 'instantaneous'
    else basis = 'daily_mean'
end
