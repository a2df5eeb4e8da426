"""Humidity of the hottest hour: published values, and what must hold for any weather."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.states import humidity

AIR = st.floats(-30, 45)
VAPOUR = st.floats(0.0005, 0.025)
HEIGHT = st.floats(0, 3000)


def hardy(t: float) -> float:
    """Saturation vapour pressure (kPa), Hardy 1998, the formula of the UTCI program."""
    k = t + 273.15
    powers = (
        -2836.5744 / k**2,
        -6028.076559 / k,
        19.54263612,
        -2.737830188e-2 * k,
        1.6261698e-5 * k**2,
        7.0229056e-10 * k**3,
        -1.8680009e-13 * k**4,
        2.7150305 * np.log(k),
    )
    return exp(sum(powers)) / 1000


def from_dew_point(t: float) -> float:
    """Vapour pressure (hPa) of a dew point (°C), in the formula of Masterton & Richardson 1979."""
    return 6.112 * exp(5417.753 * (1 / 273.16 - 1 / (273.15 + t)))


def dew_point(t: float, rh: float) -> float:
    """Dew point (°C), Magnus formula."""
    gamma = log(rh / 100) + 17.62 * t / (243.12 + t)
    return 243.12 * gamma / (17.62 - gamma)


def tetens(t: float) -> float:
    return float(6.112 * 10 ** (7.5 * t / (237.7 + t)))


def test_vapour_and_relative_humidity_of_the_specification() -> None:
    """indicators.md §0.1: q 0.008 at 25 °C and 1 013.25 hPa → 12.969 hPa, 41.04 %; 900.2 hPa at 1 000 m."""
    e = humidity.vapour_pressure(0.008, 1013.25)
    assert e == pytest.approx(12.969, abs=5e-4)
    assert humidity.relative_humidity(e, 25.0) == pytest.approx(41.04, abs=5e-3)
    assert humidity.pressure(1000.0) == pytest.approx(900.2, abs=0.05)
    assert humidity.pressure(0.0) == 1013.0


@pytest.mark.parametrize(
    ("t", "rh", "expected"),
    [
        (20, 50, 13.70),
        (30, 50, 22.30),
        (35, 40, 24.51),
        (40, 30, 25.92),
        (25, 80, 22.33),
        (0, 80, -1.67),
        (-2, 90, -2.90),
        (2, 40, -2.32),
        (-5, 80, -6.47),
        (-10, 60, -11.95),
    ],
)
def test_wet_bulb_golden_values(t: float, rh: float, expected: float) -> None:
    assert humidity.wet_bulb(float(t), float(rh)) == pytest.approx(expected, abs=5e-3)


def test_humidex_golden_values() -> None:
    """indicators.md §1: two of xclim's cases, then the table of Masterton & Richardson as pythermalcomfort
    has it.

    The table's humidity comes through a dew point whose formula is not said: Magnus gives 29.43 for the first
    case, the others within the last digit.
    """
    assert humidity.humidex(30.0, from_dew_point(15.0)) == pytest.approx(33.97, abs=5e-3)
    assert humidity.humidex(30.0, 0.6 * tetens(30.0)) == pytest.approx(38.56, abs=5e-3)
    assert humidity.humidex(21.0, from_dew_point(dew_point(21, 100))) == pytest.approx(29.3, abs=0.15)
    for t, rh, expected in ((34, 100, 58.9), (43, 20, 47.1), (30, 30, 31.5), (31, 55, 39.3)):
        assert humidity.humidex(float(t), from_dew_point(dew_point(t, rh))) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(
    ("t", "wind", "rh", "expected"),
    [
        (25, 1, 50, 24.61),
        (30, 1, 50, 30.31),
        (35, 1, 40, 35.48),
        (40, 2, 30, 40.68),
        (27, 1, 50, 26.83),
        (20, 0.5, 50, 19.85),
        (0, 5, 80, -14.02),
    ],
)
def test_utci_golden_values(t: float, wind: float, rh: float, expected: float) -> None:
    assert humidity.utci_shade(float(t), float(wind), rh / 100 * hardy(t)) == pytest.approx(expected, abs=6e-3)


def test_utci_stays_within_the_range_of_its_polynomial() -> None:
    assert humidity.utci_shade(20.0, 0.0, 1.0) == humidity.utci_shade(20.0, 0.5, 1.0)
    assert humidity.utci_shade(20.0, 30.0, 1.0) == humidity.utci_shade(20.0, 17.0, 1.0)
    assert np.isnan(humidity.utci_shade(50.0, 1.0, 1.0))
    assert np.isnan(humidity.utci_shade(float("nan"), 1.0, 1.0))


@given(AIR, VAPOUR, HEIGHT)
def test_bounds_of_any_hot_hour(t: float, huss: float, altitude: float) -> None:
    """Tw ≤ T; humidity 1 … 100 %; humidex above T exactly where the vapour pressure is above 10 hPa."""
    tx, q = np.array([[t]], dtype=np.float32), np.array([[huss]], dtype=np.float32)
    out = np.empty((3, 1, 1), dtype=np.float32)
    humidity.heat_humidity(tx, q, np.array([altitude]), out)
    rh, tw, humidex = out[:, 0, 0]
    e = humidity.vapour_pressure(float(q[0, 0]), humidity.pressure(altitude))
    assert 1 <= rh <= 100
    assert tw <= tx[0, 0]
    assert abs(humidex - (tx[0, 0] + 5 / 9 * (e - 10))) < 1e-4
    more = np.empty_like(out)
    humidity.heat_humidity(tx, q * np.float32(1.05), np.array([altitude]), more)
    assert more[0, 0, 0] >= rh


def test_blocks_by_hand() -> None:
    """At sea level, 30 °C and 10 g kg⁻¹: e = 10.13 / 0.62578 = 16.188 hPa, of 42.33 hPa: 38.24 %; humidex
    33.44.
    """
    tx, q = np.full((2, 3), 30, dtype=np.float32), np.full((2, 3), 0.01, dtype=np.float32)
    q[0, 1], tx[1, 2] = np.nan, np.nan
    out = np.empty((3, 2, 3), dtype=np.float32)
    humidity.heat_humidity(tx, q, np.array([0.0, 0.0]), out)
    assert out[:, 0, 0] == pytest.approx([38.24, humidity.wet_bulb(30.0, 38.24), 33.44], abs=5e-3)
    missing = np.isnan(out)
    assert missing[:, 0, 1].all() and missing[:, 1, 2].all() and missing.sum() == 6


def test_comfort_needs_all_three() -> None:
    u = np.array([[9, 26, 27, 20, 20, 8.9, np.nan]], dtype=np.float32)
    rain = np.array([[0, 0.9, 0, 1.0, 0, 0, 0]], dtype=np.float32)
    wind = np.array([[0, 7.9, 0, 0, 8, 0, 0]], dtype=np.float32)
    out = np.empty((1, 1, 7), dtype=np.float32)
    humidity.comfort(u, rain, wind, out)
    assert out[0, 0] == pytest.approx([1, 1, 0, 0, 0, 0, np.nan], nan_ok=True)


def test_utci_of_days_takes_at_most_saturated_air() -> None:
    tx = np.array([[10, 10, np.nan]], dtype=np.float32)
    q = np.array([[0.02, 0.03, 0.01]], dtype=np.float32)
    wind = np.full((1, 3), 2, dtype=np.float32)
    out = np.empty((1, 1, 3), dtype=np.float32)
    humidity.utci(tx, q, wind, np.array([0.0]), out)
    expected = humidity.utci_shade(10.0, 2.0, 0.1 * humidity.saturation_pressure(10.0))
    assert out[0, 0] == pytest.approx([expected, expected, np.nan], nan_ok=True)
