{# Whether the lake holds files of a partitioned table: an export-only lake has no cell_year, a daily-only one no index. #}
{% macro lake_has(table) %}
    {% if not execute %}{{ return(false) }}{% endif %}
    {% set found = run_query("select count(*) from glob('" ~ env_var('CLIMART_LAKE') ~ "/" ~ table ~ "/**/*.parquet')") %}
    {{ return(found.columns[0].values()[0] > 0) }}
{% endmacro %}
