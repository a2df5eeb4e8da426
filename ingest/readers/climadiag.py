"""Reader of the archive of Climadiag Commune: a small CSV per commune, with a 90 % interval of the runs.

``indicateurs_par_commune/<code>.csv`` has the columns below, a row per index, season and horizon; ``ref`` is repeated
at each horizon. 2030, 2050 and 2100 are France at +2, +2.7 and +4 °C in metropolitan France; overseas they are other
levels, which are left out and counted, as are the files of EPCI. Layout read in samples that others published
(version 411); the whole archive was never seen here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from climart.errors import UserError
from ingest.readers import delimited
from ingest.readers.ensembles import LEVEL, TOLERANCE, Piece, members

COLUMNS = (
    "identifiant_insee", "nom", "type_entite", "indicateur_id", "type_ind", "horizon", "label", "ref", "low", "median",
    "high",
)  # fmt: skip
VALUES = ("ref", "low", "median", "high")
REFERENCE = "ref"
CONTEXTS = (REFERENCE, "rwl20", "rwl27", "rwl40")
HORIZONS = {"2030": 1, "2050": 2, "2100": 3}  # position in CONTEXTS
SEASONS = {"": "YR", "hiver": "DJF", "printemps": "MAM", "été": "JJA", "automne": "SON"}
DAY_OF_YEAR = "DOY"
CHUNK_BYTES = 32 << 20  # of CSV, parsed at once
_COMMUNE = re.compile(r"(?:\d{2}|2[AB])\d{3}")
_INDEX = r"^[A-Z]+[0-9]+$"
_DATE = r"^[0-9]{2}/[0-9]{2}$"
_MONTH_STARTS = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])  # of a year of 365 days
_MONTH_LENGTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

Ints = npt.NDArray[np.int64]


@dataclass
class _Member:
    code: str
    lines: int
    where: str


@dataclass
class _Rows:
    """What was parsed, in small arrays: a row per commune, index, season and horizon."""

    parts: list[dict[str, npt.NDArray[Any]]] = field(default_factory=list)
    communes: list[str] = field(default_factory=list)
    indices: list[str] = field(default_factory=list)
    dated: dict[str, bool] = field(default_factory=dict)  # index → whether its values are dates


def read(paths: Sequence[Path], ids: Sequence[str]) -> tuple[list[Piece], list[str]]:
    """The pieces of one archive, and remarks. Raises UserError naming the member and the line of what is not as above.

    Memory is bounded by ``CHUNK_BYTES``, the largest table that is read and 40 bytes a row, whatever the size of the
    archive.
    """
    if len(paths) != 1:
        raise UserError(f"{', '.join(path.name for path in paths)}: one archive was expected, the latest version.")
    (path,), (file_id,) = paths, ids
    rows = _Rows()
    header: bytes | None = None
    waiting: list[bytes] = []
    of_chunk: list[_Member] = []
    seen: set[str] = set()
    overseas = others = size = 0
    for name, data in members(path, lambda name: _is_commune(name) and not _is_overseas(name)):
        if not _is_commune(name):
            others += 1
            continue
        where = f"{path.name}, {name.name}"
        if name.stem in seen:
            raise UserError(f"{where}: a second file for commune {name.stem}; one was expected.")
        seen.add(name.stem)
        if data is None:
            overseas += 1
            continue
        delimited.check_text(where, data)
        first, _, body = data.removeprefix(delimited.BOM).partition(b"\n")
        if first.rstrip(b"\r") != header:
            delimited.check_columns(f"{where}, line 1", first.decode().strip().split(","), COLUMNS)
            if header is not None:
                raise UserError(f"{where}, line 1: its columns come in another order than those before it.")
            header = first.rstrip(b"\r")
        body = body.rstrip(b"\r\n") + b"\n"
        if not body.strip():
            raise UserError(f"{where}: no row after the line that names the columns.")
        waiting.append(body)
        of_chunk.append(_Member(name.stem, body.count(b"\n"), where))
        size += len(body)
        if size >= CHUNK_BYTES:
            _parse(rows, header, waiting, of_chunk)
            waiting, of_chunk, size = [], [], 0
    if header is None:
        raise UserError(f"{path.name}: no file of a commune (indicateurs_par_commune/<code>.csv) in it.")
    if waiting:
        _parse(rows, header, waiting, of_chunk)
    remarks = []
    if overseas:
        remarks.append(f"{overseas} overseas communes left out: their horizons are other warming levels")
    if others:
        remarks.append(f"{others} other files of the archive left out (EPCI, metadata, documentation)")
    return list(_pieces(rows, file_id, path.name)), remarks


def _is_commune(name: PurePosixPath) -> bool:
    return name.suffix == ".csv" and _COMMUNE.fullmatch(name.stem) is not None


def _is_overseas(name: PurePosixPath) -> bool:
    return name.stem.startswith(("97", "98"))


def _parse(rows: _Rows, header: bytes, bodies: list[bytes], found: list[_Member]) -> None:
    names = header.decode().split(",")
    lengths = np.array([member.lines for member in found])
    starts = np.concatenate([[0], np.cumsum(lengths)])

    def where(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        return f"{found[at].where}, line {row - int(starts[at]) + 2}"

    try:
        table = delimited.strings("chunk", b"".join(bodies), names, ",", 0)
    except UserError:  # again, one by one, to say which
        for member, body in zip(found, bodies, strict=True):
            delimited.strings(member.where, body, names, ",", 2)
        raise
    if table.num_rows != starts[-1]:
        for member, body in zip(found, bodies, strict=True):
            if delimited.strings(member.where, body, names, ",", 2).num_rows != member.lines:
                raise UserError(f"{member.where}: a blank line, or a line break within a field. Is the file whole?")
    of_member = np.repeat(np.arange(len(found)), lengths)
    first = len(rows.communes)
    rows.communes += [member.code for member in found]
    codes = pa.array([member.code for member in found]).take(pa.array(of_member))
    _refuse(np.asarray(pc.not_equal(table["identifiant_insee"], codes)), table["identifiant_insee"], where,
            "the code of another commune than that of the file's name")  # fmt: skip
    _refuse(np.asarray(pc.not_equal(table["type_entite"], "commune")), table["type_entite"], where,
            "expected type_entite commune")  # fmt: skip
    _refuse(~delimited.matches(table["indicateur_id"], _INDEX), table["indicateur_id"], where,
            "not an index's code, such as G1 or AG2")  # fmt: skip
    season = _position(table["label"], list(SEASONS))
    _refuse(season < 0, table["label"], where, f"expected one of {', '.join(map(repr, SEASONS))}")
    horizon = _position(table["horizon"], list(HORIZONS))
    _refuse(horizon < 0, table["horizon"], where, f"expected one of {', '.join(HORIZONS)}")
    for code in table["indicateur_id"].unique().to_pylist():
        if code not in rows.indices:
            rows.indices.append(code)
    index = _position(table["indicateur_id"], rows.indices)
    part: dict[str, npt.NDArray[Any]] = {
        "commune": (first + of_member).astype(np.int32),
        "index": index.astype(np.int16),
        "season": season.astype(np.int8),
        "context": (horizon + 1).astype(np.int8),
    }
    dates, held = np.zeros(table.num_rows, dtype=np.bool_), np.zeros(table.num_rows, dtype=np.bool_)
    for name in VALUES:
        part[name], is_date = _values(table[name], lambda row, name=name: f"{where(row)}, {name}")
        dates |= is_date
        held |= np.isfinite(part[name]) & ~is_date
    for position in np.unique(index):
        code, mine = rows.indices[position], index == position
        by_kind = {True: mine & dates, False: mine & held}
        dated = rows.dated.get(code, bool(by_kind[True].sum() > by_kind[False].sum()))
        kinds = ("dates", "numbers") if dated else ("numbers", "dates")
        _refuse(by_kind[not dated], table["median"], where, f"{code} has {kinds[1]} here and {kinds[0]} elsewhere")
        if by_kind[dated].any():
            rows.dated[code] = dated
    given = np.stack([np.isfinite(part[name]) for name in ("low", "median", "high")])
    _refuse(given.any(axis=0) != given.all(axis=0), table["median"], where,
            "low, median and high must be given together")  # fmt: skip
    disordered = (part["low"] > part["median"] + TOLERANCE) | (part["median"] > part["high"] + TOLERANCE)
    _refuse(disordered, table["median"], where, "a median that is not between low and high")
    rows.parts.append(part)


def _position(column: delimited.Strings, values: list[str]) -> Ints:
    """Position of each value in a list, -1 where it is not there."""
    found = pc.index_in(column, value_set=pa.array(values, pa.string()))
    return np.asarray(pc.fill_null(found, -1), dtype=np.int64)


def _values(column: delimited.Strings, where: Any) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Numbers, and dates (dd/mm) as days of a year of 365 days; which are dates. 29 February counts as the 28th."""
    numbers, dates = delimited.matches(column, delimited.NUMBER), delimited.matches(column, _DATE)
    _refuse(~(numbers | dates | delimited.is_missing(column)), column, where, "expected a number or a date dd/mm")
    values = delimited.floats(column, numbers)
    if dates.any():
        day, month = (
            np.nan_to_num(delimited.floats(pc.utf8_slice_codeunits(column, start, start + 2), dates)).astype(np.int64)
            for start in (0, 3)
        )
        leap_day = (month == 2) & (day == 29)
        real = (month >= 1) & (month <= 12) & (day >= 1)
        real &= leap_day | (day <= _MONTH_LENGTHS[np.clip(month, 1, 12) - 1])
        _refuse(dates & ~real, column, where, "no such day")
        of_year = _MONTH_STARTS[np.clip(month, 1, 12) - 1] + np.where(leap_day, 28, day)
        values = np.where(dates, of_year, values)
    return values.astype(np.float32), dates


