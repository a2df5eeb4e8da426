-- Events of the communes of today: one row per commune, peril group and first day (spec: one event is one start). The storms that
-- were declared almost everywhere, whatever happened there, are told apart: November 1982, and the order of 29 December 1999.
with groups as (

    select
        labels.peril_label,
        coalesce(arg_min(perils.peril_group, perils.position), 'other') as peril_group
    from (select distinct peril_label from {{ ref('stg_lake__catnat_events') }}) as labels
    left join {{ ref('catnat_perils') }} as perils
        on regexp_matches(lower(strip_accents(labels.peril_label)), perils.pattern)
    group by labels.peril_label

)

select
    events.dataset_id,
    communes.commune_codes[1] as commune_code,
    coalesce(groups.peril_group, 'other') as peril_group,
    events.date_start,
    max(events.date_end) as date_end,
    any_value(events.source_file_id) as source_file_id,
    bool_and(
        events.date_order = date '1999-12-29'
        or (coalesce(groups.peril_group, 'other') = 'storm' and events.date_start between date '1982-11-06' and date '1982-11-10')
    ) is true as is_blanket
from {{ ref('stg_lake__catnat_events') }} as events
inner join {{ ref('int_source_communes') }} as communes using (dataset_id, commune_code)
left join groups using (peril_label)
where communes.cause is null
group by all
