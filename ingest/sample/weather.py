"""The sample's days: a stochastic weather generator on a few tiles of the 8 km grid.

For every zone (a département's tile of cells) and run, vectorised over days and cells:

- a climate: annual, summer and winter means of temperature and rain at the four contexts of
  ``data/reference/tracc_departement.csv`` (ensemble medians) give an annual mean and two harmonics, which follow the
  warming of France that the run has reached on that day;
- weather: first-order autoregressive series (after Richardson, 1981, Water Resour. Res. 17, 182-190), one part common
  to France, one to the zone, one to the cell. A day is wet where the wetness passes the threshold of the season's
  frequency, and its amount is gamma distributed; clouds, diurnal range and humidity follow the same wetness;
- a correction by the zone's mean over 1976–2005, an offset for temperature and a factor for rain, so that each run
  meets the medians there.

Everything is rounded to a power of two in the file's unit, so that files are small: see ``STEPS``. Nothing here is a
projection: only the means named above are those of the real ensemble.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.signal import lfilter
from scipy.special import gammaincinv, ndtr, ndtri

from climart import paths
from ingest import grid
from ingest.sample.climate import CONTEXTS, calibration

SEED = 1_976
REFERENCE = (1976, 2005)
FIRST_YEAR = 1976

# What a stored value is a multiple of, in the file's unit. 2^-20 kg m-2 s-1 is 0.08 mm a day.
STEPS = {
    "tasmin": 2.0**-3,
    "tas": 2.0**-3,
    "tasmax": 2.0**-3,
    "prtot": 2.0**-20,
    "prsn": 2.0**-20,
    "huss": 2.0**-14,
    "rsds": 4.0,
    "sfcWind": 2.0**-3,
    "evspsblpot": 2.0**-20,
}

YEAR_DAYS = 365.2425
SEASON_DAYS = {"djf": 90.25, "jja": 92.0}
SECONDS = 86_400.0
KELVIN = 273.15
LAPSE = 6.0e-3  # °C per m
RAIN_LAPSE = 3.0e-4  # share of the rain per m, within a zone
SNOW_BELOW, RAIN_ABOVE = -1.0, 3.0  # °C: all snow, all rain, and a straight line between
MAX_DEW_POINT = 24.0  # °C: the seas around France are hardly warmer
GAMMA_SHAPE = 0.8  # of the amounts of wet days

# France's warming since 1976–2005 at the contexts: 0.6 °C less than since 1850–1900. One step of straight line beyond.
LEVELS = np.array([0.0, 1.4, 2.1, 3.4])
EARLY_TREND = 0.025  # °C a year, 1976–1990
LEVELS_EXTENDED = np.concatenate([[-1.4], LEVELS, [6.8]])

Floats = npt.NDArray[np.float64]
Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Zone:
    """What the calibration figures do not say. wet: share of wet days. wind: median, m s-1."""

    wet: float
    wind: float


ZONES = {
    "savoie": Zone(0.42, 2.2),
    "bordelais": Zone(0.38, 3.2),
    "bourgogne": Zone(0.40, 3.0),
    "beauce": Zone(0.38, 4.0),
    "bretagne": Zone(0.48, 4.4),
    "languedoc": Zone(0.24, 4.2),
    "provence": Zone(0.24, 3.0),
}


@dataclass(frozen=True)
class Warming:
    """The years in which a run brings France to +1.4, +2.1 and +3.4 °C since 1976–2005: +2, +2.7, +4 since 1850–1900.

    Straight lines between, the last one goes on; before, ``EARLY_TREND``.
    """

    year_20: int
    year_27: int
    year_40: int

    def at(self, year: Floats) -> Floats:
        """Warming of France since 1976–2005, °C, its weather aside; same shape as ``year`` (with its fraction)."""
        middle = (REFERENCE[0] + REFERENCE[1] + 1) / 2
        slope = (LEVELS[3] - LEVELS[2]) / (self.year_40 - self.year_27)
        years = [1970.0, middle, self.year_20, self.year_27, self.year_40, 2110.0]
        reached = [EARLY_TREND * (1970 - middle), *LEVELS, LEVELS[3] + slope * (2110 - self.year_40)]
        return np.asarray(np.interp(year, years, reached))


@cache
def cells() -> pd.DataFrame:
    """The sampled cells: cell_id, zone, departement, altitude_m (approximate), latitude (degrees)."""
    table = pd.read_csv(paths.REFERENCE / "sample" / "daily_cells.csv", dtype={"departement": str})
    _, latitude = grid.longitudes_latitudes(table["cell_id"].to_numpy())
    return table.assign(latitude=latitude)


def days_between(first: np.datetime64, last: np.datetime64) -> npt.NDArray[np.datetime64]:
    """Every day from ``first`` to ``last``, both included."""
    return np.arange(first, last + 1, dtype="datetime64[D]")


def simulate(seed: int, warming: Warming, days: npt.NDArray[np.datetime64], sampled: pd.DataFrame) -> dict[str, Values]:
    """Variable → values (day, row of ``sampled``) in the unit of DRIAS files: K, kg m-2 s-1, kg kg-1, W m-2, m s-1.

    ``days`` must hold the whole of 1976–2005; ``sampled`` is numbered from 0, each zone's cells together.
    """
    calendar = Calendar.of(days, warming)
    france = common_weather(np.random.default_rng([SEED, seed]), len(days))
    values = {name: np.empty((len(days), len(sampled)), dtype=np.float32) for name in STEPS}
    for _, rows in sampled.groupby("zone", sort=False):
        rng = np.random.default_rng([SEED, seed, int(rows["cell_id"].iloc[0])])
        first = int(rows.index[0])
        for name, found in simulate_zone(rng, calendar, france, rows).items():
            values[name][:, first : first + len(rows)] = found
    return values


@dataclass(frozen=True)
class Calendar:
    """The days of a run, shape (day, 1). winter: 1 at mid-January, -1 at mid-July."""

    day_of_year: npt.NDArray[np.int64]  # 1 … 366, shape (day,)
    angle: Floats  # of the year, radians from 17 January
    winter: Values
    warming: Floats  # °C
    is_reference: npt.NDArray[np.bool_]  # shape (day,)

    @classmethod
    def of(cls, days: npt.NDArray[np.datetime64], warming: Warming) -> Calendar:
        year = days.astype("datetime64[Y]")
        day_of_year = (days - year).astype(np.int64) + 1
        number = year.astype(np.int64) + 1970
        angle = (2 * np.pi * (day_of_year - 17) / YEAR_DAYS)[:, None]
        return cls(
            day_of_year=day_of_year,
            angle=angle,
            winter=np.cos(angle).astype(np.float32),
            warming=warming.at(number + day_of_year / 366)[:, None],
            is_reference=(number >= REFERENCE[0]) & (number <= REFERENCE[1]),
        )


@dataclass(frozen=True)
class Weather:
    """Standard normal series (day, 1): warm spells, wet spells, intensity of the rain, windy spells."""

    warmth: Floats
    wetness: Floats
    intensity: Floats
    wind: Floats

    def with_own(self, own: Weather, share: float) -> Weather:
        """This weather with another's in it; ``share`` is the correlation that is left with this one."""
        rest = float(np.sqrt(1 - share**2))
        return Weather(
            share * self.warmth + rest * own.warmth,
            share * self.wetness + rest * own.wetness,
            share * self.intensity + rest * own.intensity,
            share * self.wind + rest * own.wind,
        )


