-- depends_on: {{ source('lake', 'drought_zone') }}
{% if lake_has('drought_zone') %}
select * from {{ source('lake', 'drought_zone') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as zone_id,
    null::varchar as zone_type,
    null::varchar as commune_code,
    null::double as share
where false
{% endif %}
