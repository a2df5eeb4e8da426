{# A wide mart: one row per territory × dataset × context, one group of columns (seed wide_columns) per indicator of its themes
   (config.meta.themes of the mart), in the order of the catalogue. The columns come from the catalogue alone: an indicator
   that no dataset holds has its columns too, NULL with the reason. #}
{% macro wide_mart(weighting='area') %}
{%- set facts = ref('fct_indicator') %}
{%- set catalogue = ref('indicators') %}
{%- set shape = ref('wide_columns') %}
{%- set territories = ref('int_territories') %}
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
with facts as (

    select territories.territory_key, facts.*
    from {{ facts }} as facts
    inner join {{ territories }} as territories using (territory_id)
    where facts.weighting = '{{ weighting }}'

),

-- every territory, dataset and context of the facts, whether or not they hold an indicator of these themes
places as (

    select territory_key, dataset_id, context_id, any_value(territory_id) as territory_id, any_value(validation_status) as validation_status
    from facts
    group by territory_key, dataset_id, context_id

),

wide as (

    select
        territory_key, dataset_id, context_id
        {%- for indicator in present %},
        any_value(fact) filter (indicator_id = '{{ indicator }}') as {{ indicator }}
        {%- endfor %}
    from (
        select
            territory_key,
            dataset_id,
            context_id,
            indicator_id::{{ enum_of(present) }} as indicator_id,
            struct_pack({% for _, measure, _ in measures %}{{ measure }} := {{ measure }}{{ ", " if not loop.last }}{% endfor %}) as fact
        from facts
        where indicator_id in ('{{ present | join("', '") }}')
    )
    group by territory_key, dataset_id, context_id

)

select
    places.territory_id,
    places.dataset_id,
    places.context_id,
    places.validation_status
    {%- for indicator in indicators %}
    {%- for suffix, measure, data_type in measures %},
    {%- if indicator not in present %}
    {{ "'not_in_dataset'" if measure == 'reason' else 'null' }}::{{ data_type }} as {{ indicator }}{{ suffix or '' }}
    {%- elif measure == 'reason' %}
    case
        when wide.{{ indicator }} is not null then wide.{{ indicator }}.reason
        when dataset_id in ('{{ datasets[indicator] | join("', '") }}') then 'not_in_context'
        else 'not_in_dataset'
    end as {{ indicator }}{{ suffix }}
    {%- else %}
    wide.{{ indicator }}.{{ measure }} as {{ indicator }}{{ suffix or '' }}
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
from places
left join wide using (territory_key, dataset_id, context_id)
{%- endif %}
{% endmacro %}