def common_weather(rng: np.random.Generator, n_days: int) -> Weather:
    """The series that the cells of a zone, or the zones of France, have in common."""
    persistence = (0.8, 0.6, 0.2, 0.5)  # correlation from one day to the next
    return Weather(*(autoregressive(rng.standard_normal(n_days), lag)[:, None] for lag in persistence))


def autoregressive(white: Floats, lag: float) -> Floats:
    """A standard normal series (day,) whose correlation from one day to the next is ``lag``, from white noise."""
    scaled = white * np.sqrt(1 - lag**2)
    scaled[0] = white[0]
    return np.asarray(lfilter([1.0], [1.0, -lag], scaled))


def simulate_zone(
    rng: np.random.Generator, calendar: Calendar, france: Weather, rows: pd.DataFrame
) -> dict[str, Values]:
    """The nine variables (day, cell) of one zone's cells, rounded to ``STEPS``."""
    zone, departement = ZONES[str(rows["zone"].iloc[0])], str(rows["departement"].iloc[0])
    altitude = rows["altitude_m"].to_numpy(dtype=np.float32)
    above = altitude - altitude.mean()  # the zone's mean is the département's
    weather = france.with_own(common_weather(rng, len(calendar.day_of_year)), share=0.75)
    shape = (len(calendar.day_of_year), len(rows))

    wetness = mixed(rng, weather.wetness, 0.92, shape)
    season = rainy_season(calendar, zone, departement)
    excess = wetness - season.threshold
    prtot = rain(rng, calendar, weather, excess > 0, season, departement, above)
    kelvin = temperature(rng, calendar, weather, departement, above)

    radiation = extraterrestrial_radiation(rows["latitude"].to_numpy())[calendar.day_of_year - 1]
    # Half clear at the wetness where rain begins; a clear day of 0.98 at most, an overcast one of 0.15.
    clear = 1 / (1 + np.exp(np.float32(1.2) * excess + np.float32(0.4) * normals(rng, shape)))
    transmission = np.float32(0.15) + np.float32(0.83) * clear  # share of the clear-sky radiation, below 1
    clear_sky = radiation * (np.float32(0.75) + np.float32(2e-5) * altitude)  # FAO-56, equation 37
    rsds = rounded_down(transmission * clear_sky * np.float32(1e6 / SECONDS), STEPS["rsds"])

    # Under clear skies the diurnal range is larger, and rather above the mean than below it.
    half_range = diurnal_range(calendar, departement) * (np.float32(0.45) + np.float32(0.9) * transmission) / 2
    half_range = half_range * (1 + np.float32(0.1) * normals(rng, shape)) + np.float32(0.3)
    half_range = np.maximum(half_range, np.float32(0.25))
    skew = np.float32(0.1) * (transmission - np.float32(0.6))
    tas = rounded(kelvin, STEPS["tas"])
    tasmax = rounded(kelvin + half_range * (1 + skew), STEPS["tasmax"])
    tasmin = rounded(kelvin - half_range * (1 - skew), STEPS["tasmin"])

    amount = rounded(prtot, STEPS["prtot"])
    frozen = np.clip((np.float32(RAIN_ABOVE + KELVIN) - tas) / np.float32(RAIN_ABOVE - SNOW_BELOW), 0, 1)
    # The dew point is the minimum temperature on overcast days, and below it on clear ones, in summer above all.
    dryness = np.maximum(transmission - np.float32(0.35), 0) * (8 - 5 * calendar.winter)
    dew_point = np.minimum(tasmin - np.float32(KELVIN) - dryness, np.float32(MAX_DEW_POINT))
    wind = mixed(rng, weather.wind, 0.85, shape)
    speed = np.float32(zone.wind) * (1 + np.float32(0.15) * calendar.winter) * np.exp(np.float32(0.4) * wind)
    return {
        "tasmin": tasmin,
        "tas": tas,
        "tasmax": tasmax,
        "prtot": amount,
        "prsn": rounded_down(amount * frozen, STEPS["prsn"]),
        "huss": rounded_down(saturation(dew_point, altitude), STEPS["huss"]),
        "rsds": rsds,
        "sfcWind": rounded(np.clip(speed, 0.25, 25), STEPS["sfcWind"]),
        "evspsblpot": rounded(hargreaves(tasmin, tas, tasmax, radiation) / np.float32(SECONDS), STEPS["evspsblpot"]),
    }


