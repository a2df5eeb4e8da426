"""A France of two communes and two cells: every published figure counted by hand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from climart.files import sha256_of
from ingest.fetch import locks
from tests.conftest import Mart, climart
from tests.factories import admin_folder, agri_export, appellation, farm_zones, parcels, tracc_export

LEFT, RIGHT = 7220, 7221  # row 50, columns 70 and 71: centres x 620 000 and 628 000, y 2 017 000
A, B = "commune:01001", "commune:01002"
LEVELS = {"GWL15": "rwl20", "GWL20": "rwl27", "GWL30": "rwl40"}


@pytest.fixture(scope="module")
def small_mart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mart]:
    root = tmp_path_factory.mktemp("small_mart")
    # A: 2 km of the left cell and 6 km of the right one, the same height: weights 1/4 and 3/4. B: in the left cell.
    boxes = {"01001": (622_000, 2_014_000, 630_000, 2_016_000), "01002": (617_000, 2_014_000, 622_000, 2_016_000)}
    admin = admin_folder(root / "admin", boxes)
    exports = []
    raw = root / "raw" / "drias_tracc2023"
    raw.mkdir(parents=True)
    for run in (1, 2, 3):
        for step, level in enumerate(LEVELS, start=1):
            # Reference 10 °C left, 14 °C right, for every run; run r warms by r × step.
            # Rain: 1000 mm left, 500 mm right at the reference; −10 % × step in runs 1 and 2, +10 % × step in run 3.
            rain = (-0.1 if run < 3 else 0.1) * step
            row = {
                point: {
                    "NORTMm_yr": f"{mean + run * step:.2f}",
                    "ATMm_yr": f"{run * step:.2f}",
                    "NORRR_yr": f"{total * (1 + rain):.2f}",
                    "ARRR_yr": f"{rain:.2f}",
                    # the fire index: a column of runs 1 and 2 only
                    **({"NORIFM40_yr": 4 + step, "AIFM40_yr": step} if run < 3 else {}),
                }
                for point, mean, total in ((LEFT, 10, 1000), (RIGHT, 14, 500))
            }
            exports.append(tracc_export(raw / f"run{run}{level}.txt", f"RCM{run}_GCM", level, row))
    # DRIAS-2020: the last frost of the left cell is a false zero at the reference.
    right, left = {"NORRRA": 400, "NORDATEDG": 273}, {"NORRRA": 600, "NORDATEDG": 0}
    exports.append(agri_export(root / "ref.txt", "REF", "REF", {LEFT: left, RIGHT: right}))
    future = {"NORRRA": 380, "NORDATEDG": 263, "ADATEDG": -10}
    exports.append(agri_export(root / "h1.txt", "RCP8.5", "H1", {LEFT: {**future, "ADATEDG": 0}, RIGHT: future}))
    # The mountain zone names the former commune 01888, part of A, and a code of nowhere; the appellation names both.
    zones = farm_zones(root / "zones.csv", "1888;ANCIENNE;M;;", "1777;NULLE PART;M;;")
    vineyard = appellation(root / "vineyard.json", "Petit Cru", ["01001", "01002"])
    groups = root / "agencies.csv"
    groups.write_text("Agence;Commune\nÉté & Fils;1001\nÉté & Fils;01002\nB seule;01002\n", encoding="cp1252")
    # A grows 0.5 km² of wheat in either cell; B nothing; no vine anywhere.
    fields = [("1", (x, 2_014_000, x + 500, 2_015_000)) for x in (623_000, 626_000)]
    land = parcels(root / "fields.gpkg", fields)
    _as_if_fetched(root, raw)
    said = {
        "territories": climart(root, "ingest", "territories", admin),
        "zones": climart(root, "ingest", "zones", zones, vineyard),
        "groups": climart(root, "ingest", "groups", groups),
        "land": climart(root, "ingest", "land", land, "--covers", "region:84"),
        "drias": climart(root, "ingest", "drias", *exports),
        "build": climart(root, "build"),
        "publish": climart(root, "publish"),
    }
    yield Mart(root, said)


def _as_if_fetched(root: Path, raw: Path) -> None:
    """The records of a fetch of every export of ``raw``, then of a refresh that could not reach the producer."""
    files = {
        path.name: locks.HeldFile(
            url=f"https://producer.invalid/{path.name}",
            etag=None,
            last_modified=None,
            bytes=path.stat().st_size,
            sha256=sha256_of(path),
            rows=2,
            fetched_at=datetime(2026, 11, 1 + n, tzinfo=UTC),
        )
        for n, path in enumerate(sorted(raw.iterdir()))
    }
    failure = locks.Failure(at=datetime(2026, 11, 21, tzinfo=UTC), reason="unreachable", message="HTTP 503")
    checked = datetime(2026, 11, 14, tzinfo=UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIMART_DATA", str(root))
        locks.save(locks.Lock(source="drias_tracc2023", files=files, failure=failure, checked_at=checked))
        locks.record_states()


def test_a_stale_source_is_marked_with_its_dates(small_mart: Mart) -> None:
    found = small_mart.query(
        "select dataset_id, fetched_at at time zone 'UTC', checked_at at time zone 'UTC', is_stale, stale_reason "
        "from dim_dataset where dataset_id like 'drias_%' order by dataset_id"
    )
    assert found == [
        ("drias_2020", None, None, False, None),  # loaded by hand
        ("drias_tracc2023", datetime(2026, 11, 9), datetime(2026, 11, 14), True, "unreachable"),  # 9 files, one a day
    ]


def test_any_value_leads_to_the_address_and_date_of_its_file(small_mart: Mart) -> None:
    found = small_mart.query(
        "select distinct url, fetched_at at time zone 'UTC' from dim_source_file "
        "where source_id = 'drias_tracc2023' order by url"
    )
    assert len(found) == 9
    assert found[0] == ("https://producer.invalid/run1GWL15.txt", datetime(2026, 11, 1))


def test_reference_is_recovered_and_weighted(small_mart: Mart) -> None:
    # 1/4 × 10 + 3/4 × 14 = 13, in every run
    assert small_mart.row(A, "t_mean", "ref", "q05, q50, q95, n_runs, n_cells") == pytest.approx((13, 13, 13, 3, 2))
    # rain: 1/4 × 1000 + 3/4 × 500 = 625
    assert small_mart.row(A, "rr_yr", "ref", "q05, q50, q95") == pytest.approx((625, 625, 625), abs=1e-3)
    assert small_mart.row(B, "t_mean", "ref", "q50, n_cells") == pytest.approx((10, 1))


def test_quantiles_over_three_runs(small_mart: Mart) -> None:
    # +4 °C: runs at 13 + 3, 13 + 6, 13 + 9 = 16, 19, 22; type 7: 16 + 0.1 × 3, 19, 22 − 0.1 × 3
    assert small_mart.row(A, "t_mean", "rwl40", "q05, q50, q95, ref_q50") == pytest.approx((16.3, 19, 21.7, 13))
    assert small_mart.row(A, "t_mean", "rwl40", "delta_q05, delta_q50, delta_q95, agreement") == pytest.approx(
        (3.3, 6, 8.7, 1)
    )


def test_agreement_counts_the_sign_of_the_median(small_mart: Mart) -> None:
    # changes −30 %, −30 %, +30 % of 625 mm: median −187.5, shared by 2 runs of 3
    delta, agreement = small_mart.row(A, "rr_yr", "rwl40", "delta_q50, agreement")
    assert delta == pytest.approx(-187.5, abs=1e-3)
    assert agreement == pytest.approx(2 / 3)
    assert small_mart.row(A, "rr_yr", "rwl40", "robustness") == ("not_computable",)


def test_runs_keep_their_place_in_the_lists(small_mart: Mart) -> None:
    (found,) = small_mart.query(
        "select run_values, run_changes from fct_indicator_run "
        "where territory_id = ? and indicator_id = 'fwi40_days' and context_id = 'rwl20'",
        [A],
    )
    assert found == ([5, 5, None], [1, 1, None])  # run 3 has no fire index
    assert small_mart.row(A, "fwi40_days", "rwl20", "n_runs") == (2,)
    order = small_mart.query(
        "select rcm from dim_simulation where dataset_id = 'drias_tracc2023' order by run_position"
    )
    assert order == [("RCM1",), ("RCM2",), ("RCM3",)]


def test_groupings_come_from_the_cells(small_mart: Mart) -> None:
    # A and B side by side: 5 + 2 km of the left cell, 6 km of the right one: (7 × 10 + 6 × 14) / 13
    for territory in ("epci:200000001", "departement:01", "region:84", "caisse:ca-centrest", "country:FR"):
        assert small_mart.row(territory, "t_mean", "ref", "q50, reason") == (pytest.approx(154 / 13, rel=1e-6), None)


def test_people_beside_the_area(small_mart: Mart) -> None:
    # 25 of A's 100 people and B's 100 in the left cell: (125 × 10 + 75 × 14) / 200; by area 154 / 13
    assert small_mart.row("epci:200000001", "t_mean", "ref", "q50, method, n_cells", "population") == (11.5, "areal", 2)
    assert small_mart.row("country:FR", "t_mean", "rwl40", "q50, delta_q50", "population") == (17.5, 6)
    # people spread evenly over a commune: its value by area, under both names; the runs are kept once
    assert small_mart.row(A, "t_mean", "rwl40", "q05, q50, q95, method", "population") == (
        *small_mart.row(A, "t_mean", "rwl40", "q05, q50, q95"),
        "areal",
    )
    (computed_as,) = small_mart.query(
        "select computed_as from dim_territory_weighting where territory_id = ? and weighting = 'population'", [A]
    )
    assert computed_as == ("area",)
    # rain asks for no people
    assert small_mart.query(
        "select count(*) from fct_indicator where indicator_id = 'rr_yr' and weighting <> 'area'"
    ) == [(0,)]


def test_crops_beside_the_area(small_mart: Mart) -> None:
    # rain of the crop season: half of A's wheat at 600 mm, half at 400; by area 450
    assert small_mart.row(A, "p_apr_oct", "ref", "q50, method, n_cells", "agricultural") == (500, "parcels", 2)
    assert small_mart.row("departement:01", "p_apr_oct", "ref", "q50", "agricultural") == (500,)
    for territory, reason in ((B, "not_grown_here"), ("commune:97101", "outside_grid")):
        assert small_mart.row(territory, "p_apr_oct", "ref", "q50, reason", "agricultural") == (None, reason)
    # the file speaks of vines by its silence: there are none
    assert small_mart.row(A, "last_frost_doy", "ref", "q50, reason", "vineyard") == (None, "not_grown_here")
    assert small_mart.query(
        "select weighting, is_loaded, n_territories, reason from dim_weighting where family <> 'altitude' "
        "order by position"
    ) == [
        ("area", True, 11, None),
        ("population", True, 11, None),
        ("agricultural", True, 9, None),
        ("grassland", True, 0, None),
        ("vineyard", True, 0, None),
    ]


def test_own_groups_are_computed_from_the_cells(small_mart: Mart) -> None:
    assert "group:ete-fils: 2 communes listed, in 2 of today's." in small_mart.said["groups"]
    # A has 4 km² in the left cell (10 °C) and 12 in the right one (14 °C), B 10 in the left one
    assert small_mart.row("group:ete-fils", "t_mean", "ref", "q50, n_cells") == pytest.approx(
        ((14 * 10 + 12 * 14) / 26, 2), abs=1e-5
    )
    assert small_mart.row("group:b-seule", "t_mean", "rwl40", "q05, q50, q95") == small_mart.row(
        B, "t_mean", "rwl40", "q05, q50, q95"
    )
    found = small_mart.query("select code, name, population from dim_territory where kind = 'group' order by 1")
    assert found == [("b-seule", "B seule", 100), ("ete-fils", "Été & Fils", 200)]


def test_zones_and_appellations_are_territories(small_mart: Mart) -> None:
    assert small_mart.query(
        "select * from dim_territory_membership where kind <> 'group' order by group_id, territory_id"
    ) == [
        (A, "aoc:petit-cru", "aoc", "inao_aoc_communes", "01001", "whole"),
        (B, "aoc:petit-cru", "aoc", "inao_aoc_communes", "01002", "whole"),
        (A, "zone:montagne", "zone", "farm_zones", "01888", "part"),
    ]
    assert "Not carried: 01777 NULLE PART (zone:montagne): unknown_code." in small_mart.said["zones"]
    # of both communes, cell by cell: as the département; of A alone: as A
    assert small_mart.row("aoc:petit-cru", "t_mean", "ref", "q50") == small_mart.row(
        "region:84", "t_mean", "ref", "q50"
    )
    assert small_mart.row("zone:montagne", "t_mean", "ref", "q50, n_cells") == (13, 2)
    assert small_mart.query(
        "select name, name_en, population from dim_territory where kind in ('zone', 'aoc') order by kind"
    ) == [
        ("AOC Petit Cru", "Petit Cru AOC", 200),
        ("Zone de montagne", "Mountain area", 100),
    ]


def test_false_zero_dates_reach_no_fact(small_mart: Mart) -> None:
    # A speaks from the right cell alone (3/4 of its weight): 273 days after 1 July is day 90; 263 is day 80
    assert small_mart.row(A, "last_frost_doy", "ref", "q50, n_cells, reason") == (90, 1, None)
    assert small_mart.row(A, "last_frost_doy", "rcp85_h1", "q50, delta_q50") == (80, -10)
    # B is in the left cell: no date there
    for context in ("ref", "rcp85_h1"):
        assert small_mart.row(B, "last_frost_doy", context, "q50, n_runs, reason") == (None, 0, "missing_cells")
    # rain has both cells: 1/4 × 600 + 3/4 × 400 = 450; both at 380 mm later
    assert small_mart.row(A, "p_apr_oct", "ref", "q50") == (450,)
    assert small_mart.row(A, "p_apr_oct", "rcp85_h1", "q50, delta_q50") == (380, -70)


def test_territories_without_values_say_why(small_mart: Mart) -> None:
    assert small_mart.row("commune:01999", "t_mean", "rwl20", "q50, n_runs, reason") == (None, 0, "no_geometry")
    assert small_mart.row("commune:97101", "t_mean", "rwl20", "q50, n_runs, reason") == (None, 0, "outside_grid")
    assert small_mart.query("select count(*) from dim_territory where code = '01888'") == [(0,)]


def test_a_warming_level_and_a_scenario_stay_apart(small_mart: Mart) -> None:
    found = small_mart.query(
        "select distinct dataset_id, axis from fct_indicator join dim_context using (context_id) order by all"
    )
    assert found == [
        ("drias_2020", "emission"),
        ("drias_2020", "reference"),
        ("drias_tracc2023", "reference"),
        ("drias_tracc2023", "warming_level"),
    ]


def test_a_failing_data_test_publishes_nothing(small_mart: Mart, tmp_path: Path) -> None:
    """50 °C as an annual mean is out of the catalogue's bounds: the build says so and exits with 1."""
    root = tmp_path / "copy"
    shutil.copytree(small_mart.root, root, symlinks=True)
    rows = {point: {"NORTMm_yr": 50 + step, "ATMm_yr": step} for step, point in ((1, LEFT), (1, RIGHT))}
    climart(root, "ingest", "drias", tracc_export(root / "hot.txt", "RCM4_GCM", "GWL15", rows))
    before = (root / "releases" / "stable").resolve()
    assert "within_catalogue_bounds" in climart(root, "build", code=1)
    assert "run `climart build` first" in climart(root, "publish", code=2)
    assert (root / "releases" / "stable").resolve() == before


