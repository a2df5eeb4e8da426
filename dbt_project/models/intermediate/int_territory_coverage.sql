-- Territory × dataset × indicator: how many cells speak, for which share of its weight, how much of it extrapolated.
{%- set indicators = event_columns(indicator_columns(), keep=false) %}
with cells as (

    select distinct dataset_id, grid_id, indicator_id, cell_id
    from (
        unpivot (
            select dataset_id, grid_id, cell_id, {{ indicators | join(', ') }}
            from (
                select * from {{ ref('int_cell_indicators') }}
                union all by name
                select * from {{ ref('int_cell_projections') }}
            )
        )
        on {{ indicators | join(', ') }}
        into name indicator_id value value
    )

),

climate as (

    select
        weights.territory_key,
        weights.weighting,
        cells.dataset_id,
        cells.indicator_id,
        count(*)::integer as n_cells,
        sum(weights.weight) as covered_share,
        (sum(weights.weight) filter (grid.is_extrapolated))::float as extrapolated_weight,
        any_value(weights.method) as method
    from cells
    inner join {{ ref('int_cell_weights') }} as weights using (grid_id, cell_id)
    inner join {{ ref('int_asked_weightings') }} as asked using (indicator_id, weighting)
    left join {{ ref('stg_lake__cells') }} as grid using (grid_id, cell_id)
    group by weights.territory_key, weights.weighting, cells.dataset_id, cells.indicator_id

)

select * from climate
union all by name
select climate.* replace ('rga_risk' as indicator_id)
from climate
inner join {{ ref('int_score_measures') }} as clay using (territory_key)
where climate.indicator_id = '{{ clay_driver() }}' and clay.part_id = 'rga_share'
