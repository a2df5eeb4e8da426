{% test weighed_or_reason(model) %}
{# A territory is weighed by what is exposed, or by its area, or there is a reason: never both, never neither. #}
select *
from {{ model }}
where (reason is null) <> (computed_as is not null and method is not null)
    or computed_as not in (weighting, 'area')
{% endtest %}
