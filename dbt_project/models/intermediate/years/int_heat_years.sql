{{ config(materialized='view') }}
-- Heat and cold: annual features → annual indicators, one line each, read it as the definition.
{% if lake_has('cell_year') %}
select
    simulation_id,
    cell_id,
    year,
    t_mean,
    t_mean_djf,
    t_mean_mam,
    t_mean_jja,
    t_mean_son,
    tx_mean_jja,
    txx,
    dtr,
    su25,
    tx30,
    tx35,
    tx40,
    tr20_gt as tr20, -- as in the TRACC exports, so that the two can be compared
    fd,
    id0,
    cooling_dd18,
    cooling_dd22,
    heating_dd18_oct_may as heating_dd18,
    heating_dd18 as heating_dd18_yr,
    heating_dd18_costic,
    tx90p,
    wsdi,
    hwd_drias,
    hw_mf_n,
    hw_mf_days,
    hw_mf_max,
    hw_mf_sev,
    canicule_ibm_days,
    tw26_days,
    humidex35,
    humidex40,
    humidex45,
    utci32,
    utci38,
    comfort_days,
    cold_spell_days
from {{ ref('stg_lake__cell_years') }}
{% else %}
select simulation_id, cell_id, year, null::float as t_mean from {{ ref('stg_lake__cell_years') }}
{% endif %}
