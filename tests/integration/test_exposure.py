"""Observed and exposure data, from the producers' files to the release: the sample counted by hand, the real files."""

from __future__ import annotations

import pytest

from tests.conftest import Mart

CHAMBERY = "commune:73065"


def values(mart: Mart, territory: str, dataset: str) -> dict[object, object]:
    """Value by measure of one territory and dataset."""
    return dict(
        mart.query(
            "select measure_id, value from fct_exposure where territory_id = ? and dataset_id = ?", [territory, dataset]
        )
    )


def test_catnat_events_are_counted_by_their_first_day(sample_mart: Mart) -> None:
    """Chambéry has six rows: a flood twice (one event), groundwater, a drought, and the storms of 1982 and 1999."""
    found = values(sample_mart, CHAMBERY, "sample_catnat")
    counts = {str(measure)[9:]: value for measure, value in found.items() if str(measure).startswith("catnat_n_")}
    assert counts == {
        "total": 3, "flood": 2, "drought": 1, "ground": 0, "marine": 0, "storm": 0, "blanket": 2, "last20": 2,
    }  # fmt: skip
    assert found["catnat_last_year"] == 2022
    ((start, end),) = sample_mart.query(
        "select date_start, date_end from fct_exposure where territory_id = ? and measure_id = 'catnat_rate10'",
        [CHAMBERY],
    )
    years = (end - start).days / 365.25
    assert found["catnat_rate10"] == pytest.approx(10 * 3 / years) and years > 40


def test_a_register_speaks_by_silence_and_a_study_does_not(sample_mart: Mart) -> None:
    """A commune that CatNat never named had no event; one that the table of plans does not list is unknown."""
    found = sample_mart.query(
        "select measure_id, state, f.reason, count(*), max(value) "
        "from fct_exposure f join dim_territory t using (territory_id) "
        "where kind = 'commune' and t.departement_id = 'departement:75' and measure_id in ('pprn', 'catnat_n_marine') "
        "group by all order by 1"
    )
    assert found == [("catnat_n_marine", "studied", None, 1, 0), ("pprn", "not_studied", "not_studied", 1, None)]
    # a region in which no commune is studied has no share either
    assert sample_mart.query(
        "select value, state, n_communes_studied from fct_exposure "
        "where territory_id = 'region:11' and measure_id = 'pprn'"
    ) == [(None, "not_studied", 0)]
    ((share, state),) = sample_mart.query(
        "select value, state from fct_exposure where territory_id = 'region:84' and measure_id = 'pprn'"
    )
    assert state == "studied" and 35 < float(str(share)) < 45  # drawn at 40 %
    assert sample_mart.query(
        "select state from fct_exposure where territory_id = 'country:FR' and measure_id = 'pprn'"
    ) == [("partly_studied",)]


def test_territories_add_their_communes_up(sample_mart: Mart) -> None:
    differing = sample_mart.query(
        "select count(*) from ("
        "select t.departement_id as territory_id, measure_id, dataset_id, return_period as years, sum(value) as total "
        "from fct_exposure join dim_territory t using (territory_id) join dim_exposure_measure m using (measure_id) "
        "where kind = 'commune' and m.aggregation = 'sum' group by all) "
        "join fct_exposure f using (territory_id, measure_id, dataset_id) "
        "where f.return_period is not distinct from years and abs(total - f.value) > 1e-9 * greatest(1, total)"
    )
    assert differing == [(0,)]


def test_no_state_is_lost_between_the_lake_and_the_release(sample_mart: Mart) -> None:
    """Unknown is not zero: whatever has no study has no value, and says so, in every commune and dataset."""
    found = sample_mart.query(
        "select count(*) filter (value is not null or reason is null), count(*) from fct_exposure "
        "where state = 'not_studied'"
    )
    assert found[0][0] == 0 and int(str(found[0][1])) > 10_000


ZONES = "('flood_area_share', 'flood_pop_share', 'ead_flood', 'pprn')"


