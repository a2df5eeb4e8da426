"""Reference evapotranspiration: the worked examples of FAO-56, and bounds."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.states import evapotranspiration as et

JULY_15, APRIL_15 = 196, 105


def angstrom(ra: float, hours: float, possible: float) -> float:
    """Solar radiation (MJ m⁻² d⁻¹) from hours of sun, FAO-56 eq. 35."""
    return (0.25 + 0.5 * hours / possible) * ra


def test_radiation_and_daylight_of_examples_8_and_9() -> None:
    """20° S on 3 September: 32.2 MJ m⁻² d⁻¹, 11.7 h (recomputed 32.194, 11.666)."""
    assert et.extraterrestrial_radiation(-20.0, 246) == pytest.approx(32.194, abs=1e-3)
    assert et.daylight_hours(-20.0, 246) == pytest.approx(11.666, abs=1e-3)


def test_pressure_and_psychrometric_constant_of_examples_2_and_4() -> None:
    assert et.pressure(1800.0) == pytest.approx(81.8, abs=0.05)
    assert et.psychrometric_constant(et.pressure(1800.0)) == pytest.approx(0.054, abs=5e-4)
    assert et.pressure(1200.0) == pytest.approx(87.9, abs=0.05)


def test_example_17_bangkok_in_april() -> None:
    """5.72 mm d⁻¹ (recomputed 5.716; Ra 38.06, Rs 22.65, Rn 14.33; the month warms: G 0.14)."""
    latitude, altitude = 13 + 44 / 60, 2.0
    ra = et.extraterrestrial_radiation(latitude, APRIL_15)
    rs = angstrom(ra, 8.5, et.daylight_hours(latitude, APRIL_15))
    rn = et.net_radiation(25.6, 34.8, 2.85, rs, et.clear_sky_radiation(ra, altitude))
    assert (ra, rs, rn) == (
        pytest.approx(38.06, abs=0.01),
        pytest.approx(22.65, abs=0.01),
        pytest.approx(14.33, abs=0.01),
    )
    assert et.penman_monteith(25.6, 34.8, 2.85, 2.0, rn, 0.14, altitude) == pytest.approx(5.716, abs=2e-3)


def test_example_18_uccle_on_6_july() -> None:
    """3.88 mm d⁻¹; wind at 2 m 2.0776, Rs 22.072, Rn 13.283."""
    latitude, altitude, tn, tx = 50.8, 100.0, 12.3, 21.5
    ea = (et.saturation_pressure(tn) * 0.84 + et.saturation_pressure(tx) * 0.63) / 2
    u2 = et.wind_at_2m(10 / 3.6)
    ra = et.extraterrestrial_radiation(latitude, 187)
    rs = angstrom(ra, 9.25, et.daylight_hours(latitude, 187))
    rn = et.net_radiation(tn, tx, ea, rs, et.clear_sky_radiation(ra, altitude))
    assert u2 == pytest.approx(2.0776, abs=1e-4)
    assert rs == pytest.approx(22.072, abs=1e-3)
    assert rn == pytest.approx(13.283, abs=1e-3)
    assert et.penman_monteith(tn, tx, ea, u2, rn, 0.0, altitude) == pytest.approx(3.880, abs=1e-3)


def test_example_20_lyon_in_july() -> None:
    """Penman–Monteith with radiation from temperature and dew at tasmin 4.560; Hargreaves 5.033; Ra 40.55."""
    altitude, tn, tx = 200.0, 14.8, 26.6
    ra = et.extraterrestrial_radiation(45 + 43 / 60, JULY_15)
    rs = 0.16 * sqrt(tx - tn) * ra
    ea = et.saturation_pressure(tn)
    rn = et.net_radiation(tn, tx, ea, rs, et.clear_sky_radiation(ra, altitude))
    assert ra == pytest.approx(40.55, abs=0.01)
    assert et.penman_monteith(tn, tx, ea, 2.0, rn, 0.0, altitude) == pytest.approx(4.560, abs=1e-3)
    assert et.hargreaves(tn, tx, ra, et.HARGREAVES_COEFFICIENTS["hargreaves_samani"]) == pytest.approx(5.033, abs=1e-3)


def test_a_dark_day_loses_long_wave_heat() -> None:
    """Without sun, 5 % of the clear-sky loss: 4.903e-9 · (283.16⁴ + 278.16⁴) / 2 · (0.34 − 0.14 √0.81) · 0.05."""
    loss = 4.903e-9 * (283.16**4 + 278.16**4) / 2 * (0.34 - 0.14 * 0.9) * 0.05
    assert et.net_radiation(5.0, 10.0, 0.81, 0.0, 20.0) == pytest.approx(-loss)
    assert loss > 0.3
    assert et.net_radiation(5.0, 10.0, 0.81, 0.0, 0.0) == pytest.approx(-20 * loss)  # polar night: as if clear


def test_the_two_hargreaves_coefficients_of_the_specification() -> None:
    assert et.HARGREAVES_COEFFICIENTS["hargreaves_0175"] == pytest.approx(0.0023625)
    assert et.HARGREAVES_COEFFICIENTS["hargreaves_samani"] == 0.0023


def test_blocks_are_the_examples() -> None:
    """Uccle from huss, rsds and wind at 10 m: the same 3.88; a missing input, a missing day."""
    ea = (et.saturation_pressure(12.3) * 0.84 + et.saturation_pressure(21.5) * 0.63) / 2
    p = et.pressure(100.0)
    huss = 0.622 * ea / (p - 0.378 * ea)
    values = [np.full((1, 7), v, dtype=np.float32) for v in (12.3, 21.5, huss, 22.072 / 0.0864, 10 / 3.6)]
    for day, block in enumerate(values):
        block[0, day + 1] = np.nan
    out = np.empty((1, 1, 7), dtype=np.float32)
    where, when = (np.array([50.8]), np.array([100.0])), np.full(7, 187, dtype=np.int32)
    et.penman_monteith_days(*values, *where, when, out)
    assert out[0, 0] == pytest.approx([3.880, *[np.nan] * 5, 3.880], abs=1e-3, nan_ok=True)
    tn, tx = np.array([[14.8, np.nan, 20]], dtype=np.float32), np.array([[26.6, 20, 14]], dtype=np.float32)
    out = np.empty((1, 1, 3), dtype=np.float32)
    et.hargreaves_days(tn, tx, np.array([45 + 43 / 60]), np.full(3, JULY_15, dtype=np.int32), 0.0023, out)
    assert out[0, 0] == pytest.approx([5.033, np.nan, 0], abs=1e-3, nan_ok=True)


def test_bright_days_are_above_the_clear_sky_by_a_twentieth() -> None:
    clear = et.clear_sky_radiation(et.extraterrestrial_radiation(45.0, JULY_15), 0.0) / 0.0864
    rsds = np.array([[0.9, 1.0, 1.049, 1.051, 1.2, np.nan]], dtype=np.float32) * np.float32(clear)
    days = np.full(6, JULY_15, dtype=np.int32)
    assert et.count_bright_days(rsds, np.array([45.0]), np.array([0.0]), days) == 2


@given(st.floats(-66, 66), st.integers(1, 366))
def test_daylight_of_a_latitude_mirrors_the_other_hemisphere(latitude: float, day: int) -> None:
    assert 0 <= et.daylight_hours(latitude, day) <= 24
    assert et.daylight_hours(latitude, day) + et.daylight_hours(-latitude, day) == pytest.approx(24)
    assert et.extraterrestrial_radiation(latitude, day) > -1e-9


@given(
    st.floats(-25, 30),
    st.floats(0, 25),
    st.floats(0, 0.03),
    st.floats(0, 400),
    st.floats(0, 25),
    st.integers(1, 366),
)
def test_evapotranspiration_is_never_negative_nor_beyond_the_hard_bound(
    tn: float, spread: float, huss: float, rsds: float, wind: float, day: int
) -> None:
    """At least 0; at most the hard bound of 20 mm d⁻¹ in air that is not dry and windy at once."""
    blocks = [np.array([[v]], dtype=np.float32) for v in (tn, tn + spread, huss, rsds, wind)]
    out = np.empty((1, 1, 1), dtype=np.float32)
    et.penman_monteith_days(*blocks, np.array([46.0]), np.array([300.0]), np.array([day], dtype=np.int32), out)
    drying = et.saturation_pressure(tn + spread) * wind
    assert 0 <= out[0, 0, 0] <= 20 + 5 * drying
