-- Territory × crop × year as the producer gives them: départements, and its own totals of régions and of the country. Beside the
-- yield, its trend and how far the year is from it.
select
    yields.territory_id,
    yields.crop_group,
    yields.crop,
    yields.is_total,
    yields.year,
    yields.dataset_id,
    yields.area_ha,
    yields.area_in_production_ha,
    yields.yield,
    yields.yield_unit as unit,
    yields.production,
    yields.production_unit,
    trends.trend as yield_trend,
    case when trends.trend > 0 then 100 * (yields.yield - trends.trend) / trends.trend end as yield_anom,
    yields.source_file_id,
    datasets.validation_status,
    yields.yield_reason as reason,
    yields.area_reason,
    yields.production_reason,
    case
        when yields.yield is null then yields.yield_reason
        when trends.trend is null then 'too_few_years'
        when trends.trend <= 0 then 'not_computable'
    end as yield_anom_reason
from {{ ref('stg_lake__crop_yields') }} as yields
inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)
left join {{ ref('int_yield_trends') }} as trends using (dataset_id, territory_id, crop_group, crop, year)
