"""Natural snow on the ground by degree days, and the hours in which snow could be made.

The degree-day model stands in where no snow model's output exists (indicators.md §4, standard form, unverified
parameters); it is not Crocus. Its ground is bare on each 1 August: snow that outlasts a summer is not its subject [D].

Sources: indicators.md §4; Hock 2003, J. Hydrol. 282:104 (degree-day melt); Linvill 1990, HortScience 25:14 (hourly
temperatures, as xclim's ``make_hourly_temperature``); Spandre et al. 2016 (wet-bulb limits of snowmaking).
"""

from __future__ import annotations

from math import nan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled
from ingest.states import chill

Block = npt.NDArray[np.float32]
Cells = npt.NDArray[np.float64]
Days = npt.NDArray[np.int32]
Starts = npt.NDArray[np.int64]
Table = npt.NDArray[np.float64]

DEGREE_DAY_OUTPUTS = ("swe_degree_day", "snd_degree_day", "melt_degree_day")  # mm, m, mm d⁻¹
SNOWMAKING_OUTPUTS = ("snowmaking_hours", "snowmaking5_hours", "cold_night_snow")  # h d⁻¹, h d⁻¹, 1 or 0

DEGREE_DAY_FACTOR = 4.0  # mm °C⁻¹ d⁻¹ above 0 °C, indicators.md §4
FRESH_DENSITY = 150.0  # kg m⁻³, indicators.md §4
DENSITY_GAIN = 3.0  # kg m⁻³ d⁻¹, indicators.md §4
MAX_DENSITY = 400.0  # kg m⁻³, indicators.md §4
MAX_IMBALANCE = 1e-6  # mm over a snow year, indicators.md §4
LAPSE_RATE = 6.0  # °C km⁻¹, indicators.md §4 [D]
SNOWMAKING_WET_BULB = (-2.0, -5.0)  # °C, indicators.md §4


@compiled("UniTuple(float64,3)(float64,float64,float64,float64)")
def snow_day(swe: float, density: float, snowfall: float, t: float) -> tuple[float, float, float]:
    """Snow at the end of a day (mm), its density (kg m⁻³) and the day's melt (mm).

    From those at its start, snowfall (mm) and mean temperature (°C). Snow falls first, then melts: 4 mm per degree
    above 0 °C, at most what lies. Lying snow gains 3 kg m⁻³ a day up to 400; what falls comes at 150 and the mass is
    mixed [D].
    """
    total = swe + snowfall
    if total <= 0.0:
        return 0.0, FRESH_DENSITY, 0.0
    density = (swe * min(density + DENSITY_GAIN, MAX_DENSITY) + snowfall * FRESH_DENSITY) / total
    melt = min(total, DEGREE_DAY_FACTOR * max(t, 0.0))
    return total - melt, density, melt


@compiled("void(float32[:,::1],float32[:,::1],int64[::1],float32[:,:,::1],float64[::1])")
def degree_day(prsn: Block, tas: Block, snow_years: Starts, out: Block, imbalance: Cells) -> None:
    """Snow water equivalent (mm), depth (m) and melt (mm d⁻¹) of each day: ``DEGREE_DAY_OUTPUTS``.

    ``snow_years``: day index of each 1 August, ascending, then the number of days; the days before the first one are a
    snow year of their own. After a missing day all is NaN until the next 1 August. ``imbalance`` (cells): the largest
    |Σ snowfall − Σ melt − change of the snow| over the snow years, mm, summed in float64 beside the model.
    """
    for c in range(prsn.shape[0]):
        imbalance[c] = 0.0
        first = 0
        for year in range(snow_years.size):
            swe, density, lost = 0.0, FRESH_DENSITY, False
            fallen, melted = 0.0, 0.0
            for i in range(first, snow_years[year]):
                snow, t = np.float64(prsn[c, i]), np.float64(tas[c, i])
                lost = lost or snow != snow or t != t
                if lost:
                    out[:, c, i] = np.float32(nan)
                    continue
                swe, density, melt = snow_day(swe, density, snow, t)
                fallen += snow
                melted += melt
                out[0, c, i] = np.float32(swe)
                out[1, c, i] = np.float32(swe / density)
                out[2, c, i] = np.float32(melt)
            imbalance[c] = max(imbalance[c], abs(fallen - melted - swe))
            first = snow_years[year]


def hour_shares(latitude: float) -> Table:
    """The shape of each day of the year at a latitude (degrees north): ``chill.hour_shares`` by day, (367, 25)."""
    shares = np.zeros((367, 25))
    for day in range(1, 367):
        chill.hour_shares(latitude, float(day), shares[day])
    return shares


@compiled(
    "void(float32[:,::1],float32[:,::1],float32[:,:,::1],float64[:,:,::1],int32[::1],int32[::1],float32[:,:,::1])"
)
def snowmaking(
    tasmin: Block, tasmax: Block, dry_bulb: Block, shares: Table, shares_of: Days, day_of_year: Days, out: Block
) -> None:
    """Hours of the day with a wet bulb at or below −2 °C, then −5 °C, and 1 on a night that reaches −2 °C.

    ``dry_bulb`` (2, cells, days): the temperature at which the air of the day reaches each limit
    (``humidity.dry_bulb``). The wet bulb rises with temperature where vapour stays, so an hour counts where it is at
    or below that temperature, and a day that begins and ends above it has none and is not looked at. ``shares``
    (latitudes, 367, 25) by ``hour_shares``; ``shares_of`` (cells): row of each cell's latitude. The day's 24 hours
    begin at sunrise, as in xclim; the last night of the axis falls towards its own tasmin. ``SNOWMAKING_OUTPUTS``.
    """
    n_days = tasmin.shape[1]
    for c in range(tasmin.shape[0]):
        for i in range(n_days):
            tn, tx = np.float64(tasmin[c, i]), np.float64(tasmax[c, i])
            tn_next = np.float64(tasmin[c, min(i + 1, n_days - 1)])
            mild, cold = np.float64(dry_bulb[0, c, i]), np.float64(dry_bulb[1, c, i])
            out[2, c, i] = np.float32(nan) if tn != tn or mild != mild else np.float32(tn <= mild)
            if tn != tn or tx != tx or tn_next != tn_next or mild != mild:
                out[0, c, i] = np.float32(nan)
                out[1, c, i] = np.float32(nan)
                continue
            n_mild, n_cold = 0, 0
            if min(tn, tn_next) <= mild:
                day = shares[shares_of[c], day_of_year[i]]
                if day[24] != day[24]:  # no latitude
                    out[0, c, i] = np.float32(nan)
                    out[1, c, i] = np.float32(nan)
                    continue
                sunset = tn + day[24] * (tx - tn)
                for h in range(24):
                    share = day[h]
                    t = sunset + share * (sunset - tn_next) if h >= 1 and share <= 0.0 else tn + share * (tx - tn)
                    n_mild += t <= mild
                    n_cold += t <= cold
            out[0, c, i] = np.float32(n_mild)
            out[1, c, i] = np.float32(n_cold)
