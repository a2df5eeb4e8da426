"""Whole years of days for the tests of the states, and a climate that is simple enough to reason about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ingest.calendars import Axis, Window

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


class Years:
    """Days of whole standard years, first and last included, as the engine's axis has them."""

    def __init__(self, first: int, last: int) -> None:
        self.axis = Axis("standard", first, last)
        self.years = self.axis.years
        self.starts = self.axis.year_starts
        self.dates = np.arange(f"{first}-01-01", f"{last + 1}-01-01", dtype="datetime64[D]")
        self.of_year = (self.dates - self.dates.astype("datetime64[Y]")).astype(np.int32) + 1  # 1 = 1 January

    def __len__(self) -> int:
        return len(self.axis)

    def index(self, year: int, month: int, day: int) -> int:
        """Day index of a date, -1 outside the axis."""
        return self.axis.index(year, month, day)

    def marks(self, marks: Sequence[tuple[int, int, int]]) -> Ints:
        """(years, marks): the day index of each (month, day, offset of the year)."""
        rows = [[self.index(year + offset, month, day) for month, day, offset in marks] for year in self.years]
        return np.array(rows, dtype=np.int32)

    def window(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Ints:
        """(years, 2): first day and last day + 1, -1 and -1 outside the axis."""
        return self.axis.window(Window(start[:2], stop[:2], start[2], stop[2]))

    def calendar(self) -> tuple[Ints, Ints]:
        """Day index of each calendar day (29 February left out) in each year; and each day's calendar day."""
        return self.axis.anchors, self.axis.calendar_day


def temperate(years: Years, cells: int, seed: int, mean: float = 12.3) -> tuple[Floats, Floats]:
    """tasmin and tasmax (cells, days), °C, of a French plain: a yearly wave of ±8 °C and weather that lasts."""
    weather = np.random.default_rng(seed).normal(0.0, 1.6, (cells, len(years)))
    for i in range(1, weather.shape[1]):
        weather[:, i] += 0.75 * weather[:, i - 1]
    t = mean + 8.0 * np.sin(2.0 * np.pi * (years.of_year - 110) / 365.25) + weather
    return (t - 4.5).astype(np.float32), (t + 5.0).astype(np.float32)
