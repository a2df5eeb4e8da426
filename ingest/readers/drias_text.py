"""Reader of DRIAS portal text exports (TRACC-2023 and DRIAS-2020), with every quirk met in real files.

A file is known by its header, never by its name. Columns vary from file to file and are read by name. See
``docs/methods/drias-exports.md`` for the format and its traps.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as csv

from climart.errors import UserError
from ingest import grid, registry

KEY_COLUMNS = {"Point", "Latitude", "Longitude", "Niveau", "Contexte", "Période", "Saison"}
SEASONS = {"1": "DJF", "2": "MAM", "3": "JJA", "4": "SON"}  # DRIAS: summer is 3
UNITS = {"°C": "°C", "jour(s)": "d", "mm": "mm", "%": "%", "m/s": "m s-1", "date": "d", "": "1"}
COORDINATE_TOLERANCE = 0.001  # degrees: the files print 4 decimals; a cell is about 0.07 degrees high
MAX_DECIMALS = 4


@dataclass(frozen=True)
class Index:
    """One index column of an export."""

    code: str  # as the producer writes it, NORTMm_yr
    base_code: str  # without its prefix, TMm_yr: what a level and its change have in common
    statistic: str  # level, change_absolute, change_relative
    label: str
    unit: str
    decimals: int  # as printed: half a unit of the last one bounds the rounding error


@dataclass(frozen=True)
class Block:
    """The records of one context and one season: one row per point."""

    context_id: str
    season: str  # YR unless the export has a Saison column
    cell_id: npt.NDArray[np.int32]
    values: dict[str, npt.NDArray[np.float64]]  # by index code, NaN where the file leaves a blank


@dataclass(frozen=True)
class Export:
    """One export, read and checked."""

    path: Path
    sha256: str
    n_bytes: int
    n_records: int
    source: registry.Source
    model: str  # RCM_GCM as in the header
    extracted_at: str
    indices: tuple[Index, ...]
    blocks: tuple[Block, ...]

    @property
    def source_file_id(self) -> str:
        """Sixteen digits of the content's hash: a renamed file keeps its id."""
        return self.sha256[:16]

    @property
    def simulation_id(self) -> str:
        return f"{self.source.id}.{self.model}"


def read(path: Path) -> Export:
    """Read and check one export. Raises UserError with the file's name, the line, what was expected, what to do."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}. Check the path.") from error
    text = decode(content)
    lines = text.splitlines()
    n_header = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines))
    header = _header(path, lines[:n_header])
    source = _source(path, header)
    columns = _columns(path, header)
    table = _records(path, text, lines, n_header, columns)
    names = [name for name in columns if name not in KEY_COLUMNS]
    cell_id = _cells(path, table, lines, n_header)
    contexts, seasons = _contexts(path, table, source, lines, n_header)
    values = {name: table[name].to_numpy() for name in names}
    labels = _labels(lines[:n_header])
    indices = tuple(_index(path, name, labels, values[name]) for name in names)
    return Export(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        n_bytes=len(content),
        n_records=table.num_rows,
        source=source,
        model=header["Modele"],
        extracted_at=header.get("Date d'extraction", ""),
        indices=indices,
        blocks=_blocks(path, contexts, seasons, cell_id, values, n_header),
    )


def decode(content: bytes) -> str:
    """The text of an export, whichever of the three encodings it has: UTF-8, ISO-8859-1, or UTF-8 encoded twice.

    Decided from the bytes. Doubled characters are mended one by one: in DRIAS-2020 headers some have lost a
    no-break space on the way, so that a line as a whole no longer reads back.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("iso-8859-1")
    is_doubled = not text.isascii() and _DOUBLED.sub("", text).isascii()  # no accent stands alone
    return "\n".join(map(_undouble, text.split("\n"))) if is_doubled else text


# A UTF-8 sequence read as latin-1: a lead byte and its continuation bytes, each shown as one character.
# In "Ã " the continuation byte of "à", a no-break space, may have become a plain space on the way.
_DOUBLED = re.compile("[\u00c2-\u00df][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}|\u00c3 (?= )")


