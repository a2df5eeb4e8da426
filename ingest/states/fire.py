"""Fire weather: the six codes of the Canadian system, day by day.

Sources: Van Wagner 1987 (Forestry Technical Report 35) and Van Wagner & Pickett 1985 (FTR 33), whose equation numbers
stand below; constant 147.2. The maker of daily values is indicators.md §5 [D]: temperature and humidity of the hottest
hour, daily mean wind, rain of the day, day lengths from 30° N; the codes run on through the years; snow on the ground
holds them.
"""

from __future__ import annotations

from math import exp, log, nan, sqrt

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Days = npt.NDArray[np.int32]
YearStarts = npt.NDArray[np.int64]

FIRE_OUTPUTS = ("fwi",)

FFMC_START, DMC_START, DC_START = 85.0, 6.0, 15.0  # on the first day, FTR 33
KMH_PER_MS = 3.6
NOON_WIND = 1.0  # noon wind over daily mean wind: 1.2 is an option of indicators.md §5 [D]
SNOW_HOLDS = 2.0  # mm of water in the snow, about 1 cm at 200 kg m⁻³ [D]: the codes hold, nothing burns
# Effective day length (h) for the duff and day-length factor for the drought code, January to December, 30° N and
# beyond. FTR 33, tables 1 and 2.
DAY_LENGTH = np.array([6.5, 7.5, 9.0, 12.8, 13.9, 13.9, 12.4, 10.9, 9.4, 8.0, 7.0, 6.0])
DAY_FACTOR = np.array([-1.6, -1.6, -1.6, 0.9, 3.8, 5.8, 6.4, 5.0, 2.4, 0.4, -1.6, -1.6])


@compiled("float64(float64,float64,float64,float64,float64)")
def fine_fuel(t: float, h: float, wind: float, rain: float, before: float) -> float:
    """Fine fuel moisture code from temperature (°C), humidity (%), wind (km h⁻¹), rain (mm) and yesterday's code.
    Eq. 1–10.
    """
    m = 147.2 * (101.0 - before) / (59.5 + before)
    if rain > 0.5:
        wet = rain - 0.5
        more = 42.5 * wet * exp(-100.0 / (251.0 - m)) * (1.0 - exp(-6.93 / wet))
        if m > 150.0:
            more += 0.0015 * (m - 150.0) ** 2 * sqrt(wet)
        m = min(m + more, 250.0)
    warmth = 0.18 * (21.1 - t) * (1.0 - exp(-0.115 * h))
    drying = 0.942 * h**0.679 + 11.0 * exp((h - 100.0) / 10.0) + warmth
    wetting = 0.618 * h**0.753 + 10.0 * exp((h - 100.0) / 10.0) + warmth
    if m > drying:
        rate = 0.424 * (1.0 - (h / 100.0) ** 1.7) + 0.0694 * sqrt(wind) * (1.0 - (h / 100.0) ** 8)
        m = drying + (m - drying) * 10.0 ** (-rate * 0.581 * exp(0.0365 * t))
    elif m < drying and m < wetting:
        dry = (100.0 - h) / 100.0
        rate = 0.424 * (1.0 - dry**1.7) + 0.0694 * sqrt(wind) * (1.0 - dry**8)
        m = wetting - (wetting - m) * 10.0 ** (-rate * 0.581 * exp(0.0365 * t))
    return min(max(59.5 * (250.0 - m) / (147.2 + m), 0.0), 101.0)


@compiled("float64(float64,float64,float64,int64,float64)")
def duff(t: float, h: float, rain: float, month: int, before: float) -> float:
    """Duff moisture code from temperature (°C), humidity (%), rain (mm), month (0 … 11) and yesterday's code.
    Eq. 11–17.
    """
    wet = before
    if rain > 1.5:
        effective = 0.92 * rain - 1.27
        moisture = 20.0 + 280.0 / exp(0.023 * before)
        if before <= 33.0:
            slope = 100.0 / (0.5 + 0.3 * before)
        elif before <= 65.0:
            slope = 14.0 - 1.3 * log(before)
        else:
            slope = 6.2 * log(before) - 17.2
        moisture += 1000.0 * effective / (48.77 + slope * effective)
        wet = max(43.43 * (5.6348 - log(moisture - 20.0)), 0.0)
    return float(max(wet + 1.894e-4 * (max(t, -1.1) + 1.1) * (100.0 - h) * DAY_LENGTH[month], 0.0))


