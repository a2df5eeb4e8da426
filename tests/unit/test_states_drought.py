"""Drought scores: published L-moments, counts by hand, missing months, a soil that is full every winter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.states import drought

REFERENCE = slice(0, 30)


def test_l_moments_of_the_published_vector() -> None:
    """indicators.md §3: L1 3.236364, L2 1.141818, t3 0.273885."""
    x = np.array([2, 3, 4, 2.4, 5.5, 1.2, 5.4, 2.2, 7.1, 1.3, 1.5])
    for values in (x, np.append(x, [np.nan, np.nan])):
        found = [float(moment[0]) for moment in drought.l_moments(values[None])]
        assert found == pytest.approx([3.236364, 1.141818, 0.273885], abs=1e-6)


def test_months_are_summed_and_accumulated() -> None:
    days = np.ones((1, 59), dtype=np.float32)
    starts = np.array([0, 31, 59])
    assert drought.monthly_sums(days, starts).tolist() == [[31, 28]]
    days[0, 40] = np.nan
    assert drought.monthly_sums(days, starts)[0] == pytest.approx([31, np.nan], nan_ok=True)
    found = drought.accumulated(np.array([[1.0, 2, 4, 8]]), 3)[0]
    assert found == pytest.approx([np.nan, np.nan, 7, 14], nan_ok=True)


def reference(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2, 40, (3, 40 * 12))


@pytest.mark.parametrize("index", [drought.spi_of, drought.spei_of, drought.sswi_of])
def test_the_reference_has_mean_0_and_deviation_1(index: Callable[[np.ndarray, slice], np.ndarray]) -> None:
    """indicators.md §10: |mean| < 0.1, 0.9 < deviation < 1.1."""
    x = reference() if index is not drought.sswi_of else reference() / reference().max()
    found = index(x, REFERENCE)[:, : 30 * 12]
    assert abs(found.mean()) < 0.1
    assert 0.9 < found.std() < 1.1


def test_months_without_rain_have_the_share_of_such_months() -> None:
    """8 of 30 Januaries without rain: Φ⁻¹(8/30) = −0.6229 for each of them."""
    rain = reference()
    rain[:, 0 : 8 * 12 : 12] = 0
    found = drought.spi_of(rain, REFERENCE)
    assert found[:, 0] == pytest.approx(-0.62293, abs=1e-4)
    assert (found[:, 8 * 12 : 30 * 12 : 12] > -0.62293).all()


def test_a_missing_month_is_missing_and_too_short_a_reference_gives_nothing() -> None:
    rain = reference()
    rain[0, 100] = np.nan
    for index in (drought.spi_of, drought.spei_of, drought.sswi_of):
        found = index(rain, REFERENCE)
        assert np.isnan(found[0, 100]) and np.isfinite(found[1, 100])
        assert np.isnan(index(rain, slice(0, 19))).all()


def test_soil_that_is_full_every_winter_scores_0_when_full_and_low_when_not() -> None:
    soil = np.full((1, 40 * 12), 1.0)
    soil[0, 35 * 12] = 0.8
    found = drought.sswi_of(soil, REFERENCE)[0]
    assert found[0] == pytest.approx(0)
    assert found[35 * 12] == -drought.SOIL_LIMIT


@given(st.integers(0, 1000))
def test_more_water_is_a_higher_score(seed: int) -> None:
    x = np.random.default_rng(seed).gamma(1.5, 40, (1, 40 * 12))
    for index in (drought.spi_of, drought.spei_of, drought.sswi_of):
        may = index(x, REFERENCE)[0, 4::12]
        order = np.argsort(x[0, 4::12])
        assert (np.diff(may[order]) >= 0).all()


def test_a_year_keeps_its_mean_and_the_share_of_dry_months() -> None:
    """Scores −2 in July and −1.5 in January, 0 elsewhere: mean −3.5/12; 2 and 1 months of 12; 1 of 5 from June."""
    scores = np.zeros((1, 24))
    scores[0, 6], scores[0, 0], scores[0, 20] = -2, -1.5, np.nan
    found = drought.by_year(scores)
    assert found[0, 0] == pytest.approx([-3.5 / 12, 200 / 12, 100 / 12, 20])
    assert np.isnan(found[0, 1]).all()
