"""Vine: published values of each formula, seasons of a plain, stages in order, what a missing day voids."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.states import vine
from tests.seasons import Floats, Years, temperate

YEARS = Years(1990, 1999)
NAMES = tuple(vine.PROFILES)
STAGES = ("budburst", "flowering", "veraison", "harvest")
DATES = [vine.VINE_COLUMNS.index(f"{stage}_doy") for stage in STAGES]
EVENTS = [vine.VINE_COLUMNS.index(f"{stage}_event") for stage in STAGES]


def seasons(years: Years, tn: Floats, tx: Floats, names: tuple[str, ...] = NAMES) -> Floats:
    """(cells, years, profiles, columns)."""
    rows = vine.profile_rows(names)
    out = np.zeros((tn.shape[0], len(years.years), len(names), len(vine.VINE_COLUMNS)), dtype=np.float32)
    vine.vine_seasons(tn, tx, years.marks(vine.VINE_MARKS), rows, out)
    return out


def column(values: Floats, name: str) -> Floats:
    return np.asarray(values[..., vine.VINE_COLUMNS.index(name)])


def test_brin_golden_values() -> None:
    """indicators.md §2.1: Cu(Tx 10, Tn 2) 1.31729; Cu(20, 10) 0.67319; forcing 89.17 and 357.0 °C h."""
    assert vine.chilling(2.0, 10.0) == pytest.approx(1.31729, abs=5e-6)
    assert vine.chilling(10.0, 20.0) == pytest.approx(0.67319, abs=5e-6)
    assert vine.forcing(2.0, 14.0, 4.0) == pytest.approx(89.17, abs=5e-3)
    assert vine.forcing(10.0, 30.0, 12.0) == pytest.approx(357.0, abs=1e-9)


def test_three_thresholds_of_molitor() -> None:
    """Pinot noir, 3 / 20 / 24 °C: nothing at 3 °C, 7 at 10, 17 from 20 to 24, 11 at 30, nothing at 41."""
    found = [vine.degree_day(float(t), 3.0, 20.0, 24.0) for t in (-5, 3, 10, 20, 24, 30, 41, 50)]
    assert found == pytest.approx([0, 0, 7, 17, 17, 11, 0, 0])
    assert vine.degree_day(31.0, 0.0, inf, inf) == 31


def test_huglin_coefficient_table() -> None:
    limits = (40, 40.01, 42, 44, 46, 46.01, 48, 50, 50.01, 51.1)
    found = [vine.huglin_coefficient(float(latitude)) for latitude in limits]
    assert found == [1.00, 1.02, 1.02, 1.03, 1.04, 1.05, 1.05, 1.06, 1.06, 1.06]


@pytest.mark.parametrize(("rain", "demand", "expected"), [(50, 100, 131.83), (20, 150, -110.90), (120, 90, 200)])
def test_dryness_golden_values(rain: float, demand: float, expected: float) -> None:
    """indicators.md §2.1: a month's P and ETP, the same from April to September; never above 200 mm."""
    years = Years(2001, 2001)
    days_in_month = np.bincount(years.dates.astype("datetime64[M]").astype(int) % 12)
    per_day = 1.0 / days_in_month[years.dates.astype("datetime64[M]").astype(int) % 12]
    out = np.empty((1, 1), dtype=np.float32)
    blocks = [(v * per_day[None]).astype(np.float32) for v in (rain, demand)]
    vine.dryness_index(*blocks, years.marks(vine.DRYNESS_MARKS), out)
    assert out[0, 0] == pytest.approx(expected, abs=5e-3)


@given(st.lists(st.tuples(st.floats(0, 400), st.floats(0, 300)), min_size=6, max_size=6))
def test_dryness_is_at_most_the_reserve_and_falls_with_demand(months: list[tuple[float, float]]) -> None:
    marks = np.arange(7, dtype=np.int32)[None] * 30
    rain = np.repeat([m[0] / 30 for m in months], 30)[None].astype(np.float32)
    demand = np.repeat([m[1] / 30 for m in months], 30)[None].astype(np.float32)
    out, more = np.empty((1, 1), dtype=np.float32), np.empty((1, 1), dtype=np.float32)
    vine.dryness_index(rain, demand, marks, out)
    vine.dryness_index(rain, demand * np.float32(1.1), marks, more)
    assert more[0, 0] <= out[0, 0] + 1e-3 <= vine.RESERVE + 1e-3


