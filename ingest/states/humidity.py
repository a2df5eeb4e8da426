"""Humidity of the hottest hour: relative humidity, wet-bulb temperature, humidex, UTCI in the shade, comfort.

Specific humidity is the daily mean and the temperature the daily maximum (indicators.md §1): the air is taken
to keep its vapour through the day. Pressure is that of the altitude (FAO-56), not that of the day.

Sources: Allen et al. 1998 (FAO-56) eq. 7; WMO-No. 8 (2018) annex 4.B, the Magnus formula and the psychrometer; Stull
2011, J. Appl. Meteor. Climatol. 50:2267; Masterton & Richardson 1979; Bröde et al. 2012, Int. J. Biometeorol. 56:481,
and the program UTCI_a002.
"""

from __future__ import annotations

from functools import cache
from math import atan, exp, nan, sqrt

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Cells = npt.NDArray[np.float64]

HEAT_HUMIDITY_OUTPUTS = ("hurs_tx", "wet_bulb_tx", "humidex_tx")  # %, °C, °C
UTCI_SHADE_OUTPUTS = ("utci_shade_tx",)  # °C
COMFORT_OUTPUTS = ("comfort",)  # 1 on a comfortable day, 0 on another

MOLECULAR_RATIO = 0.622  # water to dry air, FAO-56
PSYCHROMETER = 6.53e-4  # K⁻¹, then × (1 + 9.44e-4 Tw): ventilated, over water, WMO-No. 8 annex 4.B
STULL_CEILING = 1500.0  # m: above, Stull's fit for about 1 013 hPa gives way to the psychrometer (indicators.md §4)
STULL_DRIEST = 5.0  # %, the end of the range of Stull's fit
VAPOUR_STEP = 0.01  # hPa, of the table of ``stull_dry_bulbs``

# UTCI − T, °C, where the radiant temperature is that of the air: the 84 of the 210 terms of Bröde et al. 2012
# that do not hold their difference. By power of the vapour pressure (kPa), then of the wind at 10 m (m s⁻¹),
# then of T (°C).
UTCI_TERMS = (
    (
        (6.07562052e-1, -2.27712343e-2, 8.06470249e-4, -1.54271372e-4, -3.24651735e-6, 7.32602852e-8, 1.35959073e-9),
        (-2.25836520e0, 8.80326035e-2, 2.16844454e-3, -1.53347087e-5, -5.72983704e-7, -2.55090145e-9),
        (-7.51269505e-1, -4.08350271e-3, -5.21670675e-5, 1.94544667e-6, 1.14099531e-8),
        (1.58137256e-1, -6.57263143e-5, 2.22697524e-7, -4.16117031e-8),
        (-1.27762753e-2, 9.66891875e-6, 2.52785852e-9),
        (4.56306672e-4, -1.74202546e-7),
        (-5.91491269e-6,),
    ),
    (
        (5.12733497e0, -3.12788561e-1, -1.96701861e-2, 9.99690870e-4, 9.51738512e-6, -4.66426341e-7),
        (5.48050612e-1, -3.30552823e-3, -1.64119440e-3, -5.16670694e-6, 9.52692432e-7),
        (-4.29223622e-2, 5.00845667e-3, 1.00601257e-6, -1.81748644e-6),
        (-1.25813502e-3, -1.79330391e-4, 2.34994441e-6),
        (1.29735808e-4, 1.29064870e-6),
        (-2.28558686e-6,),
    ),
    (
        (-2.80626406e0, 5.48712484e-1, -3.99428410e-3, -9.54009191e-4, 1.93090978e-5),
        (-3.08806365e-1, 1.16952364e-2, 4.95271903e-4, -1.90710882e-5),
        (2.10787756e-3, -6.98445738e-4, 2.30109073e-5),
        (4.17856590e-4, -1.27043871e-5),
        (-3.04620472e-6,),
    ),
    (
        (-3.53874123e-2, -2.21201190e-1, 1.55126038e-2, -2.63917279e-4),
        (4.53433455e-2, -4.32943862e-3, 1.45389826e-4),
        (2.17508610e-4, -6.66724702e-5),
        (3.33217140e-5,),
    ),
    (
        (6.14155345e-1, -6.16755931e-2, 1.33374846e-3),
        (3.55375387e-3, -5.13027851e-4),
        (1.02449757e-4,),
    ),
    (
        (8.82773108e-2, -3.01859306e-3),
        (1.04452989e-3,),
    ),
    ((1.48348065e-3,),),
)
UTCI_WIND = (0.5, 17.0)  # m s⁻¹, the range of the polynomial
UTCI_TEMPERATURE = 50.0  # °C, each side of 0, likewise
COMFORT_UTCI = (9.0, 26.0)  # °C, no thermal stress (Bröde et al. 2012)
COMFORT_RAIN = 1.0  # mm d⁻¹ [D]
COMFORT_WIND = 8.0  # m s⁻¹ [D]

