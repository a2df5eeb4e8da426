-- Shares exposed to clay shrink-swell: of houses where the source counts any in the commune, else of area; and the houses exposed. A
-- measure without a row is a class that the map does not have in the commune: 0. A row without a value stays so, with its reason.
{%- set inputs = {
    'houses': 'rga_dwellings_studied', 'area': 'rga_area_studied',
    'houses_medium': 'rga_dwelling_share_medium', 'houses_strong': 'rga_dwelling_share_strong',
    'area_medium': 'rga_area_share_medium', 'area_strong': 'rga_area_share_strong',
} %}
with measures as (

    select
        dataset_id,
        commune_code,
        any_value(source_file_id) as source_file_id,
        min(date_start) as date_start,
        max(date_end) as date_end,
        min(studied_share) as studied_share,
        any_value(note) as note,
        count_if(starts_with(measure_id, 'rga_area')) > 0 as is_mapped,
        {%- for name, measure in inputs.items() %}
        max(value) filter (measure_id = '{{ measure }}') as {{ name }},
        max(coalesce(reason, 'not_published')) filter (measure_id = '{{ measure }}' and value is null) as {{ name }}_reason{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref('int_given_facts') }}
    where starts_with(measure_id, 'rga_area') or starts_with(measure_id, 'rga_dwelling')
    group by dataset_id, commune_code

),

counted as (

    select dataset_id, bool_or(houses is not null) as has_houses from measures group by dataset_id

),

shares as (

    select
        measures.*,
        has_houses,
        -- a commune without a house, or whose houses nobody counted, has its share of area, which weighs nothing in a territory
        has_houses and case when houses is null then houses_reason is not null else houses > 0 end as is_of_houses,
        (case when has_houses then houses else area end)::double as weight,
        case when has_houses then houses_reason else area_reason end as weight_reason,
        {%- for level in ('medium', 'strong') %}
        case
            when is_of_houses then coalesce(houses_{{ level }}_reason, case when houses_{{ level }} is null then houses_reason end)
            when is_mapped then area_{{ level }}_reason
            else 'no_weight'
        end as {{ level }}_reason,
        (case
            when {{ level }}_reason is null then coalesce(case when is_of_houses then houses_{{ level }} else area_{{ level }} end, 0)
        end)::double as {{ level }},
        {%- endfor %}
        coalesce(medium_reason, strong_reason) as share_reason,
        -- least passes over NULL: an unknown share would be 100
        (case when share_reason is null then least(medium + strong, 100) end)::double as share,
        (case when has_houses then case when houses = 0 then 0 else houses * share / 100 end end)::double as exposed,
        case when has_houses and exposed is null then coalesce(houses_reason, case when houses is not null then share_reason end) end
            as exposed_reason
    from measures
    inner join counted using (dataset_id)

)
{% for measure, name in {
    'rga_weight': 'weight', 'rga_share_medium': 'medium', 'rga_share_strong': 'strong', 'rga_share': 'share', 'rga_houses': 'exposed'
}.items() %}
select
    dataset_id,
    source_file_id,
    commune_code,
    '{{ measure }}' as measure_id,
    date_start,
    date_end,
    {{ name }} as value,
    studied_share,
    {{ name }}_reason as reason,
    note
from shares
where {{ name }} is not null or {{ name }}_reason is not null
{{ "union all" if not loop.last }}
{%- endfor %}
