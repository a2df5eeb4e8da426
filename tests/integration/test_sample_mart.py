"""The embedded sample, from its files to its release, as `make mart` builds it."""

from __future__ import annotations

import json

import duckdb
import pandas as pd
import pytest

from climart import paths
from tests.conftest import Mart, climart, tree_hash


def test_départements_are_within_tolerance_of_their_calibration(sample_mart: Mart) -> None:
    calibration = pd.read_csv(paths.REFERENCE / "tracc_departement.csv", dtype={"departement": str})
    found = pd.DataFrame(
        sample_mart.query(
            "select code, indicator_id, context_id, f.q05, f.q50, f.q95 from fct_indicator f "
            "join dim_territory using (territory_id) where kind = 'departement' and f.reason is null"
        ),
        columns=["departement", "indicator_id", "context_id", "q05", "q50", "q95"],
    )
    both = calibration.merge(found, on=["departement", "indicator_id", "context_id"], suffixes=("", "_found"))
    assert len(both) == len(calibration) == 96 * 14 * 4
    for quantile in ("q05", "q50", "q95"):
        tolerance = (0.03 * both[quantile].abs()).clip(lower=0.3)
        worst = ((both[f"{quantile}_found"] - both[quantile]).abs() / tolerance).max()
        assert worst <= 1, f"{quantile} is {worst:.2f} times its tolerance away somewhere"


def test_one_more_file_rebuilds_only_its_run(sample_mart: Mart) -> None:
    # 5 runs × 3 levels: the 15th file belongs to a run of which two levels were there
    assert sample_mart.said["first build"].startswith("5 run(s) computed, 0 unchanged")
    assert sample_mart.said["second build"].startswith("1 run(s) computed, 4 unchanged")
    counts = []
    for path in sorted((sample_mart.root / "releases").glob("20*")):
        with duckdb.connect(str(path / "climart.duckdb"), read_only=True) as release:
            counts.append(
                dict(
                    release.execute(
                        "select context_id, max(n_runs) from fct_indicator where indicator_id = 't_mean' group by all"
                    ).fetchall()
                )
            )
    assert counts[0] == {"ref": 5, "rwl20": 5, "rwl27": 5, "rwl40": 4}
    assert counts[1] == {"ref": 5, "rwl20": 5, "rwl27": 5, "rwl40": 5}


def test_unchanged_runs_keep_their_values_when_a_file_is_added(sample_mart: Mart) -> None:
    first = min((sample_mart.root / "releases").glob("20*"))
    query = (
        "select territory_id, context_id, run_values[1:4] from fct_indicator_run "
        "where indicator_id = 'rr_yr' and context_id <> 'rwl40' order by all"
    )
    with duckdb.connect(str(first / "climart.duckdb"), read_only=True) as before:
        expected = before.execute(query).fetchall()
    assert len(expected) > 10_000
    assert sample_mart.query(query) == expected


def test_a_second_run_of_every_step_changes_nothing(sample_mart: Mart) -> None:
    lake, releases = sample_mart.root / "lake", sample_mart.root / "releases"
    before = tree_hash(lake), tree_hash(releases)
    climart(sample_mart.root, "ingest", "territories", sample_mart.root / "sample" / "territories")
    assert "15 file(s) were already in the lake" in climart(
        sample_mart.root, "ingest", "drias", sample_mart.root / "sample" / "drias"
    )
    assert "Nothing has changed" in climart(sample_mart.root, "build")
    assert "already holds this build" in climart(sample_mart.root, "publish")
    assert (tree_hash(lake), tree_hash(releases)) == before


def test_release_is_complete_and_verifies(sample_mart: Mart) -> None:
    names = {path.stem for path in (sample_mart.release / "parquet").glob("*.parquet")}
    described = json.loads((sample_mart.release / "release.json").read_text())
    assert names == set(described["row_counts"]) >= {"fct_indicator", "fct_indicator_run", "dim_territory"}
    assert "every file is as it was published" in climart(sample_mart.root, "verify")
    link = sample_mart.root / "releases" / "stable"
    assert link.is_symlink() and not link.readlink().is_absolute()


def test_parquet_and_duckdb_hold_the_same_rows(sample_mart: Mart) -> None:
    with duckdb.connect(str(sample_mart.release / "climart.duckdb"), read_only=True) as release:
        for path in sorted((sample_mart.release / "parquet").glob("*.parquet")):
            differing = release.execute(
                f"select count(*) from (select hash(t) from {path.stem} t except all "
                "select hash(p) from read_parquet(?) p)",
                [str(path)],
            ).fetchall()
            assert differing == [(0,)], path.stem


def test_everything_of_the_sample_says_that_it_is_simulated(sample_mart: Mart) -> None:
    ((status, notice),) = sample_mart.query("select validation_status, notice_fr from dim_dataset")
    assert status == "synthetic"
    assert notice == "démonstration : valeurs simulées, calées par département sur DRIAS TRACC-2023"
    assert sample_mart.query("select distinct validation_status from dim_simulation") == [("synthetic",)]


def test_every_published_column_is_described(sample_mart: Mart) -> None:
    missing = sample_mart.query(
        "select table_name, column_name from duckdb_columns() where not internal and coalesce(comment, '') = ''"
    )
    assert missing == []


@pytest.mark.parametrize(("kind", "n"), [("departement", 96), ("region", 13), ("caisse", 36), ("country", 1)])
def test_groupings_have_values_on_approximate_outlines(sample_mart: Mart, kind: str, n: int) -> None:
    found = sample_mart.query(
        "select count(*) filter (f.q50 is not null), any_value(t.geometry_method) filter (t.outline is not null) "
        "from fct_indicator f join dim_territory t using (territory_id) "
        "where kind = ? and indicator_id = 'tx35' and context_id = 'rwl40'",
        [kind],
    )
    assert found == [(n, "approximate")]
