-- Territory × weighting: whose weights its values are computed with (`computed_as`), or why it has none. Where the exposed are spread
-- evenly, or too few, the weights are those of the area and nothing is computed twice.
select
    territories.territory_key,
    'area' as weighting,
    'area' as computed_as,
    null::varchar as method,
    null::varchar as weighting_reason
from {{ ref('int_territories') }} as territories
union all
select
    territories.territory_key,
    weightings.weighting,
    weightings.computed_as,
    weightings.method,
    weightings.reason as weighting_reason
from {{ ref('stg_lake__territory_weightings') }} as weightings
inner join {{ ref('int_territories') }} as territories using (territory_id)
union all
-- the altitudes of a territory: weights of their own
select distinct
    weights.territory_key,
    weights.weighting,
    weights.weighting as computed_as,
    null::varchar as method,
    null::varchar as weighting_reason
from {{ ref('int_cell_weights') }} as weights
inner join {{ ref('weightings') }} as weightings using (weighting)
where weightings.family = 'altitude'
