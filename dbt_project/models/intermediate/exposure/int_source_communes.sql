-- The commune codes that observed data use → the communes of today. A code is read as of the date of its source; a code that had
-- ended by then, as what it last was.
with used as (

    select distinct dataset_id, commune_code, vintage
    from {{ ref('stg_lake__commune_facts') }}
    union
    select distinct dataset_id, commune_code, max(date_published) over (partition by dataset_id) as vintage
    from {{ ref('stg_lake__catnat_events') }}

),

stretches as (

    select
        used.*,
        -- an abolished code stands for no commune
        list_filter(crosswalk.commune_codes, lambda code: code is not null) as commune_codes
    from used
    left join {{ ref('int_commune_crosswalk') }} as crosswalk
        on used.commune_code = crosswalk.code
        and (crosswalk.valid_from is null or crosswalk.valid_from <= used.vintage)
    qualify row_number() over (
        partition by used.dataset_id, used.commune_code, used.vintage
        order by crosswalk.valid_to is null or crosswalk.valid_to > used.vintage desc, crosswalk.valid_to desc nulls first
    ) = 1

)

select
    dataset_id,
    commune_code,
    vintage,
    coalesce(commune_codes, []) as commune_codes,
    case len(coalesce(commune_codes, []))
        when 0 then 'unknown_code'
        when 1 then null
        else 'split_since'
    end as cause
from stretches
