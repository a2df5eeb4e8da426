{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='simulation_id',
        on_schema_change='append_new_columns',
    )
}}
-- Run × context × cell: the mean over the years of the context, valid from 90 % of the years. A date is the mean of the years in
-- which it occurs; its <date>_event is the share of those years.
{%- set themes = projected_by_theme() %}
with runs as (

    select simulation_id, dataset_id, grid_id, fingerprint
    from {{ ref('int_simulations') }}
    {% if is_incremental() %}
    where fingerprint not in (select distinct fingerprint from {{ this }})
    {% endif %}

),
{%- for theme, indicators in themes.items() %}

{{ theme }} as (

    select
        years.simulation_id,
        windows.context_id,
        years.cell_id{{ "," if indicators }}
        {%- for indicator in indicators %}
        {%- set counted = indicator ~ "_event" if indicator ~ "_event" in indicators else indicator %}
        (case
            when count(years.{{ counted }}) >= {{ var('min_valid_years_share') }} * any_value(windows.n_years_expected)
                then avg(years.{{ indicator }}::double)
        end)::float as {{ indicator }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('int_' ~ theme ~ '_years') }} as years
    inner join runs using (simulation_id)
    inner join {{ ref('int_run_windows') }} as windows
        on years.simulation_id = windows.simulation_id and years.year between windows.year_start and windows.year_end
    group by years.simulation_id, windows.context_id, years.cell_id

),
{%- endfor %}

means as (

    select runs.dataset_id, runs.fingerprint, runs.grid_id, themes.*
    from (
        select *
        from {{ projected_themes()[0] }}
        {%- for theme in projected_themes()[1:] %}
        inner join {{ theme }} using (simulation_id, context_id, cell_id)
        {%- endfor %}
    ) as themes
    inner join runs using (simulation_id)

)

select means.*{% for indicator in fitted_indicators() %}, {{ indicator }}{% endfor %}
from means
left join {{ ref('int_cell_return_levels') }} using (simulation_id, context_id, cell_id)
left join {{ ref('int_cell_rain_quantiles') }} using (simulation_id, context_id, cell_id)