def _undouble(line: str) -> str:
    return _DOUBLED.sub(lambda found: _undouble_one(found[0]), line)


def _undouble_one(characters: str) -> str:
    return characters.replace(" ", "\u00a0").encode("iso-8859-1").decode("utf-8")


def _header(path: Path, lines: list[str]) -> dict[str, str]:
    """``key : value`` of the header, and ``columns``, the line that names them."""
    found: dict[str, str] = {}
    for line in lines:
        body = line.lstrip("#").strip()
        if body.startswith("Point;"):
            found["columns"] = body.rstrip(";")
        elif match := re.match(r"([^:;]+?)\s*:\s*(.*)$", body):
            found.setdefault(match[1], match[2].strip())
    missing = [key for key in ("Producteur", "Experience", "Modele", "columns") if not found.get(key)]
    if missing:
        wanted = ", ".join("# Point;Latitude;…" if key == "columns" else f"# {key} :" for key in missing)
        raise UserError(
            f"{path.name}, lines 1 to {max(len(lines), 1)}: not a DRIAS text export, its header lacks {wanted}. "
            "Give the .txt file as the DRIAS portal sent it."
        )
    if not re.fullmatch(r"[A-Za-z0-9.+-]+_[A-Za-z0-9._+-]+", found["Modele"]):  # it will name a folder
        raise UserError(f"{path.name}: Modele is {found['Modele']!r}, expected RCM_GCM, such as ALADIN63_CNRM-CM5.")
    return found


def _columns(path: Path, header: dict[str, str]) -> list[str]:
    columns = header["columns"].split(";")
    if missing := [name for name in ("Point", "Latitude", "Longitude") if name not in columns]:
        raise UserError(f"{path.name}: no column {', '.join(missing)} (found {', '.join(columns)}). Order it again.")
    if repeated := [name for name in columns if columns.count(name) > 1]:
        raise UserError(f"{path.name}: column {repeated[0]!r} appears twice.")
    return columns


def _source(path: Path, header: dict[str, str]) -> registry.Source:
    try:
        return registry.for_drias_text(header["Experience"], header["Producteur"])
    except KeyError as error:
        known = ", ".join(
            sorted({s.drias_text.experience for s in registry.sources().values() if s.drias_text is not None})
        )
        raise UserError(
            f"{path.name}: experience {header['Experience']!r} of producer {header['Producteur']!r} is not in the "
            f"registry (known: {known}). Add its ingest/sources/<id>.yml."
        ) from error


def _labels(lines: list[str]) -> dict[str, str]:
    """code → label, from the ``Indices`` part of the header."""
    found = {}
    for line in lines:
        if match := re.match(r"#\s+([A-Za-z][A-Za-z0-9_]*)\s+:\s+(.*\S)\s*$", line):
            found[match[1]] = match[2]
    return found


def split_unit(label: str) -> tuple[str, str]:
    """``'Nombre de jours de gel (jour(s))'`` → ``('Nombre de jours de gel', 'jour(s)')``; no unit gives ``''``.

    The unit is the last parenthesis, nested ones included, when it closes the label and is a unit that we know.
    """
    if not label.endswith(")"):
        return label, ""
    depth = 0
    for start in range(len(label) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(label[start], 0)
        if depth == 0:
            return label[:start].rstrip(), label[start + 1 : -1].strip()
    return label, ""


def _index(path: Path, code: str, labels: dict[str, str], values: npt.NDArray[np.float64]) -> Index:
    if code not in labels:
        raise UserError(
            f"{path.name}: column {code!r} is not described under '# Indices'. Order the export again, or remove the "
            "column together with its values."
        )
    text, unit = split_unit(labels[code])
    relative = text.startswith("Ecart relatif")
    if relative:
        text, unit = labels[code], ""  # a fraction; a closing parenthesis there is part of the words
    if unit not in UNITS:
        raise UserError(
            f"{path.name}: column {code!r} has unit {unit!r}, expected one of {', '.join(filter(None, UNITS))}."
        )
    if code.startswith("NOR"):
        base, statistic = code[3:], "level"
    elif relative and code.startswith("AR"):
        base, statistic = code[2:], "change_relative"
    elif code.startswith("A") and not relative:
        base, statistic = code[1:], "change_absolute"
    else:
        raise UserError(f"{path.name}: column {code!r} is neither a level (NOR…) nor a change (A…).")
    return Index(code, base, statistic, text, UNITS[unit], decimals(values))


def decimals(values: npt.NDArray[np.float64]) -> int:
    """How many decimals a column prints: the smallest number that shows every value (0 to 4)."""
    finite = values[np.isfinite(values)]
    for n in range(MAX_DECIMALS):
        scaled = finite * 10.0**n
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-9 * np.maximum(1.0, np.abs(scaled))):
            return n
    return MAX_DECIMALS


