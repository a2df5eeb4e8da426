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
def test_plans_cover_every_commune_of_the_land(national_mart: Mart) -> None:
    found = national_mart.query(
        "select zone, count(*) filter (state = 'studied'), count(*) from fct_exposure "
        "join dim_territory using (territory_id) where kind = 'commune' and measure_id = 'pprn' group by all order by 1"
    )
    assert found == [("com", 0, 94), ("drom", 129, 129), ("metro", 34_746, 34_746)]
