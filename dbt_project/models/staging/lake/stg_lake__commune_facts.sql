-- depends_on: {{ source('lake', 'commune_fact') }}
{% if lake_has('commune_fact') %}
select * from {{ source('lake', 'commune_fact') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as commune_code,
    null::varchar as measure_id,
    null::smallint as return_period,
    null::date as date_start,
    null::date as date_end,
    null::double as value,
    null::varchar as reason,
    null::varchar as note
where false
{% endif %}