def _records(path: Path, text: str, lines: list[str], n_header: int, columns: list[str]) -> pa.Table:
    """The records as columns: floats, but text for the key columns that are words. Any defect names its line."""
    if n_header == len(lines):
        raise UserError(f"{path.name}: the file ends after its header, no record follows. Order it again.")
    body = "\n".join(lines[n_header:]).rstrip("\n").encode()
    words = {"Niveau", "Contexte", "Période", "Saison"}
    types = {name: pa.string() if name in words else pa.float64() for name in columns} | {"Point": pa.int32()}
    trailing = lines[n_header].endswith(";")
    names = [*columns, "_end"] if trailing else columns
    try:
        table = csv.read_csv(
            pa.BufferReader(body),
            read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=max(len(body) + 1, 1 << 20)),
            parse_options=csv.ParseOptions(delimiter=";", quote_char=False, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(column_types=types, null_values=["", "NaN", "nan"]),
        )
    except pa.ArrowInvalid as error:
        raise _diagnose(path, lines, n_header, names, types) from error
    bad_number = any(
        not np.isfinite(table[name].drop_null().to_numpy()).all() for name in columns if types[name] == pa.float64()
    )
    bad_key = any(table[name].null_count for name in columns if name in KEY_COLUMNS)
    bad_end = trailing and table["_end"].null_count != table.num_rows
    if bad_number or bad_key or bad_end:
        raise _diagnose(path, lines, n_header, names, types)
    return table


def _diagnose(
    path: Path, lines: list[str], n_header: int, names: list[str], types: dict[str, pa.DataType]
) -> UserError:
    """The first defective record, found by a slow second reading."""
    last = max(i for i, line in enumerate(lines) if line.strip())
    for i in range(n_header, len(lines)):
        fields = lines[i].split(";")
        where = f"{path.name}, line {i + 1}"
        if not lines[i].strip():
            if i < last:
                return UserError(f"{where}: an empty line among the records. Remove it or order the export again.")
            continue
        if len(fields) != len(names):
            cut = "the file is truncated there" if i == last else "the record is broken"
            return UserError(
                f"{where}: {len(fields)} fields, expected {len(names)} ({lines[i][:60]!r}): {cut}. "
                "Order the export again from the DRIAS portal, or load the other files with --skip-bad."
            )
        for name, field in zip(names, fields, strict=True):
            if fault := _field_fault(name, field.strip(), types):
                return UserError(f"{where}, column {name}: {field!r} {fault}.")
    return UserError(f"{path.name}: the records cannot be read as numbers separated by ';'.")


def _field_fault(name: str, field: str, types: dict[str, pa.DataType]) -> str | None:
    if name == "_end":
        return "follows the last ';', where nothing was expected" if field else None
    if name in KEY_COLUMNS and not field:
        return "is empty"
    if types[name] == pa.string() or field in ("", "NaN", "nan"):
        return None
    try:
        number = int(field) if types[name] == pa.int32() else float(field)
    except ValueError:
        return "is not a number" if types[name] != pa.int32() else "is not a whole number"
    return None if np.isfinite(number) else "is not a finite number"


