{# A wide mart: one row per territory × dataset × context, one group of columns (seed wide_columns) per indicator of its themes
   (config.meta.themes of the mart), in the order of the catalogue. The columns come from the catalogue alone: an indicator
   that no dataset holds has its columns too, NULL with the reason. #}
{% macro wide_mart(weighting='area') %}
{%- set facts = ref('fct_indicator') %}
{%- set catalogue = ref('indicators') %}
{%- set shape = ref('wide_columns') %}
{%- set territories = ref('int_territories') %}
{%- set availability = ref('dim_indicator_availability') %}
{%- if execute %}
{%- set themes = "'" ~ model.config.meta.themes | join("', '") ~ "'" %}
{%- set indicators = run_query(
    "select indicator_id from " ~ catalogue ~ " where theme in (" ~ themes ~ ") order by rowid"
).columns[0].values() | list %}
{%- set measures = run_query("select suffix, measure, data_type from " ~ shape ~ " order by rowid").rows %}
{%- set datasets = {} %}
{%- for indicator, dataset in run_query("select distinct indicator_id, dataset_id from " ~ facts ~ " order by all").rows %}
    {%- do datasets.setdefault(indicator, []).append(dataset) %}
{%- endfor %}
{%- set present = [] %}
{%- for indicator in indicators if indicator in datasets %}{% do present.append(indicator) %}{% endfor %}
with series as (

    select
        dataset_id,
        context_id,
        any_value(validation_status) as validation_status,
        row_number() over (order by dataset_id, context_id) as series_key,
        count(*) over () as n_series
    from {{ facts }}
    where weighting = '{{ weighting }}'
    group by dataset_id, context_id

),

-- every territory, dataset and context of the facts, whether or not they hold an indicator of these themes
places as (

    select distinct
        (territories.territory_key * series.n_series + series.series_key)::integer as place_key,
        territory_id,
        dataset_id,
        context_id,
        series.validation_status
    from {{ facts }} as facts
    inner join {{ territories }} as territories using (territory_id)
    inner join series using (dataset_id, context_id)
    where facts.weighting = '{{ weighting }}'

),

-- one join per indicator on one integer: four times faster than one group by with a filter per indicator (measured, 40 of them)
facts as materialized (

    select
        (territories.territory_key * series.n_series + series.series_key)::integer as place_key,
        facts.indicator_id::{{ enum_of(present) }} as indicator_id
        {%- for _, measure, _ in measures %},
        facts.{{ measure }}
        {%- endfor %}
    from {{ facts }} as facts
    inner join {{ territories }} as territories using (territory_id)
    inner join series using (dataset_id, context_id)
    where facts.weighting = '{{ weighting }}' and facts.indicator_id in ('{{ present | join("', '") }}')

),

-- why a dataset has an indicator nowhere
absent as (

    pivot (select dataset_id, indicator_id, reason from {{ availability }})
    on indicator_id in ('{{ indicators | join("', '") }}')
    using any_value(reason)
    group by dataset_id

)

select
    places.territory_id,
    places.dataset_id,
    places.context_id,
    places.validation_status
    {%- for indicator in indicators %}
    {%- for suffix, measure, data_type in measures %},
    {%- if indicator not in present %}
    {{ "coalesce(absent." ~ indicator ~ ", 'missing_cells')" if measure == 'reason' else 'null' }}::{{ data_type }} as {{ indicator }}{{ suffix or '' }}
    {%- elif measure == 'reason' %}
    case
        when of_{{ indicator }}.place_key is not null then of_{{ indicator }}.reason
        when places.dataset_id in ('{{ datasets[indicator] | join("', '") }}') then 'not_in_context'
        else coalesce(absent.{{ indicator }}, 'missing_cells')
    end as {{ indicator }}{{ suffix }}
    {%- else %}
    of_{{ indicator }}.{{ measure }} as {{ indicator }}{{ suffix or '' }}
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
from places
left join absent on places.dataset_id = absent.dataset_id
{%- for indicator in present %}
left join (select * from facts where indicator_id = '{{ indicator }}') as of_{{ indicator }}
    on places.place_key = of_{{ indicator }}.place_key
{%- endfor %}
{%- endif %}
{% endmacro %}
