-- Fires per forest, where a source gives the forest share of communes: each dataset of fires × the forest of the same status. Fires are
-- those of fires_n in fct_exposure: none where silence means none, unknown with the same reason elsewhere.
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
        case
            when facts.commune_code is not null then facts.value
            when absent.meaning = 'zero' then 0
        end as fires,
        case
            when facts.commune_code is not null then case when facts.value is null then coalesce(facts.reason, 'not_published') end
            else {{ silence_reason('absent.meaning') }}
        end as fires_reason,
        forests.share * territories.area_km2 / 100 as forest_km2
    from datasets
    cross join (
        select code, area_km2, zone from {{ ref('stg_lake__territories') }} where kind = 'commune' and zone in ('metro', 'drom')
    ) as territories
    inner join {{ ref('stg_lake__datasets') }} as sources on datasets.dataset_id = sources.dataset_id
    inner join {{ ref('exposure_measures') }} as measures on measures.measure_id = 'fires_n'
    left join forests on territories.code = forests.commune_code and datasets.is_synthetic = forests.is_synthetic
    left join {{ ref('int_given_facts') }} as facts
        on territories.code = facts.commune_code and datasets.dataset_id = facts.dataset_id and facts.measure_id = 'fires_n'
    left join {{ ref('int_uncarried_communes') }} as uncarried
        on territories.code = uncarried.commune_code and datasets.dataset_id = uncarried.dataset_id
    cross join lateral (select {{ silence_means('measures.absent_means') }} as meaning) as absent

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
        when fires is null then fires_reason
        when forest_km2 is null then 'forest_share_missing'
        when forest_km2 = 0 then 'no_weight'
    end
from communes
