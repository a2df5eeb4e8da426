-- Carried to the communes of today, counts still add up to what the source counts, with those that could not be carried.
with source_totals as (

    select dataset_id, measure_id, return_period, sum(value) as total
    from {{ ref('stg_lake__commune_facts') }}
    inner join {{ ref('exposure_measures') }} as measures using (measure_id)
    where measures.aggregation = 'sum'
    group by dataset_id, measure_id, return_period

),

found as (

    select dataset_id, measure_id, return_period, value
    from {{ ref('fct_exposure') }}
    where territory_id like 'commune:%'
    union all by name
    select dataset_id, measure_id, return_period, value from {{ ref('fct_exposure_unmapped') }}

)

select source_totals.*, sum(found.value) as found
from source_totals
left join found
    on source_totals.dataset_id = found.dataset_id
    and source_totals.measure_id = found.measure_id
    and source_totals.return_period is not distinct from found.return_period
group by all
having abs(source_totals.total - coalesce(sum(found.value), 0)) > 1e-9 * greatest(1, abs(source_totals.total))
