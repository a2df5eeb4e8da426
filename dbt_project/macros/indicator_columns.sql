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

{# The models that say what a year's features mean, one per theme: models/intermediate/years/int_<theme>_years. #}
{% macro projected_themes() %}{{ return(['heat', 'rain', 'agriculture', 'buildings', 'snow']) }}{% endmacro %}

{# The indicators that the reduced daily runs give, by theme: the columns of int_<theme>_years, in a fixed order. A date comes
   with <date>_event, the share of years in which it occurs. #}
{% macro projected_by_theme() %}
    {% set found = {} %}
    {% for theme in projected_themes() %}
        {% set years = ref('int_' ~ theme ~ '_years') %}
        {% do found.update({theme: []}) %}
        {% if execute and lake_has('cell_year') %}
            {% set columns = run_query(
                "select column_name from (describe " ~ years ~ ") where column_name not in ('simulation_id', 'cell_id', 'year') order by 1"
            ) %}
            {% do found.update({theme: columns.columns[0].values() | list}) %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}

{# The same, all themes together. #}
{% macro projected_indicators() %}
    {% set found = [] %}
    {% for indicators in projected_by_theme().values() %}{% do found.extend(indicators) %}{% endfor %}
    {{ return(found | sort) }}
{% endmacro %}

{# Whether the lake holds the wettest days of each year. #}
{% macro has_wettest_days() %}
    {% set years = ref('stg_lake__cell_years') %}
    {% if not execute or not lake_has('cell_year') %}{{ return(false) }}{% endif %}
    {% set found = run_query("select 1 from (describe " ~ years ~ ") where column_name = 'pr_wettest_16'") %}
    {{ return(found.rows | length > 0) }}
{% endmacro %}

{# What is taken from all the days or maxima of a window, not averaged over its years: the model that gives each indicator. #}
{% macro fitted_by_model() %}
    {% set levels = [] %}
    {% if 'rx1d' in projected_indicators() %}
        {% for period in var('return_periods') %}{% do levels.append('rl_rx1d_' ~ period) %}{% endfor %}
    {% endif %}
    {{ return({'int_cell_return_levels': levels, 'int_cell_rain_quantiles': ['p99_all'] if has_wettest_days() else []}) }}
{% endmacro %}

{# The same, all models together. #}
{% macro fitted_indicators() %}
    {% set found = [] %}
    {% for indicators in fitted_by_model().values() %}{% do found.extend(indicators) %}{% endfor %}
    {{ return(found) }}
{% endmacro %}

{# Every indicator of the warehouse: one column each in the wide intermediate tables. #}
{% macro indicator_columns() %}
    {{ return((exported_indicators() + projected_indicators() + fitted_indicators()) | unique | sort) }}
{% endmacro %}

{# The columns that are the frequency of a date's event, and those that are not. #}
{% macro event_columns(columns, keep) %}
    {% set chosen = [] %}
    {% for column in columns %}
        {% if column.endswith('_event') == keep %}{% do chosen.append(column) %}{% endif %}
    {% endfor %}
    {{ return(chosen) }}
{% endmacro %}

{# The indicators that some run has in some of its cells only: a territory's mean must then count the cells that speak. The
   others need one common sum of weights. #}
{% macro indicators_with_gaps() %}
    {% set tables = {ref('int_cell_indicators'): exported_indicators(), ref('int_cell_projections'): projected_indicators() + fitted_indicators()} %}
    {% set found = [] %}
    {% if execute %}
        {% for table, indicators in tables.items() if indicators %}
            {% set gaps = [] %}
            {% for indicator in indicators %}
                {% do gaps.append("bool_or(" ~ indicator ~ " > 0 and " ~ indicator ~ " < n) as " ~ indicator) %}
            {% endfor %}
            {% set counts = [] %}
            {% for indicator in indicators %}
                {% do counts.append("count(" ~ indicator ~ ") as " ~ indicator) %}
            {% endfor %}
            {% set row = run_query(
                "select " ~ gaps | join(', ') ~ " from (select count(*) as n, " ~ counts | join(', ')
                ~ " from " ~ table ~ " group by simulation_id, context_id)"
            ) %}
            {% for indicator in indicators %}
                {% if row.columns[loop.index0].values()[0] %}{% do found.append(indicator) %}{% endif %}
            {% endfor %}
        {% endfor %}
    {% endif %}
    {{ return(found) }}
{% endmacro %}

{# The runs of each dataset in the order of their lists: [(dataset_id, [run_key, …]), …]. #}
{% macro runs_by_dataset() %}
    {% set simulations = ref('int_simulations') %}
    {% set found = {} %}
    {% if execute %}
        {% set rows = run_query("select dataset_id, run_key from " ~ simulations ~ " order by dataset_id, run_position") %}
        {% for dataset_id, run_key in rows.rows %}
            {% do found.setdefault(dataset_id, []).append(run_key) %}
        {% endfor %}
    {% endif %}
    {{ return(found.items() | list) }}
{% endmacro %}

{# The datasets of daily runs; the others are exports. #}
{% macro daily_datasets() %}
    {% set simulations = ref('int_simulations') %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {% set found = run_query("select distinct dataset_id from " ~ simulations ~ " where content_sha256 is not null") %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

{# An ENUM of the values: one byte a row instead of a text, for the long tables that are grouped and pivoted. #}
{% macro enum_of(values) %}enum ('{{ values | join("', '") or 'none' }}'){% endmacro %}

{% macro context_ids() %}
    {% set contexts = ref('contexts') %}
    {% if not execute %}{{ return([]) }}{% endif %}
    {{ return(run_query("select context_id from " ~ contexts ~ " order by position").columns[0].values() | list) }}
{% endmacro %}

{# The indicators that join the climate of a run to an exposure of the territory: clay × soil drought. #}
{% macro clay_driver() %}{{ return('sswi3_jun_oct_below_25y') }}{% endmacro %}
