"""Tables with a row per commune (or several, summed): CSV, XLSX, Parquet. The source's YAML says which column it is."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from climart.errors import UserError
from ingest.registry import CommuneTable

MAX_PREAMBLE = 30  # lines before the one that names the columns


def read(
    paths: Sequence[Path], ids: Sequence[str], options: CommuneTable
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``commune_fact`` rows of one or several tables. An empty cell is NULL with the reason ``not_published``.

    Raises UserError naming the file, the line and the column where something is not as the YAML says.
    """
    frames = [_frame(path, options).assign(source_file_id=file_id) for path, file_id in zip(paths, ids, strict=True)]
    frame = pd.concat(frames, ignore_index=True)
    if options.rows_per_commune == "one" and frame["commune_code"].duplicated().any():
        again = frame.loc[frame["commune_code"].duplicated(), "commune_code"].iloc[0]
        raise UserError(
            f"{', '.join(path.name for path in paths)}: commune {again} has several rows, one was expected. "
            "Give one vintage, or say `rows_per_commune: summed` in the source's YAML."
        )
    if options.rows_per_commune == "summed":
        groups = frame.groupby(["commune_code", "source_file_id"], sort=False)
        frame = groups.sum(min_count=1).reset_index()
    rows: list[dict[str, Any]] = []
    for measure in options.measures:
        for code, file_id, value in zip(frame["commune_code"], frame["source_file_id"], frame[measure], strict=True):
            missing = pd.isna(value)
            rows.append(
                {
                    "source_file_id": file_id,
                    "commune_code": code,
                    "vintage": options.vintage or options.date_end,
                    "measure_id": measure,
                    "date_start": options.date_start,
                    "date_end": options.date_end,
                    "value": None if missing else float(value),
                    "reason": "not_published" if missing else None,
                }
            )
    return {"commune_fact": rows}, []


def commune_code(text: str, where: str) -> str:
    """A commune's code with the leading zero that spreadsheets lose. Raises UserError if it cannot be one."""
    code = text.strip().zfill(5)
    if len(code) != 5 or not code[2:].isdigit() or not (code[:2].isdigit() or code[:2] in ("2A", "2B")):
        raise UserError(f"{where}: {text!r} is not a commune's code (five characters, such as 73065 or 2A004).")
    return code


def _frame(path: Path, options: CommuneTable) -> pd.DataFrame:
    """Columns commune_code and one per measure, float64."""
    names, lines, first = _cells(path, options)
    wanted = {options.code, *(column.column for column in options.measures.values())}
    if missing := sorted(wanted - set(names)):
        raise UserError(f"{path.name}: no column {', '.join(missing)}. Found: {', '.join(names)}.")
    place = {name: names.index(name) for name in wanted}
    content: dict[str, list[Any]] = {"commune_code": [], **{measure: [] for measure in options.measures}}
    for number, line in enumerate(lines, start=first):
        if not any(line):
            continue
        where = f"{path.name}, line {number}"
        if len(line) < len(names):
            raise UserError(f"{where}: {len(line)} fields, {len(names)} expected. Is the file whole?")
        content["commune_code"].append(commune_code(line[place[options.code]], where))
        for measure, column in options.measures.items():
            text = line[place[column.column]].strip()
            if column.counts_rows:
                content[measure].append(column.factor)
            elif column.equals is not None:
                content[measure].append(column.factor * (text == column.equals))
            else:
                content[measure].append(_number(text, options.decimal, f"{where}, {column.column}") * column.factor)
    if not content["commune_code"]:
        raise UserError(f"{path.name}: no row after the line that names the columns.")
    if options.row_cap and len(content["commune_code"]) >= options.row_cap:
        raise UserError(
            f"{path.name}: {len(content['commune_code'])} rows, and an export stops at {options.row_cap}: it may be "
            "cut. Export shorter periods and give all their files."
        )
    return pd.DataFrame(content)


def _number(text: str, decimal: str, where: str) -> float:
    try:
        return float(text.replace(decimal, ".")) if text else float("nan")
    except ValueError as error:
        raise UserError(f"{where}: {text!r} is not a number.") from error


def _cells(path: Path, options: CommuneTable) -> tuple[list[str], list[list[str]], int]:
    """Names of the columns, the lines after them as texts, the number of the first of these lines."""
    if path.suffix == ".parquet":
        try:
            table = pq.read_table(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path.name}: not a Parquet file ({error}). Download it again.") from error
        columns = [["" if value is None else str(value) for value in column.to_pylist()] for column in table.columns]
        return table.column_names, [list(line) for line in zip(*columns, strict=True)], 1
    lines = _xlsx(path) if path.suffix == ".xlsx" else _csv(path, options)
    for number, line in enumerate(lines[:MAX_PREAMBLE]):
        if options.code in line:
            return line, lines[number + 1 :], number + 2
    raise UserError(
        f"{path.name}: none of the first {MAX_PREAMBLE} lines names a column {options.code!r}. Is it another file?"
    )


def _xlsx(path: Path) -> list[list[str]]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path.name}: not an XLSX file ({error}). Download it again.") from error
    sheet = book.worksheets[0]
    return [["" if value is None else str(value) for value in row] for row in sheet.iter_rows(values_only=True)]


def _csv(path: Path, options: CommuneTable) -> list[list[str]]:
    try:
        with path.open(encoding=options.encoding, newline="") as handle:
            return [
                [cell.lstrip("\ufeff") for cell in line] for line in csv.reader(handle, delimiter=options.separator)
            ]
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: not {options.encoding} (byte {error.start}).") from error
