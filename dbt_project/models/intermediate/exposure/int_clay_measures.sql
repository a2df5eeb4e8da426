-- Shares exposed to clay shrink-swell: of houses where the source counts any in the commune, else of area; and the houses exposed.
with measures as (

    select
        dataset_id,
        commune_code,
        any_value(source_file_id) as source_file_id,
        min(date_start) as date_start,
        max(date_end) as date_end,
        min(studied_share) as studied_share,
        any_value(note) as note,
        max(value) filter (measure_id = 'rga_dwellings_studied') as houses,
        max(value) filter (measure_id = 'rga_area_studied') as area,
        {%- for level in ('medium', 'strong') %}
        max(value) filter (measure_id = 'rga_dwelling_share_{{ level }}') as houses_{{ level }},
        max(value) filter (measure_id = 'rga_area_share_{{ level }}') as area_{{ level }}{{ "," if not loop.last }}
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
        (case when has_houses then houses else area end)::double as rga_weight,
        {%- for level in ('medium', 'strong') %}
        coalesce(
            -- a commune without a house has its share of area, which weighs nothing in a territory
            case when has_houses and houses > 0 then houses_{{ level }} else area_{{ level }} end,
            case when rga_weight > 0 then 0 end
        )::double as rga_share_{{ level }},
        {%- endfor %}
        -- least passes over NULL: an unknown share would be 100
        (case when rga_share_medium + rga_share_strong is not null then least(rga_share_medium + rga_share_strong, 100) end)::double
            as rga_share,
        (case when has_houses then houses * rga_share / 100 end)::double as rga_houses
    from measures
    inner join counted using (dataset_id)

)

select dataset_id, source_file_id, commune_code, measure_id, date_start, date_end, value, studied_share, note
from shares
unpivot (value for measure_id in (rga_weight, rga_share_medium, rga_share_strong, rga_share, rga_houses))
