-- How far each fit could be off, run by run: kept apart from the spread over runs, which is in fct_indicator.
{%- set periods = var('return_periods') %}
with runs as (

    select
        simulations.dataset_id,
        simulations.run_position,
        fits.*
    from {{ ref('int_territory_return_fits') }} as fits
    inner join {{ ref('int_simulations') }} as simulations using (run_key, fingerprint)

),

places as (

    -- every run keeps its place in the lists, also where it has no fit
    select places.*, simulations.run_position
    from (select distinct dataset_id, context_key, weighting, territory_key from runs) as places
    inner join {{ ref('int_simulations') }} as simulations using (dataset_id)

),

lists as (

    select
        dataset_id,
        context_key,
        weighting,
        territory_key,
        min(runs.n_maxima) as n_maxima,
        bool_or(runs.is_short_window) as is_short_window
        {%- for period in periods %},
        list(runs.rl_rx1d_{{ period }}_q05 order by run_position) as rl_rx1d_{{ period }}_q05,
        list(runs.rl_rx1d_{{ period }}_q95 order by run_position) as rl_rx1d_{{ period }}_q95
        {%- endfor %}
    from places
    left join runs using (dataset_id, context_key, weighting, territory_key, run_position)
    group by dataset_id, context_key, weighting, territory_key

),

long as (

    {%- for period in periods %}
    select
        dataset_id,
        context_key,
        weighting,
        territory_key,
        'rl_rx1d_{{ period }}' as indicator_id,
        {{ period }}::smallint as return_period,
        n_maxima,
        is_short_window and {{ period }} > 20 as is_pooled,
        rl_rx1d_{{ period }}_q05 as run_fit_q05,
        rl_rx1d_{{ period }}_q95 as run_fit_q95
    from lists
    {{ "union all" if not loop.last }}
    {%- endfor %}

)

select
    territories.territory_id,
    long.indicator_id,
    long.dataset_id,
    contexts.context_id,
    long.weighting,
    long.return_period,
    list_aggregate(long.run_fit_q05, 'median')::float as fit_q05,
    list_aggregate(long.run_fit_q95, 'median')::float as fit_q95,
    long.run_fit_q05,
    long.run_fit_q95,
    long.n_maxima,
    case when long.is_pooled then 'gev_lmoments_pooled_3x3' else 'gev_lmoments' end as method
from long
inner join {{ ref('int_territories') }} as territories using (territory_key)
inner join {{ ref('int_contexts') }} as contexts using (context_key)
-- only where the level itself is given
semi join (select * from {{ ref('fct_indicator') }} where reason is null) as levels
    on territories.territory_id = levels.territory_id
    and long.indicator_id = levels.indicator_id
    and long.dataset_id = levels.dataset_id
    and contexts.context_id = levels.context_id
    and long.weighting = levels.weighting
