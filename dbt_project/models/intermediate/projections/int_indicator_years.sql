{{ config(materialized='view') }}
-- Annual features → annual indicators: one line each, read it as the definition. A date (day of the year) is NULL in a
-- year without the event; its <date>_event says in which years it occurs.
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
    su25,
    tx30,
    tx35,
    tx40,
    tr20_gt as tr20, -- as in the TRACC exports, so that the two can be compared
    fd,
    id0,
    hwd_drias,
    cold_spell_days,
    rr_yr,
    rr_jja,
    rr_djf,
    rr1_days,
    r20mm,
    rx1d,
    rx5d,
    p99_ref_days,
    p_apr_oct,
    tsum0_oct_jul,
    gst200_jan,
    gst200_jan_event,
    last_frost_doy,
    last_frost_doy_event,
    first_frost_doy,
    first_frost_doy_event
from {{ ref('stg_lake__cell_years') }}
{% else %}
select simulation_id, cell_id, year, null::float as t_mean from {{ ref('stg_lake__cell_years') }}
{% endif %}
