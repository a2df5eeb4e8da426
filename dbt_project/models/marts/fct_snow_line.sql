-- The reliability line of a massif: the lowest altitude where natural snow is reliable in 7 winters of 10. Run by run first, between
-- two bands on the straight line between their shares of winters; quantiles over runs last. A run in which no band is
-- reliable has its line above them all: it counts as such in the quantiles, and a quantile that falls there is NULL.
{%- set above = 99999 %}
{%- set highest = 9000 %}
{%- set reliable = var('reliable_share_of_winters') %}
with bands as (

    select
        votes.dataset_id,
        votes.context_key,
        territories.massif_id,
        territories.altitude_m,
        unnest(votes.votes) as reliability,
        generate_subscripts(votes.votes, 1) as run_position
    from {{ ref('int_territory_votes') }} as votes
    inner join {{ ref('int_territories') }} as keys using (territory_key)
    inner join {{ ref('stg_lake__territories') }} as territories using (territory_id)
    where votes.indicator_id = 'snow_reliability' and votes.weighting = 'area' and territories.kind = 'massif_band'

),

steps as (

    select
        *,
        lag(reliability) over below as lower_reliability,
        lag(altitude_m) over below as lower_altitude_m
    from bands
    where reliability is not null
    window below as (partition by dataset_id, context_key, massif_id, run_position order by altitude_m)

),

lines as (

    select
        dataset_id,
        context_key,
        massif_id,
        run_position,
        coalesce(
            min(
                case
                    when reliability < {{ reliable }} then null
                    when lower_reliability < {{ reliable }}
                        then altitude_m - (altitude_m - lower_altitude_m)
                            * (reliability - {{ reliable }}) / (reliability - lower_reliability)
                    else altitude_m
                end
            ),
            {{ above }}
        )::double as altitude_m,
        arg_min(reliability, altitude_m) >= {{ reliable }} as is_below_lowest_band
    from steps
    group by all

),

-- the reference of a run is its own, whether or not it votes there
reference as (

    select dataset_id, massif_id, run_position, altitude_m from lines where context_key = 0

),

changed as (

    select
        lines.*,
        case
            when lines.context_key = 0 or reference.altitude_m >= {{ highest }} then null
            else lines.altitude_m - reference.altitude_m
        end as change_m
    from lines
    left join reference using (dataset_id, massif_id, run_position)

),

ensemble as (

    select
        dataset_id,
        context_key,
        massif_id,
        quantile_cont(altitude_m, [0.05, 0.5, 0.95]) as levels,
        quantile_cont(change_m, [0.05, 0.5, 0.95]) as changes,
        count(*)::smallint as n_runs,
        count_if(altitude_m >= {{ highest }})::smallint as n_runs_without,
        count_if(is_below_lowest_band)::smallint as n_runs_below_lowest_band
    from changed
    group by all

),

-- every massif, in every context of a dataset on its bands
asked as (

    select contexts.dataset_id, contexts.context_key, massifs.territory_id as massif_id, territory_reason
    from (select distinct dataset_id, context_key from lines) as contexts
    cross join {{ ref('stg_lake__territories') }} as massifs
    where massifs.kind = 'massif'

)

select
    asked.massif_id as territory_id,
    asked.dataset_id,
    contexts.context_id,
    case when at_reference.levels[2] < {{ highest }} then at_reference.levels[2] end::float as ref_q50,
    {%- for quantile, position in (('q05', 1), ('q50', 2), ('q95', 3)) %}
    case when ensemble.levels[{{ position }}] < {{ highest }} then ensemble.levels[{{ position }}] end::float as {{ quantile }},
    {%- endfor %}
    {%- for quantile, position in (('delta_q05', 1), ('delta_q50', 2), ('delta_q95', 3)) %}
    case when ensemble.changes[{{ position }}] < {{ highest }} then ensemble.changes[{{ position }}] end::float as {{ quantile }},
    {%- endfor %}
    coalesce(ensemble.n_runs, 0)::smallint as n_runs,
    coalesce(ensemble.n_runs_without, 0)::smallint as n_runs_without,
    coalesce(ensemble.n_runs_below_lowest_band, 0)::smallint as n_runs_below_lowest_band,
    datasets.validation_status,
    case
        when ensemble.levels[2] < {{ highest }} then null
        when ensemble.n_runs > 0 then 'no_reliable_altitude'
        else coalesce(asked.territory_reason, 'missing_cells')
    end as reason
from asked
inner join {{ ref('int_contexts') }} as contexts using (context_key)
inner join {{ ref('stg_lake__datasets') }} as datasets using (dataset_id)
left join ensemble using (dataset_id, context_key, massif_id)
left join (select * from ensemble where context_key = 0) as at_reference using (dataset_id, massif_id)
