"""Portfolios as people have them: a CSV of any separator, encoding and decimal sign, a workbook, Parquet, a frame.

What looks like a number becomes one, exactly (decimals stay decimals, so that amounts keep their cents); codes with a
leading zero stay text; what is ambiguous stays as it was written, and is said.
"""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from climart.errors import UserError

SEPARATORS: Final = (";", "\t", ",", "|")
SNIFFED_LINES: Final = 200
SPACES: Final = "[ \u00a0\u2009\u202f]"  # space, no-break, thin, narrow no-break
INTEGER: Final = r"^[+-]?\d{1,18}$"
FRENCH: Final = rf"^[+-]?(\d{{1,3}}({SPACES}\d{{3}})+|\d+)(,\d+)?$"
ENGLISH: Final = r"^[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$"
LEADING_ZERO: Final = r"^[+-]?0\d"
MOST_DECIMALS: Final = 12


@dataclass
class Portfolio:
    """A table with unique column names, how it was written, and what was remarked on the way."""

    table: pa.Table
    name: str
    separator: str = ";"
    decimal: str = ","
    remarks: list[str] = field(default_factory=list)


def read(source: Path | Any, keys: Sequence[str] = ()) -> Portfolio:
    """A portfolio from a file (.csv, .tsv, .txt, .xlsx, .parquet) or from a pandas, polars or Arrow table.

    ``keys``: columns that stay as they are written (codes, coordinates). Raises UserError where it cannot be read.
    """
    if not isinstance(source, (str, Path)):
        return _unique(Portfolio(_from_frame(source), "table"))
    path = Path(source)
    if not path.is_file():
        raise UserError(f"{path}: no such file.")
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        portfolio = _read_csv(path)
    elif suffix in (".xlsx", ".xlsm"):
        portfolio = _read_workbook(path)
    elif suffix in (".parquet", ".pq"):
        try:
            return _unique(Portfolio(pq.read_table(path).replace_schema_metadata(None), path.name))
        except pa.ArrowInvalid as error:
            raise UserError(f"{path.name}: not a Parquet file ({error}).") from error
    else:
        raise UserError(f"{path.name}: expected .csv, .tsv, .txt, .xlsx or .parquet.")
    _type_columns(portfolio, {_folded(key) for key in keys})
    return portfolio


def column(portfolio: Portfolio, name: str) -> str:
    """The column that ``name`` means, whatever its case and accents. Raises UserError listing the columns."""
    found = [c for c in portfolio.table.column_names if c == name]
    found = found or [c for c in portfolio.table.column_names if _folded(c) == _folded(name)]
    if len(found) != 1:
        listed = ", ".join(portfolio.table.column_names)
        raise UserError(f"{portfolio.name}: no column {name!r}. Its columns: {listed}. Name the key with --on.")
    return str(found[0])


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")


def _from_frame(source: Any) -> pa.Table:
    if isinstance(source, pa.Table):
        return source.replace_schema_metadata(None)
    if hasattr(source, "to_arrow"):
        return pa.table(source.to_arrow())
    if hasattr(source, "iloc"):
        return pa.Table.from_pandas(source, preserve_index=False).replace_schema_metadata(None)
    if hasattr(source, "__arrow_c_stream__"):
        return pa.table(source)
    raise UserError(f"a portfolio is a file, or a pandas, polars or Arrow table; found {type(source).__name__}.")


def _unique(portfolio: Portfolio) -> Portfolio:
    """Give every column a name of its own."""
    names: list[str] = []
    for i, given in enumerate(portfolio.table.column_names, start=1):
        name = given.strip() or f"column_{i}"
        again = 2
        while name in names:
            name = f"{given.strip() or 'column'}_{again}"
            again += 1
        if name != given:
            portfolio.remarks.append(f"column {i} ({given!r}) is called {name!r} here")
        names.append(name)
    portfolio.table = portfolio.table.rename_columns(names)
    return portfolio


def _read_csv(path: Path) -> Portfolio:
    content = path.read_bytes()
    text, encoding = _decoded(content)
    if not text.strip():
        raise UserError(f"{path.name}: empty.")
    separator = _separator(text)
    empty = len(re.findall(r"(?m)^[ \t]*\r?$(?=\n)", text)) if "\n\n" in text or "\n\r\n" in text else 0
    options = pa.csv.ParseOptions(delimiter=separator, newlines_in_values=True)
    header = next(csv.reader(io.StringIO(text), delimiter=separator))
    width = len(header)
    types = {str(i): pa.string() for i in range(width)}
    try:
        table = pa.csv.read_csv(
            io.BytesIO(text.encode()),
            read_options=pa.csv.ReadOptions(column_names=list(types), skip_rows_after_names=1),
            parse_options=options,
            convert_options=pa.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise UserError(
            f"{path.name}: {error} (separator {separator!r}, {width} columns in the first line). Mend that line."
        ) from error
    portfolio = Portfolio(table.rename_columns(header), path.name, separator, "," if separator != "," else ".")
    portfolio.remarks.append(f"read as {encoding}, separator {separator!r}")
    if empty:
        portfolio.remarks.append(f"{empty} empty lines are no lines of the portfolio")
    return _unique(portfolio)


def _decoded(content: bytes) -> tuple[str, str]:
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding), encoding
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), "cp1252"


