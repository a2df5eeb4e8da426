{{ config(materialized='view') }}
-- Buildings: annual features → annual indicators of the soil under them and of fire weather.
{% if lake_has('cell_year') %}
select
    simulation_id,
    cell_id,
    year,
    dry_soil_days,
    dry_soil_days_jja,
    sswi3_jun_oct_below_25y,
    fwi_mean_jjas,
    fwi40_days,
    fwi50_days,
    fwi_season_len,
    fwi_p95
from {{ ref('stg_lake__cell_years') }}
{% else %}
select simulation_id, cell_id, year, null::float as dry_soil_days from {{ ref('stg_lake__cell_years') }}
{% endif %}
