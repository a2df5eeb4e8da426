-- Spearman's correlation of the composite with each of its pillars, over the communes and all contexts of an axis: the mean ranks
-- of ties, then Pearson's correlation. A pillar beyond 0.92 would be the score all by itself (indicators.md §5.2).
with pillars as (

    select dataset_id, axis, pillar_id, score, pillar_score
    from (
        select dataset_id, axis, score, heat, water, flood, fire_ground, comfort
        from {{ ref('mart_habitability') }}
        where starts_with(territory_id, 'commune:') and score is not null
    )
    unpivot (pillar_score for pillar_id in (heat, water, flood, fire_ground, comfort))

),

ranks as (

    select
        dataset_id,
        axis,
        pillar_id,
        rank() over of_score + count(*) over (partition by dataset_id, axis, pillar_id, score) / 2 as score_rank,
        rank() over of_pillar + count(*) over (partition by dataset_id, axis, pillar_id, pillar_score) / 2 as pillar_rank
    from pillars
    window
        of_score as (partition by dataset_id, axis, pillar_id order by score),
        of_pillar as (partition by dataset_id, axis, pillar_id order by pillar_score)

)

select
    dataset_id,
    axis,
    pillar_id,
    corr(score_rank, pillar_rank) as spearman,
    count(*)::integer as n_values
from ranks
group by all