_N = len(UTCI_TERMS)
_UTCI = np.zeros((_N, _N, _N))
for _k, _by_wind in enumerate(UTCI_TERMS):
    for _j, _by_temperature in enumerate(_by_wind):
        _UTCI[_k, _j, : len(_by_temperature)] = _by_temperature


@compiled("float64(float64)")
def pressure(altitude: float) -> float:
    """Air pressure (hPa) at an altitude (m). FAO-56 eq. 7."""
    return float(1013.0 * ((293.0 - 0.0065 * altitude) / 293.0) ** 5.26)


@compiled("float64(float64,float64)")
def vapour_pressure(huss: float, air_pressure: float) -> float:
    """Vapour pressure (hPa) from specific humidity (kg kg⁻¹) and air pressure (hPa)."""
    return huss * air_pressure / (MOLECULAR_RATIO + (1.0 - MOLECULAR_RATIO) * huss)


@compiled("float64(float64)")
def saturation_pressure(t: float) -> float:
    """Saturation vapour pressure over water (hPa) at t (°C). Magnus formula, WMO-No. 8."""
    return 6.112 * exp(17.62 * t / (243.12 + t))


@compiled("float64(float64,float64)")
def relative_humidity(e: float, t: float) -> float:
    """Relative humidity (%), brought within 1 … 100, from vapour pressure (hPa) and t (°C)."""
    return min(max(100.0 * e / saturation_pressure(t), 1.0), 100.0)


@compiled("void(float32[:,::1],float32[:,::1],float64[::1],float32[:,::1])")
def at_most_saturated(huss: Block, tas: Block, altitude: Cells, out: Block) -> None:
    """Specific humidity (kg kg⁻¹), cut at that of saturated air at tas (°C) and at the altitude of each cell (m)."""
    for c in range(huss.shape[0]):
        p = pressure(altitude[c])
        for i in range(huss.shape[1]):
            e = saturation_pressure(np.float64(tas[c, i]))
            most = MOLECULAR_RATIO * e / (p - (1.0 - MOLECULAR_RATIO) * e)
            out[c, i] = min(huss[c, i], np.float32(most)) if most == most else np.float32(nan)


@compiled("float64(float64,float64)")
def wet_bulb(t: float, humidity: float) -> float:
    """Wet-bulb temperature (°C), at most t, from t (°C) and relative humidity (%). Stull 2011 eq. 1.

    Made for 5 … 99 %, −20 … 50 °C and about 1 013 hPa, there within ±1 °C. Near saturation the fit may exceed
    t by some tenths: it is cut there [D].
    """
    fit = (
        t * atan(0.151977 * sqrt(humidity + 8.313659))
        + atan(t + humidity)
        - atan(humidity - 1.676331)
        + 0.00391838 * humidity * sqrt(humidity) * atan(0.023101 * humidity)
        - 4.686035
    )
    return min(fit, t)


@compiled("float64(float64,float64,float64)")
def psychrometer_dry_bulb(target: float, e: float, air_pressure: float) -> float:
    """Temperature (°C) of air of vapour pressure e (hPa) whose wet bulb is ``target`` (°C), at an air pressure (hPa).

    The psychrometer's equation e = es(Tw) − A p (T − Tw), WMO-No. 8 annex 4.B: with the wet bulb given it is linear
    in T, and what an iteration on Tw would find is had at once. Air that is saturated at the wet bulb is at the wet
    bulb.
    """
    constant = PSYCHROMETER * (1.0 + 9.44e-4 * target)
    return target + max(saturation_pressure(target) - e, 0.0) / (constant * air_pressure)


@compiled("float64(float64,float64)")
def stull_dry_bulb(target: float, e: float) -> float:
    """The same by Stull's formula, which knows no pressure: bisection to 1e-6 °C. Humidity is taken as at least 5 %,
    the end of the formula's range.
    """
    low, high = target, target + 40.0
    if e >= saturation_pressure(target):
        return target
    while high - low > 1e-6:
        middle = 0.5 * (low + high)
        if wet_bulb(middle, max(relative_humidity(e, middle), STULL_DRIEST)) <= target:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


@cache
def stull_dry_bulbs(target: float) -> Cells:
    """``stull_dry_bulb`` by steps of ``VAPOUR_STEP`` from 0 hPa to saturation at ``target`` (°C), one step beyond."""
    n = int(saturation_pressure(target) / VAPOUR_STEP) + 3
    return np.array([stull_dry_bulb(target, VAPOUR_STEP * step) for step in range(n)])


def dry_bulb(huss: Block, altitude: Cells, targets: tuple[float, ...], out: Block) -> None:
    """Temperature (°C) at which the air of each day has each wet bulb, ``out`` (targets, cells, days).

    ``huss`` (cells, days) is taken as constant through the day. By the psychrometer above 1 500 m, by Stull's fit
    below.
    """
    for number, target in enumerate(targets):
        _dry_bulb(huss, altitude, target, stull_dry_bulbs(target), out[number])


