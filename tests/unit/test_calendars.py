"""Days, years and windows in the calendars of climate models."""

from __future__ import annotations

import cftime
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import features
from ingest.calendars import CALENDARS, Axis, Window, month_lengths

DJF = Window((12, 1), (2, 29), -1, 0)
AGRICULTURAL = Window((10, 1), (7, 31), -1, 0)
SNOW_YEAR = Window((8, 1), (7, 31), -1, 0)


@pytest.mark.parametrize(("calendar", "n_days"), [("standard", 1461), ("noleap", 1460), ("360_day", 1440)])
def test_a_calendar_keeps_its_own_number_of_days(calendar: str, n_days: int) -> None:
    assert len(Axis(calendar, 2001, 2004)) == n_days


def test_1900_is_no_leap_year_and_2000_is() -> None:
    assert [int(month_lengths("standard", year).sum()) for year in (1900, 1999, 2000, 2004)] == [365, 365, 366, 366]


@pytest.mark.parametrize(
    ("calendar", "window", "lengths"),
    [
        ("standard", DJF, [None, 90, 90, 91]),
        ("noleap", DJF, [None, 90, 90, 90]),
        ("360_day", DJF, [None, 90, 90, 90]),
        ("standard", AGRICULTURAL, [None, 304, 304, 305]),
        ("360_day", AGRICULTURAL, [None, 300, 300, 300]),
        ("standard", SNOW_YEAR, [None, 365, 365, 366]),
        ("standard", Window((7, 1), (6, 30), 0, 1), [365, 365, 366, None]),
        ("standard", Window((4, 15), (7, 15)), [92, 92, 92, 92]),
        ("360_day", Window((1, 1), (5, 31)), [150, 150, 150, 150]),  # 31 May is the end of May
    ],
)
def test_windows(calendar: str, window: Window, lengths: list[int | None]) -> None:
    bounds = Axis(calendar, 2001, 2004).window(window)
    assert [int(stop - start) if start >= 0 else None for start, stop in bounds] == lengths


def test_winter_takes_december_of_the_year_before() -> None:
    axis = Axis("standard", 2001, 2003)
    start, stop = axis.window(DJF)[1]
    assert (axis.describe(int(start)), axis.describe(int(stop) - 1)) == ("2001-12-01", "2002-02-28")


def test_seasons_are_three_months_or_less() -> None:
    windows = features.catalogue().windows
    seasons = {name for name, window in windows.items() if window.is_season}
    assert {"djf", "mam", "jja", "son", "m09", "apr_jun", "christmas", "february_holidays"} <= seasons
    assert not {"year", "apr_sep", "oct_mar", "snow_year", "nov_apr", "frost_after"} & seasons


@given(
    st.sampled_from(sorted(set(CALENDARS.values()))),
    st.integers(1950, 2090),
    st.integers(0, 5),
    st.integers(1, 12),
    st.integers(1, 28),
)
def test_indices_agree_with_cftime(calendar: str, first: int, more: int, month: int, day: int) -> None:
    axis = Axis(calendar, first, first + 5)
    date = cftime.datetime(first + more, month, day, calendar=calendar)
    days = (date - cftime.datetime(first, 1, 1, calendar=calendar)).days
    assert axis.index(first + more, month, day) == days
    assert axis.indices([date]) == days
    assert axis.describe(days) == f"{first + more}-{month:02d}-{day:02d}"


@pytest.mark.parametrize(("calendar", "rows"), [("standard", 365), ("noleap", 365), ("360_day", 360)])
def test_calendar_days_leave_out_29_february(calendar: str, rows: int) -> None:
    axis = Axis(calendar, 2003, 2005)
    assert axis.anchors.shape == (rows, 3)
    assert np.array_equal(axis.calendar_day[axis.anchors[:, 1]], np.arange(rows))
    if calendar == "standard":
        leap_day = axis.index(2004, 2, 29)
        assert axis.calendar_day[leap_day] == axis.calendar_day[leap_day - 1] == 58
        assert axis.describe(int(axis.anchors[59, 1])) == "2004-03-01"


def test_the_origin_of_snow_dates_is_1_august_before_even_before_the_axis() -> None:
    axis = Axis("standard", 2001, 2004)
    assert axis.origin((8, 1), -1).tolist()[:2] == [-153, 212]  # 153 days from 1 August to 31 December
