"""The lake's register of raw files: where each came from, when, and its hash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ingest import lake
from ingest.fetch import locks
from ingest.registry import Source


@dataclass(frozen=True)
class RawFile:
    """A file as received, and how many rows of it were read (None where it gives none)."""

    path: Path
    source_file_id: str
    sha256: str
    rows: int | None


def replace(source: Source, files: Iterable[RawFile]) -> None:
    """One row of ``source_file`` per file, in place of those that the source had."""
    rows = [
        {
            "source_file_id": file.source_file_id,
            "source_id": source.id,
            "name": file.path.name,
            "url": source.homepage,
            **locks.provenance(file.path, file.sha256),
            "bytes": file.path.stat().st_size,
            "sha256": file.sha256,
            "rows": file.rows,
            "licence": source.licence,
        }
        for file in {file.source_file_id: file for file in files}.values()
    ]
    kept = lake.read("source_file")
    kept = kept.filter(pc.not_equal(kept["source_id"], source.id))
    lake.write("source_file", pa.concat_tables([kept, pa.Table.from_pylist(rows, schema=kept.schema)]))
