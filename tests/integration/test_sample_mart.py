"""The embedded sample, from its files to its release, as `make mart` builds it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import gamma

from climart import paths
from tests.conftest import Mart, climart, tree_hash


def test_départements_are_within_tolerance_of_their_calibration(sample_mart: Mart) -> None:
    calibration = pd.read_csv(paths.REFERENCE / "tracc_departement.csv", dtype={"departement": str})
    found = pd.DataFrame(
        sample_mart.query(
            "select code, indicator_id, context_id, f.q05, f.q50, f.q95 from fct_indicator f "
            "join dim_territory using (territory_id) "
            "where kind = 'departement' and f.reason is null and dataset_id = 'sample_tracc2023' and weighting = 'area'"
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
    # 5 runs × 3 levels: the 15th file belongs to a run of which two levels were there; 4 daily, 3 of snow
    assert sample_mart.said["first build"].startswith("12 run(s) computed, 0 unchanged")
    assert sample_mart.said["second build"].startswith("1 run(s) computed, 11 unchanged")
    counts = []
    for path in sorted((sample_mart.root / "releases").glob("20*")):
        with duckdb.connect(str(path / "climart.duckdb"), read_only=True) as release:
            counts.append(
                dict(
                    release.execute(
                        "select context_id, max(n_runs) from fct_indicator "
                        "where indicator_id = 't_mean' and dataset_id = 'sample_tracc2023' group by all"
                    ).fetchall()
                )
            )
    assert counts[0] == {"ref": 5, "rwl20": 5, "rwl27": 5, "rwl40": 4}
    assert counts[1] == {"ref": 5, "rwl20": 5, "rwl27": 5, "rwl40": 5}


def test_unchanged_runs_keep_their_values_when_a_file_is_added(sample_mart: Mart) -> None:
    first = min((sample_mart.root / "releases").glob("20*"))
    query = (
        "select territory_id, context_id, run_values[1:4] from fct_indicator_run "
        "where indicator_id = 'rr_yr' and context_id <> 'rwl40' and dataset_id = 'sample_tracc2023' order by all"
    )
    with duckdb.connect(str(first / "climart.duckdb"), read_only=True) as before:
        expected = before.execute(query).fetchall()
    assert len(expected) > 10_000
    assert sample_mart.query(query) == expected


def test_a_second_run_of_every_step_changes_nothing(sample_mart: Mart) -> None:
    lake, releases = sample_mart.root / "lake", sample_mart.root / "releases"
    before = tree_hash(lake), tree_hash(releases)
    massifs = sample_mart.root / "sample" / "massifs"
    climart(
        sample_mart.root,
        "ingest",
        "territories",
        sample_mart.root / "sample" / "territories",
        "--massifs",
        massifs / "massifs.geojson",
    )
    climart(sample_mart.root, "ingest", "ski-areas", massifs / "ski_areas.csv", "--source", "sample_ski_areas")
    exports, days = sample_mart.root / "sample" / "drias", sample_mart.root / "sample" / "netcdf"
    assert "15 file(s) were already in the lake" in climart(sample_mart.root, "ingest", "drias", exports)
    assert climart(sample_mart.root, "ingest", "netcdf", days).count("already reduced, unchanged") == 4
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


def test_everything_of_the_sample_says_that_it_is_simulated(sample_mart: Mart) -> None:
    # the codes and the populations of communes are real
    notices = dict(
        sample_mart.query("select dataset_id, notice_fr from dim_dataset where dataset_id <> 'official_population'")
    )
    assert (
        notices["sample_tracc2023"] == "démonstration : valeurs simulées, calées par département sur DRIAS TRACC-2023"
    )
    assert len(notices) >= 9 and all(str(notice).startswith("démonstration : ") for notice in notices.values())
    assert sample_mart.query("select dataset_id from dim_dataset where validation_status <> 'synthetic'") == [
        ("official_population",)
    ]
    assert sample_mart.query("select distinct validation_status from fct_indicator") == [("synthetic",)]
    assert sample_mart.query("select distinct validation_status from dim_simulation") == [("synthetic",)]


def test_every_published_column_is_described(sample_mart: Mart) -> None:
    missing = sample_mart.query(
        "select table_name, column_name from duckdb_columns() where not internal and coalesce(comment, '') = ''"
    )
    assert missing == []


@pytest.mark.parametrize("weighting", ["area", "population"])
@pytest.mark.parametrize(
    ("kind", "n"), [("departement", 96), ("region", 13), ("caisse", 36), ("zone", 3), ("aoc", 1), ("country", 1)]
)
def test_groupings_have_values_on_approximate_outlines(sample_mart: Mart, kind: str, n: int, weighting: str) -> None:
    found = sample_mart.query(
        "select count(*) filter (f.q50 is not null), any_value(t.geometry_method) filter (t.outline is not null) "
        "from fct_indicator f join dim_territory t using (territory_id) "
        "where kind = ? and indicator_id = 'tx35' and context_id = 'rwl40' and dataset_id = 'sample_tracc2023' "
        "and weighting = ?",
        [kind, weighting],
    )
    assert found == [(n, "approximate")]


def test_farmed_land_weighs_the_daily_runs(sample_mart: Mart) -> None:
    """The made-up parcels of Côte-d'Or, Eure-et-Loir and Savoie; every other département says that it has no source."""
    found = sample_mart.query(
        "select weighting, count(*) filter (q50 is not null) > 0, list(distinct reason order by reason) "
        "from fct_indicator where dataset_id = 'sample_daily_drias' "
        "and weighting in ('agricultural', 'grassland', 'vineyard') group by all order by all"
    )
    reasons = ["missing_cells", "no_exposure_data", "not_grown_here", None]
    assert found == [(weighting, True, reasons) for weighting in ("agricultural", "grassland", "vineyard")]
    assert sample_mart.query(
        "select territory_id, round(min(share)::double, 2), any_value(reason) from dim_territory_weighting "
        "where territory_id in ('departement:28', 'departement:22', 'aoc:coteaux-de-demonstration') "
        "and weighting = 'agricultural' group by all order by all"
    ) == [
        ("aoc:coteaux-de-demonstration", 0.38, None),  # wheat and vines
        ("departement:22", None, "no_exposure_data"),
        ("departement:28", 0.7, None),  # wheat and rape
    ]
    # where vines are grown, their value is not the area's: the appellation has one of its own
    ((area, vines),) = sample_mart.query(
        "select any_value(q50) filter (weighting = 'area'), any_value(q50) filter (weighting = 'vineyard') "
        "from fct_indicator where territory_id = 'aoc:coteaux-de-demonstration' and indicator_id = 'huglin' "
        "and dataset_id = 'sample_daily_drias' and context_id = 'rwl40'"
    )
    assert area is not None and vines is not None
    assert float(str(vines)) == pytest.approx(float(str(area)), rel=0.05) and vines != area


