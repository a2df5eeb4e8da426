{{ config(materialized='view') }}
-- The reference of a warming-level export, which has no reference file: level − change, or level / (1 + change) where
-- the header calls the change relative. Every level gives one; reference_lo and reference_hi bound it by the rounding
-- of what was printed.
with levels as (

    select * from {{ ref('int_index_values') }} where context_id in (select context_id from {{ ref('contexts') }} where axis = 'warming_level')

),

changes as (

    select
        indices.simulation_id,
        indices.season,
        headers.base_code,
        headers.statistic,
        headers.half_unit,
        indices.context_id,
        indices.cell_id,
        indices.value
    from {{ ref('stg_lake__producer_indices') }} as indices
    inner join {{ ref('stg_lake__producer_index_headers') }} as headers
        on indices.source_file_id = headers.source_file_id and indices.index_code = headers.index_code
    where headers.statistic in ('change_absolute', 'change_relative')

),

paired as (

    select
        levels.*,
        changes.statistic,
        changes.value as change,
        changes.half_unit as change_half_unit
    from levels
    inner join changes
        -- by run, not by file: a level and its change may come in two exports
        on levels.simulation_id = changes.simulation_id
        and levels.base_code = changes.base_code
        and levels.season = changes.season
        and levels.context_id = changes.context_id
        and levels.cell_id = changes.cell_id

)

select
    simulation_id,
    context_id as from_context_id,
    cell_id,
    indicator_id,
    case statistic
        when 'change_absolute' then value - change
        else value / (1 + change)
    end as value,
    case statistic
        when 'change_absolute' then value - change - half_unit - change_half_unit
        else (value - half_unit) / (1 + change + change_half_unit)
    end as reference_lo,
    case statistic
        when 'change_absolute' then value - change + half_unit + change_half_unit
        else (value + half_unit) / (1 + change - change_half_unit)
    end as reference_hi
from paired
