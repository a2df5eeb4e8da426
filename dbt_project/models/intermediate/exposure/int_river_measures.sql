-- Commune: the floods of the station attached to it, its own (the longest record) or else the nearest within 20 km; which one, and
-- how far, is in the note.
with pairs as (

    select
        communes.code as commune_code,
        stations.* exclude (commune_code),
        -- great-circle distance, km
        2 * 6371 * asin(sqrt(
            pow(sin(radians(communes.latitude - stations.latitude) / 2), 2)
            + cos(radians(communes.latitude)) * cos(radians(stations.latitude))
            * pow(sin(radians(communes.longitude - stations.longitude) / 2), 2)
        )) as distance_km,
        stations.commune_code is not distinct from communes.code as is_own
    from (
        select code, longitude, latitude from {{ ref('stg_lake__territories') }} where kind = 'commune' and longitude is not null
    ) as communes
    inner join {{ ref('int_river_stations') }} as stations
        on abs(communes.latitude - stations.latitude) < {{ var('station_max_km') }} / 110.0

),

attached as (

    select *
    from pairs
    where is_own or distance_km <= {{ var('station_max_km') }}
    qualify row_number() over (
        partition by dataset_id, commune_code
        order by is_own desc, case when is_own then -n_years else distance_km end, station_code
    ) = 1

),

long as (

    select attached.*, 'river_flow_max' as measure_id, null::smallint as return_period, river_flow_max as value from attached
    union all
    select attached.*, 'river_flow_record', null, river_flow_record from attached
    {%- for period in var('return_periods') %}
    union all
    select attached.*, 'river_flow_level', {{ period }}::smallint, river_flow_level_{{ period }} from attached
    {%- endfor %}

)

select
    dataset_id,
    source_file_id,
    commune_code,
    measure_id,
    return_period,
    make_date(first_year::integer, 1, 1) as date_start,
    date_end,
    value,
    case when value is null then 'too_few_years' end as reason,
    concat_ws(
        ' · ',
        station_code,
        name,
        case when is_own then 'in the commune' else round(distance_km, 1) || ' km' end,
        n_years || ' years',
        basis
    ) as note
from long
