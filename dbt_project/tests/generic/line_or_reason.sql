{% test line_or_reason(model) %}
{# A median altitude, or a reason; quantiles in order, each one missing only above those that are there. #}
select *
from {{ model }}
where (reason is null) <> (q50 is not null)
    or (q95 is not null and q50 is null)
    or (q50 is not null and q05 is null)
    or q05 > q50
    or q50 > q95
{% endtest %}
