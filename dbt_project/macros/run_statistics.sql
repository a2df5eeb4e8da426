{# Quantiles over runs: type 7 (linear), missing runs left out; [q05, q50, q95], or NULL where no run has a value. #}
{% macro ensemble_quantiles(runs) %}
    list_aggregate({{ runs }}, 'quantile_cont', [0.05, 0.5, 0.95])
{% endmacro %}

{# How many runs have a value. #}
{% macro run_count(runs) %}
    coalesce(list_aggregate({{ runs }}, 'count'), 0)
{% endmacro %}

{# Share of runs whose change has the sign of the median change; runs without change count in neither sign. #}
{% macro sign_agreement(changes, median) %}
    case
        when {{ median }} <> 0
            then len(list_filter({{ changes }}, lambda change: sign(change) = sign({{ median }})))
                / {{ run_count(changes) }}
    end
{% endmacro %}

{# Quantile of a sorted list at a share that differs between rows: type 7 (linear). #}
{% macro sorted_quantile(sorted, share) -%}
    ({{ sorted }}[floor((len({{ sorted }}) - 1) * {{ share }})::integer + 1]
        + ((len({{ sorted }}) - 1) * {{ share }} - floor((len({{ sorted }}) - 1) * {{ share }}))
        * ({{ sorted }}[ceil((len({{ sorted }}) - 1) * {{ share }})::integer + 1]
            - {{ sorted }}[floor((len({{ sorted }}) - 1) * {{ share }})::integer + 1]))
{%- endmacro %}