@compiled("void(float32[:,::1],float64[::1],float64,float64[::1],float32[:,::1])")
def _dry_bulb(huss: Block, altitude: Cells, target: float, table: Cells, out: Block) -> None:
    for c in range(huss.shape[0]):
        p = pressure(altitude[c])
        for i in range(huss.shape[1]):
            q = np.float64(huss[c, i])
            if q != q or p != p:
                out[c, i] = np.float32(nan)
                continue
            e = vapour_pressure(q, p)
            if altitude[c] > STULL_CEILING:
                out[c, i] = np.float32(psychrometer_dry_bulb(target, e, p))
            else:
                place = min(e / VAPOUR_STEP, table.size - 1.001)
                k = int(place)
                out[c, i] = np.float32(table[k] + (place - k) * (table[k + 1] - table[k]))


@compiled("float64(float64,float64)")
def humidex(t: float, e: float) -> float:
    """Humidex (°C) from t (°C) and vapour pressure (hPa). Masterton & Richardson 1979.

    Below t where the vapour pressure is below 10 hPa, as the formula has it.
    """
    return t + 5.0 / 9.0 * (e - 10.0)


@compiled("float64(float64,float64,float64)")
def utci_shade(t: float, wind: float, e: float) -> float:
    """UTCI (°C) in the shade: radiant temperature = t (°C), wind at 10 m (m s⁻¹), vapour pressure (kPa).

    Wind is brought within 0.5 … 17 m s⁻¹, the range of the polynomial (the lower end by Bröde et al. 2012,
    the upper [D]: a gale is not a missing value). NaN beyond ±50 °C.
    """
    if not (-UTCI_TEMPERATURE < t < UTCI_TEMPERATURE):
        return nan
    v = min(max(wind, UTCI_WIND[0]), UTCI_WIND[1])
    by_vapour = 0.0
    for k in range(_N - 1, -1, -1):
        by_wind = 0.0
        for j in range(_N - 1 - k, -1, -1):
            by_temperature = 0.0
            for i in range(_N - 1 - k - j, -1, -1):
                by_temperature = by_temperature * t + _UTCI[k, j, i]
            by_wind = by_wind * v + by_temperature
        by_vapour = by_vapour * e + by_wind
    return t + by_vapour


@compiled("void(float32[:,::1],float32[:,::1],float64[::1],float32[:,:,::1])")
def heat_humidity(tasmax: Block, huss: Block, altitude: Cells, out: Block) -> None:
    """Relative humidity (%), wet-bulb temperature (°C) and humidex (°C) at tasmax: ``HEAT_HUMIDITY_OUTPUTS``."""
    for c in range(tasmax.shape[0]):
        p = pressure(altitude[c])
        for i in range(tasmax.shape[1]):
            t, q = np.float64(tasmax[c, i]), np.float64(huss[c, i])
            if t != t or q != q:
                out[:, c, i] = np.float32(nan)
                continue
            e = vapour_pressure(q, p)
            humidity = relative_humidity(e, t)
            out[0, c, i] = np.float32(humidity)
            out[1, c, i] = np.float32(wet_bulb(t, humidity))
            out[2, c, i] = np.float32(humidex(t, e))


@compiled("void(float32[:,::1],float32[:,::1],float32[:,::1],float64[::1],float32[:,:,::1])")
def utci(tasmax: Block, huss: Block, wind: Block, altitude: Cells, out: Block) -> None:
    """UTCI in the shade at tasmax (°C), wind as the daily mean at 10 m: ``UTCI_SHADE_OUTPUTS``.

    The vapour pressure is that of huss, at most that of saturation.
    """
    for c in range(tasmax.shape[0]):
        p = pressure(altitude[c])
        for i in range(tasmax.shape[1]):
            t, q, v = np.float64(tasmax[c, i]), np.float64(huss[c, i]), np.float64(wind[c, i])
            if t != t or q != q or v != v:
                out[0, c, i] = np.float32(nan)
                continue
            e = min(vapour_pressure(q, p), saturation_pressure(t))
            out[0, c, i] = np.float32(utci_shade(t, v, 0.1 * e))


@compiled("void(float32[:,::1],float32[:,::1],float32[:,::1],float32[:,:,::1])")
def comfort(utci_shade_tx: Block, prtot: Block, wind: Block, out: Block) -> None:
    """1 on a day without thermal stress (9 ≤ UTCI ≤ 26 °C), rain (< 1 mm) or wind (< 8 m s⁻¹), else 0 [D,
    indicators.md §1]: ``COMFORT_OUTPUTS``.
    """
    for c in range(prtot.shape[0]):
        for i in range(prtot.shape[1]):
            u, rain, v = utci_shade_tx[c, i], prtot[c, i], wind[c, i]
            if u != u or rain != rain or v != v:
                out[0, c, i] = np.float32(nan)
            else:
                good = COMFORT_UTCI[0] <= u <= COMFORT_UTCI[1] and rain < COMFORT_RAIN and v < COMFORT_WIND
                out[0, c, i] = np.float32(good)
