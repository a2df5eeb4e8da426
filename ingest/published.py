"""Loads ensembles that a producer publishes already reduced over its runs, in place of what the lake held of them.

They stand beside our own quantiles and are never mixed with them: their own dataset, their own table, the producer's
own statistics (its lowest and highest run are no quantiles). One partition of ``published_ensemble`` per index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from climart.errors import UserError
from climart.files import sha256_of
from ingest import grid, lake, registry, source_files
from ingest.readers import climadiag, ensemble_table, tracc_tables
from ingest.readers.ensembles import Piece

Progress = Callable[[str], None]
TABLE = "published_ensemble"
NOT_PUBLISHED = "not_published"
LAYOUTS: dict[str, Callable[[Sequence[Path], Sequence[str]], tuple[list[Piece], list[str]]]] = {
    "tracc_tables": tracc_tables.read,
    "climadiag": climadiag.read,
}


@dataclass(frozen=True)
class Loaded:
    """What a load did: rows by index, and what the reader remarked."""

    n_rows: dict[str, int]
    remarks: tuple[str, ...]


def load(source_id: str, given: Sequence[Path], progress: Progress = lambda _: None) -> Loaded:
    """Read the archives of one source and write what they hold. Files, or folders of ``*.tar``.

    Raises UserError, with nothing written, where an archive is not as its source says.
    """
    source = registry.get(source_id)
    if source.ensemble is None:
        known = ", ".join(name for name, other in registry.sources().items() if other.ensemble)
        raise UserError(f"{source_id}: not a source of published ensembles (known: {known}).")
    paths = [path for item in given for path in (sorted(item.glob("*.tar")) if item.is_dir() else [item])]
    for path in paths:
        if not path.is_file():
            raise UserError(f"{path}: no such file.")
    if not paths:
        raise UserError(f"{', '.join(map(str, given)) or source_id}: no archive (*.tar) there to read.")
    digests = {path: sha256_of(path) for path in paths}
    paths = list({digest: path for path, digest in digests.items()}.values())  # the same archive once
    progress("reading")
    ids = [digests[path][:16] for path in paths]
    if source.ensemble.table:
        pieces, remarks = ensemble_table.read(paths, ids, source.ensemble.table)
    else:
        pieces, remarks = LAYOUTS[source.ensemble.layout](paths, ids)
    progress("writing")
    lake.open_registers()
    by_index: dict[str, list[Piece]] = {}
    for piece in pieces:
        by_index.setdefault(piece.index_code, []).append(piece)
    n_rows = {code: sum(piece.places.size for piece in by_index[code]) for code in sorted(by_index)}
    partition = f"dataset={source.id}"
    for code in n_rows:
        lake.write(TABLE, pa.concat_tables(_tables(source, by_index.pop(code))), partition, code)
    for path in lake.table_path(TABLE, partition, "*").parent.glob("*.parquet"):
        if path.stem not in n_rows:
            path.unlink()
    if any(piece.is_cell for piece in pieces):
        lake.upsert("cell", grid.as_arrow(), "grid_id")
    of_file = {path: digests[path][:16] for path in paths}
    source_files.replace(
        source,
        [
            source_files.RawFile(
                path, file_id, digests[path], sum(p.places.size for p in pieces if p.source_file_id == file_id)
            )
            for path, file_id in of_file.items()
        ],
    )
    registry.record_dataset(source)
    return Loaded(n_rows, tuple(remarks))


def _tables(source: registry.Source, pieces: Iterable[Piece]) -> Iterable[pa.Table]:
    ensemble, schema = source.ensemble, lake.SCHEMAS[TABLE]
    assert ensemble is not None
    for piece in pieces:
        n = piece.places.size
        # the producer gives no interval of the reference: then no word for one either
        interval = bool(np.isfinite(piece.low).any() or not np.isfinite(piece.median).any())
        constants = {
            "dataset_id": source.id,
            "source_file_id": piece.source_file_id,
            "grid_id": grid.GRID_ID if piece.is_cell else None,
            "index_code": piece.index_code,
            "season": piece.season,
            "statistic": piece.statistic,
            "context_id": piece.context_id,
            "low_statistic": ensemble.low_statistic if interval else None,
            "high_statistic": ensemble.high_statistic if interval else None,
            "n_runs": ensemble.n_runs,
            "unit": piece.unit,
        }
        columns = {name: pa.repeat(pa.scalar(value, schema.field(name).type), n) for name, value in constants.items()}
        nothing = {"cell_id": pa.nulls(n, pa.int32()), "commune_code": pa.nulls(n, pa.string())}
        columns |= nothing | {"cell_id" if piece.is_cell else "commune_code": pa.array(piece.places)}
        for name, values in (("low", piece.low), ("median", piece.median), ("high", piece.high)):
            columns[name] = pa.array(values, pa.float32(), from_pandas=True)  # NaN is NULL
        if piece.n_runs is not None:
            columns["n_runs"] = pa.array(piece.n_runs, pa.int16())
        columns["reason"] = pa.array([NOT_PUBLISHED]).take(
            pa.array(np.zeros(n, dtype=np.int8), mask=~np.isnan(piece.median))
        )
        yield pa.table(columns, schema=schema)
