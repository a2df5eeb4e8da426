-- depends_on: {{ ref('int_grass_normals') }}
{{ config(materialized='view') }}
-- Agriculture: annual features → annual indicators. A date (day of the year) is NULL in a year without the event; its
-- <date>_event says in which years it occurs. Vine stages: pinot noir, then the three profiles.
{% if lake_has('cell_year') %}
select
    years.simulation_id,
    years.cell_id,
    years.year,

    -- vine
    huglin,
    winkler,
    cool_night,
    dryness_index,
    vine_budburst_doy,
    vine_budburst_doy_event,
    vine_flowering_doy,
    vine_flowering_doy_event,
    vine_veraison_doy,
    vine_veraison_doy_event,
    vine_harvest_doy,
    vine_harvest_doy_event,
    vine_budburst_doy_early,
    vine_budburst_doy_early_event,
    vine_flowering_doy_early,
    vine_flowering_doy_early_event,
    vine_veraison_doy_early,
    vine_veraison_doy_early_event,
    vine_harvest_doy_early,
    vine_harvest_doy_early_event,
    vine_budburst_doy_middle,
    vine_budburst_doy_middle_event,
    vine_flowering_doy_middle,
    vine_flowering_doy_middle_event,
    vine_veraison_doy_middle,
    vine_veraison_doy_middle_event,
    vine_harvest_doy_middle,
    vine_harvest_doy_middle_event,
    vine_budburst_doy_late,
    vine_budburst_doy_late_event,
    vine_flowering_doy_late,
    vine_flowering_doy_late_event,
    vine_veraison_doy_late,
    vine_veraison_doy_late_event,
    vine_harvest_doy_late,
    vine_harvest_doy_late_event,
    vine_frost_days,
    100 * vine_frost_damage as vine_frost_freq,
    vine_heat_days,
    vine_ripening_t,

    -- grass
    gst_date_200,
    gst_date_200_event,
    gst_date_300,
    gst_date_300_event,
    gst_date_500,
    gst_date_500_event,
    gst_date_700,
    gst_date_700_event,
    gst_date_1000,
    gst_date_1000_event,
    gst_date_1200,
    gst_date_1200_event,
    gst200_jan,
    gst200_jan_event,
    case when gs_start5_event = 0 then 0 else coalesce(gs_end5, n_days + 1) - gs_start5 end as gsl5,
    grass_growth_yr / 1000 as grass_yield,
    grass_growth_mam / 1000 as grass_spring,
    grass_growth_jja / 1000 as grass_summer,
    grass_growth_son / 1000 as grass_autumn,
    100 * (1 - grass_growth_jja / normals.growth_jja) as summer_forage_deficit,
    turnout_gap_days,
    case
        when grass_growth_jan_oct > 1.10 * normals.growth_jan_oct then 1
        when grass_growth_jan_oct >= 0.90 * normals.growth_jan_oct then 2
        when grass_growth_jan_oct >= 0.75 * normals.growth_jan_oct then 3
        when grass_growth_jan_oct >= 0 then 4
    end as isop_like_class,

    -- crops and fruit
    tsum0_oct_jul,
    echaudage25,
    p_apr_oct,
    frost_apr_may,
    last_frost_doy,
    last_frost_doy_event,
    first_frost_doy,
    first_frost_doy_event,
    maize_tsum6,
    chill_portions,
    apricot_frost,
    apple_frost,

    -- drought
    cwb_yr,
    cwb_amj,
    cwb_jja,
    cwb_ags,
    cdd,
    spi3,
    spi3_below_10y,
    spi3_below_25y,
    spi6,
    spi6_below_10y,
    spi6_below_25y,
    spi12,
    spi12_below_10y,
    spi12_below_25y,
    spei3,
    spei3_below_10y,
    spei3_below_25y,
    spei6,
    spei6_below_10y,
    spei6_below_25y,
    spei12,
    spei12_below_10y,
    spei12_below_25y,
    sswi3,
    sswi3_below_10y,
    sswi3_below_25y
from {{ ref('stg_lake__cell_years') }} as years
left join {{ ref('int_grass_normals') }} as normals using (simulation_id, cell_id)
{% else %}
select simulation_id, cell_id, year, null::float as gst200_jan, null::float as gst200_jan_event
from {{ ref('stg_lake__cell_years') }}
{% endif %}
