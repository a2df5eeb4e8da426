-- depends_on: {{ source('lake', 'source_state') }}
{% if lake_has('source_state') %}
select * from {{ source('lake', 'source_state') }}
{% else %}
select
    null::varchar as source_id,
    null::timestamptz as checked_at,
    null::boolean as is_stale,
    null::varchar as stale_reason
where false
{% endif %}
