-- From a run to the files that it was read from. See docs/how-to/provenance.md.
-- depends_on: {{ source('lake', 'cell_year_files') }}
select distinct simulation_id, source_file_id
from {{ ref('stg_lake__producer_indices') }}
{% if lake_has('cell_year_files') %}
union
select simulation, source_file_id
from {{ source('lake', 'cell_year_files') }}
{% endif %}
