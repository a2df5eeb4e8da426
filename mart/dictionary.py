"""The data dictionary as Markdown, from the same texts that the database carries: dbt's YAML and the catalogue."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import yaml

from climart import paths
from climart.files import atomic_text
from mart import wide


def markdown() -> str:
    """Every published table and column, in French and English, then the catalogue of indicators."""
    lines = [
        "# Dictionnaire · Dictionary",
        "",
        "Written by `make docs` from `dbt_project/models/marts/_marts.yml` and `dbt_project/seeds/indicators.csv`; "
        "the same texts are column comments in `climart.duckdb`.",
    ]
    catalogue, shape = seed("indicators"), seed("wide_columns")
    schema = yaml.safe_load((paths.DBT_PROJECT / "models" / "marts" / "_marts.yml").read_text(encoding="utf-8"))
    for model in schema["models"]:
        lines += ["", f"## `{model['name']}`", "", model["config"]["meta"]["description_fr"] + ".", ""]
        lines += [
            model["description"] + ".",
            "",
            "| colonne | type | français | English |",
            "|---|---|---|---|",
        ]
        for column in model["columns"]:
            french = column["config"]["meta"]["description_fr"]
            cells = (f"`{column['name']}`", column["data_type"], french, column["description"])
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        themes = model["config"]["meta"].get("themes", [])
        for made in wide.columns([row for row in catalogue if row["theme"] in themes], shape):
            lines.append(f"| `{made.name}` | {made.data_type} | {made.description_fr} | {made.description_en} |")
    lines += [
        "",
        "## Indicateurs · Indicators",
        "",
        "| id | français | English | unité | définition | référence | statut |",
    ]
    lines.append("|---|---|---|---|---|---|---|")
    for row in catalogue:
        shown = ("label_fr", "label_en", "unit", "definition_fr", "reference", "param_status")
        lines.append("| " + " | ".join([f"`{row['indicator_id']}`", *(row[name] for name in shown)]) + " |")
    return "\n".join(lines) + "\n"


def seed(name: str) -> list[dict[str, str]]:
    """The rows of a seed."""
    with (paths.DBT_PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


if __name__ == "__main__":
    atomic_text(Path(sys.argv[1]), markdown())