def temperature(
    rng: np.random.Generator, calendar: Calendar, weather: Weather, departement: str, above: Values
) -> Values:
    """Daily mean temperature (day, cell), K. Its mean over the cells and 1976–2005 is the département's median."""
    climate = seasonal(calendar, departement, "t_mean", 1.0, {"djf": 1.0, "jja": 1.0})
    spread = 3.4 + 0.3 * calendar.winter  # °C
    # Wet days are mild in winter and cool in summer.
    zone = climate + spread * weather.warmth + calendar.winter * weather.wetness
    zone += reference_median("t_mean", departement) - zone[calendar.is_reference].mean() + KELVIN
    local = np.float32(0.35) * normals(rng, (len(zone), len(above)))
    return np.asarray(zone.astype(np.float32) - np.float32(LAPSE) * above + local)


@dataclass(frozen=True)
class RainySeason:
    """Of each day (day, 1): the mean amount of a wet day, mm, and the wetness above which a day is wet."""

    amount: Values
    threshold: Values


def rainy_season(calendar: Calendar, zone: Zone, departement: str) -> RainySeason:
    """How the zone's rain is shared between the number of wet days and their amounts: half each, in logarithm."""
    seasons = {name: 1 / days for name, days in SEASON_DAYS.items()}
    climate = np.maximum(seasonal(calendar, departement, "rr", 1 / YEAR_DAYS, seasons), 0.1)  # mm a day
    frequency = np.clip(zone.wet * np.sqrt(climate / climate[calendar.is_reference].mean()), 0.05, 0.8)
    return RainySeason((climate / frequency).astype(np.float32), ndtri(1 - frequency).astype(np.float32))


