{{ config(materialized='view') }}
-- Which weightings each indicator is given in, of those that some source gives: the area and what is exposed as the catalogue asks,
-- the altitudes of a territory wherever a grid has them.
select asked.indicator_id, weightings.weighting, weightings.family
from {{ ref('weightings') }} as weightings
inner join (
    select indicator_id, unnest(string_split(weightings, ';')) as weighting
    from {{ ref('indicators') }}
    union all
    select indicators.indicator_id, weightings.weighting
    from {{ ref('indicators') }} as indicators
    inner join {{ ref('weightings') }} as weightings on weightings.family = 'altitude'
) as asked using (weighting)
where weightings.weighting in (select weighting from {{ ref('int_territory_weightings') }})
