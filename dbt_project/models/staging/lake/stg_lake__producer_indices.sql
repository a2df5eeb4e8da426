-- depends_on: {{ source('lake', 'producer_index') }}
{% if lake_has('producer_index') %}
select
    source_file_id,
    dataset_id,
    simulation_id,
    context_id,
    season,
    cell_id,
    index_code,
    value::double as value
from {{ source('lake', 'producer_index') }}
{% else %}
select
    null::varchar as source_file_id,
    null::varchar as dataset_id,
    null::varchar as simulation_id,
    null::varchar as context_id,
    null::varchar as season,
    null::integer as cell_id,
    null::varchar as index_code,
    null::double as value
where false
{% endif %}
