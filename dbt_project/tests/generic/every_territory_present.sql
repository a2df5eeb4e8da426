{% test every_territory_present(model) %}
{# As many rows as territories, for every national dataset, indicator, context and weighting: nothing is silently absent. #}
select dataset_id, indicator_id, context_id, weighting, count(*) as n
from {{ model }}
where dataset_id in (select dataset_id from {{ ref('int_datasets') }} where is_national)
group by all
having count(*) <> (select count(*) from {{ ref('int_territories') }} where not is_of_altitude)
{% endtest %}
