-- Commune × dataset: expected annual damage, unprotected, and protected where a protection is known.
with damages as (

    select dataset_id, commune_code, date_end, note, source_file_id, return_period, value as damage
    from {{ ref('int_given_facts') }}
    where measure_id = 'flood_damage' and value is not null

),

protections as (

    -- of the dataset itself, or of one that only says this
    select commune_code, max(value) as years
    from {{ ref('int_given_facts') }}
    where measure_id = 'flood_protection'
    group by commune_code

),

curves as (

    select dataset_id, commune_code, return_period, damage, 'unprotected' as protection, 1.0::double as p_protection
    from damages
    union all
    select dataset_id, commune_code, return_period, damage, 'protected', 1 / greatest(years, 1)
    from damages
    inner join protections using (commune_code)

),

expected as (

    {{ expected_annual_damage('curves', ['dataset_id', 'commune_code', 'protection'], var('first_damage_period')) }}

),

long as (

    select
        dataset_id,
        commune_code,
        case protection when 'protected' then 'ead_flood_protected' else 'ead_flood' end as measure_id,
        with_tail as value
    from expected
    union all
    select
        dataset_id,
        commune_code,
        case protection when 'protected' then 'ead_flood_protected_no_tail' else 'ead_flood_no_tail' end,
        without_tail
    from expected

)

select long.*, about.date_end, about.note, about.source_file_id
from long
inner join (
    select
        dataset_id, commune_code, max(date_end) as date_end, any_value(note) as note, any_value(source_file_id) as source_file_id
    from damages
    group by dataset_id, commune_code
) as about using (dataset_id, commune_code)