def _refuse(mask: npt.NDArray[np.bool_], column: delimited.Strings, where: Any, why: str) -> None:
    if mask.any():
        row = int(np.flatnonzero(mask)[0])
        raise UserError(f"{where(row)}: {column[row].as_py()!r}: {why}.")


def _pieces(rows: _Rows, file_id: str, archive: str) -> list[Piece]:
    """Rows grouped by index, season and context, communes in order; the reference once."""
    whole = {name: np.concatenate([part[name] for part in rows.parts]) for name in rows.parts[0]}
    rows.parts.clear()
    communes = np.array(rows.communes)
    rank = np.argsort(np.argsort(communes))
    group = (whole["index"].astype(np.int64) * len(SEASONS) + whole["season"]) * len(CONTEXTS) + whole["context"]
    order = np.lexsort((rank[whole["commune"]], group))
    bounds = np.flatnonzero(np.diff(group[order])) + 1
    pieces: list[Piece] = []
    references: dict[tuple[str, str], tuple[npt.NDArray[Any], npt.NDArray[np.float32]]] = {}
    for chosen in np.split(order, bounds):
        head = chosen[0]
        code, season = rows.indices[whole["index"][head]], list(SEASONS.values())[whole["season"][head]]
        places = communes[whole["commune"][chosen]]
        if (again := np.flatnonzero(places[1:] == places[:-1])).size:
            raise UserError(
                f"{archive}, {places[again[0]]}.csv: {code} ({season}) twice at one horizon; one row was expected."
            )
        unit = DAY_OF_YEAR if rows.dated.get(code) else None
        facts = (file_id, code, season, LEVEL)
        pieces.append(
            Piece(
                *facts,
                CONTEXTS[whole["context"][head]],
                unit,
                False,
                places,
                *(whole[name][chosen] for name in ("low", "median", "high")),
            )
        )
        reference = whole[REFERENCE][chosen]
        known = references.setdefault((code, season), (places, reference))
        common, here, there = np.intersect1d(places, known[0], assume_unique=True, return_indices=True)
        differs = ~((reference[here] == known[1][there]) | (np.isnan(reference[here]) & np.isnan(known[1][there])))
        if differs.any():
            raise UserError(
                f"{archive}, {common[differs][0]}.csv: {code} ({season}) has another ref at another horizon; it is one "
                "period, one value was expected."
            )
    nothing = {key: np.full(places.size, np.nan, dtype=np.float32) for key, (places, _) in references.items()}
    for (code, season), (places, reference) in references.items():
        unit = DAY_OF_YEAR if rows.dated.get(code) else None
        empty = nothing[code, season]
        pieces.append(Piece(file_id, code, season, LEVEL, REFERENCE, unit, False, places, empty, reference, empty))
    return pieces
