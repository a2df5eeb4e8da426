-- depends_on: {{ source('lake', 'commune_fact') }}
{% if lake_has('commune_fact') %}
select * replace (coalesce(vintage, date '9999-12-30') as vintage) from {{ source('lake', 'commune_fact') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as commune_code,
    null::date as vintage,
    null::varchar as measure_id,
    null::smallint as return_period,
    null::date as date_start,
    null::date as date_end,
    null::double as value,
    null::float as studied_share,
    null::varchar as reason,
    null::varchar as note
where false
{% endif %}
