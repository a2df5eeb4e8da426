{% test unknown_is_not_zero(model) %}
{# A group of columns that no source studied has no value at all, no source and no date. #}
{%- set columns = adapter.get_columns_in_relation(model) | map(attribute='name') | list %}
select territory_id
from {{ model }}
where false
    {%- for state in columns if state.endswith('_state') %}
    {%- for column in columns if column.startswith(state[:-5]) and column != state %}
    or ({{ state }} = 'not_studied' and {{ column }} is not null)
    {%- endfor %}
    {%- endfor %}
{% endtest %}
