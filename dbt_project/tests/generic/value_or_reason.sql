{% test value_or_reason(model) %}
{# A value with its interval and its number of runs, or a reason: never both, never neither. #}
select *
from {{ model }}
where (reason is null) <> (q05 is not null and q50 is not null and q95 is not null and n_runs > 0)
{% endtest %}
