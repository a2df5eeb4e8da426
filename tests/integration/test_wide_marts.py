"""The wide marts: the values of fct_indicator, a column per indicator of the catalogue, every column described."""

from __future__ import annotations

import csv
from collections import Counter

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
    if "themes" in model["config"]["meta"]
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
        assert column.description_fr in comments[column.name] and column.description_en in comments[column.name]
        if column.data_type == "float":
            assert column.unit and f"[{column.unit}]" in column.description_fr
            assert f"[{column.unit}]" in column.description_en
            indicator = next(i for i in units if column.name in (i, f"{i}_q05", f"{i}_q95", f"{i}_delta"))
            days = units[indicator] in wide.DATE_UNITS and column.name.endswith("_delta")
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
    """In one territory of 400, and in one of 20 that the daily runs cover."""
    covered = "territory_id in (select territory_id from fct_class)"
    of_some = f"(hash(territory_id) % 400 = 0 or hash(territory_id) % 20 = 0 and {covered})"
    key = "dataset_id, indicator_id"
    facts = {
        tuple(row[:4]): tuple(row[4:])
        for row in sample_mart.query(
            f"select territory_id, context_id, {key}, q50, q05, q95, delta_q50, reason "
            f"from fct_indicator where weighting = 'area' and {of_some}"
        )
    }
    held = {(dataset, indicator) for _, _, dataset, indicator in facts}
    absent = {(d, i): why for d, i, why in sample_mart.query(f"select {key}, reason from dim_indicator_availability")}
    names = [column.name for column in described(table)]
    indicators = [row["indicator_id"] for row in seed("indicators") if row["theme"] in WIDE[table][0]]
    rows = sample_mart.query(
        f"select territory_id, context_id, dataset_id, {', '.join(names)} from {table} where {of_some}"
    )
    seen: Counter[str] = Counter()
    for territory, context, dataset, *values in rows:
        for n, indicator in enumerate(indicators):
            found = tuple(values[5 * n : 5 * n + 5])
            expected = facts.get((territory, context, dataset, indicator))
            if expected is None:
                nowhere = absent[dataset, indicator] or "missing_cells"
                why = "not_in_context" if (dataset, indicator) in held else nowhere
                expected = (None, None, None, None, why)
            assert found == expected, (territory, context, dataset, indicator)
            seen[str(found[4]).partition(":")[0]] += 1
    assert {"None", "missing_cells", "not_in_exports"} <= seen.keys()
