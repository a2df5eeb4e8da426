-- Two ways of having evapotranspiration never meet in one indicator: one method per dataset.
select dataset_id
from {{ ref('dim_simulation') }}
group by dataset_id
having count(distinct pet_method) > 1
