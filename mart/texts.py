"""One text for every place: what each published table and column is, in French and English, its unit and its source.

Authored in ``dbt_project/models/marts/_marts.yml`` (``description``, and under ``config.meta``: ``description_fr``,
``unit``, ``source_fr``, ``source_en``); the columns that wide marts take from the catalogue are described from it.
DuckDB's comments, Parquet footers, the dictionary, the Data Package and the reference page all read it here.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from climart import paths
from mart import wide

NO_UNIT: Final = "none"
# Types that measure nothing. A number always says its unit.
_WITHOUT_UNIT: Final = re.compile(r"(varchar|boolean|date|timestamp.*|blob)(\[\])*", re.IGNORECASE)


@dataclass(frozen=True)
class Text:
    """What a column is. ``unit``: ``none`` for what measures nothing; ``dim_indicator.unit``: its indicator's."""

    description_fr: str
    description_en: str
    unit: str
    source_fr: str
    source_en: str
    data_type: str = ""

    def missing(self) -> list[str]:
        """The parts that are not written."""
        parts = ("description_fr", "description_en", "unit", "source_fr", "source_en")
        return [part for part in parts if not getattr(self, part)]

    def comment(self) -> str:
        """In one line, for DuckDB's COMMENT."""
        unit = "" if self.unit == NO_UNIT else f" [{self.unit}]"
        return (
            f"{self.description_fr}{unit}. Source : {self.source_fr} | "
            f"{self.description_en}{unit}. Source: {self.source_en}"
        )


@dataclass(frozen=True)
class Table:
    """What a table is: its own text, its columns in order, and the columns that identify a row."""

    name: str
    text: Text
    columns: dict[str, Text]
    key: tuple[str, ...]


@cache
def tables() -> dict[str, Table]:
    """Every table that may be published, by name."""
    path = paths.DBT_PROJECT / "models" / "marts" / "_marts.yml"
    schema = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {model["name"]: _table(model) for model in schema["models"]}


def _table(model: dict[str, Any]) -> Table:
    meta = model["config"]["meta"]
    source_fr, source_en = meta.get("source_fr", ""), meta.get("source_en", "")
    columns = {column["name"]: _column(column, source_fr, source_en) for column in model["columns"]}
    themes = meta.get("themes", [])
    for made in wide.columns([row for row in seed("indicators") if row["theme"] in themes], seed("wide_columns")):
        columns[made.name] = Text(
            made.description_fr, made.description_en, made.unit or NO_UNIT, source_fr, source_en, made.data_type
        )
    text = Text(meta["description_fr"], model["description"], NO_UNIT, source_fr, source_en)
    return Table(model["name"], text, columns, _key(model))


def _column(column: dict[str, Any], source_fr: str, source_en: str) -> Text:
    meta = column["config"]["meta"]
    data_type = column["data_type"]
    return Text(
        meta.get("description_fr", ""),
        column.get("description", ""),
        meta.get("unit") or (NO_UNIT if _WITHOUT_UNIT.fullmatch(data_type) else ""),
        meta.get("source_fr", source_fr),
        meta.get("source_en", source_en),
        data_type,
    )


def _key(model: dict[str, Any]) -> tuple[str, ...]:
    """The columns that dbt tests as the table's key; none where it tests none."""
    for test in model.get("data_tests", []):
        if isinstance(test, dict) and "unique_key" in test:
            return tuple(test["unique_key"]["arguments"]["columns"])
    return tuple(column["name"] for column in model["columns"] if "unique" in column.get("data_tests", []))[:1]


def seed(name: str) -> list[dict[str, str]]:
    """The rows of a seed."""
    with (paths.DBT_PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
