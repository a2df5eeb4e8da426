"""Classes, class shifts and grape varieties: dbt's own SQL on a few territories, counted by hand."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import pairwise
from statistics import NormalDist

import duckdb
import pytest

from climart import paths
from tests.conftest import Mart

CONTEXTS = ["ref", "rwl20", "rwl40"]
# territory → indicator → value of each run in each context; None: no run has it, the fact says why
VALUES: dict[str, dict[str, dict[str, list[float | None]]]] = {
    "A": {
        # at the bounds: 1800 belongs to class 2 (cool), 2100 to class 3 (temperate)
        "huglin": {"ref": [1800, 1800, 1800], "rwl20": [2100, 2101, 1700], "rwl40": [2200, 2500, 3100]},
        "winkler": {"ref": [850, 850, 850], "rwl20": [849, 849, 1400], "rwl40": [2223, 2800, 2222]},
        # run by run against its own reference: 90 %, 110 %, 70 %
        "grass_yield": {"ref": [10, 5, 10], "rwl20": [9, 5.5, 7], "rwl40": [7.5, 3, 7]},
        "spi3": {"ref": [0, 0, 0], "rwl20": [-0.84, -0.84, -0.83], "rwl40": [-2.05, -2.06, -1.3]},
    },
    "B": {"huglin": {"ref": [1450, 1450, None], "rwl20": [1500, 1600, None], "rwl40": [1700, 1699, None]}},
}


@pytest.fixture(scope="module")
def classes(sample_mart: Mart) -> Iterator[duckdb.DuckDBPyConnection]:
    """The models as dbt compiled them, on tables of a catalog of the same name."""
    compiled = sample_mart.root / ".dbt" / "target" / "compiled" / "climart" / "models" / "marts"
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as warehouse")
    connection.execute("use warehouse")
    for seed in ("indicator_classes", "grape_varieties"):
        path = paths.DBT_PROJECT / "seeds" / f"{seed}.csv"
        connection.execute(f"create table {seed} as select * from read_csv('{path}', header = true)")
    connection.execute("create table int_territories (territory_key integer, territory_id varchar)")
    connection.execute("insert into int_territories values (1, 'A'), (2, 'B'), (3, 'overseas')")
    connection.execute("create table int_contexts (context_key utinyint, context_id varchar)")
    connection.executemany("insert into int_contexts values (?, ?)", list(enumerate(CONTEXTS)))
    connection.execute(
        "create table int_territory_votes (territory_key integer, context_key utinyint, dataset_id varchar, "
        "weighting varchar, indicator_id varchar, votes float[])"
    )
    connection.executemany(
        "insert into int_territory_votes values (?, ?, 'd', 'area', ?, ?)",
        [
            (1 + list(VALUES).index(territory), CONTEXTS.index(context), indicator, runs)
            for territory, indicators in VALUES.items()
            for indicator, contexts in indicators.items()
            for context, runs in contexts.items()
        ],
    )
    connection.execute(
        "create table fct_indicator as select territory_id, indicator_id, dataset_id, context_id, weighting, "
        "(max(case when context_id = 'ref' then list_median(votes) end) over same)::float as ref_q50, "
        "list_count(votes)::smallint as n_runs, 'validated' as validation_status, null::varchar as reason "
        "from int_territory_votes join int_territories using (territory_key) join int_contexts using (context_key) "
        "window same as (partition by territory_id, indicator_id)"
    )
    connection.execute(
        "insert into fct_indicator select 'overseas', 'huglin', 'd', context_id, 'area', null, 0, 'validated', "
        "'outside_grid' from int_contexts"
    )
    for model in ("dim_class", "dim_grape_variety", "fct_class", "fct_grape_suitability"):
        connection.execute(f"create table {model} as {(compiled / f'{model}.sql').read_text(encoding='utf-8')}")
    yield connection
    connection.close()


def class_of(classes: duckdb.DuckDBPyConnection, territory: str, classification: str, context: str) -> object:
    (found,) = classes.execute(
        "select class, share_of_runs, ref_class, class_shift, reason from fct_class "
        "where territory_id = ? and classification_id = ? and context_id = ?",
        [territory, classification, context],
    ).fetchall()
    return found


def test_the_class_is_that_of_the_median_and_the_share_that_of_its_runs(classes: duckdb.DuckDBPyConnection) -> None:
    assert class_of(classes, "A", "huglin", "ref") == (2, 1.0, 2, None, None)
    # median 2100, temperate; 2101 is warm temperate and 1700 cool
    assert class_of(classes, "A", "huglin", "rwl20") == (3, pytest.approx(1 / 3), 2, 1, None)
    # median 2500, warm; one run of three there
    assert class_of(classes, "A", "huglin", "rwl40") == (5, pytest.approx(1 / 3), 2, 3, None)
    # a run without the indicator does not count: the median of 1500 and 1600 is 1550, cool; 1500 is very cool
    assert class_of(classes, "B", "huglin", "rwl20") == (2, pytest.approx(1 / 2), 1, 1, None)


def test_a_value_beyond_every_class_has_no_class(classes: duckdb.DuckDBPyConnection) -> None:
    assert class_of(classes, "A", "winkler", "ref") == (1, 1.0, 1, None, None)
    assert class_of(classes, "A", "winkler", "rwl20") == (None, None, None, None, "outside_classes")
    # 2223 is in region V, as is 2800; 2222 is in region IV
    assert class_of(classes, "A", "winkler", "rwl40") == (6, pytest.approx(2 / 3), 1, 5, None)


def test_grass_is_classed_against_each_run_s_own_reference(classes: duckdb.DuckDBPyConnection) -> None:
    assert class_of(classes, "A", "isop_like", "ref") == (2, 1.0, 2, None, None)
    # 90, 110 and 70 %: median 90, normal, as is 110
    assert class_of(classes, "A", "isop_like", "rwl20") == (2, pytest.approx(2 / 3), 2, 0, None)
    # 75, 60 and 70 %: median 70, severe; 75 is only a deficit
    assert class_of(classes, "A", "isop_like", "rwl40") == (4, pytest.approx(2 / 3), 2, 2, None)


def test_drought_by_return_period(classes: duckdb.DuckDBPyConnection) -> None:
    assert class_of(classes, "A", "drought", "ref") == (1, 1.0, 1, None, None)
    assert class_of(classes, "A", "drought", "rwl20") == (2, pytest.approx(2 / 3), 1, 1, None)
    assert class_of(classes, "A", "drought", "rwl40") == (5, pytest.approx(2 / 3), 1, 4, None)


def test_a_territory_without_values_keeps_its_reason(classes: duckdb.DuckDBPyConnection) -> None:
    assert class_of(classes, "overseas", "huglin", "rwl20") == (None, None, None, None, "outside_grid")
    found = classes.execute(
        "select distinct share_of_runs, n_runs, reason from fct_grape_suitability where territory_id = 'overseas'"
    ).fetchall()
    assert found == [(None, 0, "outside_grid")]


def test_varieties_by_the_share_of_runs_that_meet_their_need(classes: duckdb.DuckDBPyConnection) -> None:
    def share(territory: str, variety: str, context: str) -> object:
        (found,) = classes.execute(
            "select share_of_runs, n_runs from fct_grape_suitability "
            "where territory_id = ? and variety_id = ? and context_id = ?",
            [territory, variety, context],
        ).fetchall()
        return found

    assert share("A", "cabernet_franc", "ref") == (1, 3)  # 1800 asked, 1800 there
    assert share("A", "merlot", "ref") == (0, 3)
    assert share("A", "syrah", "rwl20") == (pytest.approx(2 / 3), 3)  # 2100, 2101 and 1700 for 2100
    assert share("A", "aramon", "rwl40") == (pytest.approx(2 / 3), 3)  # 2200, 2500 and 3100 for 2300
    assert share("B", "pinot_noir", "rwl40") == (pytest.approx(1 / 2), 2)  # 1700 and 1699 for 1700
    assert classes.execute("select count(*) from fct_grape_suitability").fetchall() == [(3 * 3 * 17,)]


def seed(name: str) -> list[dict[str, str]]:
    with (paths.DBT_PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_classes_neither_overlap_nor_leave_a_gap() -> None:
    by_classification: dict[str, list[dict[str, str]]] = {}
    for row in seed("indicator_classes"):
        by_classification.setdefault(row["classification_id"], []).append(row)
    assert {name: len(rows) for name, rows in by_classification.items()} == {
        "huglin": 6, "winkler": 6, "cool_night": 4, "dryness": 4, "isop_like": 4, "drought": 5, "natural_snow": 2,
    }  # fmt: skip
    for rows in by_classification.values():
        assert [row["class"] for row in rows] == [str(n) for n in range(1, len(rows) + 1)]
        rows = sorted(rows, key=lambda row: float(row["lower"] or "-inf"))
        for below, above in pairwise(rows):
            assert below["upper"] == above["lower"] != ""
            assert {below["upper_inclusive"], above["lower_inclusive"]} == {"true", "false"}
        assert rows[-1]["upper"] == ""


def test_drought_bounds_are_the_normal_quantiles_of_their_return_periods() -> None:
    bounds = {row["lower"] for row in seed("indicator_classes") if row["classification_id"] == "drought"}
    assert bounds == {""} | {f"{NormalDist().inv_cdf(1 / years):.2f}" for years in (5, 10, 25, 50)}


def test_classes_of_an_unchecked_source_say_so() -> None:
    unverified = {row["classification_id"] for row in seed("indicator_classes") if row["param_status"] == "unverified"}
    assert unverified == {"dryness"}
