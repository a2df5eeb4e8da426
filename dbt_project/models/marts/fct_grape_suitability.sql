-- How many of the runs give a grape variety the heat that it needs (Huglin 1986), on their mean over the years of the context.
with runs as (

    select territories.territory_id, contexts.context_id, votes.dataset_id, votes.weighting, votes.votes
    from {{ ref('int_territory_votes') }} as votes
    inner join {{ ref('int_territories') }} as territories using (territory_key)
    inner join {{ ref('int_contexts') }} as contexts using (context_key)
    where votes.indicator_id = 'huglin'

)

select
    facts.territory_id,
    varieties.variety_id,
    facts.dataset_id,
    facts.context_id,
    facts.weighting,
    case
        when facts.reason is null
            then len(list_filter(runs.votes, lambda vote: vote >= varieties.huglin_need)) / {{ run_count('runs.votes') }}
    end::float as share_of_runs,
    facts.n_runs,
    facts.validation_status,
    facts.reason
from {{ ref('fct_indicator') }} as facts
left join runs using (territory_id, context_id, dataset_id, weighting)
cross join {{ ref('dim_grape_variety') }} as varieties
where facts.indicator_id = 'huglin'
