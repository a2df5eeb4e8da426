"""Tables with a row per commune (or several, summed): CSV, XLSX, Parquet, saved answers of an API (JSON).

The source's YAML says which column is what.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from climart.errors import UserError
from ingest.readers import answers
from ingest.registry import Column, CommuneTable

MAX_PREAMBLE = 30  # lines before the one that names the columns
MAX_BAD_SHARE = 0.05  # of the rows: with more bad ones, it is another table


def read(
    paths: Sequence[Path], ids: Sequence[str], options: CommuneTable
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``commune_fact`` rows of one or several tables. An empty cell is NULL with the reason ``not_published``.

    Raises UserError naming the file, the line and the column where something is not as the YAML says.
    """
    saved = answers.rows([path for path in paths if path.suffix == ".json"])
    remarks: list[str] = []
    keys: dict[tuple[str, ...], str] = {}
    frames = []
    for path, file_id in zip(paths, ids, strict=True):
        table = _Table(path, options, saved.get(path))
        frames.append(table.frame(keys, remarks).assign(source_file_id=file_id))
    frame = pd.concat(frames, ignore_index=True)
    if options.rows_per_commune == "one" and frame["commune_code"].duplicated().any():
        again = frame.loc[frame["commune_code"].duplicated(), "commune_code"].iloc[0]
        raise UserError(
            f"{', '.join(path.name for path in paths)}: commune {again} has several rows, one was expected. "
            "Give one vintage, or say `rows_per_commune: summed` in the source's YAML."
        )
    first, last = _period(frame, options)
    if options.rows_per_commune == "summed":
        groups = frame.groupby("commune_code", sort=False)
        files = groups["source_file_id"].agg(["first", "nunique"])
        frame = groups[list(options.measures)].sum(min_count=1).reset_index()
        one_file = zip(files["first"], files["nunique"], strict=True)
        frame["source_file_id"] = pd.Series([name if n == 1 else None for name, n in one_file], dtype=object)
    rows: list[dict[str, Any]] = []
    for measure, column in options.measures.items():
        for code, file_id, value in zip(frame["commune_code"], frame["source_file_id"], frame[measure], strict=True):
            missing = pd.isna(value)
            rows.append(
                {
                    "source_file_id": file_id,
                    "commune_code": code,
                    "vintage": options.vintage or last,
                    "measure_id": measure,
                    "date_start": column.date_start or first,
                    "date_end": last,
                    "value": None if missing else float(value),
                    "reason": "not_published" if missing else None,
                }
            )
    return {"commune_fact": rows}, remarks


def commune_code(text: str, where: str) -> str:
    """A commune's code with the leading zero that spreadsheets lose. Raises UserError if it cannot be one."""
    code = text.strip().removesuffix(".0").zfill(5)
    known = code[2:].isdigit() and ((code[:2].isdigit() and code[:2] != "00") or code[:2] in ("2A", "2B"))
    if len(code) != 5 or not known:
        raise UserError(f"{where}: {text!r} is not a commune's code (five characters, such as 73065 or 2A004).")
    return code


def plain(text: str) -> str:
    """A text without accents, capitals or spaces around it."""
    letters = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).lower().strip()


def _period(frame: pd.DataFrame, options: CommuneTable) -> tuple[date | None, date | None]:
    """First and last day of the data: as the YAML says, or the whole years that the rows are of."""
    if options.year_column is None:
        return options.date_start, options.date_end
    return date(int(frame["year"].min()), 1, 1), date(int(frame["year"].max()), 12, 31)


