"""What is shown, as a CSV or a workbook that opens in a spreadsheet: French or English, with its source written in."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO, StringIO
from typing import Final

import pandas as pd
import xlsxwriter

from app.data import Context, Dataset, Indicator
from app.formats import long_date, unit_form
from app.i18n import Words
from app.sentences import Row, missing
from climart.spreadsheet import harmless

Cell = str | float | int | None
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

TEXT_COLUMNS: Final = ("code", "name", "departement")
VALUE_COLUMNS: Final = ("q50", "q05", "q95", "ref_q50", "delta_q50", "delta_q05", "delta_q95", "agreement")
COUNT_COLUMNS: Final = ("n_runs", "n_cells", "resolution_km")
WORD_COLUMNS: Final = ("method", "geometry_method", "reason")
# Two more decimals than the screen shows, so that a reader's sums do not drift.
SPARE_DECIMALS: Final = 2


@dataclass(frozen=True)
class Source:
    """What figures are and where they come from, in the reader's words."""

    indicator: Indicator
    context: Context
    dataset: Dataset
    weighting: str
    version: str
    published: date
    words: Words


def dataset_lines(dataset: Dataset, version: str, published: date, words: Words) -> list[str]:
    """Source, licence and release of a dataset; what it must not be taken for stands first if it is simulated."""
    notice = [words.own(dataset.notice_fr, dataset.notice_en)]
    lines = [
        words("export.dataset", title=words.own(dataset.title_fr, dataset.title_en), id=dataset.id),
        words("export.source", citation=dataset.citation),
        words("export.licence", licence=dataset.licence),
        words("export.release", version=version, date=long_date(published, words)),
        words("export.reading"),
    ]
    return notice + lines if dataset.is_synthetic else lines + notice


def source_lines(source: Source) -> list[str]:
    """The lines that say what the figures are and where they come from."""
    words, indicator, context = source.words, source.indicator, source.context
    unit = unit_form(indicator.unit, "export", words)
    lines = [
        words("export.indicator", label=words.own(indicator.label_fr, indicator.label_en), unit=unit, id=indicator.id),
        words("export.definition", text=words.own(indicator.definition_fr, indicator.definition_en)),
        *filter(None, [words.own(indicator.notice_fr, indicator.notice_en)]),
        words("export.context", label=words.own(context.label_fr, context.label_en), id=context.id),
        words("export.weighting", weighting=words.known("weightings", source.weighting)),
    ]
    about = dataset_lines(source.dataset, source.version, source.published, words)
    return about[:1] + lines + about[1:] if source.dataset.is_synthetic else lines + about


def _cells(row: Row, decimals: int, words: Words) -> list[str | float | int | None]:
    """The cells of a territory: texts as they are, numbers rounded, words for codes, None for what is absent."""
    cells: list[str | float | int | None] = [None if missing(row[name]) else str(row[name]) for name in TEXT_COLUMNS]
    cells += [None if missing(row[name]) else round(float(row[name]), decimals) for name in VALUE_COLUMNS]
    valued = missing(row["reason"])
    cells += [int(row["n_runs"]) if valued else None, int(row["n_cells"]) if valued else None]
    cells.append(None if missing(row["resolution_km"]) else float(row["resolution_km"]))
    for name in WORD_COLUMNS:
        group = "reasons" if name == "reason" else "methods"
        cells.append(None if missing(row[name]) else words.known(group, row[name]))
    return cells


def _header(words: Words) -> list[str]:
    names = (*TEXT_COLUMNS, *VALUE_COLUMNS, *COUNT_COLUMNS, *WORD_COLUMNS)
    return [words(f"export.columns.{name}") for name in names]


def csv_bytes(source: Sequence[str], header: Sequence[str], rows: Iterable[Sequence[Cell]], words: Words) -> bytes:
    """UTF-8 with BOM; in French semicolons and decimal commas. ``source`` comes first, each line after ``# ``.

    A ``# `` line never spreads over cells by accident: it is one quoted cell. Texts never run as formulas.
    """
    out = StringIO()
    writer = csv.writer(out, delimiter=";" if words.lang == "fr" else ",", lineterminator="\r\n")
    for line in source:
        writer.writerow([f"# {' '.join(line.split())}"])
    writer.writerow([harmless(name) for name in header])
    for row in rows:
        writer.writerow([_written(cell, words) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def _written(cell: Cell, words: Words) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return harmless(cell)
    return str(cell).replace(".", ",") if words.lang == "fr" else str(cell)


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook: a header and rows. Widths are worked out from the texts."""

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


def xlsx_bytes(sheets: Sequence[Sheet], words: Words, source: Sequence[str]) -> bytes:
    """A workbook, with its source as the last sheet. Texts are stored as texts: nothing in them runs."""
    out = BytesIO()
    settings = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
                "nan_inf_to_errors": True}  # fmt: skip
    about = Sheet(words("export.about"), [words("export.about")], [[line] for line in source])
    with xlsxwriter.Workbook(out, settings) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        for sheet in (*sheets, about):
            page = book.add_worksheet(_sheet_name(sheet.name))
            page.freeze_panes(1, 0)
            for column, name in enumerate(sheet.header):
                texts = [len(str(row[column])) for row in sheet.rows[:200] if column < len(row) and row[column]]
                page.set_column(column, column, min(max([10, *texts]) + 1, 90 if sheet is about else 42))
                page.write_string(0, column, name, bold)
            for at, row in enumerate(sheet.rows, start=1):
                for column, cell in enumerate(row):
                    if isinstance(cell, str):
                        page.write_string(at, column, cell)
                    elif cell is not None:
                        page.write_number(at, column, cell)
    return out.getvalue()


def _sheet_name(name: str) -> str:
    """At most 31 characters, without those that a sheet's name may not hold."""
    return "".join("-" if character in "[]:*?/\\" else character for character in name)[:31].strip("'") or "-"


def table_rows(table: pd.DataFrame, indicator: Indicator, words: Words) -> list[list[Cell]]:
    """The rows of ``data.joined`` as they are exported."""
    decimals = indicator.decimals + SPARE_DECIMALS
    return [list(_cells(row, decimals, words)) for row in table.to_dict("records")]


def table_csv(table: pd.DataFrame, source: Source) -> bytes:
    """What is shown, as a CSV with its source."""
    rows = table_rows(table, source.indicator, source.words)
    return csv_bytes(source_lines(source), _header(source.words), rows, source.words)


def table_xlsx(table: pd.DataFrame, source: Source) -> bytes:
    """What is shown, as a workbook with its source."""
    words = source.words
    name = words.own(source.indicator.label_fr, source.indicator.label_en)
    sheet = Sheet(name, _header(words), table_rows(table, source.indicator, words))
    return xlsx_bytes([sheet], words, source_lines(source))