def _separator(text: str) -> str:
    """The separator that cuts the first lines into most columns, the same number in (nearly) every line."""
    lines = text.splitlines(keepends=True)[:SNIFFED_LINES]
    best, most = ",", (0.0, 1)
    for separator in SEPARATORS:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        width = widths[0] if widths else 1
        alike = sum(w == width for w in widths) / max(len(widths), 1)
        if width > 1 and (round(alike, 1), width) > most:
            best, most = separator, (round(alike, 1), width)
    return best


def _read_workbook(path: Path) -> Portfolio:
    """The first sheet that has rows; the first row names the columns."""
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path.name}: not a workbook ({error}). Expected .xlsx.") from error
    try:
        for sheet in book.worksheets:
            rows = [row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row)]
            if rows:
                break
        else:
            raise UserError(f"{path.name}: no sheet has a row.")
    finally:
        book.close()
    width = max(i + 1 for i, cell in enumerate(rows[0]) if cell is not None)
    names = ["" if cell is None else str(cell) for cell in rows[0][:width]]
    columns = list(zip(*(row[:width] for row in rows[1:]), strict=True)) or [()] * width
    table = pa.table([_cells(cells) for cells in columns], names=[str(i) for i in range(width)])
    portfolio = Portfolio(table.rename_columns(names), path.name)
    portfolio.remarks.append(f"sheet {sheet.title!r}")
    return _unique(portfolio)


def _cells(cells: Iterable[Any]) -> pa.Array:
    """Cells of a sheet as one type: numbers, dates, else the text of each."""
    cells = list(cells)
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {int}:
        return pa.array(cells, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array(cells, pa.float64())
    if kinds and kinds <= {datetime, date}:
        return pa.array(cells, pa.timestamp("ms"))
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    return pa.array(["" if cell is None else _shown(cell) for cell in cells], pa.string())


def _shown(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _type_columns(portfolio: Portfolio, keys: set[str]) -> None:
    table = portfolio.table
    decimals: set[str] = set()
    for i, name in enumerate(table.column_names):
        if _folded(name) in keys or not pa.types.is_string(table.schema.field(i).type):
            continue
        typed, decimal = _numbers(table.column(i).combine_chunks(), portfolio.separator)
        if decimal == "?":
            portfolio.remarks.append(f"column {name!r}: thousands or decimals? left as text")
        elif typed is not None:
            table = table.set_column(i, name, typed)
            decimals |= {decimal} - {""}
    if decimals:
        portfolio.decimal = "," if "," in decimals else "."
    portfolio.table = table


def _numbers(texts: pa.Array, separator: str) -> tuple[pa.Array | None, str]:
    """A text column as whole or exact decimal numbers, and its decimal sign; None where it is text."""
    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    present = texts.drop_null()
    if not len(present) or pc.any(pc.match_substring_regex(present, LEADING_ZERO)).as_py():
        return None, ""

    def every(pattern: str) -> bool:
        return bool(pc.all(pc.match_substring_regex(present, pattern)).as_py())

    if every(INTEGER):
        return pc.cast(pc.replace_substring(texts, "+", ""), pa.int64()), ""
    french, english = every(FRENCH), every(ENGLISH)
    if french and english:
        if separator == ",":
            return None, "?"
        english = False
    if french:
        plain = pc.replace_substring(pc.replace_substring_regex(texts, SPACES, ""), ",", ".")
    elif english:
        plain = pc.replace_substring(texts, ",", "")
    else:
        return None, ""
    plain = pc.replace_substring(plain, "+", "")
    scale = max(len(text.partition(".")[2]) for text in _tails(plain))
    if scale > MOST_DECIMALS:
        return pc.cast(plain, pa.float64()), "," if french else "."
    return pc.cast(plain, pa.decimal128(38, scale)), "," if french else "."


def _tails(plain: pa.Array) -> list[str]:
    """The distinct fractional tails, each after a point."""
    tails = pc.replace_substring_regex(plain.drop_null(), r"^[^.]*", "")
    return [str(text) for text in pc.unique(tails).to_pylist()]


def typed_as_text(values: pa.ChunkedArray) -> pa.Array:
    """A key column as text, as a person would write it: 1004 for the number 1004.0, blank for nothing."""
    values = values.combine_chunks()
    if pa.types.is_floating(values.type):
        return pa.array(["" if v is None or v != v else _shown(v) for v in values.to_pylist()], pa.string())
    return pc.fill_null(pc.cast(values, pa.string()), "")


def sums(table: pa.Table, names: Iterable[str]) -> dict[str, Decimal | int | float]:
    """Column → the exact sum of its numbers, for those of ``names`` that are numbers."""
    found: dict[str, Decimal | int | float] = {}
    for name in names:
        kind = table.schema.field(name).type
        if pa.types.is_floating(kind):
            found[name] = math.fsum(v for v in table[name].to_pylist() if v is not None and v == v)
        elif pa.types.is_decimal(kind) or pa.types.is_integer(kind):
            found[name] = pc.sum(table[name]).as_py() or 0
    return found
