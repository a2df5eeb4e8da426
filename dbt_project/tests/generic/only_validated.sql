{% test only_validated(model) %}
{# No row of a dataset that is under evaluation or synthetic. Every model of scores carries this test. #}
select *
from {{ model }}
where validation_status is null or validation_status in ('under_evaluation', 'synthetic')
{% endtest %}
