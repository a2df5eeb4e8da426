-- Whether a dataset covers the country, or is an extract of it. An extract has rows only for the territories that it touches:
-- saying of every commune of France that a regional file does not speak of it would tell nobody anything.
select
    coverage.dataset_id,
    max(coverage.covered_share) >= {{ var('min_covered_share') }} as is_national
from {{ ref('int_territory_coverage') }} as coverage
inner join {{ ref('int_territories') }} as territories using (territory_key)
where territories.territory_id = 'country:FR'
group by coverage.dataset_id
