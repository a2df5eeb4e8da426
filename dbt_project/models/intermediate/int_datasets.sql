-- Whether a dataset covers the country, or is an extract of it. An extract has rows only for the territories that it touches:
-- saying of every commune of France that a regional file does not speak of it would tell nobody anything.
-- A dataset on the bands of massifs has a row for every territory that these serve.
with country as (

    select coverage.dataset_id, max(coverage.covered_share) as covered_share
    from {{ ref('int_territory_coverage') }} as coverage
    inner join {{ ref('int_territories') }} as territories using (territory_key)
    where territories.territory_id = 'country:FR'
    group by coverage.dataset_id

)

select
    simulations.dataset_id,
    coalesce(max(country.covered_share) >= {{ var('min_covered_share') }}, false) as is_national,
    bool_or(simulations.grid_id = '{{ var("massif_grid") }}') as is_of_massifs
from {{ ref('int_simulations') }} as simulations
left join country using (dataset_id)
group by simulations.dataset_id
