{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='simulation_id',
    )
}}
-- Run × context × cell: the L-moments of the annual maxima of daily rain. A fit asks for 25 maxima, or, in a window that has fewer
-- years, for 90 % of them.
{%- set has_rain = 'rx1d' in projected_indicators() %}
with runs as (

    select simulation_id, grid_id, fingerprint
    from {{ ref('int_simulations') }}
    {% if is_incremental() %}
    where fingerprint not in (select distinct fingerprint from {{ this }})
    {% endif %}

),

maxima as (

    select
        runs.*,
        windows.context_id,
        windows.n_years_expected,
        years.cell_id,
        years.rx1d::double as value,
        row_number() over (
            partition by runs.simulation_id, windows.context_id, years.cell_id order by years.rx1d
        ) as rank
    from (
        {% if has_rain %}select * from {{ ref('int_rain_years') }}
        {% else %}select *, null::float as rx1d from {{ ref('int_rain_years') }}{% endif %}
    ) as years
    inner join runs using (simulation_id)
    inner join {{ ref('int_run_windows') }} as windows
        on years.simulation_id = windows.simulation_id and years.year between windows.year_start and windows.year_end
    where years.rx1d is not null

),

moments as (

    select
        simulation_id,
        grid_id,
        fingerprint,
        context_id,
        cell_id,
        any_value(n_years_expected) as n_years_expected,
        count(*) as n_maxima,
        {{ weighted_moment('value', 'rank', 0) }} as b0,
        {{ weighted_moment('value', 'rank', 1) }} as b1,
        {{ weighted_moment('value', 'rank', 2) }} as b2
    from maxima
    group by simulation_id, grid_id, fingerprint, context_id, cell_id

)

select
    simulation_id,
    grid_id,
    fingerprint,
    context_id,
    cell_id,
    n_years_expected < {{ var('min_maxima') }} as is_short_window,
    n_maxima::smallint as n_maxima,
    b0 as l1,
    {{ l_scale('b0', 'b1') }} as l2,
    {{ l_skewness('b0', 'b1', 'b2') }} as skewness
from moments
where n_maxima >= least({{ var('min_maxima') }}, {{ var('min_valid_years_share') }} * n_years_expected)
    and {{ l_scale('b0', 'b1') }} > 1e-9 * b0
