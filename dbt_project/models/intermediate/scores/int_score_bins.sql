-- The bins of every score: dataset × axis × part, with its goalposts, the quantiles of all communes over the reference and
-- the contexts of the axis, pooled (indicators.md §5.2). A dataset without communes pools its massif bands.
with contexts as (

    select context_key, axis from {{ ref('int_contexts') }} where axis <> 'reference'

),

axes as (

    select distinct dataset_id, contexts.axis
    from {{ ref('int_score_values') }}
    inner join contexts using (context_key)

),

indicators as (

    select
        series.dataset_id,
        axes.axis,
        series.part_id,
        series.statistic,
        territories.kind,
        series.value
    from {{ ref('int_score_values') }} as series
    inner join {{ ref('int_territories') }} as keys using (territory_key)
    inner join {{ ref('stg_lake__territories') }} as territories using (territory_id)
    inner join axes using (dataset_id)
    left join contexts using (context_key)
    where territories.kind in ('commune', 'massif_band') and coalesce(contexts.axis, axes.axis) = axes.axis

),

measures as (

    select axes.dataset_id, axes.axis, series.part_id, 'level' as statistic, 'commune' as kind, series.value
    from {{ ref('int_score_measures') }} as series
    inner join {{ ref('int_territories') }} as keys using (territory_key)
    cross join axes
    where starts_with(keys.territory_id, 'commune:')

),

pooled as (

    select dataset_id, axis, part_id, statistic, kind, list_sort(list(value::double)) as pool
    from (select * from indicators union all by name select * from measures)
    group by all

),

goalposts as (

    select dataset_id, axis, part_id, statistic, arg_min(pool, kind) as pool, min(kind) as pooled_kind
    from pooled
    group by all

),

parts as (

    select axes.dataset_id, axes.axis, parts.*
    from axes
    left join {{ ref('dataset_profiles') }} as profiles using (dataset_id)
    inner join {{ ref('int_score_parts') }} as parts
        on parts.profile_id is null or parts.profile_id = profiles.profile_id

),

joined as (

    select
        parts.*,
        scores.high_is,
        scores.min_pillar_weight,
        scores.min_pillars,
        {{ sorted_quantile('goalposts.pool', 'parts.low_quantile') }} as low,
        {{ sorted_quantile('goalposts.pool', 'parts.high_quantile') }} as high,
        coalesce(len(goalposts.pool), 0)::integer as n_pooled,
        goalposts.pooled_kind,
        sources.measure_dataset_id
    from parts
    inner join {{ ref('hazards') }} as scores using (score_id)
    left join goalposts using (dataset_id, axis, part_id, statistic)
    left join (
        select distinct part_id, 'measure' as kind, measure_dataset_id from {{ ref('int_score_measures') }}
    ) as sources using (part_id, kind)

)

-- a score of whose climate a dataset holds nothing has no row; one that reads no climate goes with every dataset of the grid
select joined.*
from joined
inner join {{ ref('int_datasets') }} as datasets using (dataset_id)
window of_score as (partition by dataset_id, axis, score_id)
qualify case
    when bool_or(kind = 'indicator') over of_score then count(low) filter (kind = 'indicator') over of_score > 0
    else count(low) over of_score > 0 and not datasets.is_of_massifs
end
