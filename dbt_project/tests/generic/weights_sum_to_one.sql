{% test weights_sum_to_one(model) %}
select grid_id, territory_id, weighting, sum(weight) as total
from {{ model }}
group by grid_id, territory_id, weighting
having abs(total - 1) > 1e-9 or min(weight) <= 0
{% endtest %}
