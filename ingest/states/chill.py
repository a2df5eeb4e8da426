"""Fruit trees: winter chill in portions (dynamic model), bloom of apricot and apple, frost on buds and
flowers.

Sources: Fishman, Erez & Couvillon 1987 and Luedeling et al. 2009 (dynamic model and its constants); Linvill
1990, HortScience 25:14 (hourly temperatures from the extremes of the day); Spencer 1971 (declination). Bloom
by a thermal sum and the frost limits are a design of this project (indicators.md §2.3).
"""

from __future__ import annotations

from math import acos, cos, exp, log, nan, pi, sin, tan

import numpy as np
import numpy.typing as npt

from ingest.calendars import Window
from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Cells = npt.NDArray[np.float64]
Days = npt.NDArray[np.int32]
Table = npt.NDArray[np.float64]

WINDOW = Window((11, 1), (2, 29), -1)  # of the chill: 1 November to the end of February, indicators.md §2.3
CHILL_COLUMNS = ("chill_portions",)
BLOOM_COLUMNS = (
    "bloom_doy",  # 1 = 1 January
    "bloom_event",  # 1 reached, 0 not reached in a complete season, NaN where days are missing
    "bloom_frost",  # days with tasmin ≤ −1.5 °C within 15 days of bloom
    "bud_frost",  # days with tasmin ≤ −3 °C from 1 February until then
)
# Of each labelled year, as day indices, -1 outside the axis: (month, day, offset of the year).
BLOOM_MARKS = ((1, 1, 0), (2, 1, 0))  # then the first day after the window of the fruit, ``Fruit.end``

# Dynamic model, Luedeling et al. 2009.
E0, E1 = 4153.5, 12888.8  # K
A0, A1 = 139500.0, 2.567e18  # h⁻¹
SLOPE, MELTING = 1.6, 277.0  # –, K

BLOOM_BASE = 4.5  # °C [D]
BLOOM_NEEDS = {"apricot": 90.0, "apple": 250.0}  # °C d above 4.5 °C from 1 February [D]
BLOOM_ENDS = {"apricot": (6, 1, 0), "apple": (7, 1, 0)}  # windows FEB-MAY and FEB-JUN of the catalogue
BLOOM_HALF_WINDOW = 15  # days [D]
FLOWER_FROST, BUD_FROST = -1.5, -3.0  # °C [D]

# The model's two temperature functions, tabulated: linear between steps of 1/64 °C, within 1e-6 of the
# formula.
_STEPS = 64
_COLDEST, _WARMEST = -60.0, 60.0  # °C; beyond, the value of the end
_KELVIN = _COLDEST + 273.15 + np.arange(int((_WARMEST - _COLDEST) * _STEPS) + 2) / _STEPS
_BALANCE: Table = A0 / A1 * np.exp((E1 - E0) / _KELVIN)  # of the intermediate product
_KEPT: Table = np.exp(-A1 * np.exp(-E1 / _KELVIN))  # share of the distance to the balance that an hour leaves
_DAYS = 366


@compiled("float64(float64)")
def melted_share(t: float) -> float:
    """Share of the intermediate product that becomes a portion once there is one, at t (°C)."""
    kelvin = t + 273.15
    return 1.0 / (1.0 + exp(-SLOPE * MELTING * (kelvin - MELTING) / kelvin))


@compiled("Tuple((float64,float64))(float64,float64,float64,float64)")
def chill_hour(product: float, t_before: float, t: float, portions: float) -> tuple[float, float]:
    """Intermediate product after an hour at t (°C), and the portions so far, from those of the hour before."""
    if product >= 1.0:
        product -= product * melted_share(t_before)
    place = (min(max(t, _COLDEST), _WARMEST) - _COLDEST) * _STEPS
    k = int(place)
    part = place - k
    balance = _BALANCE[k] + part * (_BALANCE[k + 1] - _BALANCE[k])
    kept = _KEPT[k] + part * (_KEPT[k + 1] - _KEPT[k])
    product = balance - (balance - product) * kept
    if product >= 1.0:
        portions += product * melted_share(t)
    return product, portions


@compiled("float64(float64[:])")
def portions_of(hourly: Table) -> float:
    """Chill portions of hourly temperatures (°C), NaN if one is missing; the first hour only starts the
    model.
    """
    product, portions = 0.0, 0.0
    for i in range(1, hourly.size):
        product, portions = chill_hour(product, hourly[i - 1], hourly[i], portions)
        if product != product:
            return nan
    return portions if hourly.size > 0 and hourly[0] == hourly[0] else nan


@compiled("float64(float64,float64)")
def daylight_hours(latitude: float, day_of_year: float) -> float:
    """Hours from sunrise to sunset at a latitude (degrees north), 1 = 1 January. Declination of Spencer 1971."""
    a = 2.0 * pi * (day_of_year - 1.0) / 365.0
    declination = (
        0.006918
        - 0.399912 * cos(a)
        + 0.070257 * sin(a)
        - 0.006758 * cos(2.0 * a)
        + 0.000907 * sin(2.0 * a)
        - 0.002697 * cos(3.0 * a)
        + 0.00148 * sin(3.0 * a)
    )
    return 24.0 / pi * acos(min(max(-tan(latitude * pi / 180.0) * tan(declination), -1.0), 1.0))


