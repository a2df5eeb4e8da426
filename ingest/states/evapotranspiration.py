"""Reference evapotranspiration of a day (mm): FAO-56 Penman–Monteith, and Hargreaves–Samani where only
temperature is known.

Sources: Allen, Pereira, Raes & Smith 1998, FAO Irrigation and Drainage Paper 56 (equation numbers below);
Hargreaves & Samani 1985; ASCE-EWRI 2005 for the lower bound of the cloudiness factor.

A method is stored beside every value (``pet_method``) and two methods never meet in one indicator
(indicators.md §0.1).
"""

from __future__ import annotations

from math import acos, cos, exp, log, nan, pi, sin, sqrt, tan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Cells = npt.NDArray[np.float64]
Days = npt.NDArray[np.int32]

# Hg0175 is the suffix of DRIAS and Explore2 files, read as Hargreaves–Samani with 0.0135 · 0.175: param_status of that
# reading is unverified (indicators.md §11).
HARGREAVES_COEFFICIENTS = {"hargreaves_samani": 0.0023, "hargreaves_0175": 0.0135 * 0.175}  # eq. 52; indicators.md §0.1

SOLAR_CONSTANT = 0.0820  # MJ m⁻² min⁻¹, eq. 21
STEFAN_BOLTZMANN = 4.903e-9  # MJ K⁻⁴ m⁻² d⁻¹, eq. 39
ALBEDO = 0.23  # of the reference grass, eq. 38
MJ_PER_W = 0.0864  # MJ m⁻² d⁻¹ in a mean of 1 W m⁻²
MM_PER_MJ = 0.408  # mm of water that 1 MJ m⁻² evaporates, eq. 20
MIN_CLOUDINESS_FACTOR = 0.05  # ASCE-EWRI 2005 eq. 18; FAO-56 gives none, and dark days would gain long-wave heat
RSDS_EXCESS = 1.05  # times the clear-sky radiation: soft bound of rsds, indicators.md §0.1
_DAYS = 366


@compiled("float64(float64)")
def pressure(altitude: float) -> float:
    """Air pressure (kPa) at an altitude (m). Eq. 7."""
    return float(101.3 * ((293.0 - 0.0065 * altitude) / 293.0) ** 5.26)


@compiled("float64(float64)")
def psychrometric_constant(air_pressure: float) -> float:
    """Psychrometric constant (kPa °C⁻¹) from air pressure (kPa). Eq. 8."""
    return 0.665e-3 * air_pressure


@compiled("float64(float64)")
def saturation_pressure(t: float) -> float:
    """Saturation vapour pressure (kPa) at t (°C). Eq. 11."""
    return 0.6108 * exp(17.27 * t / (t + 237.3))


@compiled("float64(float64)")
def wind_at_2m(wind_at_10m: float) -> float:
    """Wind at 2 m (m s⁻¹) from wind at 10 m. Eq. 47."""
    return wind_at_10m * 4.87 / log(67.8 * 10.0 - 5.42)


@compiled("float64(float64,int64)")
def sunset_angle(latitude: float, day_of_year: int) -> float:
    """Hour angle of sunset (rad) from latitude (degrees north). Eq. 25; 0 … π beyond the polar circles."""
    declination = 0.409 * sin(2.0 * pi * day_of_year / 365.0 - 1.39)  # eq. 24
    return acos(min(max(-tan(latitude * pi / 180.0) * tan(declination), -1.0), 1.0))


@compiled("float64(float64,int64)")
def daylight_hours(latitude: float, day_of_year: int) -> float:
    """Hours from sunrise to sunset. Eq. 34."""
    return 24.0 / pi * sunset_angle(latitude, day_of_year)


@compiled("float64(float64,int64)")
def extraterrestrial_radiation(latitude: float, day_of_year: int) -> float:
    """Radiation on a horizontal plane above the air (MJ m⁻² d⁻¹) from latitude (degrees north). Eq. 21–25."""
    angle = sunset_angle(latitude, day_of_year)
    phi = latitude * pi / 180.0
    declination = 0.409 * sin(2.0 * pi * day_of_year / 365.0 - 1.39)
    distance = 1.0 + 0.033 * cos(2.0 * pi * day_of_year / 365.0)
    geometry = angle * sin(phi) * sin(declination) + cos(phi) * cos(declination) * sin(angle)
    return 24.0 * 60.0 / pi * SOLAR_CONSTANT * distance * geometry


@compiled("float64(float64,float64)")
def clear_sky_radiation(ra: float, altitude: float) -> float:
    """Radiation at the ground under a clear sky (MJ m⁻² d⁻¹) from that above the air and the altitude (m).
    Eq. 37.
    """
    return (0.75 + 2e-5 * altitude) * ra


@compiled("float64(float64,float64,float64,float64,float64)")
def net_radiation(tn: float, tx: float, ea: float, rs: float, rso: float) -> float:
    """Net radiation of the reference grass (MJ m⁻² d⁻¹). Eq. 38–40.

    From the extreme temperatures (°C), vapour pressure (kPa), solar radiation and clear-sky radiation (MJ m⁻²
    d⁻¹).
    """
    share = min(rs / rso, 1.0) if rso > 0.0 else 1.0
    cloudiness = max(1.35 * share - 0.35, MIN_CLOUDINESS_FACTOR)
    warmth = 0.5 * ((tx + 273.16) ** 4 + (tn + 273.16) ** 4)
    return (1.0 - ALBEDO) * rs - STEFAN_BOLTZMANN * warmth * (0.34 - 0.14 * sqrt(max(ea, 0.0))) * cloudiness


