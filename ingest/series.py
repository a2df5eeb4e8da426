"""What features read: the daily variables, the daily series made of them, and the seasonal states.

One table of each, in an order where every series comes after those that it is made of. Where a series can be made in
several ways (evapotranspiration: from the files, by Penman–Monteith, by Hargreaves), the first whose inputs a run has
is taken, for the whole run. A way may need more than days: the reference period on the run's axis, the cells' altitude,
the alert thresholds of their département.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.calendars import Axis, Window
from ingest.states import (
    chill,
    days,
    drought,
    evapotranspiration,
    fire,
    grass,
    heat,
    humidity,
    rain,
    reference,
    snow,
    soil,
    vine,
)
from ingest.variables import VARIABLES

Block = npt.NDArray[np.float32]
Cells = npt.NDArray[np.float64]

NEEDS = {
    "reference": "no_reference_period",
    "altitude": "missing_altitude",
    "alert": "missing_alert_thresholds",
    "massif": "not_a_massif",
}


@dataclass(frozen=True)
class Site:
    """What the lake knows of the cells of a run, one value each, NaN where unknown."""

    latitude: Cells  # degrees north
    altitude: Cells  # m
    alert_night: Cells  # °C, heat-health threshold of the département's tasmin
    alert_day: Cells  # °C, of its tasmax
    massif: Cells  # Météo-France number, of the altitude bands of massifs only

    def __getitem__(self, rows: slice) -> Site:
        return Site(*(np.ascontiguousarray(getattr(self, field.name)[rows]) for field in fields(self)))

    @property
    def known(self) -> set[str]:
        """The needs that it meets, wholly or for some cells."""
        found = {"altitude": self.altitude, "alert": self.alert_night, "massif": self.massif}
        return {need for need, values in found.items() if np.isfinite(values).any()}

    @classmethod
    def of_latitude(cls, latitude: Cells) -> Site:
        """Cells of which nothing but the latitude is known."""
        nothing = np.full(latitude.shape, np.nan)
        return cls(np.ascontiguousarray(latitude, dtype=np.float64), nothing, nothing, nothing, nothing)


@lru_cache(maxsize=8)
def _reference_of(axis: Axis) -> reference.Reference | None:
    return reference.reference_of(axis)


@lru_cache(maxsize=8)
def _day_of_year(axis: Axis) -> npt.NDArray[np.int32]:
    return np.concatenate([np.arange(1, n + 1, dtype=np.int32) for n in np.diff(axis.year_starts)])


@lru_cache(maxsize=64)
def _marks(axis: Axis, dates: tuple[tuple[int, int, int], ...]) -> npt.NDArray[np.int32]:
    rows = [[axis.index(year + offset, month, day) for month, day, offset in dates] for year in axis.years]
    found = np.array(rows, dtype=np.int32)
    found[found.min(axis=1) < 0] = -1
    return found


@lru_cache(maxsize=64)
def _window(axis: Axis, window: Window) -> npt.NDArray[np.int32]:
    return axis.window(window)


@dataclass(frozen=True)
class Around:
    """What a state may need beside its days: its cells, and the calendar."""

    site: Site
    axis: Axis

    @property
    def reference(self) -> reference.Reference:
        """The reference period; a way that needs it is not taken without."""
        found = _reference_of(self.axis)
        assert found is not None
        return found

    @property
    def year_starts(self) -> npt.NDArray[np.int64]:
        return self.axis.year_starts

    @property
    def day_of_year(self) -> npt.NDArray[np.int32]:
        """For each day of the axis, 1 = 1 January."""
        return _day_of_year(self.axis)

    def marks(self, *dates: tuple[int, int, int]) -> npt.NDArray[np.int32]:
        """Day index of (month, day, year offset) for each year, (years, dates); all -1 where one is off the axis."""
        return _marks(self.axis, dates)

    def window(self, window: Window) -> npt.NDArray[np.int32]:
        """First day and last day + 1 for each year, (years, 2); -1 off the axis."""
        return _window(self.axis, window)


# Input blocks (cells × days, float32, NaN where missing), what lies around, the array to fill: (outputs, cells, days)
# for daily series, (cells, years, outputs) for a seasonal state.
Compute = Callable[[Sequence[Block], Around, Any], None]


@dataclass(frozen=True)
class Way:
    """How some series are made: of which series, by which function, with what else (keys of ``NEEDS``)."""

    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    compute: Compute
    needs: tuple[str, ...] = ()
    method: str = ""  # of evapotranspiration: stored beside every run
    is_rare: bool = False  # of what few producers give: taken where it is there, never the reason where it is not


def _days(function: Callable[..., None]) -> Compute:
    return lambda blocks, around, out: function(*blocks, out)


def _of_calendar_days(function: Callable[..., None], *settings: float) -> Compute:
    def compute(blocks: Sequence[Block], around: Around, out: Any) -> None:
        span = around.reference
        function(*blocks, span.anchors, span.calendar_day, span.start, span.stop, *settings, out)

    return compute


def _of_reference(function: Callable[..., None], *settings: float) -> Compute:
    def compute(blocks: Sequence[Block], around: Around, out: Any) -> None:
        span = around.reference
        function(*blocks, span.start, span.stop, *settings, out)

    return compute


def _copy(blocks: Sequence[Block], around: Around, out: Any) -> None:
    out[0] = blocks[0]


def _huglin(blocks: Sequence[Block], around: Around, out: Any) -> None:
    coefficient = np.array([vine.huglin_coefficient(float(latitude)) for latitude in around.site.latitude])
    tasmin, tasmax = blocks
    days.huglin_day(tasmin, tasmax, coefficient, out)


def _at_altitude(function: Callable[..., None]) -> Compute:
    return lambda blocks, around, out: function(*blocks, around.site.altitude, out)


def _penman_monteith(blocks: Sequence[Block], around: Around, out: Any) -> None:
    site = around.site
    tasmin, tasmax, huss, rsds, wind = blocks
    evapotranspiration.penman_monteith_days(
        tasmin, tasmax, huss, rsds, wind, site.latitude, site.altitude, around.day_of_year, out
    )


def _hargreaves(blocks: Sequence[Block], around: Around, out: Any) -> None:
    coefficient = evapotranspiration.HARGREAVES_COEFFICIENTS["hargreaves_samani"]
    tasmin, tasmax = blocks
    evapotranspiration.hargreaves_days(tasmin, tasmax, around.site.latitude, around.day_of_year, coefficient, out)


def _by_year(function: Callable[..., None]) -> Compute:
    return lambda blocks, around, out: function(*blocks, around.year_starts, out)


def _bucket(blocks: Sequence[Block], around: Around, out: Any) -> None:
    capacity = np.full(len(around.site.latitude), soil.DEFAULT_CAPACITY)
    water_input, pet = blocks
    soil.swi_bucket(water_input, pet, capacity, around.year_starts, out)


def _grass(blocks: Sequence[Block], around: Around, out: Any) -> None:
    capacity = np.full(len(around.site.latitude), grass.DEFAULT_CAPACITY)
    group = grass.GROUPS[grass.DEFAULT_GROUP].row
    tas, rsds, prtot, water_input, pet = blocks
    grass.grass_growth(
        tas, rsds, prtot, water_input, pet, capacity, group, grass.DEFAULT_NITROGEN, around.year_starts, out
    )


def _canicule(blocks: Sequence[Block], around: Around, out: Any) -> None:
    tasmin, tasmax = blocks
    heat.canicule(tasmin, tasmax, around.site.alert_night, around.site.alert_day, out)


def _fire(blocks: Sequence[Block], around: Around, out: Any) -> None:
    tasmax, hurs, wind, prtot, swe = blocks
    fire.fwi(tasmax, hurs, wind, prtot, swe, around.axis.month_of, around.year_starts, out)


@lru_cache(maxsize=128)
def _hour_shares(latitude: float) -> npt.NDArray[np.float64]:
    return snow.hour_shares(latitude)


def _snowmaking(blocks: Sequence[Block], around: Around, out: Any) -> None:
    tasmin, tasmax, huss = blocks
    latitudes, rows = np.unique(around.site.latitude, return_inverse=True)
    shares = np.stack([_hour_shares(float(latitude)) for latitude in latitudes])
    limits = np.empty((len(snow.SNOWMAKING_WET_BULB), *tasmin.shape), dtype=np.float32)
    humidity.dry_bulb(huss, around.site.altitude, snow.SNOWMAKING_WET_BULB, limits)
    snow.snowmaking(tasmin, tasmax, limits, shares, rows.astype(np.int32), around.day_of_year, out)


DAILY = (
    Way(("tmean",), ("tasmin", "tasmax"), _days(days.mean_of_extremes)),
    Way(("dtr",), ("tasmax", "tasmin"), _days(days.difference)),
    Way(("huglin_day",), ("tasmin", "tasmax"), _huglin),
    Way(("maize_day",), ("tasmin", "tasmax"), _days(days.maize_day)),
    Way(("costic_day",), ("tasmin", "tasmax"), _days(days.costic_day)),
    # Against the reference period
    Way(("tasmax_anomaly",), ("tasmax",), _of_calendar_days(reference.anomaly, reference.HALF_WINDOW), ("reference",)),
    Way(("tasmin_anomaly",), ("tasmin",), _of_calendar_days(reference.anomaly, reference.HALF_WINDOW), ("reference",)),
    Way(("tasmax_above_p90",), ("tasmax",), _of_calendar_days(reference.above_daily_percentile, 0.9), ("reference",)),
    Way(
        ("pr_above_wet_p95", "pr_above_wet_p99", "pr_above_q90", "pr_less_q99"),
        ("prtot",),
        _of_reference(reference.heavy_rain, reference.WET_DAY),
        ("reference",),
    ),
    Way(("heat_wave", "heat_wave_excess"), ("tas",), _of_reference(reference.heat_waves), ("reference",)),
    Way(heat.CANICULE_OUTPUTS, ("tasmin", "tasmax"), _canicule, ("alert",)),
    # Humidity
    Way(humidity.HEAT_HUMIDITY_OUTPUTS, ("tasmax", "huss"), _at_altitude(humidity.heat_humidity), ("altitude",)),
    Way(humidity.UTCI_SHADE_OUTPUTS, ("tasmax", "huss", "sfcWind"), _at_altitude(humidity.utci), ("altitude",)),
    Way(humidity.COMFORT_OUTPUTS, ("utci_shade_tx", "prtot", "sfcWind"), _days(humidity.comfort)),
    # Water: evapotranspiration of the files first, then the full equation, then what temperature alone can say
    Way(("pet",), ("evspsblpot",), _copy, method="file"),
    Way(
        ("pet",),
        ("tasmin", "tasmax", "huss", "rsds", "sfcWind"),
        _penman_monteith,
        ("altitude",),
        "fao56_penman_monteith",
    ),
    Way(("pet",), ("tasmin", "tasmax"), _hargreaves, method="hargreaves_samani"),
    Way(("cwb",), ("prtot", "pet"), _days(days.difference)),
    Way(("snowfall",), ("prsn",), _copy),
    Way(("snowfall",), ("prtot", "tas"), _days(soil.snowfall)),
    Way(snow.SNOWMAKING_OUTPUTS, ("tasmin", "tasmax", "huss"), _snowmaking, ("altitude", "massif")),
    Way(soil.RAIN_AND_MELT_OUTPUTS, ("prtot", "snowfall", "tas"), _by_year(soil.rain_and_melt)),
    Way(soil.SWI_OUTPUTS, ("water_input", "pet"), _bucket),
    # a producer's own soil model first (SIM2's ISBA), else the bucket
    Way(("soil_wetness",), ("swi",), _copy, is_rare=True),
    Way(("soil_wetness",), ("swi_bucket",), _copy),
    Way(fire.FIRE_OUTPUTS, ("tasmax", "hurs_tx", "sfcWind", "prtot", "swe_degree_day"), _fire),
    Way(grass.GRASS_OUTPUTS, ("tas", "rsds", "prtot", "water_input", "pet"), _grass),
)


def _vine(names: tuple[str, ...]) -> Way:
    rows = vine.profile_rows(names)

    def compute(blocks: Sequence[Block], around: Around, out: Any) -> None:
        shape = (*out.shape[:2], len(names), len(vine.VINE_COLUMNS))
        tasmin, tasmax = blocks
        vine.vine_seasons(tasmin, tasmax, around.marks(*vine.VINE_MARKS), rows, out.reshape(shape))

    outputs = tuple(f"{name}.{column}" for name in names for column in vine.VINE_COLUMNS)
    return Way(outputs, ("tasmin", "tasmax"), compute)


def _dryness(blocks: Sequence[Block], around: Around, out: Any) -> None:
    prtot, pet = blocks
    vine.dryness_index(prtot, pet, around.marks(*vine.DRYNESS_MARKS), out[:, :, 0])


def _chill(blocks: Sequence[Block], around: Around, out: Any) -> None:
    windows = around.window(chill.WINDOW)
    tasmin, tasmax = blocks
    chill.chill_portions(tasmin, tasmax, around.site.latitude, around.day_of_year, windows, out)


def _bloom(fruit: str) -> Way:
    def compute(blocks: Sequence[Block], around: Around, out: Any) -> None:
        marks = around.marks(*chill.BLOOM_MARKS, chill.BLOOM_ENDS[fruit])
        tasmin, tasmax = blocks
        chill.bloom_frost(tasmin, tasmax, marks, chill.BLOOM_NEEDS[fruit], out)

    return Way(tuple(f"{fruit}.{column}" for column in chill.BLOOM_COLUMNS), ("tasmin", "tasmax"), compute)


def _standardized(function: Callable[..., npt.NDArray[np.float64]], name: str, months: int) -> Compute:
    def compute(blocks: Sequence[Block], around: Around, out: Any) -> None:
        span = around.reference
        monthly = function(*blocks, around.axis.month_starts, months, span.years)
        out[:] = drought.by_year(monthly)

    return compute


SEASONAL = (
    _vine(tuple(vine.PUBLISHED)),
    Way(("dryness_index",), ("prtot", "pet"), _dryness),
    Way(rain.WETTEST_OUTPUTS, ("prtot",), _by_year(rain.wettest_days)),
    Way(chill.CHILL_COLUMNS, ("tasmin", "tasmax"), _chill),
    _bloom("apricot"),
    _bloom("apple"),
    *(
        Way(
            tuple(f"{name}{months}.{column}" for column in drought.YEAR_COLUMNS),
            inputs,
            _standardized(function, name, months),
            ("reference",),
        )
        for name, inputs, function, lengths in (
            ("spi", ("prtot",), drought.spi, (3, 6, 12)),
            ("spei", ("prtot", "pet"), drought.spei, (3, 6, 12)),
            ("sswi", ("swi_bucket",), drought.sswi, (3,)),
        )
        for months in lengths
    ),
)

DERIVED = {name for way in DAILY for name in way.outputs}
SEASONS = {name for way in SEASONAL for name in way.outputs}
# What is reduced on the altitude bands of massifs: snow. Their heat or rain would be one more, unasked, set of figures.
ON_MASSIF_BANDS = frozenset({"snd", "swe", "prsn", "snowfall", *snow.SNOWMAKING_OUTPUTS})
NOT_ON_MASSIF_BANDS = "not_on_massif_bands"


@dataclass(frozen=True)
class Resolution:
    """What a run can have of some series: the ways to take, the variables to read, why the others are missing."""

    daily: tuple[int, ...]  # positions in DAILY, ascending
    seasonal: tuple[int, ...]  # positions in SEASONAL
    variables: frozenset[str]
    missing: dict[str, str]  # series that cannot be had, with the reason

    @property
    def pet_method(self) -> str:
        """How evapotranspiration is had, '' where none is read."""
        return next((DAILY[n].method for n in self.daily if DAILY[n].method), "")


def known_of(site: Site, axis: Axis) -> set[str]:
    """The needs (keys of ``NEEDS``) that a run meets."""
    return site.known | ({"reference"} if _reference_of(axis) else set())


def resolve(wanted: Collection[str], variables: Collection[str], known: Collection[str]) -> Resolution:
    """How to have the series ``wanted`` from these variables and these needs (keys of ``NEEDS``).

    A reason is that of the way that lacks least: ``missing_variable:rsds``, or a value of ``NEEDS``.
    """
    daily: set[int] = set()
    seasonal: set[int] = set()
    read: set[str] = set()
    missing: dict[str, str] = {}
    for name in wanted:
        lacks, ways = _lacks(name, frozenset(variables), frozenset(known))
        if lacks:
            absent = sorted(lack for lack in lacks if lack not in NEEDS)
            needs = [NEEDS[need] for need in NEEDS if need in lacks]
            missing[name] = "missing_variable:" + ",".join(absent) if absent else needs[0]
            continue
        for table, position in ways:
            (daily if table is DAILY else seasonal).add(position)
            read |= {source for source in table[position].inputs if source in VARIABLES}
        if name in VARIABLES:
            read.add(name)
    return Resolution(tuple(sorted(daily)), tuple(sorted(seasonal)), frozenset(read), missing)


def _lacks(
    name: str, variables: frozenset[str], known: frozenset[str]
) -> tuple[frozenset[str], list[tuple[tuple[Way, ...], int]]]:
    """What a series lacks (variables and needs), or nothing and the ways that make it."""
    if name in VARIABLES:
        return frozenset() if name in variables else frozenset({name}), []
    found: list[tuple[bool, frozenset[str], list[tuple[tuple[Way, ...], int]]]] = []
    for table in (DAILY, SEASONAL):
        for position, way in enumerate(table):
            if name not in way.outputs:
                continue
            inputs = [_lacks(source, variables, known) for source in way.inputs]
            lacks = frozenset(way.needs) - known
            lacks = lacks.union(*(lack for lack, _ in inputs))
            ways = [*(made for _, of_input in inputs for made in of_input), (table, position)]
            found.append((way.is_rare and bool(lacks), lacks, ways))
    _, lacks, ways = min(found, key=lambda option: (option[0], len(option[1])))
    return lacks, ways
