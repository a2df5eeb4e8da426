-- depends_on: {{ ref('int_territory_variability') }}
-- depends_on: {{ ref('int_simulations') }}
-- depends_on: {{ ref('int_run_windows') }}
-- depends_on: {{ ref('int_contexts') }}
-- Territory × dataset × context × indicator: for each run, gamma, the change that natural variability alone would reach one
-- time in ten (IPCC AR6, advanced approach): 1.645 sigma sqrt(1/n_ref + 1/n_future), in the order of dim_simulation.
{%- set indicators = event_columns(projected_indicators(), keep=false) %}
{% if indicators %}
with sigmas as (

    select territory_key, weighting, dataset_id, simulation_id, run_position, indicator_id, sigma
    from (
        unpivot (
            select
                variability.* exclude (fingerprint, run_key),
                simulations.dataset_id,
                simulations.simulation_id,
                simulations.run_position
            from {{ ref('int_territory_variability') }} as variability
            inner join {{ ref('int_simulations') }} as simulations using (run_key, fingerprint)
        )
        on {{ indicators | join(', ') }}
        into name indicator_id value sigma
    )

),

windows as (

    select
        future.simulation_id,
        contexts.context_key,
        future.n_years,
        sqrt(1 / reference.n_years + 1 / future.n_years) as sampling
    from {{ ref('int_run_windows') }} as future
    inner join {{ ref('int_run_windows') }} as reference
        on future.simulation_id = reference.simulation_id and reference.context_id = 'ref'
    inner join {{ ref('int_contexts') }} as contexts on future.context_id = contexts.context_id
    where future.context_id <> 'ref'

)

select
    sigmas.territory_key,
    sigmas.weighting,
    sigmas.dataset_id,
    windows.context_key,
    sigmas.indicator_id,
    map_from_entries(list((sigmas.run_position, {{ var('signal_factor') }} * sigmas.sigma * windows.sampling))) as gammas
from sigmas
inner join windows using (simulation_id)
group by all
{% else %}
select
    null::integer as territory_key,
    null::varchar as weighting,
    null::varchar as dataset_id,
    null::utinyint as context_key,
    null::varchar as indicator_id,
    null::map(bigint, double) as gammas
where false
{% endif %}
