"""Every reducer on a series that can be counted by hand, and against a plain reading of its definition."""

from __future__ import annotations

from math import inf, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import reducers
from ingest.reducers import OPERATORS

WEEK = np.array([3, 7, 7, -2, 5, 8, 8, 8, 1, 0], dtype=np.float32)
ABOVE, AT_LEAST, BELOW, AT_MOST = (OPERATORS[o] for o in (">", ">=", "<", "<="))
THRESHOLD = np.float32(7)
days = st.lists(st.integers(-30, 45).map(float) | st.just(nan), min_size=1, max_size=60)


def test_count_by_each_operator() -> None:
    counts = [reducers.count(WEEK, 0, 10, operator, THRESHOLD) for operator in (ABOVE, AT_LEAST, BELOW, AT_MOST)]
    assert counts == [3, 5, 5, 7]


def test_a_window_is_its_own_days() -> None:
    assert reducers.count(WEEK, 2, 6, AT_LEAST, THRESHOLD) == 2
    assert reducers.maximum(WEEK, 0, 5) == 7
    assert reducers.minimum(WEEK, 4, 8) == 5


def test_sums() -> None:
    assert reducers.sum_above(WEEK, 0, 10, 5.0) == 2 + 2 + 3 + 3 + 3
    assert reducers.sum_below(WEEK, 0, 10, 5.0) == 2 + 7 + 4 + 5
    assert reducers.clipped_sum(WEEK, 0, 10, 0.0, 6.0) == 3 + 6 + 6 + 0 + 5 + 6 + 6 + 6 + 1 + 0


def test_golden_sum_of_temperatures_clipped_at_18() -> None:
    """indicators.md §2.2: -3, 5, 18, 22, 10 → 51 °C·d."""
    series = np.array([-3, 5, 18, 22, 10], dtype=np.float32)
    assert reducers.clipped_sum(series, 0, 5, 0.0, 18.0) == 51
    assert reducers.first_day_sum_reaches(series, 0, 5, 51.0, 0.0, 18.0) == 4
    assert reducers.first_day_sum_reaches(series, 0, 5, 41.0, 0.0, 18.0) == 3
    assert isnan(reducers.first_day_sum_reaches(series, 0, 5, 51.5, 0.0, 18.0))


def test_dates() -> None:
    assert reducers.first_day_when(WEEK, 0, 10, AT_LEAST, THRESHOLD, 1.0) == 1
    assert reducers.first_day_when(WEEK, 0, 10, AT_LEAST, THRESHOLD, 3.0) == 5
    assert isnan(reducers.first_day_when(WEEK, 0, 10, AT_LEAST, THRESHOLD, 4.0))
    assert reducers.last_day_when(WEEK, 0, 10, AT_LEAST, THRESHOLD) == 7
    assert isnan(reducers.last_day_when(WEEK, 0, 10, ABOVE, np.float32(8)))
    assert reducers.day_of_max(WEEK, 0, 10) == 5
    assert isnan(reducers.day_of_max(np.zeros(4, dtype=np.float32), 0, 4))


def test_runs() -> None:
    parts = [reducers.longest_run(WEEK, 0, 10, AT_LEAST, THRESHOLD, part) for part in (0.0, 1.0, 2.0)]
    assert parts == [3, 5, 7]
    assert reducers.longest_run(WEEK, 0, 10, ABOVE, np.float32(9), 0.0) == 0
    assert isnan(reducers.longest_run(WEEK, 0, 10, ABOVE, np.float32(9), 1.0))
    assert reducers.days_in_runs(WEEK, 0, 10, AT_LEAST, THRESHOLD, 2.0) == 5
    assert reducers.days_in_runs(WEEK, 0, 10, AT_LEAST, THRESHOLD, 3.0) == 3
    assert reducers.days_in_runs(WEEK, 5, 8, AT_LEAST, THRESHOLD, 3.0) == 3  # to the end of the window


def test_a_missing_day_breaks_a_run() -> None:
    series = np.array([9, 9, nan, 9, 9, 9], dtype=np.float32)
    assert reducers.longest_run(series, 0, 6, ABOVE, THRESHOLD, 0.0) == 3
    assert reducers.days_in_runs(series, 0, 6, ABOVE, THRESHOLD, 3.0) == 3


def rolling(series: list[float], start: int, stop: int, width: int) -> float:
    x = np.array(series, dtype=np.float32)
    known = ~np.isnan(x)
    sums = np.concatenate([[0.0], np.cumsum(np.where(known, x, 0).astype(np.float64))])
    present = np.concatenate([[0], np.cumsum(known)]).astype(np.int32)
    return reducers.max_rolling_sum(sums, present, bool(known.all()), start, stop, float(width))


def test_rolling_sum_is_stamped_on_its_last_day() -> None:
    series = [9.0, 9, 0, 0, 1, 5, 0, 0, 0, 0]
    assert rolling(series, 0, 10, 2) == 18
    assert rolling(series, 1, 10, 2) == 18  # its first day lies before the window
    assert rolling(series, 2, 10, 2) == 9
    assert rolling(series, 3, 10, 2) == 6
    assert isnan(rolling([1.0, 2.0], 0, 2, 5))
    assert rolling([5.0, nan, 1.0, 2.0], 0, 4, 2) == 3


