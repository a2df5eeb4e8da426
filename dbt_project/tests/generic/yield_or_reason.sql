{% test yield_or_reason(model) %}
{# A yield, an area, a production, an anomaly, each or the reason why there is none; none below zero. #}
select *
from {{ model }}
where ("yield" is null) = (reason is null)
    or (area_ha is null) = (area_reason is null)
    or (production is null) = (production_reason is null)
    or (yield_anom is null) = (yield_anom_reason is null)
    or least("yield", area_ha, area_in_production_ha, production) < 0
{% endtest %}
