"""Loads a producer's exports into the lake: all or nothing, each file once, no two files that disagree.

One Parquet file of ``producer_index`` per export, under its content's hash: a renamed file is the same file, a second
run changes nothing, and adding one export touches no other file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from climart.errors import UserError
from ingest import grid, lake, registry
from ingest.fetch import locks
from ingest.readers import drias_text

Progress = Callable[[str], None]
SeriesKey = tuple[str, str, str, str]  # simulation_id, context_id, season, index_code


@dataclass(frozen=True)
class Held:
    """Where the lake holds a series, and on how many points."""

    file_id: str
    path: Path
    n_points: int


@dataclass
class Loaded:
    """What a load did, for the command line to say."""

    loaded: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    n_values: int = 0


def load(
    files: Iterable[Path],
    *,
    skip_bad: bool = False,
    replace: bool = False,
    progress: Progress = lambda _: None,
) -> Loaded:
    """Read, check and write exports. ``progress`` is called with a file's name once it is read, again once written.

    ``skip_bad``: load the good files and list the bad ones. ``replace``: a new file takes the place of lake files
    that hold the same run and level with other values. Raises UserError, with nothing written, on any bad file
    (unless ``skip_bad``) and on any two files that disagree.
    """
    exports, faults = _read_all(list(files), progress)
    if faults and not skip_bad:
        others = f"\nNothing was loaded. {len(exports)} other file(s) of this call were good." if exports else ""
        raise UserError("\n".join(faults) + others)
    done = Loaded(skipped=faults)
    known = _series_in_lake()
    in_lake = {held.file_id for held in known.values()}
    fresh: dict[str, drias_text.Export] = {}
    for export in exports:
        if export.source_file_id in in_lake:
            done.already.append(export.path.name)
        elif export.source_file_id in fresh:
            done.repeated.append(f"{export.path.name} (same content as {fresh[export.source_file_id].path.name})")
        else:
            fresh[export.source_file_id] = export
    names = dict(zip(*(lake.read("source_file")[c].to_pylist() for c in ("source_file_id", "name")), strict=True))
    for export in fresh.values():
        _check_points(export, fresh.values(), known, names)
    plans, outdated = _plan(list(fresh.values()), known, names, replace=replace)
    to_write = [(export, series) for export, series in plans if series]
    done.loaded = [export.path.name for export, _ in to_write]
    done.n_values = sum(
        len(block.cell_id)
        for export, series in to_write
        for block in export.blocks
        for code in block.values
        if _key(export, block, code) in series
    )
    for export, series in plans:
        if not series:
            done.repeated.append(f"{export.path.name} (every value already loaded from another file)")
    # Registers first: after a crash the next call finds the missing exports and writes them, and only them.
    if to_write:
        _write_registers([export for export, _ in to_write])
    _forget(outdated)  # before the new values: a stop in between loses what the user still has, and doubles nothing
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for export in pool.map(_write, to_write):
            progress(export.path.name)
    return done


def _read_all(files: list[Path], progress: Progress) -> tuple[list[drias_text.Export], list[str]]:
    grid.cells()  # built once, before the threads share it

    def read(path: Path) -> drias_text.Export | str:
        try:
            return drias_text.read(path)
        except UserError as error:
            return str(error)
        finally:
            progress(path.name)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(read, files))
    return [r for r in results if not isinstance(r, str)], [r for r in results if isinstance(r, str)]


def _check_points(
    export: drias_text.Export,
    others: Iterable[drias_text.Export],
    known: dict[SeriesKey, Held],
    names: dict[str, str],
) -> None:
    """The warming levels of one run come on the same points: fewer in one file means a cut file."""
    of_run = [
        (block.context_id, len(block.cell_id), other.path.name)
        for other in others
        for block in other.blocks
        if other.simulation_id == export.simulation_id
    ]
    of_run += [
        (key[1], held.n_points, f"{names.get(held.file_id, held.file_id)}, in the lake")
        for key, held in known.items()
        if key[0] == export.simulation_id
    ]
    n_points, where = max(((n, name) for context, n, name in of_run if context.startswith("rwl")), default=(0, ""))
    for block in export.blocks:
        if block.context_id.startswith("rwl") and len(block.cell_id) < n_points:
            raise UserError(
                f"{export.path.name}: {len(block.cell_id)} points where {where}, of the same run, has {n_points}: "
                "the file is cut. Order it again; nothing was loaded."
            )


def _series_in_lake() -> dict[SeriesKey, Held]:
    """Every series loaded so far, and where it is."""
    series = {}
    columns = ["simulation_id", "context_id", "season", "index_code"]
    for path in sorted(lake.table_path("producer_index").with_suffix("").rglob("*.parquet")):
        for row in pq.read_table(path, columns=columns).group_by(columns).aggregate([([], "count_all")]).to_pylist():
            key = (row["simulation_id"], row["context_id"], row["season"], row["index_code"])
            series[key] = Held(path.stem, path, row["count_all"])
    return series


def _key(export: drias_text.Export, block: drias_text.Block, code: str) -> SeriesKey:
    return export.simulation_id, block.context_id, block.season, code


def _plan(
    exports: list[drias_text.Export], known: dict[SeriesKey, Held], names: dict[str, str], *, replace: bool
) -> tuple[list[tuple[drias_text.Export, set[SeriesKey]]], dict[Path, set[SeriesKey]]]:
    """Which series to write from which export, and which to drop from which lake file.

    A series that is already there with the same values is not repeated. Raises UserError naming both files where the
    values differ.
    """
    taken: dict[SeriesKey, drias_text.Export] = {}
    outdated: dict[Path, set[SeriesKey]] = {}
    plans = []
    for export in exports:
        wanted = set()
        for block in export.blocks:
            for code, values in block.values.items():
                key = _key(export, block, code)
                if key in taken:
                    other = next(
                        b for b in taken[key].blocks if (b.context_id, b.season) == (block.context_id, block.season)
                    )
                    earlier, cells, earlier_values = taken[key].path.name, other.cell_id, other.values[code]
                elif key in known:
                    earlier = f"{names.get(known[key].file_id, known[key].file_id)}, in the lake"
                    cells, earlier_values = _series(known[key].path, key)
                if (key in taken or key in known) and _same(cells, earlier_values, block.cell_id, values):
                    continue
                if key in taken or (key in known and not replace):
                    raise UserError(
                        f"{export.path.name} and {earlier}: both hold {code} of {export.model} at "
                        f"{block.context_id} ({block.season}), with other values. Nothing was loaded. "
                        "Keep the right file; --replace puts the new one in the place of the one in the lake."
                    )
                if key in known:
                    outdated.setdefault(known[key].path, set()).add(key)
                wanted.add(key)
                taken[key] = export
        plans.append((export, wanted))
    return plans, outdated


def _series(path: Path, key: SeriesKey) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    filters = list(zip(("simulation_id", "context_id", "season", "index_code"), ("=",) * 4, key, strict=True))
    table = pq.read_table(path, columns=["cell_id", "value"], filters=filters)
    return table["cell_id"].to_numpy(), table["value"].to_numpy().astype(np.float64)


def _same(
    cells: npt.NDArray[np.int32],
    values: npt.NDArray[np.float64],
    other_cells: npt.NDArray[np.int32],
    other_values: npt.NDArray[np.float64],
) -> bool:
    return np.array_equal(cells, other_cells) and np.array_equal(
        values.astype(np.float32), other_values.astype(np.float32), equal_nan=True
    )


def _write(plan: tuple[drias_text.Export, set[SeriesKey]]) -> drias_text.Export:
    export, series = plan
    parts = []
    schema = lake.SCHEMAS["producer_index"]
    for block in export.blocks:
        codes = sorted(c for c in block.values if (export.simulation_id, block.context_id, block.season, c) in series)
        n = len(block.cell_id)
        values = np.concatenate([block.values[code] for code in codes]) if codes else np.empty(0)
        constants = {
            "source_file_id": export.source_file_id,
            "dataset_id": export.source.id,
            "simulation_id": export.simulation_id,
            "context_id": block.context_id,
            "season": block.season,
        }
        columns = {name: pa.repeat(pa.scalar(text), n * len(codes)) for name, text in constants.items()}
        columns["cell_id"] = pa.array(np.tile(block.cell_id, len(codes)))
        columns["index_code"] = pa.DictionaryArray.from_arrays(
            np.repeat(np.arange(len(codes), dtype=np.int32), n), pa.array(codes, pa.string())
        ).cast(pa.string())
        columns["value"] = pa.array(values.astype(np.float32), from_pandas=True)  # NaN, a blank in the file, is NULL
        parts.append(pa.table(columns, schema=schema))
    partition = (f"dataset={export.source.id}", f"simulation={export.model}", export.source_file_id)
    lake.write("producer_index", pa.concat_tables(parts), *partition)
    return export


def _forget(outdated: dict[Path, set[SeriesKey]]) -> None:
    """Drop the series that ``--replace`` made obsolete. The rows of ``source_file`` stay: they are history."""
    for path, series in outdated.items():
        rows = pq.read_table(path, schema=lake.SCHEMAS["producer_index"], partitioning=None)
        keys = pc.binary_join_element_wise(rows["context_id"], rows["season"], rows["index_code"], "|")
        kept = rows.filter(pc.invert(pc.is_in(keys, value_set=pa.array(["|".join(key[1:]) for key in series]))))
        if kept.num_rows:
            lake.write_parquet(kept, path)
        else:
            path.unlink()


def _write_registers(exports: list[drias_text.Export]) -> None:
    lake.upsert("cell", grid.as_arrow(), "grid_id")
    for source in {export.source.id: export.source for export in exports}.values():
        registry.record_dataset(source)
    files = [
        {
            "source_file_id": export.source_file_id,
            "source_id": export.source.id,
            "name": export.path.name,
            **locks.provenance(export.path, export.sha256),
            "extracted_at": export.extracted_at,
            "bytes": export.n_bytes,
            "sha256": export.sha256,
            "rows": export.n_records,
            "licence": export.source.licence,
        }
        for export in exports
    ]
    headers = [
        {
            "source_file_id": export.source_file_id,
            "index_code": index.code,
            "base_code": index.base_code,
            "label": index.label,
            "unit": index.unit,
            "statistic": index.statistic,
            "decimals": index.decimals,
        }
        for export in exports
        for index in export.indices
    ]
    simulations = {export.simulation_id: _simulation(export) for export in exports}
    for table, rows, key in (
        ("source_file", files, "source_file_id"),
        ("producer_index_header", headers, "source_file_id"),
        ("simulation", list(simulations.values()), "simulation_id"),
    ):
        if rows:
            lake.upsert(table, pa.Table.from_pylist(rows, schema=lake.SCHEMAS[table]), key)


def _simulation(export: drias_text.Export) -> dict[str, object]:
    announced = export.source.drias_text
    assert announced is not None
    rcm, gcm = export.model.split("_", 1)
    return {
        "simulation_id": export.simulation_id,
        "dataset_id": export.source.id,
        "gcm": announced.gcm_names.get(gcm, gcm),
        "rcm": rcm,
        "member": None,  # the exports do not say it
        "correction": export.source.correction,
        "scenario": announced.scenario,
        "calendar": None,
        "year_start": None,
        "year_end": None,
        "validation_status": export.source.validation_status,
        "grid_id": grid.GRID_ID,
        "pet_method": None,
        "content_sha256": None,  # its values are the exports', each known by its own hash
    }
