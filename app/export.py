"""What is shown, as a CSV that opens in a spreadsheet: French or English, with its source written in."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any, Final

import pandas as pd

from app.data import Context, Dataset, Indicator
from app.i18n import Words
from app.sentences import missing
from climart.spreadsheet import harmless

TEXT_COLUMNS: Final = ("code", "name", "departement")
VALUE_COLUMNS: Final = ("q50", "q05", "q95", "ref_q50", "delta_q50", "delta_q05", "delta_q95", "agreement")
COUNT_COLUMNS: Final = ("n_runs", "n_cells", "resolution_km")
WORD_COLUMNS: Final = ("method", "geometry_method", "reason")
# Two more decimals than the screen shows, so that a reader's sums do not drift.
SPARE_DECIMALS: Final = 2


def _number(value: float, decimals: int, words: Words) -> str:
    if missing(value):
        return ""
    text = f"{value:.{decimals}f}"
    return text.replace(".", ",") if words.lang == "fr" else text


def source_lines(
    indicator: Indicator, context: Context, dataset: Dataset, version: str, published: str, words: Words
) -> list[str]:
    """The lines that say what the figures are and where they come from."""
    lines = []
    if dataset.is_synthetic:
        lines.append(words.own(dataset.notice_fr, dataset.notice_en))
    unit = words(f"units.{indicator.unit}.export")
    lines += [
        words("export.indicator", label=words.own(indicator.label_fr, indicator.label_en), unit=unit, id=indicator.id),
        words("export.definition", text=words.own(indicator.definition_fr, indicator.definition_en)),
        *filter(None, [words.own(indicator.notice_fr, indicator.notice_en)]),
        words("export.context", label=words.own(context.label_fr, context.label_en), id=context.id),
        words("export.dataset", title=words.own(dataset.title_fr, dataset.title_en), id=dataset.id),
        words("export.source", citation=dataset.citation),
        words("export.licence", licence=dataset.licence),
        words("export.release", version=version, date=published),
        words("export.reading"),
    ]
    if not dataset.is_synthetic:
        lines.append(words.own(dataset.notice_fr, dataset.notice_en))
    return lines


def table_csv(table: pd.DataFrame, indicator: Indicator, source: Sequence[str], words: Words) -> bytes:
    """UTF-8 with BOM; in French semicolons and decimal commas. ``source`` comes first, each line after ``# ``.

    A ``# `` line never spreads over cells by accident: it is one quoted cell.
    """
    separator = ";" if words.lang == "fr" else ","
    out = StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    for line in source:
        writer.writerow([f"# {' '.join(line.split())}"])
    names = (*TEXT_COLUMNS, *VALUE_COLUMNS, *COUNT_COLUMNS, *WORD_COLUMNS)
    writer.writerow([words(f"export.columns.{name}") for name in names])
    decimals = indicator.decimals + SPARE_DECIMALS
    for row in table.to_dict("records"):
        cells: list[Any] = [harmless("" if missing(row[name]) else str(row[name])) for name in TEXT_COLUMNS]
        cells += [_number(row[name], decimals, words) for name in VALUE_COLUMNS]
        cells += ["" if missing(row[name]) else int(row[name]) for name in COUNT_COLUMNS]
        cells += [
            "" if missing(row[name]) else words(f"{'reasons' if name == 'reason' else 'methods'}.{row[name]}")
            for name in WORD_COLUMNS
        ]
        writer.writerow(cells)
    return out.getvalue().encode("utf-8-sig")
