-- depends_on: {{ ref('int_territory_indicators') }}
-- Territory × dataset × context × indicator: the values of the runs as one list, in the order of dim_simulation, and each run's
-- change from its own reference. The runs of a dataset are joined side by side: a run without a context holds its place with
-- NULL. See docs/decisions/0004-run-lists.md.
{%- set daily = daily_datasets() %}
{%- set of_exports = event_columns(exported_indicators(), keep=false) %}
{%- set of_days = event_columns(projected_indicators() + fitted_indicators(), keep=false) %}
{%- set present = [] %}
{%- for dataset_id, run_keys in runs_by_dataset() %}
    {%- do present.extend(of_days if dataset_id in daily else of_exports) %}
{%- endfor %}
{%- set indicators = present | unique | sort %}
with
{%- for dataset_id, run_keys in runs_by_dataset() %}
{%- set dataset = loop.index %}
{%- set columns = of_days if dataset_id in daily else of_exports %}

dataset_{{ dataset }}_keys as (

    select distinct territory_key, context_key, weighting
    from {{ ref('int_territory_indicators') }}
    where run_key in ({{ run_keys | join(', ') }})

),

dataset_{{ dataset }} as (

    select
        '{{ dataset_id }}' as dataset_id,
        keys.*,
        {%- for indicator in columns %}
        [{% for key in run_keys %}run_{{ key }}.{{ indicator }}{{ ", " if not loop.last }}{% endfor %}] as {{ indicator }}{{ "," if not loop.last }}
        {%- endfor %}
    from dataset_{{ dataset }}_keys as keys
    {%- for key in run_keys %}
    left join (select * from {{ ref('int_territory_indicators') }} where run_key = {{ key }}) as run_{{ key }}
        using (territory_key, context_key, weighting)
    {%- endfor %}

),
{%- endfor %}

side_by_side as (

    {%- for dataset_id, run_keys in runs_by_dataset() %}
    select * from dataset_{{ loop.index }}
    {{ "union all by name" if not loop.last }}
    {%- endfor %}

),

climate as (

    select *
    from (
        unpivot side_by_side
        on {{ indicators | join(', ') }}
        into name indicator_id value run_values
    )
    where {{ run_count('run_values') }} > 0

),

-- clay × soil drought: the exposed share of the territory, the same for every run, times each run's frequency of drought
lists as (

    select * from climate
    union all by name
    select
        climate.* replace (
            'rga_risk' as indicator_id,
            list_transform(climate.run_values, lambda value: value * clay.value / 100)::float[] as run_values
        )
    from climate
    inner join {{ ref('int_score_measures') }} as clay using (territory_key)
    where climate.indicator_id = '{{ clay_driver() }}' and clay.part_id = 'rga_share'

),

reference as (

    select dataset_id, territory_key, weighting, indicator_id, run_values as reference_values
    from lists
    where context_key = 0

)

select
    lists.dataset_id,
    lists.indicator_id,
    lists.context_key,
    lists.weighting,
    lists.territory_key,
    lists.run_values,
    -- changes are taken run by run, before any quantile; below 0.0001 of the unit they are the noise of float32
    case
        when lists.context_key <> 0
            then list_transform(
                list_zip(lists.run_values, reference.reference_values), lambda pair: round(pair[1] - pair[2], 4)
            )
    end::float[] as run_changes
from lists
left join reference using (dataset_id, territory_key, weighting, indicator_id)
