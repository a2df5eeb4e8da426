{# The weightings that the lake has weights for, and for each the columns among `columns` that are given in it, as
   {weighting: [column, …]}: all for the area, which comes first, and for the altitudes of a territory; for what is exposed,
   those that the catalogue asks for. A date's event goes with its date. #}
{% macro columns_by_weighting(columns) %}
    {% set weights = ref('stg_lake__cell_weights') %}
    {% set catalogue = ref('indicators') %}
    {% set families = ref('weightings') %}
    {% set found = {'area': columns} %}
    {% if execute %}
        {% set rows = run_query(
            "select weighting, family, (select list(indicator_id) from " ~ catalogue
            ~ " where list_contains(string_split(weightings, ';'), weighting)) from " ~ families
            ~ " where family <> 'area' and weighting in (select weighting from " ~ weights ~ ") order by position"
        ) %}
        {% for weighting, family, asked in rows.rows %}
            {% set chosen = [] %}
            {% for column in columns %}
                {% set indicator = column[:-6] if column.endswith('_event') else column %}
                {% if family == 'altitude' or indicator in (asked or []) %}{% do chosen.append(column) %}{% endif %}
            {% endfor %}
            {% if chosen %}{% do found.update({weighting: chosen}) %}{% endif %}
        {% endfor %}
    {% endif %}
    {{ return(found) }}
{% endmacro %}
