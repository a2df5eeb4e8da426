"""Daily axes in the calendars of climate models, and windows by month and day on them.

A year keeps its own number of days: 365 or 366, always 365 (``noleap``), always 360 (``360_day``). Nothing is scaled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cftime
import numpy as np
import numpy.typing as npt

# CF names and synonyms (CF Conventions 1.11, §4.4.1). Standard and proleptic_gregorian agree after 1582.
CALENDARS = {
    "standard": "standard",
    "gregorian": "standard",
    "proleptic_gregorian": "standard",
    "noleap": "noleap",
    "365_day": "noleap",
    "360_day": "360_day",
    "all_leap": "all_leap",
    "366_day": "all_leap",
}
_END_OF_FEBRUARY = {(2, 29): (2, 31)}
_MONTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def month_lengths(calendar: str, year: int) -> npt.NDArray[np.int64]:
    """The 12 month lengths (days) of a year in one of the canonical calendars (values of ``CALENDARS``)."""
    if calendar == "360_day":
        return np.full(12, 30)
    lengths = _MONTHS.copy()
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if calendar == "all_leap" or (calendar == "standard" and leap):
        lengths[1] = 29
    return lengths


@dataclass(frozen=True)
class Window:
    """Days of a labelled year, ends included: months and days, and the year offset of each end (-1, 0 or 1).

    A day beyond the end of its month is that month's last day, and 02-29 is the end of February in every calendar: the
    28th, the 29th or the 30th.
    """

    start: tuple[int, int]
    stop: tuple[int, int]
    start_offset: int = 0
    stop_offset: int = 0

    @property
    def is_season(self) -> bool:
        """Three months or less: the missing-data rule counts days per month (indicators.md §0.3)."""
        months = (self.stop_offset - self.start_offset) * 12 + self.stop[0] - self.start[0] + 1
        return months <= 3


@dataclass(frozen=True)
class Axis:
    """All the days of whole years, from 1 January of ``first_year`` to the end of ``last_year``."""

    calendar: str
    first_year: int
    last_year: int

    @property
    def years(self) -> range:
        return range(self.first_year, self.last_year + 1)

    @cached_property
    def month_starts(self) -> npt.NDArray[np.int64]:
        """Day index of the first of each month, years × 12 of them, then the length of the axis."""
        lengths = [month_lengths(self.calendar, year) for year in self.years]
        return np.concatenate([[0], np.cumsum(np.concatenate(lengths))])

    def __len__(self) -> int:
        return int(self.month_starts[-1])

    @cached_property
    def month_of(self) -> npt.NDArray[np.int32]:
        """For each day, its month counted from the first January."""
        return np.repeat(np.arange(12 * len(self.years), dtype=np.int32), np.diff(self.month_starts))

    @cached_property
    def year_starts(self) -> npt.NDArray[np.int64]:
        """Day index of each 1 January, then the length of the axis."""
        return np.append(self.month_starts[:-1:12], len(self))

    def index(self, year: int, month: int, day: int) -> int:
        """Day index of a date, which may lie outside the axis only by whole years (then -1)."""
        if not self.first_year <= year <= self.last_year:
            return -1
        length = int(month_lengths(self.calendar, year)[month - 1])
        return int(self.month_starts[12 * (year - self.first_year) + month - 1]) + min(day, length) - 1

    def window(self, window: Window) -> npt.NDArray[np.int32]:
        """For each year, first day and last day + 1 of the window, (-1, -1) outside the axis. Shape (years, 2)."""
        bounds = np.full((len(self.years), 2), -1, dtype=np.int32)
        for row, year in enumerate(self.years):
            start = self.index(year + window.start_offset, *window.start)
            stop = self.index(year + window.stop_offset, *_END_OF_FEBRUARY.get(window.stop, window.stop))
            if start >= 0 and stop >= 0:
                bounds[row] = start, stop + 1
        return bounds

    def origin(self, start: tuple[int, int], offset: int) -> npt.NDArray[np.int32]:
        """For each year, the day index of a date that may lie before the axis (by its own calendar's length)."""
        origins = np.empty(len(self.years), dtype=np.int32)
        for row, year in enumerate(self.years):
            other = Axis(self.calendar, min(year, year + offset), max(year, year + offset))
            shift = other.index(year + offset, *start) - other.index(year, 1, 1)
            origins[row] = self.year_starts[row] + shift
        return origins

    def indices(self, dates: Sequence[cftime.datetime]) -> npt.NDArray[np.int64]:
        """Day index of each date (all within the axis)."""
        years = np.array([date.year for date in dates])
        months = np.array([date.month for date in dates])
        days = np.array([date.day for date in dates])
        return np.asarray(self.month_starts[12 * (years - self.first_year) + months - 1] + days - 1)

    def describe(self, index: int) -> str:
        """The date of a day index, as year-month-day."""
        month = int(self.month_of[index])
        day = index - int(self.month_starts[month]) + 1
        return f"{self.first_year + month // 12:04d}-{month % 12 + 1:02d}-{day:02d}"

    @cached_property
    def anchors(self) -> npt.NDArray[np.int32]:
        """Day index of each calendar day (rows, 29 February left out) in each year (columns)."""
        rows = []
        for year in self.years:
            lengths = month_lengths(self.calendar, year)
            start = int(self.year_starts[year - self.first_year])
            days = np.arange(start, start + int(lengths.sum()), dtype=np.int32)
            leap_day = self.calendar != "360_day" and lengths[1] == 29
            rows.append(np.delete(days, 59) if leap_day else days)
        return np.stack(rows, axis=1)

    @cached_property
    def calendar_day(self) -> npt.NDArray[np.int32]:
        """For each day, its row in ``anchors``; 29 February has that of 28 February."""
        rows = np.full(len(self), -1, dtype=np.int32)
        rows[self.anchors] = np.arange(len(self.anchors), dtype=np.int32)[:, None]
        leap_days = np.flatnonzero(rows < 0)
        rows[leap_days] = rows[leap_days - 1]
        return rows
