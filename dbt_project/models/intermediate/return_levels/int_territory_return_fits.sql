{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='run_key',
    )
}}
-- Run × context × territory: the interval of the fit, the weighted mean of its cells' bounds. Neighbouring cells err together, so
-- their errors are not taken to cancel.
{%- set periods = var('return_periods') %}
select
    simulations.run_key,
    levels.fingerprint,
    contexts.context_key,
    weights.weighting,
    weights.territory_key,
    min(levels.n_maxima) as n_maxima,
    bool_or(levels.is_short_window) as is_short_window,
    {%- for period in periods %}
    (sum(weights.weight * levels.rl_rx1d_{{ period }}_q05) / sum(weights.weight))::float as rl_rx1d_{{ period }}_q05,
    (sum(weights.weight * levels.rl_rx1d_{{ period }}_q95) / sum(weights.weight))::float as rl_rx1d_{{ period }}_q95
    {{- "," if not loop.last }}
    {%- endfor %}
from {{ ref('int_cell_return_levels') }} as levels
inner join {{ ref('int_simulations') }} as simulations using (simulation_id, fingerprint)
inner join {{ ref('int_contexts') }} as contexts using (context_id)
inner join {{ ref('int_cell_weights') }} as weights
    on levels.grid_id = weights.grid_id and levels.cell_id = weights.cell_id
    -- what the catalogue asks for (seed indicators): one weighting for every return period
    and weights.weighting in (select weighting from {{ ref('int_asked_weightings') }} where indicator_id like 'rl_rx1d%')
{% if is_incremental() %}
where levels.fingerprint not in (select distinct fingerprint from {{ this }})
{% endif %}
group by simulations.run_key, levels.fingerprint, contexts.context_key, weights.weighting, weights.territory_key
