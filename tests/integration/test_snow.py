"""Snow from files to the mart: days counted by hand, runs without snow, the sample's reliability line."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from climart import paths
from climart.errors import UserError
from ingest import lake, snow
from ingest.readers import netcdf
from ingest.states import snow as model
from tests.conftest import Mart, climart
from tests.snow_files import write
from tests.support import real_data


def features(dataset: str) -> dict[tuple[int, int], dict[str, float]]:
    """Rows of a dataset's one run by cell and year."""
    (path,) = (paths.lake() / "cell_year" / f"dataset={dataset}").rglob("*.parquet")
    rows = pq.read_table(path).to_pylist()
    return {(row["cell_id"], row["year"]): row for row in rows}


@pytest.fixture
def empty_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    return tmp_path


def test_longest_runs_counted_by_hand(empty_lake: Path) -> None:
    """Of two runs the longer, across 1 January; one that never ends; a short winter; and a run of equal length."""
    day = np.arange(365)  # 1 August 2001 is 0: 1 November is 92, 15 December 136, 1 January 153, 31 July 364
    depth = np.zeros((365, 4))
    depth[100:120, 0], depth[136:220, 0] = 0.8, 0.4  # 20 days, then 84 from 15 December to 8 March
    depth[120:, 1] = 1.2  # from 29 November and never gone
    depth[150:155, 2] = 0.05  # not above 5 cm
    depth[130:140, 3] = depth[200:210, 3] = 0.06  # two of ten days: the first
    swe = 250 * depth
    swe[day == 200, 0] = 500
    path = write(
        empty_lake / "pro.nc",
        "2001-08-01",
        {"DSN_T_ISBA": depth, "WSN_T_ISBA": swe},
        massif=[10] * 4,
        altitude=[1500, 3000, 900, 1200],
    )
    snow.load([path], workers=1)
    rows = features("s2m")
    two, endless, none, equal = (rows[100_000 + altitude, 2002] for altitude in (1500, 3000, 900, 1200))
    run = ("snow_start", "snow_end", "snow_len", "snow_start_event")
    assert [two[name] for name in run] == [137, 220, 84, 1]  # 1 August is day 1
    assert [endless[name] for name in run] == [121, 365, 245, 1]
    assert [none[name] for name in run] == [None, None, 0, 0]
    assert [equal[name] for name in run] == [131, 140, 10, 1]
    assert (two["swe_max"], two["swe_max_date"]) == (500, 201)
    # 16 December to 15 April: 16 December is 137, 8 March 219: 83 days; Christmas all 17; 8 February is 191: 29 days
    assert (two["scd30_ski_season"], two["xmas_snow"], two["feb_snow"]) == (83, 17, 29)
    assert (endless["scd30_ski_season"], endless["scd100"], endless["scd5"]) == (121, 245, 245)
    # November to April, 181 days: 20 of 0.8 m and 84 of 0.4 m
    assert two["sd_mean"] == pytest.approx((20 * 0.8 + 84 * 0.4) / 181)
    assert [two[name] for name in ("scd5", "scd30", "scd50", "scd100")] == [104, 104, 20, 0]


def test_a_run_of_weather_without_snow_has_a_degree_day_twin(empty_lake: Path) -> None:
    """120 days at −5 °C with 10 mm each, then 10 °C: 1 200 mm, melted at 40 mm a day."""
    cold, n = 120, 365
    days = np.where(np.arange(n) < 92 + cold, np.where(np.arange(n) < 92, 15.0, -5.0), 10.0)
    t = np.repeat(days, 24)[:, None]
    snowf = np.where(t < 0, 10.0, 0.0) / 86400
    values = {"Tair": t + 273.15, "Snowf": snowf, "Rainf": 0 * snowf, "Qair": 0.002 + 0 * t}
    done = snow.load([write(empty_lake / "forcing.nc", "2001-08-01", values, step_hours=1)], workers=1)
    assert done.missing["s2m.observed"]["snd"] == "missing_variable:DSN_T_ISBA"
    assert done.modelled == ["s2m_degree_day.observed"]
    own, modelled = features("s2m")[101800, 2002], features("s2m_degree_day")[101800, 2002]
    assert own["scd5"] is None and own["prsn_sum"] == pytest.approx(1200, rel=1e-5)
    assert modelled["swe_max"] == pytest.approx(1200, rel=1e-5) and modelled["swe_max_date"] == 92 + cold
    # 1 November is day 93, its 10 mm at 150 kg m⁻³ are 6.7 cm; 40 mm are left on the 29th day of melt, then none
    assert [modelled[name] for name in ("snow_start", "snow_end", "snow_len")] == [93, 241, 149]
    # 92 warm days, then all cold enough: 2 g kg⁻¹ at −5 °C and 1 800 m
    assert modelled["frost_nights_cold"] == cold
    assert 24 * (cold - 1) < modelled["snowmaking_h"] < 24 * cold  # the last night rises towards 10 °C
    facts = json.loads(
        pq.read_schema(next((paths.lake() / "cell_year" / "dataset=s2m").rglob("*.parquet"))).metadata[b"climart"]
    )
    assert facts["unavailable"]["scd30"] == "missing_variable:DSN_T_ISBA"
    assert facts["unavailable"]["t_mean"] == "not_on_massif_bands"
    registered = {row["dataset_id"]: row for row in lake.read("dataset").to_pylist()}
    assert registered["s2m_degree_day"]["validation_status"] == "under_evaluation"
    assert "modèle à degrés-jours" in registered["s2m_degree_day"]["notice_fr"]
    assert [row["name"] for row in lake.read("source_file").to_pylist()] == ["forcing.nc"]
    again = snow.load([empty_lake / "forcing.nc"], workers=1)
    assert again.reduced.unchanged == ["s2m.observed", "s2m_degree_day.observed"] and not again.reduced.reports


