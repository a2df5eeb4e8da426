-- depends_on: {{ source('lake', 'catnat_event') }}
{% if lake_has('catnat_event') %}
select * from {{ source('lake', 'catnat_event') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as commune_code,
    null::varchar as national_code,
    null::varchar as peril_code,
    null::varchar as peril_label,
    null::date as date_start,
    null::date as date_end,
    null::date as date_order,
    null::date as date_published
where false
{% endif %}
