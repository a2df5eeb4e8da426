"""States of a cell's days: what needs humidity, radiation, a soil, a plant, or thresholds of a reference
period.

Every public function takes blocks (cells × days, float32, NaN where missing), values per cell (float64:
latitude in degrees north, altitude in metres, thresholds), the calendar as day indices (int32 or int64), and
fills its last argument:

* a daily state, ``out`` (outputs, cells, days): its names stand in ``<FUNCTION>_OUTPUTS``, features read it
  like a variable;
* a seasonal state, ``out`` (cells, years, columns): its names stand in ``<FUNCTION>_COLUMNS``, one value per
  year. The vine has one such block per profile, (cells, years, profiles, columns); an index without columns
  is (cells, years).

A cell is a block of one row. Work is done in float64 and stored in float32. A day that misses an input is
NaN; a season that misses one of the days it reads is NaN, with NaN for its event; a stage that a complete
season does not reach is NaN with event 0. Formulas are compiled functions of plain numbers in the same
module, so that they can be checked by hand.

``[D]`` marks a choice of this project; ``param_status`` says which parameters were not checked in their
paper.
"""
