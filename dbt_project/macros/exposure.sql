{# The measures that int_catnat_measures counts. #}
{% macro catnat_columns() %}
    {{ return([
        'catnat_n_total', 'catnat_n_flood', 'catnat_n_drought', 'catnat_n_ground', 'catnat_n_storm', 'catnat_n_marine',
        'catnat_n_last20', 'catnat_n_blanket', 'catnat_last_year'
    ]) }}
{% endmacro %}

{# The damage of one segment of the curve, between two annual probabilities: a trapezoid, cut at the probability of the protection
   (floods more frequent than it do no damage). #}
{% macro damage_segment(p_high, d_high, p_low, d_low, p_protection) -%}
    case when least({{ p_high }}, {{ p_protection }}) > {{ p_low }} then
        (least({{ p_high }}, {{ p_protection }}) - {{ p_low }}) * (
            {{ d_low }} + ({{ d_low }} + ({{ d_high }} - {{ d_low }})
                * (least({{ p_high }}, {{ p_protection }}) - {{ p_low }}) / ({{ p_high }} - {{ p_low }}))
        ) / 2
    else 0 end
{%- endmacro %}

{# Expected annual damage (indicators.md §3) of the rows of a relation: keys, return_period, damage, p_protection (1: none). No damage
   at the period ``first_period`` where the shortest modelled one is longer; with the tail, beyond the longest, as that of the
   longest. #}
{% macro expected_annual_damage(relation, keys, first_period) %}
select
    {{ keys | join(', ') }},
    sum({{ damage_segment('p_high', 'd_high', 'p_low', 'd_low', 'p_protection') }}) as without_tail,
    without_tail + min(least(p_low, p_protection)) * arg_min(d_low, p_low) as with_tail
from (
    select
        {{ keys | join(', ') }},
        p_protection,
        1 / return_period::double as p_low,
        damage as d_low,
        coalesce(lag(1 / return_period::double) over curve, greatest(1 / {{ first_period }}::double, p_low)) as p_high,
        coalesce(lag(damage) over curve, case when p_high > p_low then 0 else damage end) as d_high
    from {{ relation }}
    window curve as (partition by {{ keys | join(', ') }} order by return_period)
)
group by {{ keys | join(', ') }}
{% endmacro %}

{# What it means that a dataset does not name a commune: absent_means of the measure, for a national register under the regime, which
   speaks of every commune also by silence; NULL for what was asked for a few of them, or could not be carried. Of the relations
   territories (stg_lake__territories), sources (stg_lake__datasets) and uncarried (int_uncarried_communes, left joined). #}
{% macro silence_means(absent_means) -%}
    case
        when uncarried.commune_code is null and territories.zone in ('metro', 'drom') and sources.is_partial is not true
            then {{ absent_means }}
    end
{%- endmacro %}

{# Why a silence is no value. #}
{% macro silence_reason(meaning) -%}
    case
        when {{ meaning }} = 'zero' then null
        when {{ meaning }} = 'no_event' then 'no_event'
        when uncarried.commune_code is not null then 'commune_split'
        else 'not_studied'
    end
{%- endmacro %}
