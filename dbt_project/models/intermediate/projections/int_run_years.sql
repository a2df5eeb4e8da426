-- The years of each run: those with a France mean, or, on a grid that has none (massif bands), those that it holds.
select simulation_id, year from {{ ref('int_france_years') }}
union all
select distinct simulation_id, year
from {{ ref('stg_lake__cell_years') }}
anti join {{ ref('int_france_years') }} using (simulation_id)
