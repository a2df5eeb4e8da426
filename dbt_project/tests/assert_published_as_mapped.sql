-- Published ensembles: a mapped index is in the unit of its indicator, and its values within the catalogue's bounds; a way of
-- writing that tells the unit (durations, dates) agrees with the mapping.
with beyond as (

    select published.dataset_id, published.index_code, published.season, published.unit, published.context_id
    from {{ ref('fct_published_ensemble') }} as published
    inner join {{ ref('dim_indicator') }} as catalogue using (indicator_id)
    where published.unit <> catalogue.unit
        or least(published.low, published.median) < catalogue.bound_lo
        or greatest(published.high, published.median) > catalogue.bound_hi

),

written as (

    select distinct dataset_id, index_code, season, unit
    from {{ ref('stg_lake__published_ensembles') }}
    where statistic = 'level' and unit is not null

)

select * from beyond
union all
select written.*, null as context_id
from written
inner join {{ ref('published_indices') }} as mapping using (dataset_id, index_code, season)
where mapping.unit not in (written.unit, written.unit || '/yr')
