"""Heat against thresholds: published values, spells by hand, quantiles against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.states import heat
from tests.seasons import Years, temperate

YEARS = Years(1981, 1990)


def block(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


def test_costic_golden_values() -> None:
    """indicators.md §1: Tn 5, Tx 12 → 9.5; 10, 24 → 2.56; 15, 22 → 0.78."""
    assert heat.costic(5.0, 12.0, 18.0) == 9.5
    assert heat.costic(10.0, 24.0, 18.0) == pytest.approx(2.56)
    assert heat.costic(15.0, 22.0, 18.0) == pytest.approx(0.78)
    assert heat.costic(18.0, 25.0, 18.0) == 0
    assert heat.costic(10.0, 18.0, 18.0) == pytest.approx(8 * 0.5)
    assert np.isnan(heat.costic(float("nan"), 10.0, 18.0)) and np.isnan(heat.costic(20.0, float("nan"), 18.0))


@given(st.floats(-20, 30), st.floats(0.01, 25))
def test_costic_is_never_below_the_simple_degree_day(tn: float, spread: float) -> None:
    """indicators.md §1, up to the formula's own 0.1 °C at the point where it meets the simple one."""
    simple = max(18.0 - (tn + spread / 2), 0.0)
    assert heat.costic(tn, tn + spread, 18.0) >= simple - 0.02 * spread


@given(st.lists(st.floats(-30, 40, width=32), min_size=1, max_size=60), st.floats(0, 1))
def test_quantiles_are_numpys(values: list[float], probability: float) -> None:
    x = np.array(values, dtype=np.float32)
    for method, alpha in (("linear", 1.0), ("median_unbiased", 1 / 3)):
        expected = np.quantile(x.astype(np.float64), probability, method=method)
        assert heat.quantile(x, probability, alpha, alpha) == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(x, np.array(values, dtype=np.float32))


def test_normals_and_percentiles_of_five_days_around() -> None:
    """Day n of the year has the value n + 10 · year: the normal of a middle day is n + 45, and so on."""
    anchors, calendar_day = YEARS.calendar()
    x = (calendar_day + 10 * (YEARS.dates.astype("datetime64[Y]").astype(int) - 11)).astype(np.float32)[None]
    normals = heat.daily_normals(x, anchors, 0, len(YEARS), 2)
    assert normals.shape == (1, 365)
    assert normals[0, 200] == pytest.approx(245)
    sample = [day + 10 * year for day in range(198, 203) for year in range(10)]
    found = heat.daily_percentiles(x, anchors, 0, len(YEARS), 2, 0.9)
    assert found[0, 200] == pytest.approx(np.quantile(sample, 0.9, method="median_unbiased"), abs=1e-4)
    # 1 January: two days of the year before are there but for the first year
    around = [d + 10 * y for y in range(10) for d in (0, 1, 2)] + [d + 10 * y for y in range(9) for d in (363, 364)]
    assert normals[0, 0] == pytest.approx(np.mean(around))
    two = np.ascontiguousarray(anchors[:, 2:4])
    only = heat.daily_normals(x, two, int(YEARS.starts[2]), int(YEARS.starts[4]), 0)
    assert only[0, 10] == pytest.approx(10 + 25)


def test_missing_days_do_not_count_in_normals() -> None:
    anchors, _ = YEARS.calendar()
    x = np.full((2, len(YEARS)), 3, dtype=np.float32)
    x[0, ::7] = np.nan
    x[1] = np.nan
    normals = heat.daily_normals(x, anchors, 0, len(YEARS), 2)
    assert normals[0] == pytest.approx(3)
    assert np.isnan(normals[1]).all()
    assert np.isnan(heat.daily_percentiles(x, anchors, 0, len(YEARS), 2, 0.9)[1]).all()
    assert np.isnan(heat.heat_wave_thresholds(x)[1]).all()


def test_departure_makes_drias_waves_and_warm_spells() -> None:
    """Six days 5.1 °C above a normal of 20 °C, one day 5 °C above: the excess says which count."""
    values = np.full((1, 365), 20.0)
    x = block(20, *[25.1] * 6, 25, np.nan, 14.9)
    out = np.empty((1, 1, 10), dtype=np.float32)
    heat.departure(x, values, np.arange(10, dtype=np.int32), out)
    assert out[0, 0] == pytest.approx([0, *[5.1] * 6, 5, np.nan, -5.1], abs=1e-5, nan_ok=True)
    assert (out[0, 0] > 5).sum() == 6


