-- Every weighting, and whether a source gives it.
with weighed as (

    select weighting, count(distinct territory_id)::integer as n_territories
    from {{ ref('stg_lake__cell_weights') }}
    group by weighting

),

exposed as (

    select
        weightings.weighting,
        string_agg(distinct weightings.source_id, ';' order by weightings.source_id) as source_ids,
        (count(*) filter (weightings.reason is null and territory_reason is null))::integer as n_territories
    from {{ ref('stg_lake__territory_weightings') }} as weightings
    inner join {{ ref('stg_lake__territories') }} using (territory_id)
    group by weightings.weighting

)

select
    weightings.weighting,
    weightings.family,
    weightings.position::smallint as position,
    weightings.unit,
    weightings.label_fr,
    weightings.label_en,
    weightings.definition_fr,
    weightings.definition_en,
    coalesce(exposed.weighting, weighed.weighting) is not null as is_loaded,
    exposed.source_ids,
    coalesce(exposed.n_territories, weighed.n_territories, 0) as n_territories,
    case
        when coalesce(exposed.weighting, weighed.weighting) is not null then null
        when weightings.family = 'altitude' then 'no_elevation'
        else 'no_exposure_data'
    end as reason
from {{ ref('weightings') }} as weightings
left join weighed using (weighting)
left join exposed using (weighting)
