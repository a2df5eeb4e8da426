"""Reader of the TRACC-2023 tables: a tar per warming level, a CSV per index, season and statistic of the 17 runs.

The statistic is that of the file's name (``ENSmin``, ``ENSq50``, ``ENSmax``): headers are known to name another one
(MAX in ENSq50 files, MEAN in ENSmax ones). Day counts are written as pandas durations (``11 days 22:47:59.98`` is
11.95 days). 19 16x points are listed, most of them outside France without a value (``nan``). Layout read in samples
that others published; what the files of changes are called (``ANOM…``) is UNVERIFIED, and they are kept under their
own word. Nothing here is a 5 % or 95 % quantile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from climart.errors import UserError
from ingest import grid
from ingest.readers import delimited
from ingest.readers.ensembles import LEVEL, TOLERANCE, Piece, members

COLUMNS = ("Point", "Latitude", "Longitude", "RWL", "Value")
CONTEXTS = {"historical": "ref", "RWL20": "rwl20", "RWL27": "rwl27", "RWL40": "rwl40"}
WRITTEN = {"ref": "REF", "rwl20": "RWL-20", "rwl27": "RWL-27", "rwl40": "RWL-40"}  # in the column RWL
STATISTICS = ("ENSmin", "ENSq50", "ENSmax")
SEASONS = {"yr": "YR", **{season: season for season in ("DJF", "MAM", "JJA", "SON")}}
DAYS = "d"
MAX_DEGREES = 0.01  # between a point and the cell of its number: four decimals are printed, a cell is 0.07
_NAME = re.compile(
    r"(?P<code>[A-Za-z0-9-]+)_(?P<season>.+?)_(?P<level>historical|RWL-?\d\d)_TIMEavg"
    r"(?:_(?P<change>ANOM[^_]*))?_GEO[^_]*_.+_(?P<statistic>ENS[A-Za-z0-9]+)\.csv"
)
_DURATION = r"^\s*(?P<days>-?\d+) days?(?: \+?(?P<h>\d{1,2}):(?P<m>\d{2}):(?P<s>\d{2}(?:\.\d+)?))?\s*$"
_SAYS = {"ENSmin": "MIN", "ENSq50": "MEDIAN", "ENSmax": "MAX"}
_MODEL = re.compile(r"#\s*Modele\s*:\s*(\w+) de l", re.IGNORECASE)

Floats = npt.NDArray[np.float32]
Key = tuple[str, str, str, str]  # code, season, statistic, context


@dataclass(frozen=True)
class _Name:
    code: str
    season: str
    statistic: str  # level, or the word of a change
    context_id: str
    ensemble: str  # ENSmin, ENSq50, ENSmax, …


def parse_name(name: str) -> _Name | None:
    """What a file's name says; None for a name of another form."""
    found = _NAME.fullmatch(name)
    context = CONTEXTS.get(found["level"].replace("-", "")) if found else None
    if found is None or context is None:
        return None
    season = found["season"].removeprefix("seas").strip("_-") or found["season"]
    return _Name(found["code"], SEASONS.get(season, season), found["change"] or LEVEL, context, found["statistic"])


def _of_ensemble(path: PurePosixPath) -> _Name | None:
    """What the name of a table that is read says; None for another file."""
    said = parse_name(path.name)
    return said if said is not None and said.ensemble in STATISTICS else None


def read(paths: Sequence[Path], ids: Sequence[str]) -> tuple[list[Piece], list[str]]:
    """The pieces of the archives, and remarks. Raises UserError naming the file and the line of what is not as above.

    An index whose three statistics are not all there is refused, as are points that differ between files.
    """
    pieces: list[Piece] = []
    remarks: list[str] = []
    taken: dict[tuple[str, str, str, str], str] = {}
    for path, file_id in zip(paths, ids, strict=True):
        tables, said = _archive(path)
        remarks += said
        for (code, season, statistic, context), by_ensemble in tables.items():
            if (code, season, statistic, context) in taken:
                other = taken[code, season, statistic, context]
                raise UserError(f"{path.name} and {other}: both hold {code} ({season}) at {context}; give one of them.")
            taken[code, season, statistic, context] = path.name
            pieces.append(_piece(path, file_id, (code, season, statistic, context), by_ensemble))
    return pieces, remarks


