{% test every_territory_present(model) %}
{# As many rows as territories, for every dataset, indicator, context and weighting: nothing is silently absent. #}
select dataset_id, indicator_id, context_id, weighting, count(*) as n
from {{ model }}
group by all
having count(*) <> (select count(*) from {{ ref('dim_territory') }})
{% endtest %}
