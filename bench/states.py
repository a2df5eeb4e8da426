"""What each state costs: nanoseconds per cell-day on one core, on days of a synthetic plain.

    python -m bench.states [--cells 32] [--years 60]

Every state runs twice and the second time counts. A seasonal state is divided by all the days of its years, a state of
the reference period by the days of the axis, of which the reference is the first 30 years.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from ingest.states import chill, evapotranspiration, grass, heat, humidity, soil, vine

Floats = npt.NDArray[np.float32]
TARGET = 1500.0  # ns per cell-day and core, for features and states together (issue 4)
YEAR = 365
AUGUST, NOVEMBER = 212 - YEAR, 304 - YEAR  # of the year before
FEBRUARY, MARCH, APRIL, MAY, JUNE, JULY, SEPTEMBER, OCTOBER = 31, 59, 90, 120, 151, 181, 243, 273
MIDDLE = (90, 120, 151, 181, 212, 243, 273)


class Plain:
    """Days without leap years: a yearly wave, weather that lasts, rain on two days of five."""

    def __init__(self, cells: int, years: int) -> None:
        rng = np.random.default_rng(1)
        n, self.cells, self.years = years * YEAR, cells, years
        self.day = (np.arange(n) % YEAR + 1).astype(np.int32)
        weather = rng.normal(0, 1.6, (cells, n))
        for i in range(1, n):
            weather[:, i] += 0.75 * weather[:, i - 1]
        wave = np.sin(2 * np.pi * (self.day - 110) / YEAR)
        mean = 12.3 + 8 * wave + weather
        self.tas, self.tasmin, self.tasmax = (self.block(mean + shift) for shift in (0.0, -4.5, 5.0))
        self.prtot = self.block(np.where(rng.random((cells, n)) < 0.4, rng.gamma(0.7, 7, (cells, n)), 0))
        self.rsds = self.block((130 + 105 * wave + rng.normal(0, 25, (cells, n))).clip(10))
        self.huss = self.block((0.0065 + 0.003 * wave + rng.normal(0, 0.0008, (cells, n))).clip(0.001))
        self.wind = self.block(rng.gamma(4, 0.8, (cells, n)))
        self.latitude, self.altitude = np.full(cells, 46.0), np.full(cells, 250.0)
        self.starts = np.arange(years + 1, dtype=np.int64) * YEAR
        reference = min(years, 30)
        self.anchors = np.ascontiguousarray(np.arange(reference * YEAR, dtype=np.int32).reshape(reference, YEAR).T)
        self.reference_days = reference * YEAR

    @staticmethod
    def block(values: npt.NDArray[np.float64]) -> Floats:
        return np.ascontiguousarray(values, dtype=np.float32)

    def out(self, outputs: int) -> Floats:
        return np.empty((outputs, *self.tas.shape), dtype=np.float32)

    def seasons(self, *columns: int) -> Floats:
        return np.empty((self.cells, self.years, *columns), dtype=np.float32)

    def marks(self, *days: int) -> npt.NDArray[np.int32]:
        """Day indices of each year, -1 in the first year where one lies before it."""
        marks = (np.arange(self.years)[:, None] * YEAR + np.array(days)).astype(np.int32)
        marks[marks.min(axis=1) < 0] = -1
        return marks


def states(p: Plain) -> Iterator[tuple[str, Callable[[], object]]]:
    """Name of each state and the call that computes it, in an order where each has its inputs."""
    utci, pet, snow, water, one, two = p.out(1), p.out(1), p.out(1), p.out(2), p.out(1), p.out(2)
    heat_humidity = p.out(3)
    yield "humidity, wet bulb, humidex", lambda: humidity.heat_humidity(p.tasmax, p.huss, p.altitude, heat_humidity)
    yield "utci in the shade", lambda: humidity.utci(p.tasmax, p.huss, p.wind, p.altitude, utci)
    yield "comfort", lambda: humidity.comfort(utci[0], p.prtot, p.wind, one)
    yield (
        "hargreaves",
        lambda: evapotranspiration.hargreaves_days(p.tasmin, p.tasmax, p.latitude, p.day, 0.0023, one),
    )
    yield (
        "penman-monteith",
        lambda: evapotranspiration.penman_monteith_days(
            p.tasmin, p.tasmax, p.huss, p.rsds, p.wind, p.latitude, p.altitude, p.day, pet
        ),
    )
    yield "snowfall", lambda: soil.snowfall(p.prtot, p.tas, snow)
    yield "rain and melt", lambda: soil.rain_and_melt(p.prtot, snow[0], p.tas, p.starts, water)
    capacity = np.full(p.cells, soil.DEFAULT_CAPACITY)
    yield "soil bucket", lambda: soil.swi_bucket(water[0], pet[0], capacity, p.starts, one)
    group, grass_capacity = grass.GROUPS[grass.DEFAULT_GROUP].row, np.full(p.cells, grass.DEFAULT_CAPACITY)
    yield (
        "grass growth, one group",
        lambda: grass.grass_growth(
            p.tas, p.rsds, p.prtot, water[0], pet[0], grass_capacity, group, grass.DEFAULT_NITROGEN, p.starts, two
        ),
    )
    names = (vine.DEFAULT_PROFILE, "early", "middle", "late")
    vine_out = p.seasons(len(names), len(vine.VINE_COLUMNS))
    marks = p.marks(AUGUST, 0, MARCH, APRIL, JULY, YEAR - 1)
    rows = vine.profile_rows(names)
    yield "vine, four profiles", lambda: vine.vine_seasons(p.tasmin, p.tasmax, marks, rows, vine_out)
    per_year, summer = p.seasons(), p.marks(APRIL, OCTOBER)
    k = np.full(p.cells, vine.huglin_coefficient(46.0))
    yield "huglin", lambda: vine.huglin_index(p.tasmin, p.tasmax, summer, k, per_year)
    months = p.marks(*MIDDLE)
    yield "dryness", lambda: vine.dryness_index(p.prtot, pet[0], months, per_year)
    portions, winter = p.seasons(1), p.marks(NOVEMBER, MARCH)
    yield (
        "chill portions",
        lambda: chill.chill_portions(p.tasmin, p.tasmax, p.latitude, p.day, winter, portions),
    )
    for fruit, end in (("apricot", JUNE), ("apple", JULY)):
        bloom, when, need = p.seasons(4), p.marks(0, FEBRUARY, end), chill.BLOOM_NEEDS[fruit]
        yield (
            f"bloom and frost, {fruit}",
            lambda bloom=bloom, when=when, need=need: chill.bloom_frost(p.tasmin, p.tasmax, when, need, bloom),
        )
    values: list[npt.NDArray[np.float64]] = [np.empty((0, 0)), np.empty((0, 0)), np.empty((0, 0))]

    def normals() -> None:
        values[0] = heat.daily_normals(p.tasmax, p.anchors, 0, p.reference_days, 2)

    def percentiles() -> None:
        values[1] = heat.daily_percentiles(p.tasmax, p.anchors, 0, p.reference_days, 2, 0.9)

    def thresholds() -> None:
        values[2] = heat.heat_wave_thresholds(np.ascontiguousarray(p.tas[:, : p.reference_days]))

    yield "normals by calendar day", normals
    yield "90th percentile by calendar day", percentiles
    yield "heat-wave thresholds", thresholds
    calendar_day = p.day - np.int32(1)
    yield "departure from a normal", lambda: heat.departure(p.tasmax, values[0], calendar_day, one)
    yield "departure from a percentile", lambda: heat.departure(p.tasmax, values[1], calendar_day, one)
    yield "heat waves", lambda: heat.heat_waves(p.tas, values[2], two)
    night, day = np.full(p.cells, 18.0), np.full(p.cells, 34.0)
    yield "canicule", lambda: heat.canicule(p.tasmin, p.tasmax, night, day, one)


def main() -> None:
    """Print a table of all states and their sum."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=32)
    parser.add_argument("--years", type=int, default=60)
    arguments = parser.parse_args()
    plain = Plain(arguments.cells, arguments.years)
    total = 0.0
    print(f"| state | ns per cell-day |\n|---|---|\n<!-- {plain.cells} cells, {plain.years} years -->")
    for name, compute in states(plain):
        compute()
        start = time.perf_counter()
        compute()
        cost = (time.perf_counter() - start) / plain.tas.size * 1e9
        total += cost
        print(f"| {name} | {cost:.1f} |")
    print(f"| **all states** | **{total:.0f}** of {TARGET:.0f} |")


if __name__ == "__main__":
    main()