def _cells(path: Path, table: pa.Table, lines: list[str], n_header: int) -> npt.NDArray[np.int32]:
    """The points, checked against the grid: known ids, at the coordinates that the grid gives them."""
    cell_id: npt.NDArray[np.int32] = table["Point"].to_numpy().astype(np.int32)
    known = grid.cells().set_index("cell_id")
    position = known.index.get_indexer(pd.Index(cell_id))
    longitude, latitude = known["longitude"].to_numpy()[position], known["latitude"].to_numpy()[position]
    off = (
        (position < 0)
        | (np.abs(table["Longitude"].to_numpy() - longitude) > COORDINATE_TOLERANCE)
        | (np.abs(table["Latitude"].to_numpy() - latitude) > COORDINATE_TOLERANCE)
    )
    if off.any():
        row = int(np.argmax(off))
        point, lat, lon = lines[n_header + row].split(";")[:3]
        expected = (
            "which is not one of the 8 981 points of the 8 km grid"
            if position[row] < 0
            else f"expected {latitude[row]:.4f}, {longitude[row]:.4f} on the 8 km grid (EPSG:27572)"
        )
        raise UserError(f"{path.name}, line {n_header + row + 1}: point {point} at {lat}, {lon}, {expected}.")
    return cell_id


def _contexts(
    path: Path, table: pa.Table, source: registry.Source, lines: list[str], n_header: int
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """context_id and season of every record."""
    assert source.drias_text is not None
    names = set(table.column_names)
    if "Niveau" in names:
        tokens = table["Niveau"].to_numpy(zero_copy_only=False)
    elif {"Contexte", "Période"} <= names:
        pairs = zip(table["Contexte"].to_pylist(), table["Période"].to_pylist(), strict=True)
        tokens = np.array([f"{context}/{period}" for context, period in pairs], dtype=object)
    else:
        raise UserError(
            f"{path.name}: neither a column Niveau nor the columns Contexte and Période; "
            "the warming level or scenario of a record cannot be told."
        )
    contexts = source.drias_text.contexts
    unknown = sorted(set(tokens) - set(contexts))
    if unknown:
        row = int(np.argmax(tokens == unknown[0]))
        raise UserError(
            f"{path.name}, line {n_header + row + 1}: context {unknown[0]!r}, expected one of {', '.join(contexts)}."
        )
    seasons = np.full(table.num_rows, "YR", dtype=object)
    if "Saison" in names:
        raw = table["Saison"].to_numpy(zero_copy_only=False)
        if bad := sorted(set(raw) - set(SEASONS)):
            row = int(np.argmax(raw == bad[0]))
            raise UserError(
                f"{path.name}, line {n_header + row + 1}: season {bad[0]!r}, "
                "expected 1 (DJF), 2 (MAM), 3 (JJA) or 4 (SON)."
            )
        seasons = np.array([SEASONS[season] for season in raw], dtype=object)
    return np.array([contexts[token] for token in tokens], dtype=object), seasons


def _blocks(
    path: Path,
    contexts: npt.NDArray[np.object_],
    seasons: npt.NDArray[np.object_],
    cell_id: npt.NDArray[np.int32],
    values: dict[str, npt.NDArray[np.float64]],
    n_header: int,
) -> tuple[Block, ...]:
    keys = sorted(set(zip(contexts, seasons, strict=True)))
    blocks = []
    for context_id, season in keys:
        rows = np.flatnonzero((contexts == context_id) & (seasons == season))
        ids, first, counts = np.unique(cell_id[rows], return_index=True, return_counts=True)
        if (counts > 1).any():
            repeat = int(rows[np.flatnonzero(cell_id[rows] == ids[np.argmax(counts > 1)])[1]])
            raise UserError(
                f"{path.name}, line {n_header + repeat + 1}: point {cell_id[repeat]} appears twice "
                f"for {context_id}, {season}."
            )
        order = rows[first]
        blocks.append(Block(context_id, season, ids, {name: column[order] for name, column in values.items()}))
    sizes = {f"{block.context_id} {block.season}".removesuffix(" YR"): len(block.cell_id) for block in blocks}
    if len(set(sizes.values())) > 1:
        raise UserError(
            f"{path.name}: a period has fewer points than the others "
            f"({', '.join(f'{key}: {n}' for key, n in sizes.items())}): the file is cut. Order it again."
        )
    return tuple(blocks)
