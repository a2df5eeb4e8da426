-- The national anchors of the published figures, within 10 %, where the whole ensemble and the whole country are loaded.
select
    figures.indicator_id,
    figures.context_id,
    figures.low,
    figures.high,
    facts.q50
from {{ ref('published_figures') }} as figures
inner join {{ ref('fct_indicator') }} as facts
    on figures.place = facts.territory_id and figures.indicator_id = facts.indicator_id
    and figures.dataset_id = facts.dataset_id and figures.context_id = facts.context_id
where figures.gate and figures.statistic = 'q50' and facts.weighting = 'area'
    and facts.n_runs = figures.n_runs and facts.n_cells > 8000
    and (facts.q50 < 0.9 * figures.low or facts.q50 > 1.1 * figures.high)
