{% test quantiles_ordered(model) %}
select * exclude (reason)
from {{ model }}
where not (q05 <= q50 and q50 <= q95) or not (delta_q05 <= delta_q50 and delta_q50 <= delta_q95)
{% endtest %}
