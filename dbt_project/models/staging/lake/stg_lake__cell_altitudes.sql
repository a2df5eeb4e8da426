-- depends_on: {{ source('lake', 'cell_altitude') }}
{% if lake_has('cell_altitude') %}
select * from {{ source('lake', 'cell_altitude') }}
{% else %}
select null::varchar as grid_id, null::integer as cell_id, null::float as altitude_m, null::varchar as source_file_id
where false
{% endif %}
