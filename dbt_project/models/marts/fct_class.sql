-- The class of the median over the runs, the share of the runs in that very class, and the class at the reference.
with classified as (

    select distinct classification_id, indicator_id, measure from {{ ref('dim_class') }}

),

runs as (

    select votes.*
    from {{ ref('int_territory_votes') }} as votes
    where votes.indicator_id in (select indicator_id from classified)

),

-- what is classed, run by run: the value, or its share of the same run's reference
measured as (

    select
        runs.territory_key,
        runs.context_key,
        runs.dataset_id,
        runs.weighting,
        classified.classification_id,
        runs.indicator_id,
        case classified.measure
            when 'level' then runs.votes
            else list_transform(
                list_zip(runs.votes, reference.votes), lambda pair: case when pair[2] > 0 then 100 * pair[1] / pair[2] end
            )
        end as votes
    from runs
    inner join classified using (indicator_id)
    left join runs as reference
        on runs.territory_key = reference.territory_key and runs.dataset_id = reference.dataset_id
        and runs.weighting = reference.weighting and runs.indicator_id = reference.indicator_id
        and reference.context_key = 0

),

medians as (

    select
        territories.territory_id,
        contexts.context_id,
        measured.* exclude (territory_key, context_key),
        list_aggregate(measured.votes, 'quantile_cont', 0.5)::float as value
    from measured
    inner join {{ ref('int_territories') }} as territories using (territory_key)
    inner join {{ ref('int_contexts') }} as contexts using (context_key)

),

-- every row of the facts, those without a value too
facts as (

    select
        facts.territory_id,
        classified.classification_id,
        facts.indicator_id,
        facts.dataset_id,
        facts.context_id,
        facts.weighting,
        case when facts.reason is null then medians.value end as value,
        case when facts.reason is null then medians.votes end as votes,
        case classified.measure when 'level' then facts.ref_q50 else 100 end as ref_value,
        facts.validation_status,
        facts.reason
    from {{ ref('fct_indicator') }} as facts
    inner join classified using (indicator_id)
    left join medians using (territory_id, classification_id, indicator_id, dataset_id, context_id, weighting)

)

select
    facts.territory_id,
    facts.classification_id,
    facts.indicator_id,
    facts.dataset_id,
    facts.context_id,
    facts.weighting,
    facts.value,
    class.class,
    case
        when class.class is not null
            then len(list_filter(facts.votes, lambda vote: {{ within_class('vote', 'class') }}))
                / {{ run_count('facts.votes') }}
    end::float as share_of_runs,
    case when class.class is not null then at_reference.class end as ref_class,
    case when facts.context_id <> 'ref' then class.class - at_reference.class end::tinyint as class_shift,
    facts.validation_status,
    case
        when facts.reason is not null then facts.reason
        when facts.value is null then 'no_reference'
        when class.class is null then 'outside_classes'
    end as reason
from facts
left join {{ ref('dim_class') }} as class
    on facts.classification_id = class.classification_id and facts.indicator_id = class.indicator_id
    and {{ within_class('facts.value', 'class') }}
left join {{ ref('dim_class') }} as at_reference
    on facts.classification_id = at_reference.classification_id and facts.indicator_id = at_reference.indicator_id
    and {{ within_class('facts.ref_value', 'at_reference') }}
