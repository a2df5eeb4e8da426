{# The indicators that the loaded exports hold, in a fixed order. #}
{% macro exported_indicators() %}
    {% set headers = ref('stg_lake__producer_index_headers') %}
    {% set mapping = ref('producer_indices') %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {% set found = run_query(
        "select distinct indicator_id from " ~ headers ~ " join " ~ mapping ~ " using (index_code) order by indicator_id"
    ) %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

{# The indicators that the reduced daily runs give: the columns of int_indicator_years, in a fixed order. A date comes with
   <date>_event, the share of years in which it occurs. #}
{% macro projected_indicators() %}
    {% set years = ref('int_indicator_years') %}
    {% if not execute or not lake_has('cell_year') %}{{ return([]) }}{% endif %}
    {% set found = run_query(
        "select column_name from (describe " ~ years ~ ") where column_name not in ('simulation_id', 'cell_id', 'year') order by 1"
    ) %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

{# Every indicator of the warehouse: one column each in the wide intermediate tables. #}
{% macro indicator_columns() %}
    {{ return((exported_indicators() + projected_indicators()) | unique | sort) }}
{% endmacro %}

{# The columns that are the frequency of a date's event, and those that are not. #}
{% macro event_columns(columns, keep) %}
    {% set chosen = [] %}
    {% for column in columns %}
        {% if column.endswith('_event') == keep %}{% do chosen.append(column) %}{% endif %}
    {% endfor %}
    {{ return(chosen) }}
{% endmacro %}
