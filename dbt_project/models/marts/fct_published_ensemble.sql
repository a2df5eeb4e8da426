-- What producers publish already reduced over their runs, beside our own quantiles and never among them: under their own dataset,
-- their own index, their own statistics. A code that is mapped (published_indices) has the indicator of the same definition.
with published as (

    select
        *,
        coalesce('cell:' || cell_id, 'commune:' || commune_code) as place_id
    from {{ ref('stg_lake__published_ensembles') }}

)

select
    published.dataset_id,
    published.place_id,
    territories.territory_id,
    published.grid_id,
    published.cell_id,
    published.index_code,
    published.season,
    published.statistic,
    case when published.statistic = 'level' then mapping.indicator_id end as indicator_id,
    published.context_id,
    published.low,
    published.median,
    published.high,
    published.low_statistic,
    published.high_statistic,
    published.n_runs,
    -- a change may be relative: its unit is the producer's, which is not known
    case when published.statistic = 'level' then coalesce(mapping.unit, published.unit) else published.unit end as unit,
    published.source_file_id,
    published.reason
from published
left join {{ ref('published_indices') }} as mapping using (dataset_id, index_code, season)
-- a code that is no commune of today keeps its place and has no territory: its cell was chosen for another outline
left join {{ ref('stg_lake__territories') }} as territories on published.place_id = territories.territory_id
