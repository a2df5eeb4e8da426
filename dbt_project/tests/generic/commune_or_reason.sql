{% test commune_or_reason(model) %}
{# A code becomes one commune, or there is a reason. #}
select * from {{ model }} where (territory_id is null) = (reason is null)
{% endtest %}
