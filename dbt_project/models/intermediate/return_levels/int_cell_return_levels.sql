{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='simulation_id',
    )
}}
-- Run × context × cell: the return levels of daily rain and the interval of their fit. A shape beyond ±0.4 gives way to that of the
-- 3 × 3 cells around. In a 20-year window the levels beyond 20 years are the cell's own 20-year level times the growth of the
-- 3 × 3 cells' common curve (index flood): a cell's levels stay on one rising curve. docs/methods/flood.md.
{%- set periods = var('return_periods') %}
{%- set step = var('bootstrap_shape_step') %}
with moments as (

    select * from {{ ref('int_cell_extreme_moments') }}
    {% if is_incremental() %}
    where fingerprint not in (select distinct fingerprint from {{ this }})
    {% endif %}

),

-- mean ratios of the 3 × 3 cells, each weighted by its number of maxima (Hosking & Wallis 1997, 6.2)
regions as (

    select
        moments.simulation_id,
        moments.context_id,
        neighbours.cell_id,
        sum(moments.n_maxima * moments.l2 / moments.l1) / sum(moments.n_maxima) as region_l2,
        {{ gev_shape('(sum(moments.n_maxima * moments.skewness) / sum(moments.n_maxima))') }} as region_shape
    from moments
    inner join {{ ref('int_cell_neighbours') }} as neighbours
        on moments.grid_id = neighbours.grid_id and moments.cell_id = neighbours.neighbour_id
    group by moments.simulation_id, moments.context_id, neighbours.cell_id

),

shapes as (

    select *, case when is_own_shape then own_shape else region_shape end as shape
    from (
        select
            moments.*,
            regions.region_l2,
            regions.region_shape,
            {{ gev_shape('moments.skewness') }} as own_shape,
            abs({{ gev_shape('moments.skewness') }}) <= {{ var('max_shape') }} as is_own_shape
        from moments
        inner join regions using (simulation_id, context_id, cell_id)
    )
    where is_own_shape or abs(region_shape) <= {{ var('max_shape') }}

),

fits as (

    select
        *,
        {{ gev_location('l1', 'scale', 'shape') }} as location,
        {{ gev_location('1', 'region_scale', 'region_shape') }} as region_location
    from (
        select
            *,
            {{ gev_scale('l2', 'shape') }} as scale,
            {{ gev_scale('region_l2', 'region_shape') }} as region_scale
        from shapes
    )

),

growth as (

    select
        *,
        {%- for period in periods %}
        {%- if period <= 20 %}
        1.0 as growth_{{ period }},
        {%- else %}
        case
            when is_short_window
                then {{ gev_level('region_location', 'region_scale', 'region_shape', period) }}
                    / {{ gev_level('region_location', 'region_scale', 'region_shape', 20) }}
            else 1.0
        end as growth_{{ period }},
        {%- endif %}
        {%- endfor %}
        greatest(floor(shape / {{ step }}), -round({{ var('max_shape') }} / {{ step }})) as shape_step,
        shape / {{ step }} - shape_step as beyond_step
    from fits

),

-- the bootstrap of the two shapes around the cell's own, interpolated
bounded as (

    select
        growth.*,
        {%- for period in periods %}
        {%- for quantile in ('q05', 'q95') %}
        lower_shape.variate_{{ period }}_{{ quantile }} * (1 - beyond_step)
            + coalesce(upper_shape.variate_{{ period }}_{{ quantile }} * beyond_step, 0) as variate_{{ period }}_{{ quantile }}
        {{- "," if not (loop.last and period == periods[-1]) }}
        {%- endfor %}
        {%- endfor %}
    from growth
    inner join {{ ref('int_gev_bootstrap') }} as lower_shape
        on growth.n_maxima = lower_shape.n_maxima and growth.shape_step = lower_shape.shape_step
    left join {{ ref('int_gev_bootstrap') }} as upper_shape
        on growth.n_maxima = upper_shape.n_maxima and growth.shape_step + 1 = upper_shape.shape_step

)

select
    simulation_id,
    fingerprint,
    grid_id,
    context_id,
    cell_id,
    n_maxima,
    is_short_window,
    is_own_shape,
    shape::float as shape,
    {%- for period in periods %}
    {%- set own = "(case when is_short_window then " ~ [period, 20] | min ~ " else " ~ period ~ " end)" %}
    (growth_{{ period }} * {{ gev_level('location', 'scale', 'shape', own) }})::float as rl_rx1d_{{ period }},
    {%- for quantile in ('q05', 'q95') %}
    (
        growth_{{ period }} * (
            location + scale * case
                when is_short_window then variate_{{ [period, 20] | min }}_{{ quantile }} else variate_{{ period }}_{{ quantile }}
            end
        )
    )::float as rl_rx1d_{{ period }}_{{ quantile }}{{ "," if not (loop.last and period == periods[-1]) }}
    {%- endfor %}
    {%- endfor %}
from bounded
