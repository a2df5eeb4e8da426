"""Ensembles published as one table per commune, index and context (CSV or Parquet): Explore2 river flows.

Columns are found by the names that the source's YAML gives them; their order is free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from climart.errors import UserError
from ingest.readers import delimited
from ingest.readers.commune_table import commune_code
from ingest.readers.ensembles import TOLERANCE, Piece
from ingest.registry import EnsembleTable

SEASON = "YR"  # an index names its own season
MAX_RUNS = 1000
INDEX = r"[A-Za-z0-9][\w.-]*"  # it names a file of the lake


def read(paths: Sequence[Path], ids: Sequence[str], options: EnsembleTable) -> tuple[list[Piece], list[str]]:
    """The pieces of the tables, and remarks.

    Raises UserError naming the file and the line: a column that is missing or unknown, an unknown context, two rows of
    one commune, an interval out of order, a number of simulations that is none.
    """
    left: Counter[str] = Counter()
    frames = [_frame(path, options, left).assign(source=file_id) for path, file_id in zip(paths, ids, strict=True)]
    table = pd.concat(frames, ignore_index=True)
    table = _one_per_commune(table, options, left)
    pieces = []
    for (file_id, index, context, unit), rows in table.groupby(["source", "index", "context", "unit"]):
        rows = rows.sort_values("commune")
        pieces.append(
            Piece(
                str(file_id),
                str(index),
                SEASON,
                options.statistic,
                str(context),
                str(unit) or None,
                False,
                rows["commune"].to_numpy(dtype=str),
                rows["low"].to_numpy(dtype=np.float32),
                rows["median"].to_numpy(dtype=np.float32),
                rows["high"].to_numpy(dtype=np.float32),
                n_runs=rows["n_runs"].to_numpy(dtype=np.int16),
            )
        )
    return pieces, [f"{n} row(s) {why}" for why, n in sorted(left.items())]


def _frame(path: Path, options: EnsembleTable, left: Counter[str]) -> pd.DataFrame:
    """Columns line, commune, index, context, low, median, high, n_runs, unit, size."""
    texts = _texts(path, options)
    first = 1 if path.suffix.lower() == ".parquet" else 2

    def refuse(wrong: pd.Series, column: str, expected: str) -> None:
        if wrong.any():
            row = int(np.flatnonzero(wrong.to_numpy())[0])
            raise UserError(f"{path.name}, line {row + first}: {column} is {texts[column].iloc[row]!r}: {expected}.")

    def numbers(column: str) -> pd.Series:
        missing = texts[column].isin(delimited.MISSING.to_pylist())
        found = pd.to_numeric(texts[column].str.replace(options.decimal, ".", regex=False), errors="coerce")
        refuse((found.isna() | np.isinf(found)) & ~missing, column, "expected a number")
        return found.mask(missing)

    frame = pd.DataFrame({"line": np.arange(len(texts)) + first, "index": texts[options.index].str.strip()})
    frame["commune"] = [
        commune_code(code, f"{path.name}, line {n}")
        for code, n in zip(texts[options.commune], frame["line"], strict=True)
    ]
    refuse(~frame["index"].str.fullmatch(INDEX), options.index, "expected the code of an index, such as QA")
    contexts = texts[options.context].str.strip()
    unknown = ~contexts.isin([*options.contexts, *options.contexts_left_out])
    refuse(unknown, options.context, f"expected one of {', '.join(options.contexts)}")
    frame["context"] = contexts.map(options.contexts)
    for name in ("low", "median", "high", "n_runs"):
        frame[name] = numbers(getattr(options, name))
    given = frame[["low", "median", "high"]].notna()
    refuse(given.any(axis=1) != given.all(axis=1), options.median, "low, median and high must be given together")
    disorder = (frame["low"] > frame["median"] + TOLERANCE) | (frame["median"] > frame["high"] + TOLERANCE)
    refuse(disorder, options.median, "a median that is not between low and high")
    counted = frame["n_runs"].between(1, MAX_RUNS) & (frame["n_runs"] % 1 == 0)
    refuse(~counted & given.all(axis=1), options.n_runs, "expected how many simulations there are")
    frame["n_runs"] = frame["n_runs"].fillna(0)
    frame["unit"] = texts[options.unit].str.strip() if options.unit else frame["index"].map(options.units).fillna("")
    frame["size"] = numbers(options.largest) if options.largest else 0.0
    if beyond := int(frame["context"].isna().sum()):
        left[f"of other contexts ({', '.join(options.contexts_left_out)}) were left out."] += beyond
    return frame.dropna(subset=["context"]).assign(where=path.name)


def _one_per_commune(table: pd.DataFrame, options: EnsembleTable, left: Counter[str]) -> pd.DataFrame:
    key = ["commune", "index", "context"]
    if options.largest:
        size = table["size"].fillna(-1)
        one = table[size == table.assign(size=size).groupby(key)["size"].transform("max")]
        _refuse_twice(one[one.duplicated(key)], f"two rows of the same {options.largest}")
        if more := len(table) - len(one):
            left[f"of smaller points ({options.largest}) of a commune were left out."] += more
        return one
    _refuse_twice(table[table.duplicated(key)], "a second row; name the column that chooses one in `largest`")
    return table


def _refuse_twice(rows: pd.DataFrame, what: str) -> None:
    if len(rows):
        row = rows.iloc[0]
        raise UserError(
            f"{row['where']}, line {row['line']}: {row['commune']}, {row['index']}, {row['context']}: {what}."
        )


def _texts(path: Path, options: EnsembleTable) -> pd.DataFrame:
    """The table as texts, its columns checked."""
    if path.suffix.lower() == ".parquet":
        try:
            table = pq.read_table(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise UserError(f"{path.name}: not a Parquet file ({error}). Download it again.") from error
        columns = {
            name: ["" if value is None else str(value) for value in table[name].to_pylist()]
            for name in table.column_names
        }
    else:
        content = path.read_bytes().removeprefix(delimited.BOM)
        delimited.check_text(path.name, content)
        head, _, body = content.partition(b"\n")
        names = head.decode().strip("\r").split(options.separator)
        parsed = delimited.strings(path.name, body, names, options.separator, 2)
        columns = {name: parsed[name].to_pylist() for name in dict.fromkeys(names)}
    wanted = [
        getattr(options, name)
        for name in ("commune", "index", "context", "low", "median", "high", "n_runs", "unit", "largest")
    ]
    delimited.check_columns(f"{path.name}, line 1", list(columns), [name for name in wanted if name], options.also)
    if not next(iter(columns.values())):
        raise UserError(f"{path.name}: no row after the line that names the columns.")
    return pd.DataFrame(columns, dtype=str)
