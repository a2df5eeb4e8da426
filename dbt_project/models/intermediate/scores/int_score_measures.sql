-- Exposure measures that a score may read, one dataset per measure for the whole of France, so that scores compare: of the datasets that
-- know at least 95 % as many communes as the one that knows most (their state is not not_studied), the latest. A later map of a few
-- départements thus waits until it is loaded for the rest. What was asked for a few communes (is_partial) is never read. A count is had
-- per commune, so that a territory is on the scale of its communes.
with offered as (

    select exposure.*
    from {{ ref('fct_exposure') }} as exposure
    inner join {{ ref('int_scorable_datasets') }} as datasets using (dataset_id)
    where exposure.return_period is null
        and exposure.dataset_id not in (select dataset_id from {{ ref('stg_lake__datasets') }} where is_partial)
        and exposure.measure_id in (select part_id from {{ ref('int_score_parts') }} where kind = 'measure')

),

extents as (

    select
        measure_id,
        dataset_id,
        max(coalesce(date_end, date_start)) as latest,
        count_if(starts_with(territory_id, 'commune:') and state <> 'not_studied') as n_communes
    from offered
    group by measure_id, dataset_id

),

widest as (

    select * from extents qualify n_communes >= 0.95 * max(n_communes) over (partition by measure_id)

),

chosen as (

    select measure_id, dataset_id
    from widest
    qualify row_number() over (partition by measure_id order by coalesce(latest, date '1900-01-01') desc, dataset_id) = 1

)

select
    territories.territory_key,
    offered.measure_id as part_id,
    offered.dataset_id as measure_dataset_id,
    case definitions.aggregation
        when 'sum' then offered.value / offered.n_communes_studied
        else offered.value
    end as value
from offered
inner join chosen using (measure_id, dataset_id)
inner join {{ ref('exposure_measures') }} as definitions using (measure_id)
inner join {{ ref('int_territories') }} as territories using (territory_id)
where offered.value is not null
