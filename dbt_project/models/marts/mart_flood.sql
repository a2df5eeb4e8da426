-- Flood, wide: hazard today, hazard tomorrow, exposure, damage, in groups of columns that are never mixed, each with its source,
-- its date and its state. One row per territory, climate dataset and future context; of several sources of one measure, the one
-- that studied most of the territory, then the latest.
with picked as (

    select *
    from {{ ref('fct_exposure') }}
    qualify row_number() over (
        partition by territory_id, measure_id, return_period
        order by
            state = 'not_studied',
            n_communes_studied desc,
            state = 'partly_studied',
            date_end desc nulls last,
            dataset_id
    ) = 1

),

facts as (

    select
        territory_id,
        max(value) filter (measure_id = 'flood_area_share') as hazard_today_zones_area_share,
        max(value) filter (measure_id = 'flood_area_share_frequent') as hazard_today_zones_area_share_frequent,
        max(value) filter (measure_id = 'flood_area_share_medium') as hazard_today_zones_area_share_medium,
        max(value) filter (measure_id = 'flood_area_share_rare') as hazard_today_zones_area_share_rare,
        string_agg(distinct dataset_id, ', ' order by dataset_id) filter (measure_id in ('flood_area_share', 'flood_area_share_frequent', 'flood_area_share_medium', 'flood_area_share_rare') and state <> 'not_studied')
            as hazard_today_zones_source,
        max(date_end) filter (measure_id in ('flood_area_share', 'flood_area_share_frequent', 'flood_area_share_medium', 'flood_area_share_rare') and state <> 'not_studied') as hazard_today_zones_date,
        case
            when bool_or(state = 'studied') filter (measure_id in ('flood_area_share', 'flood_area_share_frequent', 'flood_area_share_medium', 'flood_area_share_rare')) then 'studied'
            when bool_or(state = 'partly_studied') filter (measure_id in ('flood_area_share', 'flood_area_share_frequent', 'flood_area_share_medium', 'flood_area_share_rare')) then 'partly_studied'
            else 'not_studied'
        end as hazard_today_zones_state,
        max(value) filter (measure_id = 'pprn') as hazard_today_plans_pprn,
        string_agg(distinct dataset_id, ', ' order by dataset_id) filter (measure_id in ('pprn') and state <> 'not_studied')
            as hazard_today_plans_source,
        max(date_end) filter (measure_id in ('pprn') and state <> 'not_studied') as hazard_today_plans_date,
        case
            when bool_or(state = 'studied') filter (measure_id in ('pprn')) then 'studied'
            when bool_or(state = 'partly_studied') filter (measure_id in ('pprn')) then 'partly_studied'
            else 'not_studied'
        end as hazard_today_plans_state,
        max(value) filter (measure_id = 'catnat_n_flood') as hazard_today_catnat_n_flood,
        max(value) filter (measure_id = 'catnat_n_marine') as hazard_today_catnat_n_marine,
        max(value) filter (measure_id = 'catnat_rate10') as hazard_today_catnat_rate10,
        max(value) filter (measure_id = 'catnat_last_year') as hazard_today_catnat_last_year,
        string_agg(distinct dataset_id, ', ' order by dataset_id) filter (measure_id in ('catnat_n_flood', 'catnat_n_marine', 'catnat_rate10', 'catnat_last_year') and state <> 'not_studied')
            as hazard_today_catnat_source,
        max(date_end) filter (measure_id in ('catnat_n_flood', 'catnat_n_marine', 'catnat_rate10', 'catnat_last_year') and state <> 'not_studied') as hazard_today_catnat_date,
        case
            when bool_or(state = 'studied') filter (measure_id in ('catnat_n_flood', 'catnat_n_marine', 'catnat_rate10', 'catnat_last_year')) then 'studied'
            when bool_or(state = 'partly_studied') filter (measure_id in ('catnat_n_flood', 'catnat_n_marine', 'catnat_rate10', 'catnat_last_year')) then 'partly_studied'
            else 'not_studied'
        end as hazard_today_catnat_state,
        max(value) filter (measure_id = 'river_flow_max') as hazard_today_river_flow_max,
        max(value) filter (measure_id = 'river_flow_level' and return_period = 100) as hazard_today_river_flow_100,
        string_agg(distinct dataset_id, ', ' order by dataset_id) filter (measure_id in ('river_flow_max', 'river_flow_level') and state <> 'not_studied')
            as hazard_today_river_source,
        max(date_end) filter (measure_id in ('river_flow_max', 'river_flow_level') and state <> 'not_studied') as hazard_today_river_date,
        case
            when bool_or(state = 'studied') filter (measure_id in ('river_flow_max', 'river_flow_level')) then 'studied'
            when bool_or(state = 'partly_studied') filter (measure_id in ('river_flow_max', 'river_flow_level')) then 'partly_studied'
            else 'not_studied'
        end as hazard_today_river_state,
        any_value(note) filter (measure_id = 'river_flow_max') as hazard_today_river_station,
        max(value) filter (measure_id = 'flood_people') as exposure_people,
        max(value) filter (measure_id = 'flood_pop_share') as exposure_pop_share,
        max(value) filter (measure_id = 'flood_dwelling_share') as exposure_dwelling_share,
        max(value) filter (measure_id = 'flood_built_share') as exposure_built_share,
        string_agg(distinct dataset_id, ', ' order by dataset_id) filter (measure_id in ('flood_people', 'flood_pop_share', 'flood_dwelling_share', 'flood_built_share') and state <> 'not_studied')
            as exposure_source,
        max(date_end) filter (measure_id in ('flood_people', 'flood_pop_share', 'flood_dwelling_share', 'flood_built_share') and state <> 'not_studied') as exposure_date,
        case
            when bool_or(state = 'studied') filter (measure_id in ('flood_people', 'flood_pop_share', 'flood_dwelling_share', 'flood_built_share')) then 'studied'
            when bool_or(state = 'partly_studied') filter (measure_id in ('flood_people', 'flood_pop_share', 'flood_dwelling_share', 'flood_built_share')) then 'partly_studied'
            else 'not_studied'
        end as exposure_state,
        max(value) filter (measure_id = 'ead_flood') as damage_ead,
        max(value) filter (measure_id = 'ead_flood_no_tail') as damage_ead_no_tail,
        max(value) filter (measure_id = 'ead_flood_protected') as damage_ead_protected,
        max(value) filter (measure_id = 'ead_flood_protected_no_tail') as damage_ead_protected_no_tail,
        string_agg(distinct dataset_id, ', ' order by dataset_id) filter (measure_id in ('ead_flood', 'ead_flood_no_tail', 'ead_flood_protected', 'ead_flood_protected_no_tail') and state <> 'not_studied')
            as damage_source,
        max(date_end) filter (measure_id in ('ead_flood', 'ead_flood_no_tail', 'ead_flood_protected', 'ead_flood_protected_no_tail') and state <> 'not_studied') as damage_date,
        case
            when bool_or(state = 'studied') filter (measure_id in ('ead_flood', 'ead_flood_no_tail', 'ead_flood_protected', 'ead_flood_protected_no_tail')) then 'studied'
            when bool_or(state = 'partly_studied') filter (measure_id in ('ead_flood', 'ead_flood_no_tail', 'ead_flood_protected', 'ead_flood_protected_no_tail')) then 'partly_studied'
            else 'not_studied'
        end as damage_state
    from picked
    group by territory_id

),