def test_dryness_of_a_season_with_a_missing_day_is_missing() -> None:
    years = Years(2001, 2002)
    rain, demand = np.ones((1, len(years)), dtype=np.float32), np.ones((1, len(years)), dtype=np.float32)
    demand[0, years.index(2001, 9, 30)] = np.nan
    rain[0, years.index(2002, 10, 1)] = np.nan
    out = np.empty((1, 2), dtype=np.float32)
    vine.dryness_index(rain, demand, years.marks(vine.DRYNESS_MARKS), out)
    assert np.isnan(out[0]).tolist() == [True, False]


def test_constant_days_by_hand() -> None:
    """10 °C day and night from 1 August: 0.92166 cold units a day, 101.2 on the 110th day, 18 November; from
    the next day 120 °C h a day, 6 576.7 on the 55th, 12 January. Chardonnay flowers when 10 °C d a day from 1
    March make 1 217: the 122nd day, 30 June; véraison 2 547: the 255th, 10 November; harvest 40 days after,
    20 December.
    """
    years = Years(2001, 2002)
    flat = np.full((1, len(years)), 10, dtype=np.float32)
    out = seasons(years, flat, flat, ("early",))[0, :, 0]
    assert np.isnan(out[0]).all()  # the first year's August lies before the axis
    assert out[1, DATES] == pytest.approx([12, 181, 314, 354])
    assert out[1, EVENTS] == pytest.approx([1, 1, 1, 1])
    assert out[1, 8:] == pytest.approx([0, 0, 0, 0, 0, 0, 10])


def test_sums_from_budburst_start_the_day_after() -> None:
    """Pinot noir at 10 °C: 7 °C d a day from 13 January, 606.8 on the 87th day, 9 April; 1 519.7 on the
    218th.
    """
    years = Years(2001, 2002)
    flat = np.full((1, len(years)), 10, dtype=np.float32)
    out = seasons(years, flat, flat, ("pinot_noir",))[0, 1, 0]
    assert out[DATES] == pytest.approx([12, 12 + 87, 12 + 218, 12 + 218 + 40])


