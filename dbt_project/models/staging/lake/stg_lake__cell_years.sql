-- depends_on: {{ source('lake', 'cell_year') }}
{% if lake_has('cell_year') %}
select
    dataset as dataset_id,
    simulation as simulation_id,
    * exclude (dataset, simulation)
from {{ source('lake', 'cell_year') }}
{% else %}
select null::varchar as dataset_id, null::varchar as simulation_id, null::integer as cell_id, null::smallint as year
where false
{% endif %}
