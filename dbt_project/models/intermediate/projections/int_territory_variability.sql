{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='run_key',
        on_schema_change='append_new_columns',
    )
}}
-- depends_on: {{ ref('stg_lake__cell_weights') }}
-- depends_on: {{ ref('indicators') }}
-- Run × territory: the standard deviation between the years of the reference, of the territory's own annual values. The AR6
-- robustness class weighs a change against it.
{%- set themes = projected_by_theme() %}
with runs as (

    select simulation_id, run_key, grid_id, fingerprint
    from {{ ref('int_simulations') }}
    {% if is_incremental() %}
    where fingerprint not in (select distinct fingerprint from {{ this }})
    {% endif %}

),
{%- for theme in themes %}
{%- set indicators = event_columns(themes[theme], keep=false) %}
{%- set asked = columns_by_weighting(indicators) %}

-- the years of a theme are computed once for all weightings
{{ theme }}_years as (

    select
        runs.run_key,
        runs.fingerprint,
        weights.weighting,
        weights.territory_key,
        years.year{{ "," if indicators }}
        {%- for indicator in indicators %}
        sum(weights.weight * years.{{ indicator }})
            / sum(weights.weight) filter (years.{{ indicator }} is not null) as {{ indicator }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('int_' ~ theme ~ '_years') }} as years
    inner join runs using (simulation_id)
    inner join {{ ref('int_cell_weights') }} as weights
        on years.cell_id = weights.cell_id and runs.grid_id = weights.grid_id
    where years.year between {{ var('reference_start') }} and {{ var('reference_end') }}
        and weights.weighting in ('{{ asked | join("', '") }}')
    group by runs.run_key, runs.fingerprint, weights.weighting, weights.territory_key, years.year

),

{{ theme }} as (

    select
        run_key,
        fingerprint,
        weighting,
        territory_key{{ "," if indicators }}
        {%- for indicator in indicators %}
        {%- set others = [] %}
        {%- for weighting, columns in asked.items() if indicator not in columns %}{% do others.append(weighting) %}{% endfor %}
        (case when weighting not in ('{{ others | join("', '") }}') then stddev_samp({{ indicator }}) end)::float as {{ indicator }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ theme }}_years
    group by run_key, fingerprint, weighting, territory_key

){{ "," if not loop.last }}
{%- endfor %}

select *
from {{ projected_themes()[0] }}
{%- for theme in projected_themes()[1:] %}
full join {{ theme }} using (run_key, fingerprint, weighting, territory_key)
{%- endfor %}
