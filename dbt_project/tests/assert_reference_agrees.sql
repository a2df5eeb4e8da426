-- The reference recovered from any warming level of a run is the same within the rounding of what was printed.
select simulation_id, indicator_id, cell_id, max(reference_lo) as highest_lo, min(reference_hi) as lowest_hi
from {{ ref('int_reference_values') }}
group by simulation_id, indicator_id, cell_id
-- 1e-5 relative: the lake stores float32
having max(reference_lo) > min(reference_hi) + 1e-5 * (1 + abs(min(reference_hi)))
