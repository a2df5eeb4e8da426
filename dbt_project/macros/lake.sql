{# Whether the lake holds a table, in one file or in partitions: an export-only lake has no cell_year, a daily-only one no
   index, and one that nothing was fetched for no source_state. #}
{% macro lake_has(table) %}
    {% if not execute %}{{ return(false) }}{% endif %}
    {% set path = env_var('CLIMART_LAKE') ~ "/" ~ table %}
    {% set found = run_query(
        "select (select count(*) from glob('" ~ path ~ ".parquet')) + (select count(*) from glob('" ~ path ~ "/**/*.parquet'))"
    ) %}
    {{ return(found.columns[0].values()[0] > 0) }}
{% endmacro %}
