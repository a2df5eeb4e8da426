"""Columns of delimited text as Arrow strings, whole files at a time: quick, and every fault has its line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from climart.errors import UserError

BOM = b"\xef\xbb\xbf"
NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
MISSING = pa.array(["", "nan", "NaN", "NA", "NaT"])  # how the producers of these tables write that there is no value

Strings: TypeAlias = "pa.ChunkedArray | pa.Array"
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def check_text(where: str, content: bytes, encoding: str = "utf-8") -> None:
    """Raises UserError with the line where bytes are not text in this encoding."""
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(
            f"{where}, line {line}: byte 0x{content[error.start]:02x} is not {encoding.upper()}. Was the file saved "
            "again in another encoding? Take it as its producer publishes it."
        ) from error


def check_columns(where: str, found: Sequence[str], expected: Collection[str], optional: Collection[str] = ()) -> None:
    """Raises UserError naming a column that is missing, unknown or there twice. Their order is free."""
    faults = []
    if missing := [name for name in expected if name not in found]:
        faults.append(f"no column {', '.join(missing)}")
    if unknown := [name for name in found if name not in expected and name not in optional]:
        faults.append(f"unknown column {', '.join(map(repr, unknown))}")
    if doubled := sorted({name for name in found if list(found).count(name) > 1}):
        faults.append(f"column {', '.join(doubled)} twice")
    if faults:
        raise UserError(f"{where}: {'; '.join(faults)}. Expected {', '.join(expected)}. The layout may have changed.")


def strings(where: str, content: bytes, names: Sequence[str], separator: str, first_line: int) -> pa.Table:
    """Records as columns of strings. ``first_line``: the number of the first record's line, for messages.

    Raises UserError with the line of a record with too few or too many fields.
    """
    faults: list[str] = []

    def refuse(row: pa_csv.InvalidRow) -> str:
        line = first_line + row.number - 1 if row.number is not None else None
        at = f", line {line}" if line is not None else ""
        faults.append(f"{where}{at}: {row.actual_columns} fields, {row.expected_columns} expected. Is the file whole?")
        return "error"

    if not content.strip():
        return pa.table({name: pa.array([], pa.string()) for name in names})
    try:
        return pa_csv.read_csv(
            pa.BufferReader(content),
            read_options=pa_csv.ReadOptions(column_names=list(names), use_threads=False, block_size=1 << 24),
            parse_options=pa_csv.ParseOptions(delimiter=separator, invalid_row_handler=refuse),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise UserError(faults[0] if faults else f"{where}: cannot be read ({error}).") from error


def matches(column: Strings, pattern: str) -> Mask:
    """Which values match a regular expression (RE2)."""
    return np.asarray(pc.match_substring_regex(column, pattern), dtype=np.bool_)


def is_missing(column: Strings) -> Mask:
    """Which values say that there is none."""
    return np.asarray(pc.is_in(column, value_set=MISSING), dtype=np.bool_)


def floats(column: Strings, mask: Mask) -> Floats:
    """The numbers where ``mask``, NaN elsewhere."""
    chosen = pc.if_else(pa.array(mask), pc.utf8_trim_whitespace(column), pa.scalar(None, pa.string()))
    return np.asarray(pc.fill_null(chosen.cast(pa.float64()), np.nan))
