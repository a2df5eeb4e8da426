-- The reference recovered from any warming level of a run is the same within the rounding of what was printed.
with bounds as (

    select
        simulations.run_key,
        recovered.indicator_id::{{ enum_of(exported_indicators()) }} as indicator_id,
        recovered.cell_id,
        recovered.reference_lo,
        recovered.reference_hi
    from {{ ref('int_reference_values') }} as recovered
    inner join {{ ref('int_simulations') }} as simulations using (simulation_id)

)

select run_key, indicator_id, cell_id, max(reference_lo) as highest_lo, min(reference_hi) as lowest_hi
from bounds
group by run_key, indicator_id, cell_id
-- 1e-5 relative: the lake stores float32
having max(reference_lo) > min(reference_hi) + 1e-5 * (1 + abs(min(reference_hi)))
