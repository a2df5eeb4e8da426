"""Chill portions and bloom: the published case, the formula beside its table, days by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.states import chill
from tests.seasons import Floats, Years, temperate


def exact(hourly: np.ndarray) -> float:
    """The dynamic model of Luedeling et al. 2009, without table, hour by hour."""
    kelvin = hourly + 273.15
    share = 1 / (1 + np.exp(-chill.SLOPE * chill.MELTING * (kelvin - chill.MELTING) / kelvin))
    balance = chill.A0 / chill.A1 * np.exp((chill.E1 - chill.E0) / kelvin)
    rate = chill.A1 * np.exp(-chill.E1 / kelvin)
    product, portions = 0.0, 0.0
    for i in range(1, hourly.size):
        start = product if product < 1 else product - product * share[i - 1]
        product = balance[i] - (balance[i] - start) * np.exp(-rate[i])
        portions += product * share[i] if product >= 1 else 0.0
    return portions


def test_chill_golden_value() -> None:
    """indicators.md §9.5: 72.2441765 portions on 2 880 hours from 0 to 15 °C."""
    assert chill.portions_of(np.linspace(0, 15, 2880)) == pytest.approx(72.2441765, rel=1e-6)


@given(st.integers(0, 10_000), st.floats(-5, 12))
def test_the_table_is_the_formula(seed: int, mean: float) -> None:
    """Within 1e-5; but where the product stands at 1 to the last digit, a portion may come an hour later."""
    hourly = mean + 5 * np.sin(np.arange(1200) * np.pi / 12) + np.random.default_rng(seed).normal(0, 3, 1200)
    portions, formula = chill.portions_of(hourly), exact(hourly)
    assert portions == pytest.approx(formula, rel=1e-5, abs=1e-3) or abs(portions - formula) < 1.2


def test_frost_and_warmth_give_no_chill() -> None:
    assert chill.portions_of(np.full(2000, -15.0)) == pytest.approx(exact(np.full(2000, -15.0)), abs=1e-3)
    assert chill.portions_of(np.full(2000, 25.0)) == 0
    assert chill.portions_of(np.full(2000, 6.0)) > 40
    assert chill.portions_of(np.full(2000, 70.0)) == chill.portions_of(np.full(2000, 60.0)) == 0
    assert np.isnan(chill.portions_of(np.array([5.0, np.nan, 5.0])))
    assert np.isnan(chill.portions_of(np.array([np.nan, 5.0])))


def test_daylight_of_the_equinox_and_the_solstices() -> None:
    """12 h at the equator; at 45° N about 15.4 h on 21 June and 8.6 h on 21 December."""
    assert chill.daylight_hours(0.0, 100.0) == pytest.approx(12)
    assert chill.daylight_hours(45.0, 172.0) == pytest.approx(15.43, abs=0.03)
    assert chill.daylight_hours(45.0, 355.0) == pytest.approx(8.57, abs=0.03)


def season(years: Years, tn: Floats, tx: Floats) -> Floats:
    out = np.empty((tn.shape[0], len(years.years), 1), dtype=np.float32)
    latitude = np.full(tn.shape[0], 45.0)
    chill.chill_portions(tn, tx, latitude, years.of_year, years.window((11, 1, -1), (2, 28, 0)), out)
    return np.asarray(out[..., 0])


def test_a_constant_season_is_its_hours() -> None:
    """6 °C day and night: the 2 880 hours of a season, as many as ``portions_of`` counts."""
    years = Years(2001, 2002)
    flat = np.full((1, len(years)), 6, dtype=np.float32)
    out = season(years, flat, flat)[0]
    assert np.isnan(out[0])
    assert out[1] == pytest.approx(chill.portions_of(np.full(2880, 6.0)), rel=1e-6)


def test_a_plain_has_40_to_110_portions_and_a_missing_day_voids_its_season() -> None:
    years = Years(1990, 1994)
    tn, tx = temperate(years, 3, seed=8)
    out = season(years, tn, tx)
    assert np.isnan(out[:, 0]).all()
    assert (out[:, 1:] > 40).all() and (out[:, 1:] < 110).all()
    tn[1, years.index(1992, 12, 24)] = np.nan
    tx[2, years.index(1992, 10, 31)] = np.nan
    again = season(years, tn, tx)
    assert np.isnan(again[1, 3])
    again[1, 3] = out[1, 3]
    assert again == pytest.approx(out, nan_ok=True)


def bloom(years: Years, tn: Floats, tx: Floats, fruit: str) -> Floats:
    out = np.empty((tn.shape[0], len(years.years), len(chill.BLOOM_COLUMNS)), dtype=np.float32)
    marks = years.marks((*chill.BLOOM_MARKS, chill.BLOOM_ENDS[fruit]))
    chill.bloom_frost(tn, tx, marks, chill.BLOOM_NEEDS[fruit], out)
    return out


def test_bloom_by_hand() -> None:
    """9.5 °C: 5 °C d a day; apricot 90 on the 18th day, 18 February; apple 250 on the 50th, 22 March. Open
    from 3 February (7 March) to 5 March (6 April).
    """
    years = Years(2001, 2001)
    tn, tx = np.full((1, len(years)), 9.5, dtype=np.float32), np.full((1, len(years)), 9.5, dtype=np.float32)
    for month, day, low in ((1, 31, -9), (2, 2, -3), (2, 3, -1.5), (3, 5, -2), (3, 6, -8), (4, 6, -1), (4, 7, -5)):
        i = years.index(2001, month, day)
        tn[0, i], tx[0, i] = low, 19 - low
    assert bloom(years, tn, tx, "apricot")[0, 0] == pytest.approx([49, 1, 2, 1])
    assert bloom(years, tn, tx, "apple")[0, 0] == pytest.approx([81, 1, 0, 2])
    tn[0, years.index(2001, 4, 6)] = -1.5
    assert bloom(years, tn, tx, "apple")[0, 0, 2] == 1


def test_no_bloom_and_missing_days() -> None:
    years = Years(2001, 2003)
    tn, tx = np.full((1, len(years)), 9.5, dtype=np.float32), np.full((1, len(years)), 9.5, dtype=np.float32)
    tn[0, : years.starts[1]] = tx[0, : years.starts[1]] = 2  # the first year never blooms
    tx[0, years.index(2002, 2, 10)] = np.nan  # before bloom
    tn[0, years.index(2003, 3, 1)] = np.nan  # after bloom, within its window
    out = bloom(years, tn, tx, "apricot")[0]
    assert out[0] == pytest.approx([np.nan, 0, np.nan, np.nan], nan_ok=True)
    assert np.isnan(out[1]).all()
    assert out[2] == pytest.approx([49, 1, np.nan, 0], nan_ok=True)


def test_apricot_blooms_before_apple() -> None:
    years = Years(1990, 1999)
    tn, tx = temperate(years, 4, seed=9)
    apricot, apple = (bloom(years, tn, tx, fruit)[..., 0] for fruit in ("apricot", "apple"))
    assert (apricot < apple).all()
    assert (bloom(years, tn + np.float32(2), tx + np.float32(2), "apple")[..., 0] < apple).all()
