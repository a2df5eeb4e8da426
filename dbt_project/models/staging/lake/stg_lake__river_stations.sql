-- depends_on: {{ source('lake', 'river_station') }}
{% if lake_has('river_station') %}
select * from {{ source('lake', 'river_station') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as station_code,
    null::varchar as name,
    null::varchar as river,
    null::varchar as commune_code,
    null::double as longitude,
    null::double as latitude
where false
{% endif %}
