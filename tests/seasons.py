"""Whole years of days for the tests of the states, and a climate that is simple enough to reason about."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


class Years:
    """Days of whole standard years, first and last included."""

    def __init__(self, first: int, last: int) -> None:
        self.years = range(first, last + 1)
        self.dates = np.arange(f"{first}-01-01", f"{last + 1}-01-01", dtype="datetime64[D]")
        self.of_year = (self.dates - self.dates.astype("datetime64[Y]")).astype(np.int32) + 1  # 1 = 1 January
        starts = [self.index(year, 1, 1) for year in self.years]
        self.starts = np.array([*starts, len(self)], dtype=np.int64)

    def __len__(self) -> int:
        return self.dates.size

    def index(self, year: int, month: int, day: int) -> int:
        """Day index of a date, -1 outside the axis."""
        i = int((np.datetime64(f"{year:04d}-{month:02d}-{day:02d}") - self.dates[0]).astype(int))
        return i if 0 <= i < len(self) else -1

    def marks(self, marks: Sequence[tuple[int, int, int]]) -> Ints:
        """(years, marks): the day index of each (month, day, offset of the year)."""
        rows = [[self.index(year + offset, month, day) for month, day, offset in marks] for year in self.years]
        return np.array(rows, dtype=np.int32)

    def window(self, start: tuple[int, int, int], stop: tuple[int, int, int]) -> Ints:
        """(years, 2): first day and last day + 1, -1 and -1 outside the axis."""
        bounds = self.marks([start, stop])
        bounds[:, 1] += 1
        bounds[(bounds[:, 0] < 0) | (bounds[:, 1] <= 0)] = -1
        return bounds

    def calendar(self) -> tuple[Ints, Ints]:
        """Day index of each calendar day (29 February left out) in each year; and each day's calendar day."""
        rows = []
        for start, stop in zip(self.starts[:-1], self.starts[1:], strict=True):
            days = np.arange(start, stop, dtype=np.int32)
            rows.append(np.delete(days, 59) if days.size == 366 else days)
        anchors = np.ascontiguousarray(np.stack(rows, axis=1))
        calendar_day = np.full(len(self), -1, dtype=np.int32)
        calendar_day[anchors] = np.arange(365, dtype=np.int32)[:, None]
        leap_days = np.flatnonzero(calendar_day < 0)
        calendar_day[leap_days] = calendar_day[leap_days - 1]
        return anchors, calendar_day


def temperate(years: Years, cells: int, seed: int, mean: float = 12.3) -> tuple[Floats, Floats]:
    """tasmin and tasmax (cells, days), °C, of a French plain: a yearly wave of ±8 °C and weather that lasts."""
    weather = np.random.default_rng(seed).normal(0.0, 1.6, (cells, len(years)))
    for i in range(1, weather.shape[1]):
        weather[:, i] += 0.75 * weather[:, i - 1]
    t = mean + 8.0 * np.sin(2.0 * np.pi * (years.of_year - 110) / 365.25) + weather
    return (t - 4.5).astype(np.float32), (t + 5.0).astype(np.float32)