def rain(
    rng: np.random.Generator,
    calendar: Calendar,
    weather: Weather,
    is_wet: npt.NDArray[np.bool_],
    season: RainySeason,
    departement: str,
    above: Values,
) -> Values:
    """Daily precipitation (day, cell), kg m-2 s-1.

    Its mean over the cells and 1976–2005 is the département's median.
    """
    amount = mixed(rng, weather.intensity, 0.8, is_wet.shape)
    mean_amount = season.amount * np.exp(np.float32(RAIN_LAPSE) * above)
    values = np.zeros(is_wet.shape, dtype=np.float32)
    values[is_wet] = gamma_amounts(amount[is_wet]) * mean_amount[is_wet]
    wanted = reference_median("rr_yr", departement) / YEAR_DAYS
    simulated = float(values[calendar.is_reference].mean(dtype=np.float64))
    return np.asarray(values * np.float32(wanted / simulated / SECONDS))


def gamma_amounts(normal: Values) -> Values:
    """Standard normal values as gamma distributed ones of mean 1: equal probabilities, from a table."""
    return np.interp(normal, *_gamma_table()).astype(np.float32)


@cache
def _gamma_table() -> tuple[Floats, Floats]:
    nodes = np.linspace(-6, 6, 2_401)
    return nodes, gammaincinv(GAMMA_SHAPE, ndtr(nodes)) / GAMMA_SHAPE


def diurnal_range(calendar: Calendar, departement: str) -> Values:
    """The season's mean diurnal range (day, 1), °C: in summer twice what separates the highs from the means."""
    summer = 2 * (reference_median("tx_mean_jja", departement) - reference_median("t_mean_jja", departement))
    return np.asarray(np.float32(summer) * (np.float32(0.8) - np.float32(0.2) * calendar.winter))


def seasonal(calendar: Calendar, departement: str, indicator: str, annual: float, seasons: dict[str, float]) -> Floats:
    """The climate of each day (day, 1): an annual mean and two harmonics, at the warming reached on that day.

    indicator: ``t_mean`` or ``rr``; ``annual`` and ``seasons`` turn the calibration's figures into daily values.
    """
    figures = calibration()["q50"]
    yearly = "rr_yr" if indicator == "rr" else indicator
    wanted = np.array(
        [
            [figures[yearly, context, departement] * annual for context in CONTEXTS],
            *(
                [figures[f"{indicator}_{name}", context, departement] * factor for context in CONTEXTS]
                for name, factor in seasons.items()
            ),
        ]
    )
    terms = np.linalg.solve(season_means(list(seasons)), wanted)  # (mean and harmonics, context)
    before = terms[:, :1] - (terms[:, 1:2] - terms[:, :1])
    after = terms[:, :1] + (terms[:, 3:] - terms[:, :1]) * (LEVELS_EXTENDED[-1] / LEVELS[-1])
    known = np.concatenate([before, terms, after], axis=1)
    mean, first, second = (np.interp(calendar.warming, LEVELS_EXTENDED, term) for term in known)
    return np.asarray(mean + first * np.cos(calendar.angle) + second * np.cos(2 * calendar.angle))