def test_a_run_without_a_level_keeps_its_place(small_mart: Mart, tmp_path: Path) -> None:
    """Runs 1 and 3 of a second dataset root have +4 °C, run 2 has not: NULL in its place, not the value of run 3."""
    root = tmp_path / "gap"
    climart(root, "ingest", "territories", small_mart.root / "admin")
    fetched = small_mart.root / "raw" / "drias_tracc2023"
    exports = sorted(p for p in fetched.glob("run*.txt") if p.name != "run2GWL30.txt")
    assert len(exports) == 8
    climart(root, "ingest", "drias", *exports)
    climart(root, "build")
    climart(root, "publish")
    (found,) = Mart(root, {}).query(
        "select run_values, run_changes from fct_indicator_run "
        "where territory_id = ? and indicator_id = 't_mean' and context_id = 'rwl40'",
        [A],
    )
    assert found == ([16, None, 22], [3, None, 9])


def test_wide_marts_hold_the_medians_or_say_why_not(small_mart: Mart) -> None:
    def row(mart: str, territory: str, context: str, columns: str) -> tuple[object, ...]:
        (found,) = small_mart.query(
            f"select {columns} from {mart} where territory_id = ? and context_id = ? and dataset_id = ?",
            [territory, context, "drias_2020" if context.startswith("rcp") else "drias_tracc2023"],
        )
        return found

    heat = "t_mean, t_mean_q05, t_mean_q95, t_mean_delta, t_mean_reason"
    assert row("mart_heat", A, "rwl40", heat) == (19, pytest.approx(16.3), pytest.approx(21.7), 6, None)
    assert row("mart_heat", A, "ref", heat) == (13, 13, 13, None, None)
    # overseas, the reason is the territory's; no export here has hot days
    assert row("mart_heat", "commune:97101", "rwl40", heat) == (None, None, None, None, "outside_grid")
    assert row("mart_heat", A, "rwl40", "tx35, tx35_delta, tx35_reason") == (None, None, "not_in_exports")
    crops = "p_apr_oct, p_apr_oct_delta, last_frost_doy, last_frost_doy_reason"
    assert row("mart_agriculture", A, "rcp85_h1", crops) == (380, -70, 80, None)
    assert row("mart_agriculture", B, "rcp85_h1", crops) == (380, -220, None, "missing_cells")
    # the warming levels' dataset has no indicator of agriculture at all: its rows say so
    assert row("mart_agriculture", A, "rwl40", "p_apr_oct, p_apr_oct_reason") == (None, "not_in_exports")


def test_building_twice_gives_the_same_bytes(small_mart: Mart, tmp_path: Path) -> None:
    """In every Parquet file; the version and the build's record aside, a release says nothing else of the day."""
    again = tmp_path / "again"
    shutil.copytree(small_mart.root / "lake", again / "lake")
    climart(again, "build")
    climart(again, "publish", "--version", small_mart.release.name)

    def sums(release: Path) -> list[str]:
        return [line for line in (release / "SHA256SUMS").read_text().splitlines() if line.endswith(".parquet")]

    assert sums(again / "releases" / "stable") == sums(small_mart.release) != []
