{{ config(materialized='view') }}
-- The indicators of the scores: territory × dataset × context × part, the value that is published and those of the runs.
with parts as (

    select distinct part_id, statistic from {{ ref('int_score_parts') }} where kind = 'indicator'

)

select
    facts.dataset_id,
    territories.territory_key,
    contexts.context_key,
    parts.part_id,
    parts.statistic,
    -- at the reference a change is zero by definition
    case
        when parts.statistic = 'level' then facts.q50
        when facts.context_id = 'ref' then 0
        else facts.delta_q50
    end as value,
    case
        when parts.statistic = 'level' then votes.votes
        when facts.context_id = 'ref' then list_transform(votes.votes, lambda vote: vote * 0)
        else votes.run_changes
    end as votes
from {{ ref('int_scorable_indicators') }} as facts
inner join parts on facts.indicator_id = parts.part_id
inner join {{ ref('int_territories') }} as territories using (territory_id)
inner join {{ ref('int_contexts') }} as contexts using (context_id)
inner join {{ ref('int_territory_votes') }} as votes
    using (dataset_id, territory_key, context_key, indicator_id, weighting)
where facts.reason is null and facts.weighting = 'area'
