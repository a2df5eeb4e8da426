"""Rain, melt and the soil bucket: the published snow case, days by hand, balances that close."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.states import soil
from tests.seasons import Years

MM = st.floats(0, 200)


def block(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


def test_degree_day_snow_of_the_specification() -> None:
    """indicators.md §4: SWE 10, 10, 16, 9.25, 0, 0, 15 and melt 0, 0, 4, 8, 9.25, 0, 0."""
    rain, t = block(10, 0, 20, 5, 0, 0, 15), block(-3, -1, 1, 2, 4, 3, -2)
    snow, out = np.empty((1, 1, 7), dtype=np.float32), np.empty((2, 1, 7), dtype=np.float32)
    soil.snowfall(rain, t, snow)
    assert snow[0, 0] == pytest.approx([10, 0, 10, 1.25, 0, 0, 15])
    soil.rain_and_melt(rain, snow[0], t, np.array([0, 7]), out)
    assert out[1, 0] == pytest.approx([10, 10, 16, 9.25, 0, 0, 15])
    assert out[0, 0] - (rain - snow[0])[0] == pytest.approx([0, 0, 4, 8, 9.25, 0, 0])


def test_snow_after_a_missing_day_waits_for_the_next_year() -> None:
    rain, t = block(10, np.nan, 10, 10, 10), block(-5, -5, -5, -5, 5)
    out = np.empty((2, 1, 5), dtype=np.float32)
    soil.rain_and_melt(rain, rain * (t < 0), t, np.array([0, 3, 5]), out)
    assert out[0, 0] == pytest.approx([0, np.nan, np.nan, 0, 20], nan_ok=True)
    assert out[1, 0] == pytest.approx([10, np.nan, np.nan, 10, 0], nan_ok=True)


@given(st.lists(st.tuples(st.floats(0, 80), st.floats(-20, 25)), min_size=1, max_size=60))
def test_snow_balance_closes(days: list[tuple[float, float]]) -> None:
    """Precipitation = water that reaches the soil + snow that lies at the end."""
    rain, t = block(*[d[0] for d in days]), block(*[d[1] for d in days])
    snow, out = np.empty((1, *rain.shape), dtype=np.float32), np.empty((2, *rain.shape), dtype=np.float32)
    soil.snowfall(rain, t, snow)
    soil.rain_and_melt(rain, snow[0], t, np.array([0, len(days)]), out)
    assert (out[1] >= 0).all()
    total = rain.astype(np.float64).sum()
    assert out[0].astype(np.float64).sum() + float(out[1, 0, -1]) == pytest.approx(total, rel=1e-5, abs=1e-4)


def test_bucket_by_hand() -> None:
    """150 mm: at 90 mm and above, evapotranspiration is potential; at 45 mm it is half; the excess drains."""
    assert soil.bucket_day(150.0, 10.0, 4.0, 150.0) == pytest.approx((150, 4, 6))
    assert soil.bucket_day(90.0, 0.0, 5.0, 150.0) == pytest.approx((85, 5, 0))
    assert soil.bucket_day(45.0, 0.0, 5.0, 150.0) == pytest.approx((42.5, 2.5, 0))
    assert soil.bucket_day(0.0, 0.0, 5.0, 150.0) == (0, 0, 0)
    assert soil.bucket_day(1.0, 0.0, 20.0, 2.0) == pytest.approx((0, 1, 0))


@given(st.floats(0, 1), MM, st.floats(-1, 20), st.floats(1, 400))
def test_bucket_balance_closes(share: float, supply: float, pet: float, capacity: float) -> None:
    water = share * capacity
    after, evaporated, drained = soil.bucket_day(water, supply, pet, capacity)
    assert after + evaporated + drained == pytest.approx(water + supply, rel=1e-12, abs=1e-9)
    assert 0 <= after <= capacity and drained >= 0
    assert 0 <= evaporated <= max(pet, 0)


def test_bucket_starts_from_its_own_two_years() -> None:
    """A dry climate: the first day is not full, it is what two dry years leave, and goes on falling."""
    years = Years(2001, 2003)
    supply, pet = np.full((1, len(years)), 0.2, dtype=np.float32), np.full((1, len(years)), 3, dtype=np.float32)
    out = np.empty((1, 1, len(years)), dtype=np.float32)
    soil.swi_bucket(supply, pet, np.array([150.0]), years.starts, out)
    # balance where 3 · W / 90 = 0.2: W = 6 mm of 150
    assert out[0, 0, 0] == pytest.approx(6 / 150, abs=1e-3)
    assert out[0, 0, -1] == pytest.approx(6 / 150, abs=1e-6)


def test_a_missing_day_voids_its_year_and_no_other() -> None:
    years = Years(2001, 2004)
    rng = np.random.default_rng(1)
    supply = rng.gamma(0.4, 6, (2, len(years))).astype(np.float32)
    pet = rng.uniform(0, 6, (2, len(years))).astype(np.float32)
    whole = np.empty((1, 2, len(years)), dtype=np.float32)
    soil.swi_bucket(supply, pet, np.array([150.0, 150.0]), years.starts, whole)
    assert (whole >= 0).all() and (whole <= 1).all()
    day = years.index(2002, 6, 1)
    supply[0, day] = np.nan
    out = np.empty_like(whole)
    soil.swi_bucket(supply, pet, np.array([150.0, 150.0]), years.starts, out)
    missing = np.isnan(out[0])
    assert missing[0].nonzero()[0].tolist() == list(range(day, years.index(2003, 1, 1)))
    assert not missing[1].any()
    assert out[0, 1] == pytest.approx(whole[0, 1])


def test_no_capacity_no_value() -> None:
    out = np.empty((1, 2, 5), dtype=np.float32)
    zero = np.zeros((2, 5), dtype=np.float32)
    soil.swi_bucket(zero, zero, np.array([np.nan, 0.0]), np.array([0, 5]), out)
    assert np.isnan(out).all()