def test_a_tenth_of_reference_days_exceed_their_90th_percentile() -> None:
    anchors, calendar_day = YEARS.calendar()
    tx = temperate(YEARS, 3, seed=3)[1]
    out = np.empty((1, *tx.shape), dtype=np.float32)
    heat.departure(tx, heat.daily_percentiles(tx, anchors, 0, len(YEARS), 2, 0.9), calendar_day, out)
    assert (out[0] > 0).mean() == pytest.approx(0.1, abs=0.01)


def waves(*days: float) -> tuple[list[float], list[float]]:
    """End 20, start 24, peak 27 °C."""
    out = np.empty((2, 1, len(days)), dtype=np.float32)
    heat.heat_waves(block(*days), np.array([[20.0, 24.0, 27.0]]), out)
    return out[0, 0].tolist(), out[1, 0].tolist()


def test_a_heat_wave_needs_three_days_and_a_peak() -> None:
    assert waves(19, 24, 24, 27, 19)[0] == [0, 2, 1, 1, 0]
    assert waves(19, 24, 24, 27, 19)[1] == [0, 0, 0, 3, 0]
    assert waves(19, 24, 27, 19, 24, 27)[0] == [0] * 6  # two days each
    assert waves(19, 24, 25, 26.9, 19)[0] == [0] * 5  # no peak


def test_a_heat_wave_survives_two_mild_days_not_three_nor_a_cold_one() -> None:
    assert waves(24, 24, 27, 21, 21, 25, 19)[0] == [2, 1, 1, 1, 1, 1, 0]
    assert waves(24, 24, 27, 21, 21, 21, 24, 24, 24)[0] == [2, 1, 1, 0, 0, 0, 0, 0, 0]
    assert waves(24, 24, 27, 19, 24, 24, 27)[0] == [2, 1, 1, 0, 2, 1, 1]
    assert waves(24, 24, 27)[0] == [2, 1, 1]
    assert waves(24, 24, 27, 21, 21)[0] == [2, 1, 1, 1, 1]


def test_a_missing_day_ends_a_heat_wave_and_is_missing() -> None:
    found = waves(24, 24, 27, np.nan, 24, 24, 27)
    assert found[0] == pytest.approx([2, 1, 1, np.nan, 2, 1, 1], nan_ok=True)
    assert np.isnan(found[1][3])
    out = np.empty((2, 1, 3), dtype=np.float32)
    heat.heat_waves(block(24, 24, 27), np.array([[20.0, np.nan, 27.0]]), out)
    assert np.isnan(out).all()


@given(st.lists(st.floats(10, 32, width=32), min_size=1, max_size=60))
def test_wave_days_are_hot_or_between_hot_days(days: list[float]) -> None:
    mark, excess = (np.array(v) for v in waves(*days))
    x = np.array(days)
    inside = mark > 0
    assert (x[inside] >= 20).all()
    assert (excess == np.where(inside, np.maximum(x - 24, 0), 0)).all()
    for first in np.flatnonzero(mark == 2):
        stop = first + 1
        while stop < x.size and mark[stop] == 1:
            stop += 1
        assert (x[first : first + 3] >= 24).all() and x[first:stop].max() >= 27
    assert not (mark[:1] == 1).any()


def test_thresholds_are_quantiles_of_all_days() -> None:
    t = temperate(YEARS, 2, seed=1)[1]
    t[0, 5] = np.nan
    expected = [np.nanquantile(cell.astype(np.float64), heat.HEAT_WAVE_PROBABILITIES) for cell in t]
    assert heat.heat_wave_thresholds(t) == pytest.approx(np.array(expected), abs=1e-5)


def test_canicule_is_a_mean_of_three_days() -> None:
    """Paris, 21 °C by night and 31 °C by day: from a day on, not on it alone."""
    tn = block(20, 21, 22, 21, 19, 21, np.nan, 21, 21)
    tx = block(30, 31, 32, 31, 40, 31, 31, 31, 31)
    out = np.empty((1, 1, 9), dtype=np.float32)
    heat.canicule(tn, tx, np.array([21.0]), np.array([31.0]), out)
    assert out[0, 0] == pytest.approx([1, 1, 0, 0, np.nan, np.nan, np.nan, np.nan, np.nan], nan_ok=True)
    heat.canicule(tn, tx, np.array([21.0]), np.array([31.1]), out)
    assert out[0, 0, :2].tolist() == [0, 1]
    heat.canicule(tn, tx, np.array([np.nan]), np.array([31.0]), out)
    assert np.isnan(out).all()
