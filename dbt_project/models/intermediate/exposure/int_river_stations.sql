-- Station: its annual floods, and the GEV fitted to them (25 years at least, shape within ±0.4).
with moments as (

    select
        dataset_id,
        station_code,
        any_value(basis) as basis,
        count(*) as n_years,
        min(year) as first_year,
        max(date_end) as date_end,
        max(flow_m3s) as record,
        {{ weighted_moment('flow_m3s', 'rank', 0) }} as b0,
        case when n_years > 1 then {{ weighted_moment('flow_m3s', 'rank', 1) }} end as b1,
        case when n_years > 2 then {{ weighted_moment('flow_m3s', 'rank', 2) }} end as b2
    from (
        select *, row_number() over (partition by dataset_id, station_code order by flow_m3s) as rank
        from {{ ref('int_river_floods') }}
    )
    group by dataset_id, station_code

),

shapes as (

    select
        *,
        case when n_years >= {{ var('min_maxima') }} then {{ gev_shape(l_skewness('b0', 'b1', 'b2')) }} end as own_shape,
        case when abs(own_shape) <= {{ var('max_shape') }} then own_shape end as shape
    from moments

),

fits as (

    select *, {{ gev_location('b0', 'scale', 'shape') }} as location
    from (select *, {{ gev_scale(l_scale('b0', 'b1'), 'shape') }} as scale from shapes)

)

select
    fits.dataset_id,
    fits.station_code,
    stations.source_file_id,
    stations.name,
    stations.commune_code,
    stations.longitude,
    stations.latitude,
    fits.basis,
    fits.n_years,
    fits.first_year,
    fits.date_end,
    fits.b0 as river_flow_max,
    fits.record as river_flow_record
    {%- for period in var('return_periods') %},
    {{ gev_level('location', 'scale', 'shape', period) }} as river_flow_level_{{ period }}
    {%- endfor %}
from fits
inner join {{ ref('stg_lake__river_stations') }} as stations using (dataset_id, station_code)
