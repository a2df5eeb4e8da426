-- Parametric bootstrap of the fit: for a number of maxima and a shape, the 5 % and 95 % quantiles over 500 draws of the refitted
-- level, on the standard scale (location 0, scale 1). L-moments follow location and scale, so that location + scale × these
-- quantiles is the interval of any cell: no cell is drawn again. The draws are always the same. docs/decisions/0005.
{%- set periods = var('return_periods') %}
with uniforms as (

    select
        draw,
        position,
        -- MD5 as the generator: the same numbers on any machine and in any version
        (md5_number_lower(concat_ws('|', 'climart', draw, position))::double + 0.5) / 18446744073709551616.0 as probability
    from range(1, {{ var('bootstrap_draws') }} + 1) as draws (draw)
    cross join range(1, 61) as positions (position)

),

samples as (

    -- every shape orders a sample alike: the rank is that of the uniform number
    select
        sizes.n_maxima,
        uniforms.draw,
        uniforms.probability,
        row_number() over (partition by sizes.n_maxima, uniforms.draw order by uniforms.probability) as rank
    from (select distinct n_maxima from {{ ref('int_cell_extreme_moments') }}) as sizes
    inner join uniforms on uniforms.position <= sizes.n_maxima

),

moments as (

    select
        n_maxima,
        shape_step,
        shape_step * {{ var('bootstrap_shape_step') }} as shape,
        draw,
        {{ weighted_moment('variate', 'rank', 0) }} as b0,
        {{ weighted_moment('variate', 'rank', 1) }} as b1,
        {{ weighted_moment('variate', 'rank', 2) }} as b2
    from (
        select
            *,
            {{ gev_variate('probability', '(shape_step * ' ~ var('bootstrap_shape_step') ~ ')') }} as variate
        from samples
        cross join range(
            -(round({{ var('max_shape') }} / {{ var('bootstrap_shape_step') }}))::integer,
            (round({{ var('max_shape') }} / {{ var('bootstrap_shape_step') }}))::integer + 1
        ) as shapes (shape_step)
    )
    group by n_maxima, shape_step, draw

),

shapes as (

    -- the same guard as the fit itself
    select
        *,
        case when abs(own_shape) <= {{ var('max_shape') }} then own_shape else shape end as fitted_shape
    from (
        select *, {{ l_scale('b0', 'b1') }} as l2, {{ gev_shape(l_skewness('b0', 'b1', 'b2')) }} as own_shape from moments
    )

),

fits as (

    select *, {{ gev_location('b0', 'fitted_scale', 'fitted_shape') }} as fitted_location
    from (select *, {{ gev_scale('l2', 'fitted_shape') }} as fitted_scale from shapes)

)

select
    n_maxima,
    shape_step,
    {%- for period in periods %}
    quantile_cont({{ gev_level('fitted_location', 'fitted_scale', 'fitted_shape', period) }}, 0.05) as variate_{{ period }}_q05,
    quantile_cont({{ gev_level('fitted_location', 'fitted_scale', 'fitted_shape', period) }}, 0.95) as variate_{{ period }}_q95
    {{- "," if not loop.last }}
    {%- endfor %}
from fits
group by n_maxima, shape_step
