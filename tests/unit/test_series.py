"""Derived daily series: published cases, hand-worked spells, percentiles against numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import series
from ingest.calendars import Axis
from ingest.states import days as day_states
from ingest.states import reference

Floats = npt.NDArray[np.float32]
AXIS = Axis("standard", 1976, 2006)
NOLEAP = Axis("noleap", 1976, 2006)


def derive(name: str, *inputs: npt.ArrayLike, axis: Axis = AXIS, latitude: float = 39.0) -> Floats:
    """One daily series of one cell."""
    way = next(way for way in series.DAILY if name in way.outputs)
    blocks = [np.atleast_2d(np.asarray(x, dtype=np.float32)) for x in inputs]
    out = np.empty((len(way.outputs), *blocks[0].shape), dtype=np.float32)
    way.compute(blocks, series.Around(series.Site.of_latitude(np.array([latitude])), axis), out)
    return np.asarray(out[way.outputs.index(name), 0])


def test_costic_golden_values() -> None:
    """indicators.md §1: Tn 5 / Tx 12 → 9.5; 10 / 24 → 2.56; 15 / 22 → 0.78; warm nights → 0."""
    found = derive("costic_day", [5, 10, 15, 19], [12, 24, 22, 30])
    assert found == pytest.approx([9.5, 2.56, 0.78, 0], abs=1e-6)


def test_huglin_constant_days() -> None:
    """indicators.md §2.1: T̄ 20, Tx 26 give 13 a day, 2 379 in 183 days."""
    assert derive("huglin_day", [14], [26]) == pytest.approx([13])
    for latitude, expected in ((45.0, 2474.16), (50.6, 2521.74)):
        days = derive("huglin_day", [14] * 183, [26] * 183, latitude=latitude)
        assert days.astype(np.float64).sum() == pytest.approx(expected, abs=5e-3), latitude


def test_simple_series() -> None:
    assert derive("tmean", [1, np.nan], [4, 3]) == pytest.approx([2.5, np.nan], nan_ok=True)
    assert derive("dtr", [9], [2]) == pytest.approx([7])
    assert derive("cwb", [3], [5]) == pytest.approx([-2])
    assert derive("maize_day", [4, 12, -5, 20], [20, 34, 3, np.nan]) == pytest.approx([7, 15, 0, np.nan], nan_ok=True)


def test_the_reference_needs_27_of_its_30_years() -> None:
    assert reference.reference_of(Axis("standard", 1979, 2020)) is not None
    assert reference.reference_of(Axis("standard", 1980, 2020)) is None
    assert reference.reference_of(Axis("standard", 2006, 2100)) is None


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


@given(st.floats(-20, 30), st.floats(0.01, 25))
def test_costic_is_never_below_the_simple_degree_day(tn: float, spread: float) -> None:
    """indicators.md §1, up to the formula's own 0.1 °C at the point where it meets the simple one."""
    simple = max(18.0 - (tn + spread / 2), 0.0)
    assert day_states.costic(tn, tn + spread, 18.0) >= simple - 0.02 * spread


ALL = {"tasmin", "tasmax", "tas", "prtot", "prsn", "huss", "rsds", "sfcWind", "evspsblpot"}


def test_evapotranspiration_of_the_files_comes_first_then_the_full_equation() -> None:
    assert series.resolve(["cwb"], ALL, {"altitude"}).pet_method == "file"
    without = ALL - {"evspsblpot"}
    assert series.resolve(["cwb"], without, {"altitude"}).pet_method == "fao56_penman_monteith"
    assert series.resolve(["cwb"], without, set()).pet_method == "hargreaves_samani"  # no altitude
    assert series.resolve(["cwb"], without - {"huss"}, {"altitude"}).pet_method == "hargreaves_samani"
    assert series.resolve(["tmean"], ALL, {"altitude"}).pet_method == ""


def test_what_a_series_lacks_is_named() -> None:
    lacks = {
        "grass_growth": "missing_variable:rsds",
        "utci_shade_tx": "missing_altitude",
        "heat_wave": "no_reference_period",
        "canicule": "missing_alert_thresholds",
        "spei3.mean": "no_reference_period",
        "snd": "missing_variable:snd",
    }
    found = series.resolve([*lacks, "tmean"], ALL - {"rsds"}, set())
    assert found.missing == lacks
    assert found.variables == {"tasmin", "tasmax"}
    assert [series.DAILY[n].outputs for n in found.daily] == [("tmean",)]
    # rain or evapotranspiration: both are said
    assert series.resolve(["cwb"], {"tas"}, set()).missing == {"cwb": "missing_variable:evspsblpot,prtot"}


def test_every_series_comes_after_those_that_it_is_made_of() -> None:
    known = set(ALL) | {"snd", "swe", "rlds", "swi"}
    for way in (*series.DAILY, *series.SEASONAL):
        assert set(way.inputs) <= known, way.outputs
        known |= set(way.outputs)
    made = [name for way in series.SEASONAL for name in way.outputs]
    assert len(made) == len(set(made))


def test_soil_wetness_is_the_producers_where_it_is_there() -> None:
    """And where it is not, it is never what a run is said to lack: hardly any producer gives it."""
    weather = {"prtot", "tas", "tasmin", "tasmax"}
    assert series.resolve(["soil_wetness"], weather | {"swi"}, set()).variables == {"swi"}
    assert "swi" not in series.resolve(["soil_wetness"], weather, set()).variables
    lacking = series.resolve(["soil_wetness"], weather - {"prtot"}, set()).missing
    assert lacking == {"soil_wetness": "missing_variable:prsn,prtot"}  # as the bucket's: rain, and what of it is snow
