{# The IPCC AR6 class (advanced approach) of the changes of the runs, against each run's gamma:
   robust: at least 66 % of the runs change by more than gamma and at least 80 % agree on the sign;
   conflicting: at least 66 % change by more than gamma, fewer than 80 % agree;
   no_change_or_no_signal: fewer than 66 % change by more than gamma. #}
{% macro robustness(changes, gammas) %}
    case
        when {{ gammas }} is null then 'not_computable'
        when list_sum(list_transform({{ changes }}, lambda change, i: (abs(change) > {{ gammas }}[i])::integer))
            < {{ var('min_runs_share_of_signal') }} * {{ run_count(changes) }}
            then 'no_change_or_no_signal'
        when greatest(
            len(list_filter({{ changes }}, lambda change: change > 0)),
            len(list_filter({{ changes }}, lambda change: change < 0))
        ) >= {{ var('min_agreement') }} * {{ run_count(changes) }}
            then 'robust'
        else 'conflicting'
    end
{% endmacro %}