@pytest.mark.real_data
def test_the_real_forcing_file_loads_and_drives_the_snow_model(empty_lake: Path) -> None:
    done = snow.load([real_data() / "netcdf" / "snow" / "FORCING_test_base.nc"], workers=1)
    assert done.missing["s2m.observed"]["snd"] == "missing_variable:DSN_T_ISBA"
    own, modelled = features("s2m"), features("s2m_degree_day")
    lower, upper = (modelled[30_000 + altitude, 2011] for altitude in (2400, 2700))
    assert own[32_400, 2011]["scd5"] is None and own[32_400, 2011]["prsn_sum"] > 300
    # a real winter on Mont-Blanc: 300 to 1 000 mm at these altitudes, more and longer 300 m higher
    assert 300 < lower["swe_max"] < upper["swe_max"] < 1000
    assert 100 < lower["scd30"] < upper["scd30"] < 300
    assert 1000 < lower["snowmaking_h"] < upper["snowmaking_h"] < 2880


def test_a_wrong_file_stops_the_load_before_anything_is_written(empty_lake: Path) -> None:
    good = write(empty_lake / "a.nc", "2001-08-01", {"DSN_T_ISBA": np.ones((365, 1))})
    bad = write(empty_lake / "b.nc", "2002-08-01", {"DSN_T_ISBA": np.ones((365, 1))}, massif=None)
    with pytest.raises(UserError, match=r"Nothing was loaded:\nb\.nc: no massif can be known"):
        snow.load([good, bad])
    assert not (empty_lake / "data" / "lake" / "cell_year").exists()


# The sample


@pytest.fixture
def in_sample(sample_mart: Mart, monkeypatch: pytest.MonkeyPatch) -> Mart:
    monkeypatch.setenv("CLIMART_DATA", str(sample_mart.root))
    return sample_mart


def test_snow_of_every_band_below_the_sample_s_cells_balances(in_sample: Mart) -> None:
    """The 8 km run brought to 300 m bands: mass balance, lapse rate, phase limits, precipitation unchanged."""
    days = in_sample.root / "sample" / "netcdf" / "drias2020"
    files = [f for v in ("tasAdjust", "prtotAdjust") for f in sorted(days.glob(f"{v}_*_historical_*JOUR1_*"))]
    (plan,) = netcdf.plan(files)
    link = snow.Link.of(plan)
    assert set(link.massifs) == {5, 9, 10}  # no sampled cell lies in the Bauges
    weather = snow.downscale(plan, link)
    held = np.isfinite(weather["tas"]) & np.isfinite(weather["prsn"])
    assert held.any(axis=1).all()
    of_vanoise = link.bands.massif == 10
    altitudes, tas = link.bands.altitude[of_vanoise], weather["tas"][of_vanoise]
    step = np.diff(altitudes)[:, None]
    assert np.nanmax(np.abs(np.diff(tas, axis=0) + 0.006 * step)) < 1e-4
    rain = weather["prtot"][of_vanoise]
    assert (rain[0] == rain[-1])[held[of_vanoise][0]].all()
    cold, warm = tas <= -1, tas >= 3
    assert (weather["prsn"][of_vanoise][cold] == rain[cold]).all() and (weather["prsn"][of_vanoise][warm] == 0).all()
    starts = snow.snow_years(plan.calendar, _days(plan))
    prsn, t = np.ascontiguousarray(weather["prsn"]), np.ascontiguousarray(weather["tas"])
    out, imbalance = np.empty((3, *prsn.shape), dtype=np.float32), np.empty(len(prsn))
    model.degree_day(prsn, t, starts, out, imbalance)
    assert imbalance.max() < model.MAX_IMBALANCE
    whole = out[0, of_vanoise][:, held[of_vanoise].all(axis=0)]
    assert (np.diff(whole.mean(axis=1)) > 0).all()  # more snow higher up


