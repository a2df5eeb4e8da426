"""Water at the ground: snowfall, rain and melt, and a soil bucket (``swi_bucket``), which is not ISBA's soil
wetness index.

Sources: indicators.md §4 (degree-day snow, standard form) and §2.3 (soil bucket, a design of this project).
"""

from __future__ import annotations

from math import nan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Cells = npt.NDArray[np.float64]
YearStarts = npt.NDArray[np.int64]

SNOWFALL_OUTPUTS = ("prsn",)  # mm d⁻¹
RAIN_AND_MELT_OUTPUTS = ("water_input", "swe_degree_day")  # mm d⁻¹, mm
SWI_OUTPUTS = ("swi_bucket",)  # 0 … 1

ALL_SNOW, ALL_RAIN = -1.0, 3.0  # °C, indicators.md §4
DEGREE_DAY_FACTOR = 4.0  # mm °C⁻¹ d⁻¹ above 0 °C, indicators.md §4
DEFAULT_CAPACITY = 150.0  # mm, where no soil map is loaded, indicators.md §2.3
STRESS_SHARE = 0.6  # of the capacity, below which evapotranspiration falls short of the potential, indicators.md §2.3
SPIN_UP_YEARS = 2  # indicators.md §2.3


@compiled("float64(float64)")
def solid_fraction(t: float) -> float:
    """Share of precipitation that falls as snow at t (°C): 1 up to −1 °C, 0 from 3 °C, linear between."""
    return min(max((ALL_RAIN - t) / (ALL_RAIN - ALL_SNOW), 0.0), 1.0)


@compiled("void(float32[:,::1],float32[:,::1],float32[:,:,::1])")
def snowfall(prtot: Block, tas: Block, out: Block) -> None:
    """Snowfall (mm d⁻¹) of runs without prsn: ``SNOWFALL_OUTPUTS``."""
    for c in range(prtot.shape[0]):
        for i in range(prtot.shape[1]):
            out[0, c, i] = np.float32(np.float64(prtot[c, i]) * solid_fraction(np.float64(tas[c, i])))


@compiled("void(float32[:,::1],float32[:,::1],float32[:,::1],int64[::1],float32[:,:,::1])")
def rain_and_melt(prtot: Block, prsn: Block, tas: Block, year_starts: YearStarts, out: Block) -> None:
    """Water that reaches the soil (mm d⁻¹) and the snow that lies (mm): ``RAIN_AND_MELT_OUTPUTS``.

    Snowfall of the day first, then melt of 4 mm per degree above 0 °C. Snowfall above precipitation counts as
    precipitation. After a missing day both are NaN until the next 1 January, when the ground is bare again
    [D]; the run begins bare. ``year_starts`` (years + 1): day index of each 1 January, then the end.
    """
    for c in range(prtot.shape[0]):
        swe, lost = 0.0, False
        for year in range(year_starts.size - 1):
            if lost:
                swe, lost = 0.0, False
            for i in range(year_starts[year], year_starts[year + 1]):
                p, t = np.float64(prtot[c, i]), np.float64(tas[c, i])
                snow = np.float64(prsn[c, i])
                lost = lost or p != p or t != t or snow != snow
                if lost:
                    out[:, c, i] = np.float32(nan)
                    continue
                snow = min(snow, p)
                swe += snow
                melt = min(swe, DEGREE_DAY_FACTOR * max(t, 0.0))
                swe -= melt
                out[0, c, i] = np.float32(p - snow + melt)
                out[1, c, i] = np.float32(swe)


@compiled("UniTuple(float64,3)(float64,float64,float64,float64)")
def bucket_day(water: float, supply: float, pet: float, capacity: float) -> tuple[float, float, float]:
    """Water in the soil at the end of a day, evapotranspiration of the day, and drainage (mm).

    From the water at its start, rain and melt, potential evapotranspiration and capacity (mm).
    Evapotranspiration is PET · min(1, W / (0.6 · capacity)) with the water at the start [D], at most what
    there is; the excess drains. Water + supply = water at the end + evapotranspiration + drainage.
    """
    evaporated = min(max(pet, 0.0) * min(1.0, water / (STRESS_SHARE * capacity)), water + supply)
    rest = water + supply - evaporated
    kept = min(rest, capacity)
    return kept, evaporated, rest - kept


@compiled("float64(float32[:],float32[:],int64,int64,float64)")
def spun_up(supply: Block, pet: Block, start: int, stop: int, capacity: float) -> float:
    """Water in the soil (mm) after the days ``[start, stop)``, begun full; ends early before a missing day."""
    water = capacity
    for i in range(start, stop):
        if supply[i] != supply[i] or pet[i] != pet[i]:
            break
        water = bucket_day(water, np.float64(supply[i]), np.float64(pet[i]), capacity)[0]
    return water


@compiled("void(float32[:,::1],float32[:,::1],float64[::1],int64[::1],float32[:,:,::1])")
def swi_bucket(water_input: Block, pet: Block, capacity: Cells, year_starts: YearStarts, out: Block) -> None:
    """Water in the soil over its capacity at the end of each day, 0 … 1: ``SWI_OUTPUTS``.

    ``capacity`` (cells), mm. The bucket is full on the first 1 January, runs two years, and starts from there
    again: no year is lost to the spin-up [D]. After a missing day it is NaN until the next 1 January, where
    it begins anew in the same way. NaN where the capacity is missing or not above 0.
    """
    n_years = year_starts.size - 1
    for c in range(water_input.shape[0]):
        if not capacity[c] > 0.0:
            out[0, c, :] = np.float32(nan)
            continue
        water, lost = 0.0, True
        for year in range(n_years):
            if lost:
                end = year_starts[min(year + SPIN_UP_YEARS, n_years)]
                water = spun_up(water_input[c], pet[c], year_starts[year], end, capacity[c])
                lost = False
            for i in range(year_starts[year], year_starts[year + 1]):
                lost = lost or water_input[c, i] != water_input[c, i] or pet[c, i] != pet[c, i]
                if lost:
                    out[0, c, i] = np.float32(nan)
                    continue
                water = bucket_day(water, np.float64(water_input[c, i]), np.float64(pet[c, i]), capacity[c])[0]
                out[0, c, i] = np.float32(water / capacity[c])
