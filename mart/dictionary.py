"""The data dictionary, as Markdown and as Parquet, from the same texts that the database carries (``mart.texts``)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from climart.files import atomic_text
from mart import texts


def markdown(tables: Iterable[texts.Table]) -> str:
    """Every table and column, in French and English, then the catalogue of indicators."""
    lines = [
        "# Dictionnaire · Dictionary",
        "",
        "Une unité `dim_indicator.unit` est celle de l'indicateur de la ligne. "
        "A unit `dim_indicator.unit` is that of the row's indicator. "
        "Les mêmes textes sont dans les commentaires de `climart.duckdb`, les pieds des fichiers Parquet, "
        "`dictionary.parquet` et `datapackage.json`. The same texts are in the comments of `climart.duckdb`, the "
        "Parquet footers, `dictionary.parquet` and `datapackage.json`.",
    ]
    for table in tables:
        text = table.text
        lines += ["", f"## `{table.name}`", "", f"{text.description_fr}. Source : {text.source_fr}.", ""]
        lines += [f"{text.description_en}. Source: {text.source_en}.", ""]
        if table.key:
            lines += [f"Clé · Key: {', '.join(f'`{name}`' for name in table.key)}.", ""]
        lines += ["| colonne · column | type | unité · unit | français | English |", "|---|---|---|---|---|"]
        for name, column in table.columns.items():
            unit = "" if column.unit == texts.NO_UNIT else column.unit
            lines.append(_row(f"`{name}`", column.data_type, unit, column.description_fr, column.description_en))
    lines += ["", "## Indicateurs · Indicators", ""]
    lines += [
        "| id | français | English | unité · unit | définition | definition | référence · reference | statut · status |"
    ]
    lines.append("|---|---|---|---|---|---|---|---|")
    shown = ("label_fr", "label_en", "unit", "definition_fr", "definition_en", "reference", "param_status")
    for row in texts.seed("indicators"):
        lines.append(_row(f"`{row['indicator_id']}`", *(row[name] for name in shown)))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write(folder: Path) -> None:
    """Write ``dictionary.md`` and ``dictionary.parquet`` of the release in ``folder``, which has its tables already."""
    tables = list(published(folder))
    (folder / "dictionary.md").write_text(markdown(tables), encoding="utf-8")
    rows = []
    for table in tables:
        footer = pq.read_schema(folder / "parquet" / f"{table.name}.parquet").metadata
        for name, text in [("", table.text), *table.columns.items()]:
            rows.append(
                {
                    "table": table.name,
                    "column": name,
                    "data_type": text.data_type,
                    "description_fr": text.description_fr,
                    "description_en": text.description_en,
                    "unit": text.unit,
                    "source_fr": text.source_fr,
                    "source_en": text.source_en,
                    "licence": footer[b"licence"].decode(),
                    "version": footer[b"version"].decode(),
                }
            )
    pq.write_table(pa.Table.from_pylist(rows), folder / "dictionary.parquet", compression="zstd")


def published(folder: Path) -> Iterator[texts.Table]:
    """The texts of the tables and columns that a release holds, in the dictionary's order."""
    for name, table in texts.tables().items():
        path = folder / "parquet" / f"{name}.parquet"
        if path.exists():
            columns = json.loads(pq.read_schema(path).metadata[b"columns"])
            yield texts.Table(name, table.text, {column: table.columns[column] for column in columns}, table.key)


if __name__ == "__main__":
    atomic_text(Path(sys.argv[1]), markdown(texts.tables().values()))
