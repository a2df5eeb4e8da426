-- depends_on: {{ ref('int_territory_variability') }}
-- depends_on: {{ ref('int_simulations') }}
-- depends_on: {{ ref('int_run_windows') }}
-- Territory × dataset × context × indicator: for each run, gamma, the change that natural variability alone would reach one
-- time in ten (IPCC AR6, advanced approach): 1.645 sigma sqrt(1/n_ref + 1/n_future), in the order of dim_simulation.
{%- set indicators = event_columns(projected_indicators(), keep=false) %}
{% if indicators %}
with sigmas as (

    select territory_id, weighting, dataset_id, simulation_id, indicator_id, sigma
    from (
        unpivot (
            select variability.* exclude (fingerprint)
            from {{ ref('int_territory_variability') }} as variability
            inner join {{ ref('int_simulations') }} using (simulation_id, fingerprint)
        )
        on {{ indicators | join(', ') }}
        into name indicator_id value sigma
    )

),

windows as (

    select
        future.simulation_id,
        future.context_id,
        future.n_years,
        sqrt(1 / reference.n_years + 1 / future.n_years) as sampling
    from {{ ref('int_run_windows') }} as future
    inner join {{ ref('int_run_windows') }} as reference
        on future.simulation_id = reference.simulation_id and reference.context_id = 'ref'
    where future.context_id <> 'ref'

)

select
    sigmas.territory_id,
    sigmas.weighting,
    sigmas.dataset_id,
    windows.context_id,
    sigmas.indicator_id,
    map_from_entries(list((simulations.run_position, {{ var('signal_factor') }} * sigmas.sigma * windows.sampling))) as gammas
from sigmas
inner join windows using (simulation_id)
inner join {{ ref('int_simulations') }} as simulations using (simulation_id)
group by all
{% else %}
select
    null::varchar as territory_id,
    null::varchar as weighting,
    null::varchar as dataset_id,
    null::varchar as context_id,
    null::varchar as indicator_id,
    null::map(bigint, double) as gammas
where false
{% endif %}