def test_a_commune_without_any_study_is_never_green(sample_mart: Mart) -> None:
    """No zero, no class, no date, no source: a group that nothing studied is empty and says so, up to the mart."""
    found = sample_mart.query(
        f"select count(*), count(value), count(*) filter (reason is null) from fct_exposure "
        f"where measure_id in {ZONES} and state = 'not_studied' and territory_id like 'commune:%'"
    )
    assert int(str(found[0][0])) > 100_000 and found[0][1:] == (0, 0)
    groups = {
        "hazard_today_zones": "area_share",
        "hazard_today_plans": "pprn",
        "hazard_today_river": "flow_max",
        "exposure": "pop_share",
        "damage": "ead",
    }
    for group, value in groups.items():
        states = sample_mart.query(
            f"select {group}_state, count({group}_{value}), count({group}_source), count({group}_date), count(*) "
            f"from mart_flood where territory_id like 'commune:%' group by all"
        )
        counts = {str(state): numbers for state, *numbers in states}
        assert counts["not_studied"][:3] == [0, 0, 0] and counts["not_studied"][3] > 10_000, group
        assert counts["studied"][1] == counts["studied"][3] > 50, group  # what is studied has its source


def test_what_is_studied_and_dry_is_zero_and_not_unknown(sample_mart: Mart) -> None:
    found = sample_mart.query(
        "select count(*) from fct_exposure "
        "where measure_id = 'flood_area_share' and state <> 'not_studied' and value = 0 and note like 'TRI simulé%' "
        "and date_end = date '2020-06-15' and dataset_id = 'sample_flood_zones'"
    )
    assert int(str(found[0][0])) > 10


def test_rarer_floods_reach_farther(sample_mart: Mart) -> None:
    for measure in ("flood_damage", "flood_people_wet", "river_flow_level"):
        found = sample_mart.query(
            "select count(*), count(*) filter (value < before) from (select value, lag(value) over "
            "(partition by territory_id, dataset_id order by return_period) as before "
            "from fct_exposure where measure_id = ?)",
            [measure],
        )
        assert int(str(found[0][0])) > 100 and found[0][1] == 0, measure
    nested = sample_mart.query(
        "select count(*) from (pivot (select * from fct_exposure where dataset_id = 'sample_flood_zones') "
        "on measure_id in ('flood_area_share_frequent', 'flood_area_share_medium', 'flood_area_share_rare') "
        "using max(value) group by territory_id) "
        "where flood_area_share_frequent > flood_area_share_medium or flood_area_share_medium > flood_area_share_rare"
    )
    assert nested == [(0,)]


def test_annual_damage_with_and_without_protection_and_tail(sample_mart: Mart) -> None:
    """From the damages of the four periods of one commune, by the trapezoids of the specification."""
    territory = "departement:73"
    damages = dict(
        sample_mart.query(
            "select return_period, value from fct_exposure where territory_id = ? and measure_id = 'flood_damage'",
            [territory],
        )
    )
    d10, d30, d100, d300 = (float(str(damages[period])) for period in (10, 30, 100, 300))
    found = values(sample_mart, territory, "sample_flood_depth")
    beyond_100 = (1 / 100 - 1 / 300) * (d100 + d300) / 2
    bare = 0.1 * d10 / 2 + (1 / 10 - 1 / 30) * (d10 + d30) / 2 + (1 / 30 - 1 / 100) * (d30 + d100) / 2 + beyond_100
    assert found["ead_flood_no_tail"] == pytest.approx(bare)
    assert found["ead_flood"] == pytest.approx(bare + d300 / 300)
    # dikes hold up to 50 years: at 1/50 the damage is between those of 30 and 100 years, on the line
    d50 = d100 + (d30 - d100) * (1 / 50 - 1 / 100) / (1 / 30 - 1 / 100)
    kept = (1 / 50 - 1 / 100) * (d50 + d100) / 2 + beyond_100
    assert found["ead_flood_protected_no_tail"] == pytest.approx(kept)
    assert found["ead_flood_protected"] == pytest.approx(kept + d300 / 300)


