-- Exposure measures that a score may read, one dataset per measure: the latest that speaks of every commune. A count is had per commune,
-- so that a territory is on the scale of its communes.
with measures as (

    select
        exposure.territory_id,
        exposure.measure_id as part_id,
        exposure.dataset_id as measure_dataset_id,
        case definitions.aggregation
            when 'sum' then exposure.value / exposure.n_communes_studied
            else exposure.value
        end as value,
        dense_rank() over (
            partition by exposure.measure_id
            order by coalesce(periods.latest, date '1900-01-01') desc, exposure.dataset_id
        ) as place
    from {{ ref('fct_exposure') }} as exposure
    inner join {{ ref('int_scorable_datasets') }} as datasets using (dataset_id)
    inner join {{ ref('exposure_measures') }} as definitions using (measure_id)
    inner join (
        select dataset_id, measure_id, max(coalesce(date_end, date_start)) as latest
        from {{ ref('fct_exposure') }}
        group by all
    ) as periods using (dataset_id, measure_id)
    where exposure.return_period is null
        and exposure.dataset_id not in (select dataset_id from {{ ref('stg_lake__datasets') }} where is_partial)
        and exposure.value is not null
        and exposure.measure_id in (select part_id from {{ ref('int_score_parts') }} where kind = 'measure')

)

select territories.territory_key, measures.part_id, measures.measure_dataset_id, measures.value
from measures
inner join {{ ref('int_territories') }} as territories using (territory_id)
where measures.place = 1
