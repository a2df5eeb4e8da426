{# Whether a value is within a class (a row of dim_class); an absent bound is no bound. #}
{% macro within_class(value, class) %}
    ({{ class }}.lower is null or {{ value }} > {{ class }}.lower or ({{ class }}.lower_inclusive and {{ value }} = {{ class }}.lower))
    and ({{ class }}.upper is null or {{ value }} < {{ class }}.upper or ({{ class }}.upper_inclusive and {{ value }} = {{ class }}.upper))
{% endmacro %}
