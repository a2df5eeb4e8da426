{# The generalised extreme value distribution by L-moments: Hosking & Wallis 1997, Regional Frequency Analysis. Its shape is k, the
   opposite of Coles' (2001). Tests render these macros alone: they use nothing of dbt. #}

{# Aggregate: the unbiased probability-weighted moment of an order (0 to 3) of a sample, each value beside its rank (1: lowest). #}
{% macro weighted_moment(value, rank, order) -%}
    sum({{ value }}{% for i in range(1, order + 1) %} * ({{ rank }} - {{ i }}){% endfor %})
        / (count(*){% for i in range(1, order + 1) %} * (count(*) - {{ i }}){% endfor %})
{%- endmacro %}

{# L-moments from the weighted moments: the mean, the scale, the ratios of skewness and kurtosis. A constant sample has no ratios. #}
{% macro l_scale(b0, b1) %}(2 * {{ b1 }} - {{ b0 }}){% endmacro %}
{% macro l_skewness(b0, b1, b2) %}((6 * {{ b2 }} - 6 * {{ b1 }} + {{ b0 }}) / nullif({{ l_scale(b0, b1) }}, 0)){% endmacro %}
{% macro l_kurtosis(b0, b1, b2, b3) -%}
    ((20 * {{ b3 }} - 30 * {{ b2 }} + 12 * {{ b1 }} - {{ b0 }}) / nullif({{ l_scale(b0, b1) }}, 0))
{%- endmacro %}

{# The shape k of the L-skewness: Hosking's approximation, within 9e-4 for skewness in [-0.5, 0.5]. #}
{% macro gev_shape(skewness) -%}
    (7.8590 * (2 / (3 + {{ skewness }}) - ln(2) / ln(3)) + 2.9554 * pow(2 / (3 + {{ skewness }}) - ln(2) / ln(3), 2))
{%- endmacro %}

{# Scale and location of the L-moments, for a shape. A shape of zero is Gumbel's distribution; 0.5772… is Euler's constant. #}
{% macro gev_scale(l2, k) -%}
    case
        when abs({{ k }}) < 1e-6 then {{ l2 }} / ln(2)
        else {{ l2 }} * {{ k }} / ((1 - pow(2, -{{ k }})) * gamma(1 + {{ k }}))
    end
{%- endmacro %}
{% macro gev_location(l1, scale, k) -%}
    {{ l1 }} - {{ scale }} * case when abs({{ k }}) < 1e-6 then 0.5772156649 else (1 - gamma(1 + {{ k }})) / {{ k }} end
{%- endmacro %}

{# The standard variate (location 0, scale 1) that a year does not exceed with a probability; the level of a return period. #}
{% macro gev_variate(probability, k) -%}
    case when abs({{ k }}) < 1e-6 then -ln(-ln({{ probability }})) else (1 - pow(-ln({{ probability }}), {{ k }})) / {{ k }} end
{%- endmacro %}
{% macro gev_level(location, scale, k, period) -%}
    ({{ location }} + {{ scale }} * ({{ gev_variate('1 - 1 / ' ~ period ~ '::double', k) }}))
{%- endmacro %}
