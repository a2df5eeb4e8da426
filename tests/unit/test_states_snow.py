"""Degree-day snow and snowmaking hours: the published case, days by hand, balances that close."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.states import humidity, snow, soil


def block(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


def model(prsn: np.ndarray, tas: np.ndarray, *snow_years: int) -> tuple[np.ndarray, np.ndarray]:
    out, imbalance = np.empty((3, *prsn.shape), dtype=np.float32), np.empty(len(prsn))
    snow.degree_day(prsn, tas, np.array([*snow_years, prsn.shape[1]]), out, imbalance)
    return out, imbalance


def test_degree_day_snow_of_the_specification() -> None:
    """indicators.md §4: SWE 10, 10, 16, 9.25, 0, 0, 15 and melt 0, 0, 4, 8, 9.25, 0, 0."""
    rain, t = block(10, 0, 20, 5, 0, 0, 15), block(-3, -1, 1, 2, 4, 3, -2)
    prsn = np.empty((1, 1, 7), dtype=np.float32)
    soil.snowfall(rain, t, prsn)
    out, imbalance = model(prsn[0], t)
    assert out[0, 0].tolist() == [10, 10, 16, 9.25, 0, 0, 15]
    assert out[2, 0].tolist() == [0, 0, 4, 8, 9.25, 0, 0]
    assert imbalance[0] < snow.MAX_IMBALANCE


def test_depth_by_hand() -> None:
    # 15 mm fresh: 15/150 m. A day later 153 kg m⁻³; then 15 mm at 156 and 30 fresh: (15 × 156 + 30 × 150) / 45 = 152
    out, _ = model(block(15, 0, 30), block(-5, -5, -5))
    assert out[1, 0] == pytest.approx([0.1, 15 / 153, 45 / 152])
    # 400 kg m⁻³ is reached after 84 days and never passed
    out, _ = model(block(100, *[0] * 100), block(*[-5] * 101))
    assert out[1, 0, 100] == pytest.approx(100 / 400) and (np.diff(out[1, 0]) <= 0).all()


def test_the_ground_is_bare_on_1_august_and_after_a_missing_day_until_then() -> None:
    out, imbalance = model(block(50, np.nan, 20, 30, 0), block(*[-5] * 5), 3)
    assert out[0, 0] == pytest.approx([50, np.nan, np.nan, 30, 30], nan_ok=True)
    assert np.isnan(out[:, 0, 1:3]).all() and imbalance[0] < snow.MAX_IMBALANCE


@given(st.lists(st.tuples(st.floats(0, 150), st.floats(-30, 25)), min_size=1, max_size=400), st.integers(0, 400))
def test_snow_balance_closes(days: list[tuple[float, float]], august: int) -> None:
    out, imbalance = model(block(*[d[0] for d in days]), block(*[d[1] for d in days]), min(august, len(days)))
    assert imbalance[0] < snow.MAX_IMBALANCE
    assert (out[0] >= 0).all() and (out[2] >= 0).all()
    lying = out[0, 0] > 0
    assert ((out[0, 0, lying] / out[1, 0, lying] > 149.9) & (out[0, 0, lying] / out[1, 0, lying] < 400.1)).all()


def test_the_balance_is_of_what_is_written() -> None:
    """The outputs themselves, rounded to float32, close as far as float32 does."""
    rng = np.random.default_rng(1)
    prsn, t = rng.gamma(0.3, 10, (3, 365)).astype(np.float32), rng.normal(0, 6, (3, 365)).astype(np.float32)
    out, _ = model(prsn, t)
    sums = [part.astype(np.float64).sum(axis=1) for part in (prsn, out[2])]
    assert sums[0] - sums[1] == pytest.approx(out[0, :, -1], abs=1e-3)


def test_dry_bulb_of_the_psychrometer_by_hand() -> None:
    # es(−2) = 5.272 hPa; e = 3 hPa at 850 hPa: −2 + 2.272 / (6.53e-4 × (1 − 0.001888) × 850)
    constant = 6.53e-4 * (1 - 9.44e-4 * 2)
    expected = -2 + (humidity.saturation_pressure(-2.0) - 3) / (constant * 850)
    assert humidity.psychrometer_dry_bulb(-2.0, 3.0, 850.0) == pytest.approx(expected)
    assert humidity.psychrometer_dry_bulb(-2.0, 6.0, 850.0) == -2.0  # fog
    # thinner air: evaporation cools more
    assert humidity.psychrometer_dry_bulb(-2.0, 3.0, 700.0) > humidity.psychrometer_dry_bulb(-2.0, 3.0, 1000.0)


@given(st.floats(0.6, 5.2))
def test_dry_bulb_of_stull_has_that_wet_bulb(e: float) -> None:
    t = humidity.stull_dry_bulb(-2.0, e)
    assert humidity.wet_bulb(t, humidity.relative_humidity(e, t)) == pytest.approx(-2.0, abs=1e-5)
    # Stull's fit holds within 1 °C of wet bulb at sea level; that of the dry bulb is at most about twice as wide
    assert t == pytest.approx(humidity.psychrometer_dry_bulb(-2.0, e, 1013.0), abs=2.0)


def test_dry_bulb_changes_formula_at_1500_m() -> None:
    out = np.empty((2, 3, 1), dtype=np.float32)
    huss = np.full((3, 1), 0.002, dtype=np.float32)
    humidity.dry_bulb(huss, np.array([1500.0, 1501.0, np.nan]), (-2.0, -5.0), out)
    e = [humidity.vapour_pressure(np.float64(huss[0, 0]), humidity.pressure(z)) for z in (1500.0, 1501.0)]
    assert out[0, 0, 0] == pytest.approx(humidity.stull_dry_bulb(-2.0, e[0]), abs=1e-3)
    assert out[0, 1, 0] == pytest.approx(humidity.psychrometer_dry_bulb(-2.0, e[1], humidity.pressure(1501.0)))
    assert np.isnan(out[:, 2]).all() and (out[1, :2] < out[0, :2]).all()


def hours(tn: np.ndarray, tx: np.ndarray, mild: float, cold: float) -> np.ndarray:
    limits = np.empty((2, *tn.shape), dtype=np.float32)
    limits[0], limits[1] = mild, cold
    days = (np.arange(tn.shape[1]) % 365 + 1).astype(np.int32)
    shares, out = snow.hour_shares(45.0)[None], np.empty((3, *tn.shape), dtype=np.float32)
    snow.snowmaking(tn, tx, limits, shares, np.zeros(len(tn), dtype=np.int32), days, out)
    return out[:, 0]


def test_snowmaking_hours_by_hand() -> None:
    # −8 … −6 all day: 24 hours below −2 and below −5; −8 … −2: no hour is above −2; 5 … 9: none, and a mild night
    assert hours(block(-8, -8), block(-6, -6), -2, -5).T.tolist() == [[24, 24, 1]] * 2
    assert hours(block(-8, -8), block(-2, -2), -2, -9).T.tolist() == [[24, 0, 1]] * 2
    assert hours(block(5, 5), block(9, 9), -2, -5).T.tolist() == [[0, 0, 0]] * 2
    found = hours(block(-4, np.nan, -4, 3), block(-3, 0, -3, 6), -2, -5)
    assert found[0] == pytest.approx([np.nan, np.nan, found[0, 2], 0], nan_ok=True) and 0 < found[0, 2] < 24
    assert found[2] == pytest.approx([1, np.nan, 1, 0], nan_ok=True)