@dataclass(frozen=True)
class _Table:
    """A CSV: the values at the cells of the grid that it lists, by cell."""

    name: str
    cells: npt.NDArray[np.int32]
    values: Floats
    is_duration: bool
    outside: int  # points off the grid without a value
    beyond: int  # points off the grid with one


def _archive(path: Path) -> tuple[dict[Key, dict[str, _Table]], list[str]]:
    tables: dict[Key, dict[str, _Table]] = {}
    others: list[str] = []
    mislabelled = 0
    for name, data in members(path, lambda name: _of_ensemble(name) is not None):
        said = _of_ensemble(name)
        if said is None or data is None:
            others.append(name.name)
            continue
        key = (said.code, said.season, said.statistic, said.context_id)
        if said.ensemble in tables.setdefault(key, {}):
            raise UserError(f"{path.name}, {name.name}: a second file of that name; one was expected.")
        table, statistic = _table(f"{path.name}, {name.name}", data, said)
        mislabelled += statistic not in ("", _SAYS[said.ensemble])
        tables[key][said.ensemble] = table
    if not tables:
        raise UserError(
            f"{path.name}: none of its {len(others)} files is a table of an ensemble "
            "(<index>_<season>_<level>_TIMEavg_GEOxy_…_ENSmin|ENSq50|ENSmax.csv)."
        )
    found = [table for by_ensemble in tables.values() for table in by_ensemble.values()]
    remarks = [
        f"{path.name}: {len(found)} tables; in each, {_span([t.outside for t in found])} points outside France without "
        f"a value and {_span([t.beyond for t in found])} beyond the 8 981 cells with one, left out"
    ]
    if mislabelled:
        remarks.append(f"{path.name}: {mislabelled} headers name another statistic than the file: the name is believed")
    if others:
        remarks.append(f"{path.name}: {len(others)} files of another kind left out ({', '.join(sorted(others)[:3])})")
    empty = sorted({key[0] for key, by in tables.items() if all(np.isnan(t.values).mean() > 0.5 for t in by.values())})
    if empty:
        remarks.append(f"{path.name}: {', '.join(empty)}: no value at most cells (NULL, not_published)")
    return tables, remarks


