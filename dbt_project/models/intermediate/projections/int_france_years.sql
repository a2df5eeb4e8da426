-- The France mean of annual temperature of each run: over its cells in metropolitan France, each weighted by its share of it.
select
    years.simulation_id,
    years.year,
    sum(weights.weight * years.t_mean) / sum(weights.weight) as t_mean
from {{ ref('int_heat_years') }} as years
inner join {{ ref('stg_lake__simulations') }} as simulations using (simulation_id)
inner join {{ ref('stg_lake__cell_weights') }} as weights
    on years.cell_id = weights.cell_id and simulations.grid_id = weights.grid_id
where weights.territory_id = 'country:FR' and weights.weighting = 'area' and years.t_mean is not null
group by years.simulation_id, years.year
