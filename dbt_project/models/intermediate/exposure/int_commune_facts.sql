-- Facts of the communes of today: those that the sources give, those counted from events, those that follow from others.
with counted as (

    select * from {{ ref('int_given_facts') }}
    union all by name
    select * from {{ ref('int_catnat_measures') }}

),

rates as (

    select
        dataset_id,
        source_file_id,
        commune_code,
        'catnat_rate10' as measure_id,
        date_start,
        date_end,
        10 * value / (date_diff('day', date_start, date_end) / 365.25) as value
    from counted
    where measure_id = 'catnat_n_total'

)

select *
from counted
union all by name
select * from rates
union all by name
select * from {{ ref('int_flood_damage') }}
union all by name
select * from {{ ref('int_clay_measures') }}
union all by name
select * from {{ ref('int_fire_measures') }}
union all by name
select * from {{ ref('int_river_measures') }}
