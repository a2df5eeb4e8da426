{% test warming_levels_ordered(model) %}
{# Warmer levels are warmer: for the ensemble quantiles of temperature, never for a single run. #}
with levels as (
    select territory_id, indicator_id, dataset_id, weighting, position, q05, q50, q95
    from {{ model }}
    inner join {{ ref('dim_context') }} using (context_id)
    where axis in ('reference', 'warming_level') and indicator_id in ('t_mean', 't_mean_jja', 'tx_mean_jja')
        and dataset_id in (select dataset_id from {{ model }} where context_id = 'rwl20')
),

steps as (
    select *, lag(q05) over step as lower_q05, lag(q50) over step as lower_q50, lag(q95) over step as lower_q95
    from levels
    window step as (partition by territory_id, indicator_id, dataset_id, weighting order by position)
)

select * from steps
where q05 < lower_q05 or q50 < lower_q50 or q95 < lower_q95
{% endtest %}