class _Table:
    """One file, its columns by name."""

    def __init__(self, path: Path, options: CommuneTable, saved: list[answers.Row] | None) -> None:
        self.path = path
        self.options = options
        self.is_empty_answer = saved == []  # nothing was found there: an answer, and no fault
        if self.is_empty_answer:
            return
        self.names, self.lines, self.first = _cells(path, options, saved)
        self.place = {name: position for position, name in enumerate(self.names)}
        key = (options.code, *options.row_key, *filter(None, [options.year_column]))
        wanted = {*key, *(column.column for column in options.measures.values()), *options.columns}
        if missing := sorted(wanted - set(self.names)):
            raise UserError(f"{path.name}: no column {', '.join(missing)}. Found: {', '.join(self.names)}.")
        if options.columns and (extra := [name for name in self.names if name and name not in options.columns]):
            raise UserError(
                f"{path.name}: column {', '.join(extra)} is not known. If nothing hangs on it, add it to "
                "`columns` of the source's YAML."
            )
        if doubled := sorted({name for name in wanted if self.names.count(name) > 1}):
            raise UserError(f"{path.name}: several columns are called {', '.join(doubled)}, one was expected.")

    def frame(self, keys: dict[tuple[str, ...], str], remarks: list[str]) -> pd.DataFrame:
        """Columns commune_code, one per measure (float64), year where the YAML names its column.

        ``keys``: those of the rows of all files, with where they are. ``remarks``: the bad rows that are left out.
        """
        if self.is_empty_answer:
            return pd.DataFrame({"commune_code": [], **{measure: [] for measure in self.options.measures}})
        content: list[dict[str, Any]] = []
        bad: list[str] = []
        for where, line in self._whole_lines():
            try:
                content.append(self._row(line, where))
            except UserError as fault:
                if self.options.bad_rows == "refused":
                    raise
                bad.append(fault.args[0].removeprefix(f"{self.path.name}, "))
                continue
            if self.options.row_key:
                key = tuple(self._cell(line, name) for name in self.options.row_key)
                if keys.setdefault(key, where) != where:
                    raise UserError(
                        f"{where}: {', '.join(self.options.row_key)} = {', '.join(key)} is in {keys[key]} too. "
                        "Expected each once: do two files hold the same period?"
                    )
        if not content and not bad:
            raise UserError(f"{self.path.name}: no row after the line that names the columns.")
        if len(bad) > MAX_BAD_SHARE * (len(content) + len(bad)) + 1:
            raise UserError(f"{self.path.name}: {len(bad)} bad rows of {len(content) + len(bad)}, the first: {bad[0]}")
        if bad:
            remarks.append(f"{self.path.name}: {len(bad)} bad row(s) left out: {' '.join(bad)}")
        if self.options.row_cap and len(content) >= self.options.row_cap:
            raise UserError(
                f"{self.path.name}: {len(content)} rows, and an export stops at {self.options.row_cap}: it may be "
                "cut. Export shorter periods and give all their files."
            )
        return pd.DataFrame(content)

    def _whole_lines(self) -> Iterator[tuple[str, list[str]]]:
        for number, line in enumerate(self.lines, start=self.first):
            if not any(line):
                continue
            where = f"{self.path.name}, line {number}"
            if len(line) != len(self.names):
                raise UserError(f"{where}: {len(line)} fields, {len(self.names)} expected. Is the file whole?")
            yield where, line

    def _row(self, line: list[str], where: str) -> dict[str, Any]:
        row: dict[str, Any] = {"commune_code": commune_code(self._cell(line, self.options.code), where)}
        for measure, column in self.options.measures.items():
            row[measure] = _value(self._cell(line, column.column), column, self.options.decimal, where)
        if self.options.year_column:
            year = self._cell(line, self.options.year_column)
            if not (len(year) == 4 and year.isdigit()):
                raise UserError(f"{where}, {self.options.year_column}: {year!r} is not a year such as 2022.")
            row["year"] = int(year)
        return row

    def _cell(self, line: list[str], name: str) -> str:
        return line[self.place[name]].strip()


def _value(text: str, column: Column, decimal: str, where: str) -> float:
    """The value of a cell, NaN where it is empty."""
    where = f"{where}, {column.column}"
    if column.counts_rows:
        return column.factor
    if column.equals is not None:
        return column.factor * (text == column.equals)
    if column.values:
        value = column.values.get(plain(text)) if text else float("nan")
        if value is None:
            raise UserError(f"{where}: {text!r} is not known. Expected {', '.join(column.values)}.")
    else:
        value = _number(text, decimal, where) * column.factor
    if column.bounds and not column.bounds[0] <= value <= column.bounds[1] and not pd.isna(value):
        least, most = column.bounds
        raise UserError(f"{where}: {text!r} cannot be. Expected {least:g} to {most:g} (after × {column.factor:g}).")
    return value


def _number(text: str, decimal: str, where: str) -> float:
    try:
        return float(text.replace(decimal, ".")) if text else float("nan")
    except ValueError as error:
        raise UserError(f"{where}: {text!r} is not a number.") from error


def _cells(
    path: Path, options: CommuneTable, saved: list[answers.Row] | None
) -> tuple[list[str], list[list[str]], int]:
    """Names of the columns, the lines after them as texts, the number of the first of these lines."""
    if saved is not None:
        names = list(dict.fromkeys(name for row in saved for name in row))
        return names, [[_text(row.get(name)) for name in names] for row in saved], 1
    if path.suffix == ".parquet":
        try:
            table = pq.read_table(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path.name}: not a Parquet file ({error}). Download it again.") from error
        columns = [[_text(value) for value in column.to_pylist()] for column in table.columns]
        return table.column_names, [list(line) for line in zip(*columns, strict=True)], 1
    lines = _xlsx(path, options.sheet) if path.suffix == ".xlsx" else _csv(path, options)
    for number, line in enumerate(lines[:MAX_PREAMBLE]):
        if options.code in line:
            return line, lines[number + 1 :], number + 2
    raise UserError(
        f"{path.name}: none of the first {MAX_PREAMBLE} lines names a column {options.code!r}. Is it another file?"
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _xlsx(path: Path, sheet: str | None) -> list[list[str]]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path.name}: not an XLSX file ({error}). Download it again.") from error
    if sheet is not None and sheet not in book.sheetnames:
        raise UserError(f"{path.name}: no sheet {sheet}. Found: {', '.join(book.sheetnames)}.")
    page = book[sheet] if sheet is not None else book.worksheets[0]
    return [[_text(value) for value in row] for row in page.iter_rows(values_only=True)]


def _csv(path: Path, options: CommuneTable) -> list[list[str]]:
    try:
        with path.open(encoding=options.encoding, newline="") as handle:
            return [
                [cell.lstrip("\ufeff") for cell in line] for line in csv.reader(handle, delimiter=options.separator)
            ]
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: not {options.encoding} (byte {error.start}).") from error
