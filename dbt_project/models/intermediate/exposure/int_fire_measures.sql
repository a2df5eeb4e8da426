-- Fires per forest, where a source gives the forest share of communes: each dataset of fires × the forest of the same status. A commune
-- that the fires do not name had none (BDIFF is national); one whose forest is not known has no rate.
with datasets as (

    select
        facts.dataset_id,
        any_value(sources.validation_status = 'synthetic') as is_synthetic,
        min(facts.date_start) as date_start,
        max(facts.date_end) as date_end
    from {{ ref('int_given_facts') }} as facts
    inner join {{ ref('stg_lake__datasets') }} as sources using (dataset_id)
    where facts.measure_id = 'fires_n'
    group by facts.dataset_id

),

forests as (

    select facts.commune_code, sources.validation_status = 'synthetic' as is_synthetic, max(facts.value) as share
    from {{ ref('int_given_facts') }} as facts
    inner join {{ ref('stg_lake__datasets') }} as sources using (dataset_id)
    where facts.measure_id = 'forest_share'
    group by all

),

communes as (

    select
        datasets.dataset_id,
        territories.code as commune_code,
        datasets.date_start,
        datasets.date_end,
        coalesce(fires.value, 0) as fires,
        forests.share * territories.area_km2 / 100 as forest_km2
    from datasets
    cross join (
        select code, area_km2 from {{ ref('stg_lake__territories') }} where kind = 'commune' and zone in ('metro', 'drom')
    ) as territories
    left join forests on territories.code = forests.commune_code and datasets.is_synthetic = forests.is_synthetic
    left join {{ ref('int_given_facts') }} as fires
        on territories.code = fires.commune_code and datasets.dataset_id = fires.dataset_id and fires.measure_id = 'fires_n'

)

select
    dataset_id,
    null::varchar as source_file_id,
    commune_code,
    'forest_area' as measure_id,
    date_start,
    date_end,
    forest_km2::double as value,
    case when forest_km2 is null then 'forest_share_missing' end as reason
from communes
union all
select
    dataset_id,
    null,
    commune_code,
    'fires_per_forest',
    date_start,
    date_end,
    case when forest_km2 > 0 then 100 * fires / forest_km2 end::double,
    case
        when forest_km2 is null then 'forest_share_missing'
        when forest_km2 = 0 then 'no_weight'
    end
from communes