@given(days, st.integers(1, 6))
def test_rolling_sum_is_the_largest_complete_sum(series: list[float], width: int) -> None:
    sums = [sum(series[i - width + 1 : i + 1]) for i in range(width - 1, len(series))]
    sums = [s for s in sums if not isnan(s)]
    found = rolling(series, 0, len(series), width)
    assert isnan(found) if not sums else found == pytest.approx(max(sums))


@given(days, st.floats(0, 1))
def test_percentile_is_numpys_linear_quantile(series: list[float], probability: float) -> None:
    x = np.array(series, dtype=np.float32)
    if np.isnan(x).all():
        return
    found = reducers.percentile(x, 0, x.size, probability)
    assert found == pytest.approx(np.nanquantile(x.astype(np.float64), probability), abs=1e-4)


@given(days, st.integers(0, 3), st.integers(-5, 30), st.integers(1, 5))
def test_counts_and_runs_are_those_of_a_plain_loop(series: list[float], operator: int, at: int, run: int) -> None:
    x = np.array(series, dtype=np.float32)
    test = [lambda v: v > at, lambda v: v >= at, lambda v: v < at, lambda v: v <= at][operator]
    flags = "".join("x" if test(v) else "." for v in series)
    runs = [len(part) for part in flags.split(".") if part]
    threshold = np.float32(at)
    assert reducers.count(x, 0, x.size, operator, threshold) == flags.count("x")
    assert reducers.longest_run(x, 0, x.size, operator, threshold, 0.0) == max(runs, default=0)
    assert reducers.days_in_runs(x, 0, x.size, operator, threshold, float(run)) == sum(n for n in runs if n >= run)
    first = flags.find("x" * run)
    found = reducers.first_day_when(x, 0, x.size, operator, threshold, float(run))
    assert isnan(found) if first < 0 else found == first


@given(days, st.integers(-10, 30))
def test_sums_skip_missing_days(series: list[float], base: int) -> None:
    x = np.array(series, dtype=np.float32)
    known = [v for v in series if not isnan(v)]
    assert reducers.sum_above(x, 0, x.size, float(base)) == pytest.approx(sum(max(v - base, 0) for v in known))
    assert reducers.sum_below(x, 0, x.size, float(base)) == pytest.approx(sum(max(base - v, 0) for v in known))
    assert reducers.clipped_sum(x, 0, x.size, 0.0, inf) == pytest.approx(sum(max(v, 0) for v in known))


MONTH = np.repeat(np.arange(12, dtype=np.int32), [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@pytest.mark.parametrize(
    ("gone", "start", "stop", "is_season", "too_few"),
    [
        ([10, 100, 200], 0, 365, False, False),  # 3 of 365: 99.2 % there
        ([10, 100, 200, 300], 0, 365, False, True),  # 4 of 365: 98.9 %
        ([10, 11, 12], 0, 365, False, False),  # a gap of 3 days
        ([], 0, 365, False, False),
        ([151, 160, 170], 151, 243, True, False),  # three days of June
        ([151, 160, 170, 180], 151, 243, True, True),  # four of them
        ([151, 160, 170, 181, 190, 200], 151, 243, True, False),  # three of June and three of July
    ],
)
def test_rule_m0(gone: list[int], start: int, stop: int, is_season: bool, too_few: bool) -> None:
    series = np.ones(365, dtype=np.float32)
    series[gone] = nan
    assert reducers.too_few_days(series, start, stop, is_season, False, MONTH) is too_few


def test_rule_m0_refuses_a_gap_of_four_days_in_a_long_window() -> None:
    series = np.ones(730, dtype=np.float32)
    series[[20, 22, 24, 26]] = nan
    month = np.concatenate([MONTH, 12 + MONTH])
    assert not reducers.too_few_days(series, 0, 730, False, False, month)
    series[[20, 21, 22, 23]] = nan
    series[[24, 26]] = 1
    assert reducers.too_few_days(series, 0, 730, False, False, month)


@pytest.mark.parametrize(
    ("gone", "too_few"),
    [
        (list(range(0, 20, 2)), False),  # 10 days of January, one by one
        (list(range(0, 22, 2)), True),  # 11 of them
        ([5, 6, 7, 8], False),  # 4 days in a row
        ([5, 6, 7, 8, 9], True),  # 5 in a row
        ([27, 28, 29, 30, 31, 32, 33, 34], False),  # 4 to the end of January, 4 from the first of February: by month
        (list(range(0, 360, 4)), False),  # every fourth day of the year: at most 8 in a month
        (list(range(365)), True),
    ],
)
def test_rule_wmo(gone: list[int], too_few: bool) -> None:
    series = np.ones(365, dtype=np.float32)
    series[gone] = nan
    assert reducers.too_few_days(series, 0, 365, False, True, MONTH) is too_few
