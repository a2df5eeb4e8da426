"""The wide marts: the values of fct_indicator, a column per indicator of the catalogue, every column described."""

from __future__ import annotations

import csv

import pytest
import yaml

from climart import paths
from mart import wide
from tests.conftest import Mart

SEEDS = paths.DBT_PROJECT / "seeds"
MODELS = yaml.safe_load((paths.DBT_PROJECT / "models" / "marts" / "_marts.yml").read_text(encoding="utf-8"))["models"]
WIDE = {
    model["name"]: (model["config"]["meta"]["themes"], [column["name"] for column in model["columns"]])
    for model in MODELS
    if model["name"].startswith("mart_")
}


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def described(table: str) -> list[wide.Column]:
    themes, _ = WIDE[table]
    return wide.columns([row for row in seed("indicators") if row["theme"] in themes], seed("wide_columns"))


@pytest.mark.parametrize("table", WIDE)
def test_columns_are_those_of_the_catalogue_whatever_the_lake_holds(sample_mart: Mart, table: str) -> None:
    found = sample_mart.query(f"select column_name, lower(column_type) from (describe {table})")
    _, keys = WIDE[table]
    made = [(column.name, column.data_type) for column in described(table)]
    assert found == [(key, "varchar") for key in keys] + made
    assert len(made) == 5 * len([row for row in seed("indicators") if row["theme"] in WIDE[table][0]]) > 0


@pytest.mark.parametrize("table", WIDE)
def test_every_column_has_both_descriptions_and_its_unit(sample_mart: Mart, table: str) -> None:
    comments = dict(
        sample_mart.query("select column_name, comment from duckdb_columns() where table_name = ?", [table])
    )
    units = {row["indicator_id"]: row["unit"] for row in seed("indicators")}
    for column in described(table):
        assert column.description_fr and column.description_en == comments[column.name]
        if column.data_type == "float":
            assert column.unit and f"[{column.unit}]" in column.description_fr
            assert f"[{column.unit}]" in column.description_en
            indicator = next(i for i in units if column.name in (i, f"{i}_q05", f"{i}_q95", f"{i}_delta"))
            days = units[indicator] == "DOY" and column.name.endswith("_delta")
            assert column.unit == ("d" if days else units[indicator])
    assert all(comments.values())


@pytest.mark.parametrize("table", WIDE)
def test_one_row_per_territory_dataset_and_context(sample_mart: Mart, table: str) -> None:
    ((n, keys),) = sample_mart.query(
        f"select count(*), count(distinct (territory_id, dataset_id, context_id)) from {table}"
    )
    expected = sample_mart.query(
        "select count(distinct (territory_id, dataset_id, context_id)) from fct_indicator where weighting = 'area'"
    )
    assert [(n,)] == [(keys,)] == expected


@pytest.mark.parametrize("table", WIDE)
def test_values_and_reasons_are_those_of_the_long_table(sample_mart: Mart, table: str) -> None:
    """Unpivoted, a wide mart is the rows of fct_indicator, and beside them only rows that say that there is none."""
    indicators = sample_mart.query(
        "select indicator_id from dim_indicator where list_contains(?, theme)", [list(WIDE[table][0])]
    )
    assert len(indicators) >= 5
    sampled = "hash(territory_id) % 20 = 0"
    long = " union all ".join(
        f"select territory_id, dataset_id, context_id, '{i}' as indicator_id, {i} as q50, {i}_q05 as q05, "
        f"{i}_q95 as q95, {i}_delta as delta, {i}_reason as reason from {table} where {sampled}"
        for (i,) in indicators
    )
    names = ", ".join(f"'{i}'" for (i,) in indicators)
    facts = (
        "select territory_id, dataset_id, context_id, indicator_id, q50, q05, q95, delta_q50, reason "
        f"from fct_indicator where weighting = 'area' and indicator_id in ({names}) and {sampled}"
    )
    assert sample_mart.query(f"select count(*) from ({facts} except all ({long}))") == [(0,)]
    beside = sample_mart.query(
        f"select reason, bool_or(q50 is not null or q05 is not null or q95 is not null or delta is not null), "
        f"bool_and(present) from (select *, dataset_id || indicator_id in "
        f"(select dataset_id || indicator_id from ({facts})) as present from ({long} except all ({facts}))) "
        "group by reason"
    )
    assert {reason for reason, _, _ in beside} <= {"not_in_dataset", "not_in_context"}
    assert ("not_in_dataset", False, False) in beside
    assert not any(has_value for _, has_value, _ in beside)