rain as (

    select
        indicators.territory_id,
        indicators.dataset_id,
        indicators.context_id,
        any_value(indicators.validation_status) as validation_status,
        max(ref_q50) filter (indicator_id = 'rx1d') as hazard_today_rx1d,
        max(ref_q50) filter (indicator_id = 'rl_rx1d_10') as hazard_today_rl_rx1d_10,
        max(ref_q50) filter (indicator_id = 'rl_rx1d_20') as hazard_today_rl_rx1d_20,
        max(ref_q50) filter (indicator_id = 'rl_rx1d_50') as hazard_today_rl_rx1d_50,
        max(ref_q50) filter (indicator_id = 'rl_rx1d_100') as hazard_today_rl_rx1d_100,
        max(q05) filter (indicator_id = 'rx1d') as hazard_tomorrow_rx1d_q05,
        max(q50) filter (indicator_id = 'rx1d') as hazard_tomorrow_rx1d_q50,
        max(q95) filter (indicator_id = 'rx1d') as hazard_tomorrow_rx1d_q95,
        max(delta_q50) filter (indicator_id = 'rx1d') as hazard_tomorrow_rx1d_change,
        max(robustness) filter (indicator_id = 'rx1d') as hazard_tomorrow_rx1d_robustness,
        max(q05) filter (indicator_id = 'rl_rx1d_10') as hazard_tomorrow_rl_rx1d_10_q05,
        max(q50) filter (indicator_id = 'rl_rx1d_10') as hazard_tomorrow_rl_rx1d_10_q50,
        max(q95) filter (indicator_id = 'rl_rx1d_10') as hazard_tomorrow_rl_rx1d_10_q95,
        max(delta_q50) filter (indicator_id = 'rl_rx1d_10') as hazard_tomorrow_rl_rx1d_10_change,
        max(robustness) filter (indicator_id = 'rl_rx1d_10') as hazard_tomorrow_rl_rx1d_10_robustness,
        max(q05) filter (indicator_id = 'rl_rx1d_20') as hazard_tomorrow_rl_rx1d_20_q05,
        max(q50) filter (indicator_id = 'rl_rx1d_20') as hazard_tomorrow_rl_rx1d_20_q50,
        max(q95) filter (indicator_id = 'rl_rx1d_20') as hazard_tomorrow_rl_rx1d_20_q95,
        max(delta_q50) filter (indicator_id = 'rl_rx1d_20') as hazard_tomorrow_rl_rx1d_20_change,
        max(robustness) filter (indicator_id = 'rl_rx1d_20') as hazard_tomorrow_rl_rx1d_20_robustness,
        max(q05) filter (indicator_id = 'rl_rx1d_50') as hazard_tomorrow_rl_rx1d_50_q05,
        max(q50) filter (indicator_id = 'rl_rx1d_50') as hazard_tomorrow_rl_rx1d_50_q50,
        max(q95) filter (indicator_id = 'rl_rx1d_50') as hazard_tomorrow_rl_rx1d_50_q95,
        max(delta_q50) filter (indicator_id = 'rl_rx1d_50') as hazard_tomorrow_rl_rx1d_50_change,
        max(robustness) filter (indicator_id = 'rl_rx1d_50') as hazard_tomorrow_rl_rx1d_50_robustness,
        max(q05) filter (indicator_id = 'rl_rx1d_100') as hazard_tomorrow_rl_rx1d_100_q05,
        max(q50) filter (indicator_id = 'rl_rx1d_100') as hazard_tomorrow_rl_rx1d_100_q50,
        max(q95) filter (indicator_id = 'rl_rx1d_100') as hazard_tomorrow_rl_rx1d_100_q95,
        max(delta_q50) filter (indicator_id = 'rl_rx1d_100') as hazard_tomorrow_rl_rx1d_100_change,
        max(robustness) filter (indicator_id = 'rl_rx1d_100') as hazard_tomorrow_rl_rx1d_100_robustness
    from {{ ref('fct_indicator') }} as indicators
    where indicators.weighting = 'area'
        and indicators.context_id <> 'ref'
        and indicators.indicator_id in ('rx1d', 'rl_rx1d_10', 'rl_rx1d_20', 'rl_rx1d_50', 'rl_rx1d_100')
    group by indicators.territory_id, indicators.dataset_id, indicators.context_id

)