@compiled("float64(float64,float64,float64,float64,float64,float64,float64)")
def penman_monteith(tn: float, tx: float, ea: float, u2: float, rn: float, soil_heat: float, altitude: float) -> float:
    """Reference evapotranspiration (mm d⁻¹). Eq. 6.

    From the extreme temperatures (°C), vapour pressure (kPa), wind at 2 m (m s⁻¹), net radiation and heat
    into the soil (MJ m⁻² d⁻¹; 0 for a day, eq. 42) and altitude (m). Vapour above saturation counts as
    saturation [D]; the result is at least 0 [D].
    """
    t = 0.5 * (tn + tx)
    slope = 4098.0 * saturation_pressure(t) / (t + 237.3) ** 2
    es = 0.5 * (saturation_pressure(tx) + saturation_pressure(tn))
    gamma = psychrometric_constant(pressure(altitude))
    drying = gamma * 900.0 / (t + 273.0) * u2 * max(es - ea, 0.0)
    return max((MM_PER_MJ * slope * (rn - soil_heat) + drying) / (slope + gamma * (1.0 + 0.34 * u2)), 0.0)


@compiled("float64(float64,float64,float64,float64)")
def hargreaves(tn: float, tx: float, ra: float, coefficient: float) -> float:
    """Reference evapotranspiration (mm d⁻¹) from extreme temperatures (°C) and radiation above the air (MJ
    m⁻² d⁻¹). Eq. 52.

    0 where tx is below tn or the mean below −17.8 °C.
    """
    return max(coefficient * (0.5 * (tn + tx) + 17.8) * sqrt(max(tx - tn, 0.0)) * MM_PER_MJ * ra, 0.0)


@compiled(
    "void(float32[:,::1],float32[:,::1],float32[:,::1],float32[:,::1],float32[:,::1],float64[::1],float64[::1],"
    "int32[::1],float32[:,:,::1])"
)
def penman_monteith_days(
    tasmin: Block,
    tasmax: Block,
    huss: Block,
    rsds: Block,
    wind: Block,
    latitude: Cells,
    altitude: Cells,
    day_of_year: Days,
    out: Block,
) -> None:
    """FAO-56 Penman–Monteith (mm d⁻¹) from huss (kg kg⁻¹), rsds (W m⁻²) and wind at 10 m (m s⁻¹); one output.

    ``day_of_year`` (days): 1 = 1 January. Long-wave radiation is that of eq. 39, also where rlds is known
    [D].
    """
    ra = np.empty(_DAYS + 1)
    for c in range(tasmin.shape[0]):
        p = pressure(altitude[c])
        for day in range(1, _DAYS + 1):
            ra[day] = extraterrestrial_radiation(latitude[c], day)
        for i in range(tasmin.shape[1]):
            tn, tx, q = np.float64(tasmin[c, i]), np.float64(tasmax[c, i]), np.float64(huss[c, i])
            rs, u10 = np.float64(rsds[c, i]) * MJ_PER_W, np.float64(wind[c, i])
            total = tn + tx + q + rs + u10
            if total != total:
                out[0, c, i] = np.float32(nan)
                continue
            ea = q * p / (0.622 + 0.378 * q)
            rn = net_radiation(tn, tx, ea, rs, clear_sky_radiation(ra[day_of_year[i]], altitude[c]))
            out[0, c, i] = np.float32(penman_monteith(tn, tx, ea, wind_at_2m(u10), rn, 0.0, altitude[c]))


@compiled("void(float32[:,::1],float32[:,::1],float64[::1],int32[::1],float64,float32[:,:,::1])")
def hargreaves_days(
    tasmin: Block, tasmax: Block, latitude: Cells, day_of_year: Days, coefficient: float, out: Block
) -> None:
    """Hargreaves–Samani (mm d⁻¹) with one of ``HARGREAVES_COEFFICIENTS``; one output. ``day_of_year`` (days):
    1 = 1 January.
    """
    ra = np.empty(_DAYS + 1)
    for c in range(tasmin.shape[0]):
        for day in range(1, _DAYS + 1):
            ra[day] = extraterrestrial_radiation(latitude[c], day)
        for i in range(tasmin.shape[1]):
            tn, tx = np.float64(tasmin[c, i]), np.float64(tasmax[c, i])
            if tn != tn or tx != tx:
                out[0, c, i] = np.float32(nan)
            else:
                out[0, c, i] = np.float32(hargreaves(tn, tx, ra[day_of_year[i]], coefficient))


@compiled("int64(float32[:,::1],float64[::1],float64[::1],int32[::1])")
def count_bright_days(rsds: Block, latitude: Cells, altitude: Cells, day_of_year: Days) -> int:
    """Number of values of rsds (W m⁻²) above 1.05 times the clear-sky radiation, the soft bound of
    indicators.md §0.1.
    """
    n = 0
    limit = np.empty(_DAYS + 1)
    for c in range(rsds.shape[0]):
        for day in range(1, _DAYS + 1):
            ra = extraterrestrial_radiation(latitude[c], day)
            limit[day] = RSDS_EXCESS * clear_sky_radiation(ra, altitude[c]) / MJ_PER_W
        for i in range(rsds.shape[1]):
            if rsds[c, i] > limit[day_of_year[i]]:
                n += 1
    return n
