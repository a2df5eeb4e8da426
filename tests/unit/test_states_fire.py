"""Fire weather: the 48 days of Van Wagner & Pickett 1985, xclim's scalar code, snow and missing days."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.states import fire

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from xclim.indices.fire import _cffwis

GOLDEN = Path(__file__).parents[1] / "fixtures" / "fwi_vanwagner_pickett_1985.csv"


def test_the_48_published_days() -> None:
    """Within 0.05 of every code of the 1985 table, constant 147.2."""
    rows = list(csv.DictReader(GOLDEN.read_text().splitlines()))
    assert len(rows) == 48
    ffmc, dmc, dc = fire.FFMC_START, fire.DMC_START, fire.DC_START
    for row in rows:
        t, h, wind, rain = (float(row[name]) for name in ("temp_c", "rh_pct", "wind_kmh", "rain_mm"))
        month = int(row["month"]) - 1
        ffmc, dmc, dc = (
            fire.fine_fuel(t, h, wind, rain, ffmc),
            fire.duff(t, h, rain, month, dmc),
            fire.drought(t, rain, month, dc),
        )
        isi, bui = fire.spread(wind, ffmc), fire.build_up(dmc, dc)
        found = dict(ffmc=ffmc, dmc=dmc, dc=dc, isi=isi, bui=bui, fwi=fire.fire_weather(isi, bui))
        for name, value in found.items():
            assert value == pytest.approx(float(row[f"{name}_vw"]), abs=0.05), (row["month"], row["day"], name)


@given(
    st.floats(-20, 45), st.floats(1, 100), st.floats(0, 80), st.one_of(st.just(0.0), st.floats(0, 150)),
    st.integers(0, 11), st.floats(0, 101), st.floats(0, 300), st.floats(0, 1200),
)  # fmt: skip
def test_a_day_is_xclims(
    t: float, h: float, wind: float, rain: float, month: int, ffmc: float, dmc: float, dc: float
) -> None:
    """Within 1e-6 relative, float64."""
    close = {"rel": 1e-6, "abs": 1e-9}
    fine = fire.fine_fuel(t, h, wind, rain, ffmc)
    duff, drought = fire.duff(t, h, rain, month, dmc), fire.drought(t, rain, month, dc)
    assert fine == pytest.approx(float(_cffwis._fine_fuel_moisture_code(t, rain, wind, h, ffmc)), **close)
    assert duff == pytest.approx(float(_cffwis._duff_moisture_code(t, rain, h, month + 1, 45.0, dmc)), **close)
    assert drought == pytest.approx(float(_cffwis._drought_code(t, rain, month + 1, 45.0, dc)), **close)
    isi, bui = fire.spread(wind, fine), fire.build_up(duff, drought)
    assert isi == pytest.approx(float(_cffwis.initial_spread_index(np.float64(wind), np.float64(fine))), **close)
    assert bui == pytest.approx(float(_cffwis.build_up_index(np.float64(duff), np.float64(drought))), **close)
    assert fire.fire_weather(isi, bui) == pytest.approx(
        float(_cffwis.fire_weather_index(np.array([isi]), np.array([bui]))[0]), **close
    )


def run(days: int, **changes: tuple[int, float]) -> np.ndarray:
    """Index of a warm dry spell over two years of ``days`` days each; a change is a day and a value."""
    blocks = {"tasmax": 28.0, "hurs": 30.0, "wind": 4.0, "prtot": 0.0, "swe": 0.0}
    series = {name: np.full((1, 2 * days), value, dtype=np.float32) for name, value in blocks.items()}
    for name, (day, value) in changes.items():
        series[name][0, day] = value
    out = np.empty((1, 1, 2 * days), dtype=np.float32)
    month_of = np.full(2 * days, 6, dtype=np.int32)
    fire.fwi(*series.values(), month_of, np.array([0, days, 2 * days]), out)
    return np.asarray(out[0, 0])


def test_a_dry_spell_rises_and_runs_on_into_the_next_year() -> None:
    found = run(10)
    assert (np.diff(found) > 0).all()
    ffmc = fire.fine_fuel(28.0, 30.0, 14.4, 0.0, 85.0)
    dmc, dc = fire.duff(28.0, 30.0, 0.0, 6, 6.0), fire.drought(28.0, 0.0, 6, 15.0)
    assert found[0] == pytest.approx(fire.fire_weather(fire.spread(14.4, ffmc), fire.build_up(dmc, dc)), rel=1e-6)


def test_snow_holds_the_codes_and_nothing_burns() -> None:
    plain, snowed = run(10), run(10, swe=(4, 30.0))
    assert snowed[4] == 0
    assert snowed[5:] == pytest.approx(plain[4:-1])  # a day late
    assert run(10, swe=(4, 2.0)) == pytest.approx(plain)  # a film of snow


def test_a_missing_day_silences_the_year_and_the_next_begins_anew() -> None:
    found = run(10, hurs=(3, np.nan))
    assert np.isnan(found[3:10]).all() and np.isfinite(found[:3]).all()
    assert found[10:] == pytest.approx(run(10)[:10])