select
    territories.territory_id,
    rain.dataset_id,
    rain.context_id,
    rain.validation_status,
    rain.hazard_today_rx1d,
    rain.hazard_today_rl_rx1d_10,
    rain.hazard_today_rl_rx1d_20,
    rain.hazard_today_rl_rx1d_50,
    rain.hazard_today_rl_rx1d_100,
    case when rain.hazard_today_rx1d is not null or rain.hazard_today_rl_rx1d_20 is not null then rain.dataset_id end as hazard_today_rain_source,
    case
        when hazard_today_rain_source is not null then '{{ var("reference_start") }}-{{ var("reference_end") }}'
    end as hazard_today_rain_date,
    facts.hazard_today_zones_area_share,
    facts.hazard_today_zones_area_share_frequent,
    facts.hazard_today_zones_area_share_medium,
    facts.hazard_today_zones_area_share_rare,
    facts.hazard_today_zones_source,
    facts.hazard_today_zones_date,
    coalesce(facts.hazard_today_zones_state, 'not_studied') as hazard_today_zones_state,
    facts.hazard_today_plans_pprn,
    facts.hazard_today_plans_source,
    facts.hazard_today_plans_date,
    coalesce(facts.hazard_today_plans_state, 'not_studied') as hazard_today_plans_state,
    facts.hazard_today_catnat_n_flood,
    facts.hazard_today_catnat_n_marine,
    facts.hazard_today_catnat_rate10,
    facts.hazard_today_catnat_last_year,
    facts.hazard_today_catnat_source,
    facts.hazard_today_catnat_date,
    coalesce(facts.hazard_today_catnat_state, 'not_studied') as hazard_today_catnat_state,
    facts.hazard_today_river_flow_max,
    facts.hazard_today_river_flow_100,
    facts.hazard_today_river_station,
    facts.hazard_today_river_source,
    facts.hazard_today_river_date,
    coalesce(facts.hazard_today_river_state, 'not_studied') as hazard_today_river_state,
    rain.hazard_tomorrow_rx1d_q05,
    rain.hazard_tomorrow_rx1d_q50,
    rain.hazard_tomorrow_rx1d_q95,
    rain.hazard_tomorrow_rx1d_change,
    rain.hazard_tomorrow_rx1d_robustness,
    rain.hazard_tomorrow_rl_rx1d_10_q05,
    rain.hazard_tomorrow_rl_rx1d_10_q50,
    rain.hazard_tomorrow_rl_rx1d_10_q95,
    rain.hazard_tomorrow_rl_rx1d_10_change,
    rain.hazard_tomorrow_rl_rx1d_10_robustness,
    rain.hazard_tomorrow_rl_rx1d_20_q05,
    rain.hazard_tomorrow_rl_rx1d_20_q50,
    rain.hazard_tomorrow_rl_rx1d_20_q95,
    rain.hazard_tomorrow_rl_rx1d_20_change,
    rain.hazard_tomorrow_rl_rx1d_20_robustness,
    rain.hazard_tomorrow_rl_rx1d_50_q05,
    rain.hazard_tomorrow_rl_rx1d_50_q50,
    rain.hazard_tomorrow_rl_rx1d_50_q95,
    rain.hazard_tomorrow_rl_rx1d_50_change,
    rain.hazard_tomorrow_rl_rx1d_50_robustness,
    rain.hazard_tomorrow_rl_rx1d_100_q05,
    rain.hazard_tomorrow_rl_rx1d_100_q50,
    rain.hazard_tomorrow_rl_rx1d_100_q95,
    rain.hazard_tomorrow_rl_rx1d_100_change,
    rain.hazard_tomorrow_rl_rx1d_100_robustness,
    case
        when rain.hazard_tomorrow_rx1d_q50 is not null or rain.hazard_tomorrow_rl_rx1d_20_q50 is not null then rain.dataset_id
    end as hazard_tomorrow_source,
    case when hazard_tomorrow_source is not null then contexts.label_en end as hazard_tomorrow_date,
    facts.exposure_people,
    facts.exposure_pop_share,
    facts.exposure_dwelling_share,
    facts.exposure_built_share,
    facts.exposure_source,
    facts.exposure_date,
    coalesce(facts.exposure_state, 'not_studied') as exposure_state,
    facts.damage_ead,
    facts.damage_ead_no_tail,
    facts.damage_ead_protected,
    facts.damage_ead_protected_no_tail,
    facts.damage_source,
    facts.damage_date,
    coalesce(facts.damage_state, 'not_studied') as damage_state
from {{ ref('stg_lake__territories') }} as territories
left join rain using (territory_id)
left join facts using (territory_id)
left join {{ ref('contexts') }} as contexts using (context_id)
