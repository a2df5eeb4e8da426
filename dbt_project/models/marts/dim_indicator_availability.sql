-- Dataset × indicator of the catalogue: in how many of its runs, and why not in the others.
with runs as (

    select dataset_id, simulation_id, content_sha256 is not null as is_daily
    from {{ ref('int_simulations') }}

),

indicators as (

    select catalogue.indicator_id, coalesce(features.feature_id, catalogue.indicator_id) as feature_id
    from {{ ref('indicators') }} as catalogue
    left join {{ ref('indicator_features') }} as features using (indicator_id)

),

projected as (

    {% for indicator in projected_indicators() + fitted_indicators() %}select '{{ indicator }}' as indicator_id{{ " union all " if not loop.last }}{% endfor %}
    {% if clay_driver() in projected_indicators() %}union all select 'rga_risk'{% endif %}
    {% if not projected_indicators() %}select null::varchar as indicator_id where false{% endif %}

),

-- daily runs too short for any context: 1976-2005, a horizon, a warming level
short as (

    select simulation_id from runs where is_daily
    except
    select simulation_id from {{ ref('int_run_windows') }}

),

exported as (

    select distinct simulation_id, indicator_id from {{ ref('dim_indicator_source') }}

),

by_run as (

    select
        runs.dataset_id,
        indicators.indicator_id,
        case
            when exported.indicator_id is not null then null
            when not runs.is_daily then 'not_in_exports'
            when projected.indicator_id is null then 'not_computed'
            when missing.reason is null and runs.simulation_id in (select simulation_id from short) then 'too_few_years'
            else missing.reason
        end as reason
    from runs
    cross join indicators
    left join projected on indicators.indicator_id = projected.indicator_id
    left join exported on runs.simulation_id = exported.simulation_id and indicators.indicator_id = exported.indicator_id
    left join {{ ref('stg_lake__missing_features') }} as missing
        on runs.simulation_id = missing.simulation_id and indicators.feature_id = missing.feature_id

)

select
    dataset_id,
    indicator_id,
    count(*)::smallint as n_runs,
    (count(*) filter (reason is null))::smallint as n_runs_available,
    string_agg(distinct reason, ';' order by reason) as reason
from by_run
group by dataset_id, indicator_id
