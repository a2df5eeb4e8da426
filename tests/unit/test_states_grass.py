"""ModVege: the factors of the specification, a day by hand, a balance that closes, years of a plain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.states import grass
from tests.seasons import Years, temperate

GROUP_B = grass.GROUPS["B"].row
NITROGEN = grass.DEFAULT_NITROGEN


def fresh(water: float = 100.0) -> np.ndarray:
    return np.concatenate([grass.INITIAL, [water, 0.0]])


def test_factors_of_the_specification() -> None:
    """indicators.md §2.2: fT(3, 7, 15, 25, 30) = 0, .5, 1, .75, .5; fPAR(4, 8, 12) = 1, .8665, .6885."""
    assert [grass.f_temperature(float(t)) for t in (3, 7, 15, 25, 30, 40, 45)] == pytest.approx(
        [0, 0.5, 1, 0.75, 0.5, 0, 0]
    )
    assert [grass.f_par(float(p)) for p in (4, 8, 12, 40)] == pytest.approx([1, 0.8665, 0.6885, 0])


@pytest.mark.parametrize("pet", [2.0, 5.0])
def test_water_stress_has_no_step(pet: float) -> None:
    """The pieces of the curve meet at 0.2, 0.4, 0.6 and 0.8, from 0 to 1."""
    for w in (0.2, 0.4, 0.6, 0.8):
        assert grass.f_water(w, pet) == pytest.approx(grass.f_water(w - 1e-12, pet), abs=1e-9)
    assert grass.f_water(0.0, pet) == 0
    assert grass.f_water(1.0, pet) == 1


def test_water_stress_values() -> None:
    """At half the capacity: 0.975 of little demand, 0.8 of a middling one, 0.5 of a strong one."""
    assert [grass.f_water(0.5, pet) for pet in (3.8, 6.5, 6.6)] == pytest.approx([0.975, 0.8, 0.5])


def test_season_of_group_b() -> None:
    """0.7 up to 200 °C d, 1.3 from 500 to 600, back to 0.7 at 1 350; halfway up at 350, halfway down at 975."""
    sums = (0, 199, 350, 500, 599, 975, 1350, 3000)
    found = [grass.seasonal(float(st_), 700.0, 1350.0, 1.3, 0.7) for st_ in sums]
    assert found == pytest.approx([0.7, 0.7, 1.0, 1.3, 1.3, 1.0, 0.7, 0.7], abs=1e-9)


def test_age_factors() -> None:
    assert [grass.green_age_factor(x) for x in (0.0, 0.3, 0.5, 1.0, 2.0)] == pytest.approx([1, 1, 1.5, 3, 3])
    assert [grass.dead_age_factor(x) for x in (0.0, 0.5, 0.9)] == [1, 2, 3]


def test_a_day_by_hand() -> None:
    """1 June-like day of group B: 15 °C, 250 W m⁻², soil full, PET 3.5, 550 °C d.

    PAR 10.368 MJ; LAI 0.025 · 0.68 · 420 / 10 = 0.714, so 1 − e^(−0.4284) = 0.34846; potential 108.38 kg;
    fPAR 0.76112, fT 1, fW 1; season 1.3; nitrogen 0.7: growth 75.07 kg. Senescence of GV 0.002 · 420 · 15 =
    12.6 kg.
    """
    state, flux = fresh(), np.empty(grass.N_FLUX)
    grass.sward_day(state, flux, GROUP_B, NITROGEN, 100.0, 15.0, 250.0, 0.0, 3.5, 3.5, 550.0, False)
    assert flux[0] == pytest.approx(75.07, abs=0.01)
    assert flux[1] == pytest.approx(12.6)
    assert flux[2] == 0
    assert flux[3] == pytest.approx(0.001 * 300 * 15 * 2)  # age 500 of 800: factor 2
    assert flux[4] == pytest.approx(0.0005 * 30 * 15 * 3)  # age 500 of 650: factor 3
    assert state[0] == pytest.approx(420 + 75.07 - 12.6, abs=0.01)
    assert flux[6] == pytest.approx(3.5)  # a full soil gives what is asked
    assert state[8] == pytest.approx(100)


def test_reproductive_growth_ends_with_a_cut() -> None:
    """Between 700 and 1 350 °C d, 0.25 + 0.75 · 0.35 / 0.65 = 0.6538 of growth is reproductive, until the
    sward is cut.
    """
    state, flux = fresh(), np.empty(grass.N_FLUX)
    day = (GROUP_B, NITROGEN, 100.0, 15.0, 250.0, 0.0, 0.0, 0.0)
    grass.sward_day(state, flux, *day, 800.0, False)
    assert state[1] == pytest.approx(0.653846 * flux[0], rel=1e-5)
    grass.sward_day(state, flux, *day, 815.0, True)
    assert (state[:4] <= [425, 150, 250, 75]).all()  # 5 cm of each density
    assert flux[8] > 0
    before = state[1]
    grass.sward_day(state, flux, *day, 830.0, False)
    assert state[1] == pytest.approx(before - flux[2])


def test_senescence_leaves_two_centimetres() -> None:
    """Two hot months without rain: 10 · 0.02 m · 850 g m⁻³ = 170 kg of GV stay, all of GR goes."""
    state, flux = fresh(0.0), np.empty(grass.N_FLUX)
    state[1] = 100
    for day in range(60):
        grass.sward_day(state, flux, GROUP_B, NITROGEN, 100.0, 28.0, 300.0, 0.0, 0.0, 7.0, 2000.0 + 28 * day, False)
    assert state[0] == pytest.approx(170)
    assert state[1] < 5


@given(
    st.lists(
        st.tuples(st.floats(-15, 35), st.floats(0, 350), st.floats(0, 40), st.floats(0, 9), st.booleans()),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from(sorted(grass.GROUPS)),
)
def test_matter_and_water_balance_close(days: list[tuple[float, float, float, float, bool]], name: str) -> None:
    """Δ matter = growth − respired − abscission − harvest; Δ water = supply − evapotranspiration − drainage."""
    group, state, flux, total = grass.GROUPS[name].row, fresh(60.0), np.empty(grass.N_FLUX), 0.0
    for t, sun, rain, pet, cut in days:
        total += max(t, 0.0)
        before = state.copy()
        grass.sward_day(state, flux, group, NITROGEN, 100.0, t, sun, rain, rain, pet, total, cut)
        growth, _, _, lost_dv, lost_dr, respired, evaporated, drained, harvest = flux
        assert (state[:4] >= 0).all() and (flux >= 0).all()
        assert 0 <= state[8] <= 100
        change = state[:4].sum() - before[:4].sum()
        assert change == pytest.approx(growth - respired - lost_dv - lost_dr - harvest, abs=1e-8)
        assert state[8] - before[8] == pytest.approx(rain - evaporated - drained, abs=1e-9)


def plain(years: Years, cells: int) -> list[np.ndarray]:
    """tas, rsds, prtot, water, PET of a plain with 700 mm of rain a year."""
    tn, tx = temperate(years, cells, seed=5)
    rng = np.random.default_rng(6)
    wave = np.sin(2 * np.pi * (years.of_year - 81) / 365.25)
    rsds = (130 + 105 * wave + rng.normal(0, 20, tn.shape)).clip(10)
    rain = np.where(rng.random(tn.shape) < 0.4, rng.gamma(0.7, 6.9, tn.shape), 0)
    pet = (2.2 + 1.9 * wave + rng.normal(0, 0.4, tn.shape)).clip(0)
    return [block.astype(np.float32) for block in ((tn + tx) / 2, rsds, rain, rain, pet)]


def grow(years: Years, days: list[np.ndarray], group: str = "B", nitrogen: float = NITROGEN) -> np.ndarray:
    out = np.empty((2, *days[0].shape), dtype=np.float32)
    capacity = np.full(days[0].shape[0], grass.DEFAULT_CAPACITY)
    grass.grass_growth(*days, capacity, grass.GROUPS[group].row, nitrogen, years.starts, out)
    return out


def test_a_plain_grows_5_to_14_tonnes_a_year_most_of_it_in_spring() -> None:
    """Bounds of the catalogue (0 … 20 t, summer 0 … 10 t) and an order of groups and of nitrogen."""
    years = Years(1991, 2000)
    days = plain(years, 4)
    growth, harvest = grow(years, days)
    month = years.dates.astype("datetime64[M]").astype(int) % 12 + 1
    per_year = growth.sum(axis=1) / 10_000  # t
    assert (per_year > 5).all() and (per_year < 14).all()
    assert (harvest.sum(axis=1) / 10_000 < per_year).all() and (harvest.sum(axis=1) > 0).all()
    spring, summer = growth[:, np.isin(month, (3, 4, 5))].sum(), growth[:, np.isin(month, (6, 7, 8))].sum()
    assert spring > summer > 0
    assert (growth >= 0).all() and growth.max() < 300
    yields = [grow(years, days, group)[0].sum() for group in "ABD"]
    assert yields[0] > yields[1] > yields[2]
    assert grow(years, days, nitrogen=0.9)[0].sum() > growth.sum()


def test_a_dry_summer_grows_less_and_widens_the_summer_gap() -> None:
    years = Years(1991, 1994)
    days = plain(years, 3)
    month = years.dates.astype("datetime64[M]").astype(int) % 12 + 1
    dry = [block.copy() for block in days]
    for block in dry[2:4]:
        block[:, np.isin(month, (6, 7, 8))] *= np.float32(0.3)
    usual, less = grow(years, days)[0], grow(years, dry)[0]
    summer = np.isin(month, (7, 8, 9))
    assert less[:, summer].sum() < 0.7 * usual[:, summer].sum()
    assert (less[:, summer] < 10).sum() > (usual[:, summer] < 10).sum()


def test_a_missing_day_voids_the_rest_of_its_year() -> None:
    years = Years(1991, 1993)
    days = plain(years, 2)
    day = years.index(1992, 5, 1)
    days[1][0, day] = np.nan
    growth = grow(years, days)[0]
    assert np.isnan(growth[0]).nonzero()[0].tolist() == list(range(day, years.index(1993, 1, 1)))
    assert not np.isnan(growth[1]).any()
    none = np.empty((2, 1, len(years)), dtype=np.float32)
    grass.grass_growth(*[b[1:] for b in days], np.array([np.nan]), GROUP_B, NITROGEN, years.starts, none)
    assert np.isnan(none).all()


def test_water_goes_on_over_the_new_year_unless_days_are_missing() -> None:
    """Two years without rain: the second begins dry; after a missing day it begins anew, with a full soil."""
    years, second = Years(1991, 1992), Years(1992, 1992)
    days = plain(years, 2)
    for block in days[2:4]:
        block[:] = 0
    days[0][0, years.index(1991, 9, 1)] = np.nan
    growth = grow(years, days)[0][:, years.starts[1] :]
    alone = grow(second, [np.ascontiguousarray(block[:, years.starts[1] :]) for block in days])[0]
    assert growth[0] == pytest.approx(alone[0])
    assert growth[1].sum() < 0.5 * alone[1].sum()
