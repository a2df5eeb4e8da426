{{ config(materialized='view') }}
-- Rain: annual features → annual indicators. Return levels are fitted elsewhere (return_levels/).
{% if lake_has('cell_year') %}
select
    simulation_id,
    cell_id,
    year,
    rr_yr,
    rr_djf,
    rr_jja,
    wet_season,
    rr1_days,
    r20mm,
    rx1d,
    rx5d,
    r95ptot,
    r99ptot,
    p99_ref_days,
    case when rr_yr > 0 then 100 * pr_above_q90 / rr_yr end as pfl90
from {{ ref('stg_lake__cell_years') }}
{% else %}
select simulation_id, cell_id, year, null::float as rr_yr from {{ ref('stg_lake__cell_years') }}
{% endif %}
