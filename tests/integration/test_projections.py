"""Annual features → horizons and warming levels → quantiles, robustness: counted by hand on two cells and five runs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from ingest import features, grid, lake
from tests.conftest import Mart, climart
from tests.factories import admin_folder

LEFT, RIGHT = 7220, 7221
A = "commune:01001"
YEARS = np.arange(1976, 2101)
# Warming per year after 2005, by run. France has warmed by level - 0.6 when 20 years around n are that much above the
# reference: slope × (n + 0.5 - 2005) >= 1.4 or 3.4, so that +2 °C falls in 2033, 2040, 2028, 2044, 2042.
SLOPES = {"R1": 0.05, "R2": 0.04, "R3": 0.06, "R4": 0.036, "R5": 0.038}


def cell_years(slope: float, rain_change: float) -> pa.Table:
    swing = np.where(YEARS % 2 == 0, 0.5, -0.5)  # every window here has as many even as odd years
    warming = slope * np.clip(YEARS - 2005, 0, None)
    values = {
        "t_mean": 10 + swing + warming,
        "rr_yr": 800 + 200 * swing + rain_change * (YEARS > 2005),
        "tx30": 5 + 2 * swing + 0.1 * (YEARS > 2005),
        # °C·d: cool (1500 to 1800), then warm temperate (2100 to 2400)
        "huglin": np.where(YEARS > 2005, 2200.0, 1700.0),
        # a frost in even years only: day 90, then 80
        "last_frost_doy": np.where(YEARS % 2 == 0, np.where(YEARS > 2005, 80.0, 90.0), np.nan),
        "last_frost_doy_event": np.where(YEARS % 2 == 0, 1.0, 0.0),
    }
    columns = {
        "cell_id": pa.array(np.repeat([LEFT, RIGHT], len(YEARS)), pa.int32()),
        "year": pa.array(np.tile(YEARS, 2), pa.int16()),
        "n_days": pa.array(np.full(2 * len(YEARS), 365), pa.int16()),
    }
    for name in features.catalogue().columns:
        series = np.tile(values.get(name, np.full(len(YEARS), np.nan)), 2)
        columns[name] = pa.array(series.astype(np.float32), from_pandas=True)
    return pa.table(columns)


@pytest.fixture(scope="module")
def projections(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mart]:
    root = tmp_path_factory.mktemp("projections")
    boxes = {"01001": (622_000, 2_014_000, 630_000, 2_016_000)}
    climart(root, "ingest", "territories", admin_folder(root / "admin", boxes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIMART_DATA", str(root))
        rain = {"R1": 100.0, "R2": -100.0, "R3": 100.0, "R4": -100.0, "R5": 100.0}
        simulations = []
        for name, slope in SLOPES.items():
            simulation_id = f"test.{name}"
            path = lake.table_path("cell_year", "dataset=test", f"simulation={simulation_id}", "cell_year")
            lake.write_parquet(cell_years(slope, rain[name]), path)
            simulations.append(
                {
                    **dict.fromkeys(lake.SCHEMAS["simulation"].names),
                    "simulation_id": simulation_id,
                    "dataset_id": "test",
                    "gcm": "GCM",
                    "rcm": name,
                    "scenario": "rcp85",
                    "grid_id": grid.GRID_ID,
                    "content_sha256": name,
                    "validation_status": "synthetic",
                }
            )
        lake.write("simulation", pa.Table.from_pylist(simulations, schema=lake.SCHEMAS["simulation"]))
        dataset = dict.fromkeys(lake.SCHEMAS["dataset"].names, "test") | {"resolution_km": 8.0, "is_partial": False}
        dataset["validation_status"] = "synthetic"
        lake.write("dataset", pa.Table.from_pylist([dataset], schema=lake.SCHEMAS["dataset"]))
    climart(root, "build")
    climart(root, "publish")
    yield Mart(root, {})


def test_pivot_years(projections: Mart) -> None:
    found = projections.query(
        "select right(simulation_id, 2), context_id, pivot_year, year_start, year_end, is_cut_short, "
        "nearest_emission_context_id from dim_context_crosswalk where context_id <> 'rwl27' order by 2, 1"
    )
    assert found == [
        ("R1", "rwl20", 2033, 2024, 2043, False, "rcp85_h1"),  # 2033.5 is 2 years from 2035.5, the middle of H1
        ("R2", "rwl20", 2040, 2031, 2050, False, "rcp85_h1"),
        ("R3", "rwl20", 2028, 2019, 2038, False, "rcp85_h1"),
        ("R4", "rwl20", 2044, 2035, 2054, False, "rcp85_h1"),
        ("R5", "rwl20", 2042, 2033, 2052, False, "rcp85_h1"),
        ("R1", "rwl40", 2073, 2064, 2083, False, "rcp85_h3"),
        ("R2", "rwl40", 2090, 2081, 2100, False, "rcp85_h3"),
        ("R3", "rwl40", 2062, 2053, 2072, False, "rcp85_h2"),
        # R4 never warms by 3.4 °C; R5 does so only in windows that its end cuts (2088-2100, with one more even
        # year than odd ones): its last 20 years stand for it
        ("R5", "rwl40", 2097, 2081, 2100, True, "rcp85_h3"),
    ]


def test_means_over_each_run_s_own_window(projections: Mart) -> None:
    (found,) = projections.query(
        "select run_values from fct_indicator_run "
        "where territory_id = ? and indicator_id = 't_mean' and context_id = 'rwl40'",
        [A],
    )
    values: list[float | None] = list(found[0])
    # 10 + slope × (middle of the window - 2005); R4, which does not reach +4 °C, keeps its place
    assert values.pop(3) is None
    assert values == pytest.approx([10 + 0.05 * 68.5, 10 + 0.04 * 85.5, 10 + 0.06 * 57.5, 10 + 0.038 * 85.5], abs=1e-4)
    assert projections.row(A, "t_mean", "rwl40", "n_runs, n_years") == (4, 20)
    assert projections.row(A, "t_mean", "ref", "q05, q95, n_runs, n_years") == (10, 10, 5, 30)
    # H1, 2021-2050: 10 + slope × 30.5, median slope 0.04
    assert projections.row(A, "t_mean", "rcp85_h1", "q50, delta_q50") == pytest.approx((11.22, 1.22), abs=1e-4)


def test_robustness_weighs_the_change_against_each_run_s_variability(projections: Mart) -> None:
    # standard deviation of 30 alternating years ±0.5: 0.5 √(30/29); over 20 years gamma is 1.645 σ √(1/30 + 1/20)
    gamma = 1.645 * 0.5 * math.sqrt(30 / 29) * math.sqrt(1 / 30 + 1 / 20)
    assert gamma == pytest.approx(0.2415, abs=1e-4)
    assert projections.row(A, "t_mean", "rwl20", "robustness, agreement") == ("robust", 1)
    # rain: ±100 mm beyond gamma (48 mm) in every run, three up, two down: 60 % agree
    assert projections.row(A, "rr_yr", "rwl20", "robustness, agreement") == ("conflicting", pytest.approx(0.6))
    # hot days: +0.1 day in every run, far below gamma
    assert projections.row(A, "tx30", "rwl20", "robustness, agreement") == ("no_change_or_no_signal", 1)


def test_window_length_is_a_parameter_of_gamma(projections: Mart) -> None:
    found = projections.query(
        "select context_id, max(n_years) from fct_indicator where indicator_id = 't_mean' group by all order by 1"
    )
    assert found == [
        ("rcp85_h1", 30),
        ("rcp85_h2", 30),
        ("rcp85_h3", 30),
        ("ref", 30),
        ("rwl20", 20),
        ("rwl27", 20),
        ("rwl40", 20),
    ]


def test_dates_are_means_of_the_years_with_the_event(projections: Mart) -> None:
    assert projections.row(A, "last_frost_doy", "ref", "q50, event_frequency") == (90, 0.5)
    assert projections.row(A, "last_frost_doy", "rwl40", "q50, delta_q50, event_frequency") == (80, -10, 0.5)


def test_every_row_carries_its_quarantine(projections: Mart) -> None:
    assert projections.query("select distinct validation_status from fct_indicator") == [("synthetic",)]
    import duckdb

    with duckdb.connect(str(projections.root / "warehouse.duckdb"), read_only=True) as warehouse:
        # scored only because all the climate of this build is synthetic, hence its release marked so
        assert warehouse.execute("select distinct is_synthetic from int_scorable_datasets").fetchall() == [(True,)]


def test_classes_and_grape_varieties_follow_the_runs(projections: Mart) -> None:
    found = projections.query(
        "select context_id, class, ref_class, class_shift, share_of_runs from fct_class "
        "where territory_id = ? and classification_id = 'huglin' and context_id in ('ref', 'rwl20') order by 1",
        [A],
    )
    assert found == [("ref", 2, 2, None, 1), ("rwl20", 4, 2, 2, 1)]
    found = projections.query(
        "select variety_id, context_id, share_of_runs, n_runs from fct_grape_suitability where territory_id = ? "
        "and variety_id in ('pinot_noir', 'merlot', 'aramon') and context_id in ('ref', 'rwl40') order by 1, 2",
        [A],
    )
    # needs of 2300, 1900 and 1700; four runs of five reach +4 °C
    assert found == [
        ("aramon", "ref", 0, 5),
        ("aramon", "rwl40", 0, 4),
        ("merlot", "ref", 0, 5),
        ("merlot", "rwl40", 1, 4),
        ("pinot_noir", "ref", 1, 5),
        ("pinot_noir", "rwl40", 1, 4),
    ]
    assert projections.query(
        "select huglin, huglin_delta, winkler, winkler_reason from mart_agriculture "
        "where territory_id = ? and context_id = 'rwl40'",
        [A],
    ) == [(2200, 500, None, "missing_cells")]