@compiled("void(float64,float64,float64[:])")
def hour_shares(latitude: float, day_of_year: float, shares: Table) -> None:
    """The shape of a day, ``shares`` (25): by hour from sunrise, the share of the way from tn to tx (day), or
    minus the share of the way from the sunset temperature to the next tn (night); last the share reached at
    sunset.

    Linvill 1990 as in xclim: sine with the maximum two hours before sunset, then a logarithm until the next
    sunrise.
    """
    daylight = min(daylight_hours(latitude, day_of_year), 23.0)
    for h in range(24):
        if h < daylight:
            shares[h] = sin(pi * h / (daylight + 4.0))
        else:
            shares[h] = -log(max(h + 1.0 - daylight, 1.0)) / log(25.0 - daylight)
    shares[24] = sin(pi * daylight / (daylight + 4.0))


@compiled("void(float32[:,::1],float32[:,::1],float64[::1],int32[::1],int32[:,::1],float32[:,:,::1])")
def chill_portions(tasmin: Block, tasmax: Block, latitude: Cells, day_of_year: Days, windows: Days, out: Block) -> None:
    """Chill portions of each season, ``out`` (cells, years, 1): ``CHILL_COLUMNS``.

    ``windows`` (years, 2): first day and last day + 1 of 1 November to the end of February, -1 outside the
    axis. The last night falls towards tasmin of the day after the window, of the window's last day where the
    axis ends.
    """
    shares = np.empty((_DAYS + 1, 25))
    for c in range(tasmin.shape[0]):
        shares[:, 24] = nan  # not computed yet
        for year in range(windows.shape[0]):
            out[c, year, 0] = np.float32(nan)
            if windows[year, 0] < 0:
                continue
            product, portions, before = 0.0, 0.0, nan
            for i in range(windows[year, 0], windows[year, 1]):
                day = shares[day_of_year[i]]
                if day[24] != day[24]:
                    hour_shares(latitude[c], float(day_of_year[i]), day)
                tn, tx = np.float64(tasmin[c, i]), np.float64(tasmax[c, i])
                tn_next = np.float64(tasmin[c, min(i + 1, tasmin.shape[1] - 1)])
                if tn != tn or tx != tx or tn_next != tn_next:
                    product = nan
                    break
                sunset = tn + day[24] * (tx - tn)
                first = 0
                if before != before:  # the season's first hour
                    before, first = tn, 1
                for h in range(first, 24):
                    share = day[h]
                    t = sunset + share * (sunset - tn_next) if h >= 1 and share <= 0.0 else tn + share * (tx - tn)
                    product, portions = chill_hour(product, before, t, portions)
                    before = t
            if product == product:
                out[c, year, 0] = np.float32(portions)


@compiled("void(float32[:,::1],float32[:,::1],int32[:,::1],float64,float32[:,:,::1])")
def bloom_frost(tasmin: Block, tasmax: Block, marks: Days, need: float, out: Block) -> None:
    """Bloom of a fruit tree and frost on it, ``out`` (cells, years, 4): ``BLOOM_COLUMNS``.

    Bloom is the first day on which Σ max(0, T̄ − 4.5) from 1 February reaches ``need`` (``BLOOM_NEEDS``).
    ``marks`` (years, 3): 1 January, 1 February and the first day after the fruit's window, -1 outside the
    axis. The window of 15 days each side of bloom may end after it, and does not begin before 1 February.
    """
    for c in range(tasmin.shape[0]):
        for year in range(marks.shape[0]):
            january, february, end = marks[year]
            columns = out[c, year]
            columns[:] = np.float32(nan)
            if january < 0 or end < 0:
                continue
            total, bloom = 0.0, -1
            for i in range(february, end):
                total += max(0.5 * (np.float64(tasmin[c, i]) + np.float64(tasmax[c, i])) - BLOOM_BASE, 0.0)
                if tasmin[c, i] != tasmin[c, i] or tasmax[c, i] != tasmax[c, i]:
                    total = nan
                    break
                if total >= need:
                    bloom = i
                    break
            if total != total:
                continue
            if bloom < 0:
                columns[1] = np.float32(0.0)
                continue
            columns[0], columns[1] = np.float32(bloom - january + 1), np.float32(1.0)
            open_from = max(bloom - BLOOM_HALF_WINDOW, february)
            on_flowers, on_buds, known = 0, 0, True
            for i in range(february, open_from):
                on_buds += tasmin[c, i] <= BUD_FROST
            for i in range(open_from, min(bloom + BLOOM_HALF_WINDOW + 1, tasmin.shape[1])):
                known = known and tasmin[c, i] == tasmin[c, i]
                on_flowers += tasmin[c, i] <= FLOWER_FROST
            columns[3] = np.float32(on_buds)
            if known:
                columns[2] = np.float32(on_flowers)