def test_a_station_is_attached_by_its_commune_then_by_distance(sample_mart: Mart) -> None:
    notes = dict(
        sample_mart.query(
            "select territory_id, note from fct_exposure where measure_id = 'river_flow_max' and note is not null"
        )
    )
    assert notes[CHAMBERY] == "W0000020 · La Rivière simulée aval · in the commune · 12 years · instantaneous"
    others = [float(str(note).split(" · ")[2].removesuffix(" km")) for note in notes.values() if " km " in str(note)]
    assert len(others) > 50 and max(others) <= 20
    # twelve years make a mean flood, not a hundred-year one
    assert sample_mart.query(
        "select value, reason from fct_exposure where territory_id = ? and measure_id = 'river_flow_level' "
        "and return_period = 100",
        [CHAMBERY],
    ) == [(None, "too_few_years")]


def test_today_and_tomorrow_stay_apart(sample_mart: Mart) -> None:
    """Rain: the reference in hazard_today, the context in hazard_tomorrow, both those of fct_indicator."""
    ((found,),) = sample_mart.query(
        "select count(*) from mart_flood m join fct_indicator f using (territory_id, dataset_id, context_id) "
        "where indicator_id = 'rl_rx1d_20' and weighting = 'area' and q50 is not null and ("
        "hazard_today_rl_rx1d_20 <> ref_q50 or hazard_tomorrow_rl_rx1d_20_q50 <> q50 "
        "or hazard_tomorrow_rl_rx1d_20_change <> delta_q50 or hazard_tomorrow_source <> dataset_id)"
    )
    assert found == 0
    assert sample_mart.query("select count(*) from mart_flood where context_id = 'ref'") == [(0,)]
    assert sample_mart.query("select count(distinct territory_id) from mart_flood") == sample_mart.query(
        "select count(*) from dim_territory"
    )


def test_the_drought_orders_of_savoie(sample_mart: Mart) -> None:
    """2022: vigilance or more from 1 July to 10 August, 41 days; alert from 20 July, 22; crisis from 5 August, 6."""
    found = sample_mart.query(
        "select level, days, orders from fct_drought_order_days where territory_id = 'departement:73' and year = 2022 "
        "order by days desc, level"
    )
    assert found == [("vigilance", 41, 3), ("alerte", 22, 2), ("alerte_renforcee", 6, 1), ("crise", 6, 1)]
    assert sample_mart.query(
        "select state, reason from fct_exposure where territory_id = ? and measure_id = 'drought_days_alerte'",
        [CHAMBERY],
    ) == [("not_studied", "zone_layer_missing")]


@pytest.mark.real_data
def test_the_national_sum_of_catnat_survives_the_communes_of_today(national_mart: Mart) -> None:
    for measure, expected in (("catnat_n_total", 260_799), ("catnat_n_drought", 47_576)):
        ((kept,),) = national_mart.query(
            "select sum(value) from fct_exposure where measure_id = ? and territory_id like 'commune:%'", [measure]
        )
        ((lost,),) = national_mart.query(
            "select coalesce(sum(value), 0) from fct_exposure_unmapped where measure_id = ?", [measure]
        )
        assert (kept, lost) == (expected, 0), measure


@pytest.mark.real_data
def test_every_real_fire_is_carried_or_listed(national_mart: Mart) -> None:
    """29 806 fires: five of 15141, which was split since, are of no commune of today."""
    for measure, kept, lost in (("fires_n", 29_801, 5), ("fires_area", 161_323.33, 10.02)):
        found = national_mart.query(
            "select sum(value) from fct_exposure where measure_id = ? and territory_id like 'commune:%'", [measure]
        ) + national_mart.query("select sum(value) from fct_exposure_unmapped where measure_id = ?", [measure])
        assert [value for (value,) in found] == pytest.approx([kept, lost], abs=0.01), measure


@pytest.mark.real_data
def test_plans_cover_every_commune_of_the_land(national_mart: Mart) -> None:
    found = national_mart.query(
        "select zone, count(*) filter (state = 'studied'), count(*) from fct_exposure "
        "join dim_territory using (territory_id) where kind = 'commune' and measure_id = 'pprn' group by all order by 1"
    )
    assert found == [("com", 0, 94), ("drom", 129, 129), ("metro", 34_746, 34_746)]
