{% test every_commune_has_its_state(model) %}
{# Every measure of every dataset has a row for every commune; a row without a value says why; "not studied" has no value. #}
select dataset_id, measure_id, return_period, count(*) as n
from {{ model }}
where territory_id like 'commune:%'
group by all
having count(*) <> (select count(*) from {{ ref('dim_territory') }} where kind = 'commune')
    or count_if((value is null) <> (reason is not null)) > 0
    or count_if(state = 'not_studied' and value is not null) > 0
    or count_if(state <> 'not_studied' and value is null and reason not in ('no_event', 'no_weight', 'no_sale', 'too_few_sales')) > 0
{% endtest %}