def _span(numbers: list[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _table(where: str, data: bytes, said: _Name) -> tuple[_Table, str]:
    """A table, and the statistic that its header names ('' where none)."""
    delimited.check_text(where, data)
    data = data.removeprefix(delimited.BOM)
    start, n_comments, statistic = 0, 0, ""
    while data[start : start + 1] == b"#":
        stop = data.find(b"\n", start)
        stop = len(data) if stop < 0 else stop
        if found := _MODEL.match(data[start:stop].decode()):
            statistic = found[1].upper()
        start, n_comments = stop + 1, n_comments + 1
    first, _, body = data[start:].partition(b"\n")
    names = first.decode().strip().split(";")
    delimited.check_columns(f"{where}, line {n_comments + 1}", names, COLUMNS)
    first_line = n_comments + 2
    rows = delimited.strings(where, body, names, ";", first_line)
    if rows.num_rows == 0:
        raise UserError(f"{where}: no row after the line that names the columns.")

    def refuse(mask: npt.NDArray[np.bool_], column: str, why: str) -> None:
        if mask.any():
            row = int(np.flatnonzero(mask)[0])
            raise UserError(f"{where}, line {first_line + row}, {column}: {rows[column][row].as_py()!r}: {why}.")

    refuse(~delimited.matches(rows["Point"], r"^\d{1,5}$"), "Point", "expected the number of a point")
    points = rows["Point"].cast(pa.int32()).to_numpy()
    order = np.argsort(points, kind="stable")
    again = np.zeros(points.size, dtype=np.bool_)
    again[order[1:]] = points[order][1:] == points[order][:-1]
    refuse(again, "Point", "the same point twice")
    refuse(np.asarray(pc.not_equal(rows["RWL"], WRITTEN[said.context_id])), "RWL",
           f"expected {WRITTEN[said.context_id]}, the level of the file's name")  # fmt: skip
    values, is_duration = _values(rows["Value"], refuse)
    cells = grid.cells()
    known = np.isin(points, cells["cell_id"])
    for column, expected in (("Latitude", cells["latitude"]), ("Longitude", cells["longitude"])):
        numbers = delimited.matches(rows[column], delimited.NUMBER)
        refuse(known & ~numbers, column, "expected a number")
        degrees = delimited.floats(rows[column], numbers)
        placed = expected.to_numpy()[np.searchsorted(cells["cell_id"], np.where(known, points, 0)).clip(0, 8980)]
        off = known & ~(np.abs(degrees - placed) <= MAX_DEGREES)
        refuse(off, column, "the point lies elsewhere than its number says on the 8 km grid")
    kept = order[known[order]]
    if not kept.size:
        raise UserError(f"{where}: none of its {points.size} points is a cell of the 8 km grid.")
    held = np.isfinite(values)
    table = _Table(
        where.partition(", ")[2],
        points[kept].astype(np.int32),
        values[kept],
        is_duration,
        int((~known & ~held).sum()),
        int((~known & held).sum()),
    )
    return table, statistic


def _values(column: delimited.Strings, refuse: object) -> tuple[Floats, bool]:
    assert callable(refuse)
    durations = delimited.matches(column, _DURATION)
    numbers = delimited.matches(column, delimited.NUMBER)
    refuse(~(durations | numbers | delimited.is_missing(column)), "Value",
           "expected a number, a duration such as '11 days 22:47:59.98', or nan")  # fmt: skip
    if not durations.any():
        return delimited.floats(column, numbers).astype(np.float32), False
    refuse(numbers, "Value", "a number among durations")
    parts = pc.extract_regex(column, _DURATION)
    days, hours, minutes, seconds = (
        np.nan_to_num(delimited.floats(part, durations & ~delimited.is_missing(pc.fill_null(part, ""))))
        for part in (pc.fill_null(pc.struct_field(parts, name), "") for name in ("days", "h", "m", "s"))
    )
    total = days + (hours + minutes / 60 + seconds / 3600) / 24
    return np.where(durations, total, np.nan).astype(np.float32), True


def _piece(path: Path, file_id: str, key: Key, by_ensemble: dict[str, _Table]) -> Piece:
    code, season, statistic, context = key
    if missing := [name for name in STATISTICS if name not in by_ensemble]:
        raise UserError(
            f"{path.name}: {code} ({season}) at {context} has {', '.join(by_ensemble)}, and no {', '.join(missing)}: "
            "the archive is not whole. Fetch it again."
        )
    low, median, high = (by_ensemble[name] for name in STATISTICS)
    for other in (low, high):
        if not np.array_equal(other.cells, median.cells):
            raise UserError(
                f"{path.name}: {other.name} lists {other.cells.size} cells of the grid, {median.name} "
                f"{median.cells.size}, not the same: one of them is cut. Fetch the archive again."
            )
    # as far as single precision goes, for millimetres as for days
    slack = TOLERANCE + 1e-5 * np.abs(median.values)
    wrong = np.flatnonzero((low.values > median.values + slack) | (median.values > high.values + slack))
    if wrong.size:
        at = wrong[0]
        raise UserError(
            f"{path.name}: {median.name}, point {median.cells[at]}: the median, {median.values[at]:g}, is not between "
            f"the lowest run, {low.values[at]:g} ({low.name}), and the highest, {high.values[at]:g}."
        )
    unit = DAYS if any(table.is_duration for table in by_ensemble.values()) else None
    return Piece(
        file_id, code, season, statistic, context, unit, True, median.cells, low.values, median.values, high.values
    )