def _days(plan: netcdf.SimulationPlan) -> np.ndarray:
    first = int(plan.files["tas"][0].time.days[0])
    return np.arange(first, first + len(plan.axis))


def values(mart: Mart, where: str) -> list[tuple[object, ...]]:
    return mart.query(
        "select f.indicator_id, t.massif_id, t.altitude_m, c.position, f.q50 "
        "from fct_indicator f join dim_territory t using (territory_id) join dim_context c using (context_id) "
        "where f.dataset_id = 'sample_snow' and t.kind = 'massif_band' and f.weighting = 'area' "
        f"and c.axis in ('reference', 'warming_level') and {where} order by all"
    )


def test_reliability_grows_with_altitude_and_falls_with_warming(sample_mart: Mart) -> None:
    found = {
        (massif, altitude, level): q50
        for _, massif, altitude, level, q50 in values(sample_mart, "f.indicator_id = 'snow_reliability'")
    }
    assert len(found) == 25 * 4 and None not in found.values()
    assert {min(found.values()), max(found.values())} == {0, 100}
    for (massif, altitude, level), share in found.items():
        assert share >= found.get((massif, altitude - 300, level), 0)
        assert share <= found.get((massif, altitude, level - 1), 100)
    for massif in ("massif:4", "massif:5", "massif:10"):
        for level in range(3):
            total = [sum(v for (m, _, n), v in found.items() if (m, n) == (massif, at)) for at in (level, level + 1)]
            assert total[1] < total[0]


def test_counts_of_snow_days_are_nested_in_every_run(sample_mart: Mart) -> None:
    rows = sample_mart.query(
        "select count(*), max(d100 - d50), max(d50 - d30), max(d30 - d5), max(len - d5) from (select "
        + ", ".join(
            f"unnest(any_value(run_values) filter (indicator_id = '{i}')) as {n}"
            for i, n in (("scd5", "d5"), ("scd30", "d30"), ("scd50", "d50"), ("scd100", "d100"), ("snow_len", "len"))
        )
        + " from fct_indicator_run where dataset_id = 'sample_snow' group by territory_id, context_id, weighting)"
    )
    ((n, *excess),) = rows
    assert n > 1000 and max(excess) <= 1e-3


def test_the_reliability_line_by_hand_and_its_order(sample_mart: Mart) -> None:
    """Each run's line from its bands, then the median; it climbs with the warming level."""
    bands: dict[tuple[str, str], dict[float, list[float]]] = {}
    for massif, context, altitude, runs in sample_mart.query(
        "select t.massif_id, r.context_id, t.altitude_m, r.run_values from fct_indicator_run r "
        "join dim_territory t using (territory_id) where r.indicator_id = 'snow_reliability' and t.kind = 'massif_band'"
    ):
        bands.setdefault((massif, context), {})[altitude] = runs
    expected = {}
    for key, by_altitude in bands.items():
        lines = []
        for run in range(3):
            points = [(altitude, by_altitude[altitude][run]) for altitude in sorted(by_altitude)]
            crossing = next(((a, b) for a, b in pairwise(points) if a[1] < 70 <= b[1]), None)
            lines.append(
                np.inf
                if crossing is None
                else np.interp(70, [crossing[0][1], crossing[1][1]], [crossing[0][0], crossing[1][0]])
            )
        expected[key] = sorted(lines)[1]
    rows = sample_mart.query(
        "select territory_id, context_id, ref_q50, q05, q50, q95, delta_q50, n_runs, n_runs_without, reason "
        "from fct_snow_line join dim_context using (context_id) where dataset_id = 'sample_snow' order by 1, position"
    )
    lines: dict[str, list[float]] = {}
    for massif, context, ref, _, q50, q95, delta, n_runs, without, reason in rows:
        if massif == "massif:9":
            assert (q50, n_runs, reason) == (None, 0, "missing_cells")
            continue
        assert n_runs == 3
        if np.isinf(expected[massif, context]):
            assert (q50, q95, reason) == (None, None, "no_reliable_altitude") and without >= 2
        else:
            assert q50 == pytest.approx(expected[massif, context], abs=0.01) and reason is None
            assert (q95 is None) == (without > 0)
            if context != "ref" and delta is not None:
                assert delta > 0 and ref is not None
        if context in ("ref", "rwl20", "rwl27", "rwl40"):
            lines.setdefault(massif, []).append(np.inf if q50 is None else q50)
    assert all(a < b for of_massif in lines.values() for a, b in pairwise(of_massif))
    assert {len(of_massif) for of_massif in lines.values()} == {4} and np.inf in lines["massif:4"]


