{% test unique_key(model, columns) %}
{# The columns together are the key of the table. #}
select {{ columns | join(', ') }}, count(*) as n
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
