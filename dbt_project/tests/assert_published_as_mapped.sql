-- Published ensembles: a mapped index is in the unit of its indicator, its values within the catalogue's bounds, its interval in
-- order; a way of writing that tells the unit agrees with the mapping.
select
    published.dataset_id, published.place_id, published.index_code, published.season, published.context_id, published.low,
    published.median, published.high, published.unit
from {{ ref('fct_published_ensemble') }} as published
inner join {{ ref('dim_indicator') }} as catalogue using (indicator_id)
where published.unit <> catalogue.unit
    or least(published.low, published.median) < catalogue.bound_lo
    or greatest(published.high, published.median) > catalogue.bound_hi
union all
select
    published.dataset_id, published.place_id, published.index_code, published.season, published.context_id, published.low,
    published.median, published.high, published.unit
from {{ ref('fct_published_ensemble') }} as published
inner join {{ ref('stg_lake__published_ensembles') }} as written
    on published.dataset_id = written.dataset_id and published.index_code = written.index_code
    and published.season = written.season and published.statistic = written.statistic
    and published.context_id = written.context_id
    and published.place_id = coalesce('cell:' || written.cell_id, 'commune:' || written.commune_code)
where written.unit is not null and published.unit not in (written.unit, written.unit || '/yr')