def test_sugar_sum_from_1_april(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GSR sum replaces the 40 days: 2 000 °C d at 10 °C a day from 1 April, the 200th day, 17 October;
    where it would come before véraison (10 November), harvest is not reached.
    """
    years = Years(2001, 2002)
    flat = np.full((1, len(years)), 10, dtype=np.float32)
    for need, expected in ((2300.0, [320, 1]), (2000.0, [np.nan, 0])):
        monkeypatch.setitem(vine.PROFILES, "sugar", replace(vine.PROFILES["early"], harvest=need))
        out = seasons(years, flat, flat, ("sugar",))[0, 1, 0]
        assert out[[DATES[3], EVENTS[3]]] == pytest.approx(expected, nan_ok=True)
        assert out[DATES[2]] == 314


def test_frost_and_heat_are_counted_between_stages() -> None:
    """At 10 °C: budburst on 12 January, flowering on 30 June, harvest on 20 December (see above).

    Frost on 12 January (−1 °C), 1 April (0), 29 June (−25) and 30 June (−15), not before budburst nor in
    July; heat on 30 June (35 °C) and 20 December (40), not the day before flowering nor the day after
    harvest.
    """
    years = Years(2001, 2002)
    tn, tx = np.full((1, len(years)), 10, dtype=np.float32), np.full((1, len(years)), 10, dtype=np.float32)
    for month, day, low in ((1, 11, -5), (1, 12, -1), (4, 1, 0), (6, 30, -2), (7, 1, -9)):
        i = years.index(2002, month, day)
        tn[0, i], tx[0, i] = low, 20 - low  # the mean stays
    for month, day, high in ((6, 29, 45), (6, 30, 35), (12, 20, 40), (12, 21, 45)):
        i = years.index(2002, month, day)
        tx[0, i], tn[0, i] = high, 20 - high
    out = seasons(years, tn, tx, ("early",))[0, 1, 0]
    assert column(out, "budburst_doy") == 12
    assert column(out, "flowering_doy") == 181
    found = [float(column(out, name)) for name in vine.VINE_COLUMNS[8:14]]
    assert found == [4, 3, 2, 1, 2, 1]


def test_a_stage_that_is_not_reached_is_null_with_its_event() -> None:
    """A cold year flowers but does not ripen; an alpine one does not burst. No stage is a number then."""
    years = Years(1990, 1994)
    tn, tx = temperate(years, 2, seed=2)
    cold = np.array([[6.0], [16.0]], dtype=np.float32)
    out = seasons(years, tn - cold, tx - cold, ("late",))[:, 1:, 0]
    events = out[..., EVENTS]
    assert (np.isnan(out[..., DATES]) == (events == 0)).all()
    assert events[1].sum() == 0 and np.isnan(out[1][:, 8:]).all()
    assert (events[0] == [1, 1, 0, 0]).all()
    assert np.isnan(column(out[0], "heat_days_35")).all() and not np.isnan(column(out[0], "frost_days_1")).any()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(-4, 10))
def test_stages_come_in_order_within_the_bounds_of_the_catalogue(seed: int, warmer: float) -> None:
    years = Years(1990, 1992)
    tn, tx = temperate(years, 1, seed)
    out = seasons(years, tn + np.float32(warmer), tx + np.float32(warmer))
    dates, events = out[..., DATES], out[..., EVENTS]
    reached = events == 1
    assert (np.isnan(dates) == ~reached).all()
    assert (np.diff(dates, axis=-1)[reached[..., 1:]] > 0).all()
    assert (reached[..., 1:] <= reached[..., :-1]).all()
    known = ~np.isnan(column(out, "frost_days_0"))
    frost = out[..., 8:11][known]
    assert (frost[:, 0] >= frost[:, 1]).all() and (frost[:, 1] >= frost[:, 2]).all() and (frost >= 0).all()


def test_a_vineyard_ripens_every_year_and_one_degree_advances_veraison_by_5_to_9_days() -> None:
    """13.3 °C on average, as in Bordeaux; the advance is larger where it is colder."""
    tn, tx = temperate(YEARS, 6, seed=1, mean=13.3)
    out = seasons(YEARS, tn, tx)[:, 1:]
    assert (out[..., EVENTS] == 1).all()
    dates = out[..., DATES].mean(axis=(0, 1))
    bounds = np.array([[40, 160], [100, 215], [150, 290], [190, 340]])  # the catalogue's
    assert (out[..., DATES] >= bounds[:, 0]).all() and (out[..., DATES] <= bounds[:, 1]).all()
    early, middle, late = (dates[NAMES.index(name), 2] for name in ("early", "middle", "late"))
    assert early < middle < late
    warm = seasons(YEARS, tn + np.float32(1), tx + np.float32(1))[:, 1:]
    advance = (column(out, "veraison_doy") - column(warm, "veraison_doy")).mean(axis=(0, 1))
    assert (advance >= 5).all() and (advance <= 9).all()


def test_a_missing_day_voids_what_reads_it() -> None:
    years = Years(1990, 1992)
    tn, tx = temperate(years, 1, seed=4)
    whole = seasons(years, tn, tx, ("pinot_noir",))[0, :, 0]
    before, after = tn.copy(), tx.copy()
    before[0, years.index(1990, 9, 1)] = np.nan
    out = seasons(years, before, tx, ("pinot_noir",))[0, :, 0]
    assert np.isnan(out[1]).all()
    assert out[2] == pytest.approx(whole[2])
    between = years.starts[1] + int(column(whole[1], "budburst_doy")) + 10
    after[0, between] = np.nan
    out = seasons(years, tn, after, ("pinot_noir",))[0, 1, 0]
    assert out[:2] == pytest.approx(whole[1, :2])
    assert np.isnan(out[2:8]).all() and np.isnan(out[12:]).all()
    assert out[8:12] == pytest.approx(whole[1, 8:12])
    after[0, between], after[0, -1] = tx[0, between], np.nan  # after the harvest: nothing reads it
    assert seasons(years, tn, after, ("pinot_noir",))[0, 2, 0] == pytest.approx(whole[2])


def test_every_profile_says_what_is_not_checked() -> None:
    assert all("unverified" in profile.param_status for profile in vine.PROFILES.values())
    assert vine.PROFILES[vine.DEFAULT_PROFILE].param_status.startswith("verified after budburst")
    assert vine.profile_rows(("early",)).tolist()[0][:8] == [101.2, 6576.7, 0, 0, inf, inf, 1217, 2547]
