{% test median_or_reason(model) %}
{# A median, or a reason: never both, never neither. #}
select *
from {{ model }}
where (reason is null) <> (median is not null)
{% endtest %}
