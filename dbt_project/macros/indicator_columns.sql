{# The indicators that the loaded files hold, in a fixed order: one column each in the wide intermediate tables. #}
{% macro indicator_columns() %}
    {% set headers = ref('stg_lake__producer_index_headers') %}
    {% set mapping = ref('producer_indices') %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {% set found = run_query(
        "select distinct indicator_id from " ~ headers ~ " join " ~ mapping ~ " using (index_code) order by indicator_id"
    ) %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}
