{{ config(materialized='view') }}
-- Snow: annual features → annual indicators, by snow year (1 August to 31 July, labelled by its January). Natural snow, without
-- snowmaking. A date is NULL in a year without the event; its <date>_event says in which years it occurs.
{% if lake_has('cell_year') %}
select
    simulation_id,
    cell_id,
    year,
    scd5,
    scd30,
    scd50,
    scd100,
    snow_start,
    snow_start_event,
    snow_end,
    snow_end_event,
    snow_len,
    swe_max,
    swe_max_date,
    swe_max_date_event,
    sd_mean,
    prsn_sum,
    case when scd30_ski_season is not null then 100 * (scd30_ski_season >= {{ var('reliable_winter_days') }})::integer end
        as snow_reliability, -- % of winters
    xmas_snow,
    feb_snow,
    snowmaking_h, -- a potential, not a production
    frost_nights_cold
from {{ ref('stg_lake__cell_years') }}
{% else %}
select simulation_id, cell_id, year, null::float as scd30 from {{ ref('stg_lake__cell_years') }}
{% endif %}
