-- What grass is compared with: each run's own reference, cell by cell, over the years that it has.
{% if lake_has('cell_year') %}
select
    simulation_id,
    cell_id,
    avg(grass_growth_jja) as growth_jja,
    median(grass_growth_jan_oct) as growth_jan_oct
from {{ ref('stg_lake__cell_years') }}
where year between {{ var('reference_start') }} and {{ var('reference_end') }}
group by simulation_id, cell_id
having count(grass_growth_jja) >= {{ var('min_valid_years_share') }} * ({{ var('reference_end') }} - {{ var('reference_start') }} + 1)
{% else %}
select simulation_id, cell_id, null::double as growth_jja, null::double as growth_jan_oct
from {{ ref('stg_lake__cell_years') }}
{% endif %}
