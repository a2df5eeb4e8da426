"""Derived daily series: published cases, hand-worked spells, percentiles against numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from ingest import series
from ingest.calendars import Axis

Floats = npt.NDArray[np.float32]
AXIS = Axis("standard", 1976, 2006)
NOLEAP = Axis("noleap", 1976, 2006)


def derive(name: str, *inputs: npt.ArrayLike, axis: Axis = AXIS) -> Floats:
    """One derived series of one cell."""
    derivation = series.DERIVED[name]
    blocks = [np.atleast_2d(np.asarray(x, dtype=np.float32)) for x in inputs]
    out = np.empty((len(derivation.outputs), *blocks[0].shape), dtype=np.float32)
    extra = [series.reference_of(axis)] if derivation.needs_reference else []
    derivation.compute(*blocks, *extra, out)
    return out[derivation.outputs.index(name), 0]


def test_costic_golden_values() -> None:
    """indicators.md §1: Tn 5 / Tx 12 → 9.5; 10 / 24 → 2.56; 15 / 22 → 0.78; warm nights → 0."""
    found = derive("costic_day", [5, 10, 15, 19], [12, 24, 22, 30])
    assert found == pytest.approx([9.5, 2.56, 0.78, 0], abs=1e-6)


def test_huglin_constant_days() -> None:
    """indicators.md §2.1: T̄ 20, Tx 26 give 13 a day, 2 379 in 183 days."""
    assert derive("huglin_day", [14], [26]) == pytest.approx([13])


def test_simple_series() -> None:
    assert derive("tmean", [1, np.nan], [4, 3]) == pytest.approx([2.5, np.nan], nan_ok=True)
    assert derive("dtr", [9], [2]) == pytest.approx([7])
    assert derive("cwb", [3], [5]) == pytest.approx([-2])
    assert derive("maize_day", [4, 12, -5, 20], [20, 34, 3, np.nan]) == pytest.approx([7, 15, 0, np.nan], nan_ok=True)


def test_the_reference_needs_27_of_its_30_years() -> None:
    assert series.reference_of(Axis("standard", 1979, 2020)) is not None
    assert series.reference_of(Axis("standard", 1980, 2020)) is None
    assert series.reference_of(Axis("standard", 2006, 2100)) is None


def test_an_anomaly_is_from_the_five_day_normal_of_the_reference() -> None:
    day = np.arange(len(NOLEAP)) % 365
    x = day.astype(np.float32) + np.arange(len(NOLEAP)) // 365  # each year one degree warmer
    found = derive("tasmax_anomaly", x, axis=NOLEAP)
    assert found[365 * 30 + 100] == pytest.approx(30 - 14.5)  # 2006 against the mean of 1976 … 2005
    assert found[100] == pytest.approx(-14.5)


def test_29_february_is_compared_with_28_february() -> None:
    x = np.where(AXIS.calendar_day == 58, 7, 0).astype(np.float32)
    found = derive("tasmax_anomaly", x)
    leap_day = AXIS.index(1976, 2, 29)
    assert found[leap_day] == found[leap_day - 1]


def test_daily_percentile_is_numpys_median_unbiased_quantile() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(20, 5, len(AXIS)).astype(np.float32)
    x[rng.integers(0, AXIS.index(2006, 1, 1), 500)] = np.nan
    found = derive("tasmax_above_p90", x)
    last = AXIS.index(2005, 12, 31)
    for month, day in ((6, 15), (1, 1), (12, 31), (1, 3)):
        pool = []
        for year in range(1976, 2006):
            at = AXIS.index(year, month, day)
            pool += [x[i] for i in range(max(0, at - 2), min(last, at + 2) + 1) if not np.isnan(x[i])]
        wanted = np.quantile(np.array(pool, dtype=np.float64), 0.9, method="median_unbiased")
        at = AXIS.index(2006, month, day)
        assert x[at] - found[at] == pytest.approx(wanted, abs=1e-4), (month, day)


def test_heavy_rain_against_numpy() -> None:
    rng = np.random.default_rng(5)
    x = np.where(rng.random(len(AXIS)) < 0.4, rng.gamma(0.7, 9, len(AXIS)), 0).astype(np.float32)
    reference = x[: AXIS.index(2006, 1, 1)]
    for name, threshold in (
        ("pr_above_wet_p95", np.quantile(reference[reference >= 1], 0.95)),
        ("pr_above_wet_p99", np.quantile(reference[reference >= 1], 0.99)),
        ("pr_above_q90", np.quantile(reference, 0.90)),
    ):
        assert derive(name, x) == pytest.approx(np.where(x > threshold, x, 0)), name
    assert derive("pr_less_q99", x) == pytest.approx(x - np.quantile(reference, 0.99), abs=1e-5)


def test_a_dry_place_has_no_heavy_rain() -> None:
    x = np.zeros(len(AXIS), dtype=np.float32)
    assert not derive("pr_above_wet_p95", x).any()
    assert not derive("pr_above_q90", x).any()


# Days of 0 … 30 °C, evenly, over the reference: Sfin 28.5 (P95), Sdeb 29.25 (P97.5), Spic 29.85 (P99.5), about.
def waves(*summer: float) -> tuple[list[float], list[float]]:
    """Heat-wave flags and degrees above Sdeb of some days of 2006, after thirty reference years."""
    n = AXIS.index(2006, 1, 1)
    reference = np.linspace(0, 30, n)
    x = np.zeros(len(AXIS), dtype=np.float32)
    x[:n] = np.random.default_rng(0).permutation(reference)
    x[n - 5 : n] = 0  # nothing runs over into 2006
    at = AXIS.index(2006, 6, 1)
    x[at : at + len(summer)] = summer
    days = slice(at, at + len(summer))
    return derive("heat_wave", x)[days].tolist(), derive("heat_wave_excess", x)[days].tolist()


START = 29.25


def test_three_days_with_a_peak_make_a_heat_wave() -> None:
    flags, excess = waves(29.5, 30, 29.5, 20)
    assert flags == [2, 1, 1, 0]
    assert excess == pytest.approx([29.5 - START, 30 - START, 29.5 - START, 0], abs=0.02)


def test_without_a_peak_or_with_two_days_there_is_none() -> None:
    assert waves(29.5, 29.5, 29.5, 20)[0] == [0, 0, 0, 0]
    assert waves(30, 30, 20, 30, 30)[0] == [0, 0, 0, 0, 0]


def test_a_wave_lasts_through_two_cooler_days_but_not_three() -> None:
    assert waves(30, 30, 30, 29, 29, 30, 20)[0] == [2, 1, 1, 1, 1, 1, 0]
    assert waves(30, 30, 30, 29, 29, 29, 30, 20)[0] == [2, 1, 1, 0, 0, 0, 0, 0]


def test_a_day_below_the_end_threshold_ends_it() -> None:
    assert waves(30, 30, 30, 28, 30, 30, 30, 20)[0] == [2, 1, 1, 0, 2, 1, 1, 0]