@compiled("float64(float64,float64,int64,float64)")
def drought(t: float, rain: float, month: int, before: float) -> float:
    """Drought code from temperature (°C), rain (mm), month (0 … 11) and yesterday's code. Eq. 18–22."""
    wet = before
    if rain > 2.8:
        effective = 0.83 * rain - 1.27
        wet = max(before - 400.0 * log(1.0 + 3.937 * effective / (800.0 * exp(-before / 400.0))), 0.0)
    return float(wet + max(0.5 * (0.36 * (max(t, -2.8) + 2.8) + DAY_FACTOR[month]), 0.0))


@compiled("float64(float64,float64)")
def spread(wind: float, ffmc: float) -> float:
    """Initial spread index from wind (km h⁻¹) and the fine fuel moisture code. Eq. 24–26."""
    m = 147.2 * (101.0 - ffmc) / (59.5 + ffmc)
    return float(0.208 * 91.9 * exp(-0.1386 * m) * (1.0 + m**5.31 / 4.93e7) * exp(0.05039 * wind))


@compiled("float64(float64,float64)")
def build_up(dmc: float, dc: float) -> float:
    """Build-up index from the duff moisture code and the drought code. Eq. 27."""
    if dmc == 0.0 and dc == 0.0:
        return 0.0
    if dmc <= 0.4 * dc:
        return 0.8 * dmc * dc / (dmc + 0.4 * dc)
    return float(max(dmc - (1.0 - 0.8 * dc / (dmc + 0.4 * dc)) * (0.92 + (0.0114 * dmc) ** 1.7), 0.0))


@compiled("float64(float64,float64)")
def fire_weather(isi: float, bui: float) -> float:
    """Fire weather index from the initial spread index and the build-up index. Eq. 28–30."""
    fuel = 0.626 * bui**0.809 + 2.0 if bui <= 80.0 else 1000.0 / (25.0 + 108.64 * exp(-0.023 * bui))
    b = 0.1 * isi * fuel
    return float(exp(2.72 * (0.434 * log(b)) ** 0.647) if b > 1.0 else b)


@compiled(
    "void(float32[:,::1],float32[:,::1],float32[:,::1],float32[:,::1],float32[:,::1],int32[::1],int64[::1],"
    "float32[:,:,::1])"
)
def fwi(
    tasmax: Block,
    hurs: Block,
    wind: Block,
    prtot: Block,
    swe: Block,
    month_of: Days,
    year_starts: YearStarts,
    out: Block,
) -> None:
    """Fire weather index of each day: ``FIRE_OUTPUTS``.

    ``hurs``: relative humidity at tasmax (%); ``wind``: daily mean at 10 m (m s⁻¹); ``swe``: water in the snow on the
    ground (mm); ``month_of`` (days): months counted from a January. Begins with 85, 6 and 15 on the first 1 January.
    Under snow the codes hold and the index is 0. After a missing day it is NaN until the next 1 January, where it
    begins anew.
    """
    for c in range(tasmax.shape[0]):
        lost = True
        ffmc, dmc, dc = FFMC_START, DMC_START, DC_START
        for year in range(year_starts.size - 1):
            if lost:
                ffmc, dmc, dc, lost = FFMC_START, DMC_START, DC_START, False
            for i in range(year_starts[year], year_starts[year + 1]):
                t, h, rain = np.float64(tasmax[c, i]), np.float64(hurs[c, i]), np.float64(prtot[c, i])
                v, snow = np.float64(wind[c, i]) * KMH_PER_MS * NOON_WIND, np.float64(swe[c, i])
                known = t + h + rain + v + snow
                lost = lost or known != known
                if lost:
                    out[0, c, i] = np.float32(nan)
                    continue
                if snow > SNOW_HOLDS:
                    out[0, c, i] = np.float32(0.0)
                    continue
                month = month_of[i] % 12
                ffmc = fine_fuel(t, h, v, rain, ffmc)
                dmc = duff(t, h, rain, month, dmc)
                dc = drought(t, rain, month, dc)
                out[0, c, i] = np.float32(fire_weather(spread(v, ffmc), build_up(dmc, dc)))