def season_means(seasons: list[str]) -> Floats:
    """Means of 1 and of two harmonics over the year and over seasons: (1 + seasons, 3)."""
    day = np.arange(1, 366)
    month = (np.datetime64("2001-01-01") + (day - 1)).astype("datetime64[M]").astype(np.int64) % 12 + 1
    months = {"djf": (12, 1, 2), "jja": (6, 7, 8)}
    angle = 2 * np.pi * (day - 17) / YEAR_DAYS
    terms = np.stack([np.ones(365), np.cos(angle), np.cos(2 * angle)])
    return np.stack([terms.mean(axis=1), *(terms[:, np.isin(month, months[name])].mean(axis=1) for name in seasons)])


def reference_median(indicator: str, departement: str) -> float:
    """The real ensemble's median over 1976–2005."""
    return float(calibration()["q50"][indicator, "ref", departement])


def normals(rng: np.random.Generator, shape: tuple[int, ...]) -> Values:
    """Standard normal noise."""
    return rng.standard_normal(shape, dtype=np.float32)


def mixed(rng: np.random.Generator, zone: Floats, share: float, shape: tuple[int, ...]) -> Values:
    """Standard normal values (day, cell) whose correlation with the zone's series is ``share``."""
    return np.asarray(
        np.float32(share) * zone.astype(np.float32) + np.float32(np.sqrt(1 - share**2)) * normals(rng, shape)
    )


def rounded(values: npt.NDArray[np.floating[Any]], step: float) -> Values:
    """The nearest multiples of ``step``."""
    return np.asarray(np.rint(values * np.float32(1 / step)) * np.float32(step), dtype=np.float32)


def rounded_down(values: npt.NDArray[np.floating[Any]], step: float) -> Values:
    """The multiples of ``step`` below."""
    return np.asarray(np.floor(values * np.float32(1 / step)) * np.float32(step), dtype=np.float32)


def saturation(celsius: Values, altitude: Values) -> Values:
    """Specific humidity (kg kg-1) of saturated air: Magnus' vapour pressure, and the pressure of FAO-56 equation 7."""
    pressure = np.float32(1013.0) * ((293 - np.float32(0.0065) * altitude) / 293) ** np.float32(5.26)  # hPa
    vapour = np.float32(6.112) * np.exp(np.float32(17.62) * celsius / (np.float32(243.12) + celsius))
    return np.asarray(np.float32(0.622) * vapour / (pressure - np.float32(0.378) * vapour))


def extraterrestrial_radiation(latitude: Floats) -> Values:
    """Extraterrestrial radiation (day of the year 1 … 366, cell), MJ m-2 a day: FAO-56, equations 21 to 25."""
    angle = 2 * np.pi * np.arange(1, 367)[:, None] / 365
    phi = np.radians(latitude)
    declination = 0.409 * np.sin(angle - 1.39)
    distance = 1 + 0.033 * np.cos(angle)
    sunset = np.arccos(-np.tan(phi) * np.tan(declination))
    sun = sunset * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.sin(sunset)
    return np.asarray(24 * 60 / np.pi * 0.0820 * distance * sun, dtype=np.float32)


def hargreaves(tasmin: Values, tas: Values, tasmax: Values, radiation: Values) -> Values:
    """Reference evapotranspiration, mm a day, from kelvins: Hargreaves and Samani with the coefficient 0.175."""
    warm = np.maximum(tas - np.float32(KELVIN - 17.8), 0)
    return np.asarray(np.float32(0.0135 * 0.175 * 0.408) * radiation * warm * np.sqrt(tasmax - tasmin))