def test_weights_of_what_is_exposed_sum_to_one(sample_mart: Mart) -> None:
    weights = pd.read_parquet(sample_mart.root / "lake" / "exposure_weight.parquet")
    totals = weights.groupby(["grid_id", "weighting", "territory_id"])["weight"].sum()
    assert (totals - 1).abs().max() <= 1e-9 and weights["weight"].min() > 0
    assert set(weights["weighting"]) == {"population", "agricultural", "grassland", "vineyard"}


def test_daily_runs_reach_the_mart_with_their_own_windows(sample_mart: Mart) -> None:
    """Three simulated DRIAS-2020 runs and one SOCLE-2025 run, whose pivot years are the published ones."""
    found = sample_mart.query(
        "select pivot_source, pivot_year from dim_context_crosswalk where dataset_id = 'sample_daily_socle' order by 2"
    )
    assert found == [("published", 2037), ("published", 2054), ("published", 2075)]
    found = sample_mart.query(
        "select context_id, count(*), bool_and(pivot_source = 'computed') from dim_context_crosswalk "
        "where dataset_id = 'sample_daily_drias' group by all order by 1"
    )
    assert found == [("rwl20", 3, True), ("rwl27", 3, True), ("rwl40", 3, True)]
    # communes that the 128 cells cover have an interval over three runs, and a robustness class
    ((n, runs, classes),) = sample_mart.query(
        "select count(*), max(n_runs), count(distinct robustness) "
        "from fct_indicator join dim_territory using (territory_id) "
        "where kind = 'commune' and dataset_id = 'sample_daily_drias' and indicator_id = 't_mean' "
        "and context_id = 'rwl40' and weighting = 'area' and q50 is not null"
    )
    assert n > 100 and runs == 3 and classes >= 1
    # one figure per window has no annual values to weigh its change against: a return level is one fit, a quantile of
    # all days one quantile, the clay index one product. A date has none where too few years of the reference reach it.
    found = sample_mart.query(
        "select distinct rtrim(indicator_id, '0123456789'), unit = 'DOY' "
        "from fct_indicator join dim_indicator using (indicator_id) "
        "where dataset_id like 'sample_daily%' and robustness = 'not_computable'"
    )
    assert {name for name, is_date in found if not is_date} == {"rl_rx1d_", "p99_all", "rga_risk"}
    assert any(is_date for _, is_date in found)


