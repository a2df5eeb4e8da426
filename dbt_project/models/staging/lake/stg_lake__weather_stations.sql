-- depends_on: {{ source('lake', 'weather_station') }}
{% if lake_has('weather_station') %}
select * from {{ source('lake', 'weather_station') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as departement,
    null::varchar as station_code,
    null::varchar as name,
    null::double as longitude,
    null::double as latitude,
    null::float as altitude_m,
    null::date as first_day,
    null::date as last_day,
    null::integer as cell_id
where false
{% endif %}
