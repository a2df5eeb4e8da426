-- depends_on: {{ source('lake', 'river_flow') }}
{% if lake_has('river_flow') %}
select * from {{ source('lake', 'river_flow') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as station_code,
    null::date as date,
    null::varchar as quantity,
    null::double as flow_m3s,
    null::varchar as qualification
where false
{% endif %}