def test_warmer_levels_are_warmer_in_the_daily_runs(sample_mart: Mart) -> None:
    found = sample_mart.query(
        "select context_id, median(q50) from fct_indicator join dim_context using (context_id) "
        "where dataset_id = 'sample_daily_drias' and indicator_id = 't_mean' and axis <> 'emission' "
        "group by context_id, position order by position"
    )
    assert [context for context, _ in found] == ["ref", "rwl20", "rwl27", "rwl40"]
    values = [float(str(value)) for _, value in found]
    assert values == sorted(values) and values[3] - values[0] > 2


def test_daily_series_of_a_territory(sample_mart: Mart, tmp_path: Path) -> None:
    ((territory,),) = sample_mart.query(
        "select min(territory_id) from fct_indicator where dataset_id = 'sample_daily_socle' and q50 is not null"
    )
    series = tmp_path / "days.parquet"
    said = climart(
        sample_mart.root,
        "daily",
        sample_mart.root / "sample" / "netcdf" / "socle2025",
        "--territory",
        territory,
        "--to",
        series,
    )
    # 1976-2100: 125 years of which 31 are leap years (2100 is not)
    assert "45 656 rows" in said
    days = pd.read_parquet(series)
    assert list(days["date"].iloc[[0, -1]]) == ["1976-01-01", "2100-12-31"]
    assert (days["tasmin"] <= days["tasmax"]).all() and days["prtot"].min() >= 0
    assert "not a territory" in climart(
        sample_mart.root,
        "daily",
        sample_mart.root / "sample" / "netcdf" / "socle2025",
        "--territory",
        "commune:0",
        "--to",
        series,
        code=2,
    )


def test_bootstrap_is_the_one_that_numpy_draws(sample_mart: Mart) -> None:
    """500 samples of 20 maxima of a GEV of shape -0.2, refitted; the 5 % and 95 % quantiles of their levels."""
    with duckdb.connect(str(sample_mart.root / "warehouse.duckdb"), read_only=True) as warehouse:
        found = warehouse.execute(
            "select variate_10_q05, variate_10_q95, variate_100_q05, variate_100_q95 from int_gev_bootstrap "
            "where n_maxima = 20 and shape_step = -10"
        ).fetchall()
    n, k = 20, -0.2
    digests = [[hashlib.md5(f"climart|{d}|{i}".encode()).digest()[8:] for i in range(1, n + 1)] for d in range(1, 501)]
    uniform = np.array([[(int.from_bytes(lower, "little") + 0.5) / 2**64 for lower in row] for row in digests])
    sample = np.sort((1 - (-np.log(uniform)) ** k) / k, axis=1)
    rank = np.arange(n)
    b0, b1 = sample.mean(axis=1), (rank * sample).sum(axis=1) / (n * (n - 1))
    b2 = (rank * (rank - 1) * sample).sum(axis=1) / (n * (n - 1) * (n - 2))
    l2 = 2 * b1 - b0
    c = 2 / (3 + (6 * b2 - 6 * b1 + b0) / l2) - np.log(2) / np.log(3)
    shape = 7.859 * c + 2.9554 * c**2
    shape = np.where(np.abs(shape) <= 0.4, shape, k)
    scale = l2 * shape / ((1 - 2**-shape) * gamma(1 + shape))
    location = b0 - scale * (1 - gamma(1 + shape)) / shape
    expected = [
        np.quantile(location + scale * (1 - (-np.log(1 - 1 / period)) ** shape) / shape, q)
        for period in (10, 100)
        for q in (0.05, 0.95)
    ]
    assert found == [pytest.approx(expected, rel=1e-9)]


def test_return_levels_rise_and_their_fits_hold_them(sample_mart: Mart) -> None:
    found = sample_mart.query(
        "select context_id, method, count(*), min(f.fit_q95 - f.fit_q05) > 0 "
        "from fct_return_level f where dataset_id = 'sample_daily_socle' and return_period = 100 "
        "and context_id in ('ref', 'rwl40') group by all order by 1"
    )
    assert [(context, method, wide) for context, method, _, wide in found] == [
        ("ref", "gev_lmoments", True),  # 30 maxima
        ("rwl40", "gev_lmoments_pooled_3x3", True),  # 20 maxima
    ]
    levels = sample_mart.query(
        "select list(q50 order by return_period) from fct_indicator join fct_return_level "
        "using (territory_id, indicator_id, dataset_id, context_id, weighting) "
        "group by territory_id, dataset_id, context_id"
    )
    assert len(levels) > 1_000
    assert all((np.diff(np.array(found)) > 0).all() for (found,) in levels)