def test_what_has_no_snow_has_a_reason(sample_mart: Mart) -> None:
    found = sample_mart.query(
        "select t.kind, f.weighting, f.reason, count(distinct territory_id) from fct_indicator f "
        "join dim_territory t using (territory_id) where f.dataset_id = 'sample_snow' and f.indicator_id = 'scd30' "
        "and f.context_id = 'ref' group by all order by all"
    )
    by_kind = {(kind, weighting, reason): n for kind, weighting, reason, n in found}
    assert by_kind["massif", "area", None] == 3 and by_kind["massif", "area", "missing_cells"] == 1
    assert by_kind["massif_band", "area", None] == 25
    assert by_kind["commune", "area", "no_elevation"] > 5 and by_kind["commune", "area", None] > 5
    for weighting in ("area", "lower_third", "middle", "top"):
        assert by_kind["ski_area", weighting, None] == 3 and by_kind["ski_area", weighting, "missing_cells"] == 1


def test_a_commune_has_a_range_and_a_ski_area_three_altitudes(sample_mart: Mart) -> None:
    communes = sample_mart.query(
        "pivot (select territory_id, weighting, q50 from fct_indicator where dataset_id = 'sample_snow' "
        "and indicator_id = 'scd30' and context_id = 'ref' and territory_id like 'commune:%' and q50 is not null) "
        "on weighting in ('altitude_low', 'area', 'altitude_high') using any_value(q50)"
    )
    assert len(communes) > 5
    assert all(low <= mean <= high for _, low, mean, high in communes)
    assert any(low < high for _, low, _, high in communes)
    areas = sample_mart.query(
        "pivot (select territory_id, weighting, q50 from fct_indicator where dataset_id = 'sample_snow' "
        "and indicator_id = 'scd30' and context_id = 'ref' and territory_id like 'ski_area:%' and q50 is not null) "
        "on weighting in ('lower_third', 'middle', 'area', 'top') using any_value(q50)"
    )
    assert len(areas) == 3 and all(low < middle == area < top for _, low, middle, area, top in areas)


def test_natural_snow_is_said_with_the_data(sample_mart: Mart) -> None:
    assert sample_mart.query(
        "select distinct theme, notice_fr, notice_en from dim_indicator where notice_fr is not null"
    ) == [("snow", "neige naturelle, hors neige de culture", "natural snow, without snowmaking")]
    comments = sample_mart.query(
        "select comment from duckdb_tables() where table_name in ('mart_snow', 'fct_snow_line')"
    )
    assert len(comments) == 2 and all("atural snow, without snowmaking" in str(text) for (text,) in comments)


def test_snow_runs_warm_as_their_climate_runs_do(sample_mart: Mart) -> None:
    pivots = (
        "select rcm, context_id, pivot_year, pivot_source "
        "from dim_context_crosswalk join dim_simulation using (simulation_id)"
    )
    daily = sample_mart.query(f"{pivots} where dim_simulation.dataset_id = 'sample_daily_drias' order by all")
    snowy = sample_mart.query(f"{pivots} where dim_simulation.dataset_id = 'sample_snow' order by all")
    assert len(snowy) == 9 and {source for *_, source in snowy} == {"same_run"}
    assert [row[:3] for row in snowy] == [row[:3] for row in daily]


def test_snow_is_not_loaded_twice(sample_mart: Mart) -> None:
    said = climart(sample_mart.root, "ingest", "snow", sample_mart.root / "sample" / "snow")
    assert said.count("already reduced, unchanged") == 3


@pytest.mark.real_data
def test_real_massifs_have_their_altitudes_and_their_cells(national_mart: Mart) -> None:
    found = national_mart.query(
        "select name, altitude_low_m, altitude_m, altitude_high_m, n_cells > 15 from dim_territory "
        "where territory_id = 'massif:10'"
    )
    assert found == [("Vanoise", 320, 2133, 3836, True)]
    assert national_mart.query("select count(altitude_m) from dim_territory where kind = 'massif'")[0][0] >= 60
