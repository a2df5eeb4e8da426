{% test score_or_reason(model) %}
{# A score from 0 to 100 with its class and a part, or a reason; a coverage within 0 and 1; quantiles in order. #}
select *
from {{ model }}
where (score is null) = (reason is null)
    or (score is null) <> (class is null)
    or score not between 0 and 100
    or coverage not between 0 and 1.000001
    or len(parts) = 0
    or not (q05 <= q50 and q50 <= q95)
    or class_confidence not between 0 and 1
{% endtest %}
