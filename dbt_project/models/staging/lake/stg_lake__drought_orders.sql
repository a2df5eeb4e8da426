-- depends_on: {{ source('lake', 'drought_order') }}
{% if lake_has('drought_order') %}
select * from {{ source('lake', 'drought_order') }}
{% else %}
select
    null::varchar as dataset_id,
    null::varchar as source_file_id,
    null::varchar as order_id,
    null::varchar as order_number,
    null::varchar as framework,
    null::varchar as zone_id,
    null::varchar as departement,
    null::varchar as evidence,
    null::varchar as level,
    null::date as date_signed,
    null::date as date_start,
    null::date as date_end,
    null::varchar as reason
where false
{% endif %}
