{# The measures that int_catnat_measures counts. #}
{% macro catnat_columns() %}
    {{ return([
        'catnat_n_total', 'catnat_n_flood', 'catnat_n_drought', 'catnat_n_ground', 'catnat_n_storm', 'catnat_n_marine',
        'catnat_n_last20', 'catnat_n_blanket', 'catnat_last_year'
    ]) }}
{% endmacro %}
