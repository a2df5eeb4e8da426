"""Loads observed and exposure data into the lake: facts per commune, dated events, measurements.

A source's YAML says which reader reads it and how (``observed:``). One call holds the whole dataset: it replaces, at
once, what the lake held of it. A new source in a known format is one YAML, and a row of ``exposure_measures.csv``
for each new measure; a new format is one module in ``ingest/readers`` and one line of ``READERS``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from climart.errors import UserError
from climart.files import sha256_of
from ingest import lake, registry, source_files
from ingest.readers import (
    agreste,
    catnat,
    commune_table,
    depth_rasters,
    drought_orders,
    geo_dvf,
    georisques,
    hubeau,
    melodi,
    zone_polygons,
)

Progress = Callable[[str], None]
# A reader: (files, their ids in the same order, its part of the YAML) → lake rows by table (no dataset_id), remarks.
Reading = tuple[dict[str, list[dict[str, Any]]], list[str]]
READERS: dict[str, Callable[..., Reading]] = {
    "commune_table": commune_table.read,
    "catnat_counts": catnat.read_counts,
    "catnat_events": catnat.read_events,
    "georisques_answers": georisques.read,
    "zone_polygons": zone_polygons.read,
    "depth_rasters": depth_rasters.read,
    "drought_orders": drought_orders.read,
    "hubeau_flows": hubeau.read,
    "melodi": melodi.read,
    "agreste_saa": agreste.read,
    "geo_dvf": geo_dvf.read,
}
TABLES = (
    "commune_fact",
    "catnat_event",
    "river_station",
    "river_flow",
    "crop_yield",
    "drought_order",
    "drought_zone",
)


@dataclass(frozen=True)
class Loaded:
    """What a load did: rows by lake table, and what the reader remarked (repairs, rows left out)."""

    n_rows: dict[str, int]
    remarks: tuple[str, ...]


def load(source_id: str, given: Sequence[Path], progress: Progress = lambda _: None) -> Loaded:
    """Read the files of one source and write what they say to the lake, in place of what it held of that source.

    ``given``: files, or folders of them. Raises UserError, with nothing written, where a file is not as its source
    says.
    """
    source = _source(source_id)
    paths = [path for item in given for path in (_files(item) if item.is_dir() else [item])]
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path}: no such file.")
    if not paths:
        raise UserError(f"{', '.join(map(str, given)) or source_id}: no file there to read.")
    progress("reading")
    digests = [sha256_of(path) for path in paths]
    # of the source too: a raster of people may serve several sources
    ids = [hashlib.sha256(f"{source_id} {digest}".encode()).hexdigest()[:16] for digest in digests]
    assert source.observed is not None
    tables, remarks = READERS[source.observed.reader](paths, ids, source.observed)
    progress("writing")
    lake.open_registers()
    for table in TABLES:
        if tables.get(table):
            lake.write(table, _as_arrow(table, source_id, tables[table]), source_id)
        else:
            lake.remove(table, source_id)
    read = [row.get("source_file_id") for rows in tables.values() for row in rows]
    source_files.replace(
        source,
        [
            source_files.RawFile(path, file_id, digest, read.count(file_id) or None)
            for path, file_id, digest in zip(paths, ids, digests, strict=True)
        ],
    )
    registry.record_dataset(source)
    return Loaded({table: len(rows) for table, rows in tables.items() if rows}, tuple(remarks))


def load_folder(folder: Path, progress: Progress = lambda _: None) -> dict[str, Loaded]:
    """Load every source of a folder whose subfolders are named by registry ids; what was loaded, by source."""
    sources = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not sources:
        raise UserError(f"{folder}: no subfolder. Expected one per source, named by its registry id.")
    for path in sources:
        _source(path.name)
    return {path.name: load(path.name, [path], progress) for path in sources}


def _source(source_id: str) -> registry.Source:
    known = {name: source for name, source in registry.sources().items() if source.observed}
    if source_id not in known:
        raise UserError(
            f"{source_id!r} is not a source of observed data. Known: {', '.join(known)}. "
            "A new one is a file of ingest/sources with an `observed:` block; see docs/how-to/observed.md."
        )
    return known[source_id]


def _files(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and path.suffix != ".lock"  # the record of a fetch
    )


def _as_arrow(table: str, dataset_id: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as the lake's table; a column that a reader does not give is NULL."""
    schema = lake.SCHEMAS[table]
    return pa.Table.from_pylist([{**row, "dataset_id": dataset_id} for row in rows], schema=schema)
