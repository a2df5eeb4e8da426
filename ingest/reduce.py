"""Daily NetCDF to annual features: a plan in, one Parquet file of ``lake/cell_year`` out.

Two rounds of independent tasks (``ingest.blocks``) run in worker processes or on a Dask cluster: decode every block
of every file into the work folder, then reduce the cells tile by tile. What is finished is kept until the run's file is
in the lake, so that a killed run continues. Blocks and tiles depend on the files alone, never on the number of workers:
the same files give the same bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from climart import paths
from climart.errors import UserError
from climart.files import atomic
from ingest import blocks, features, lake, reducers, series, sites, states, tasks
from ingest.blocks import Decode, Decoded, Job, Piece, Reduced, Tile, decode, reduce_tile
from ingest.calendars import Axis
from ingest.readers import grids, stored, times
from ingest.readers.netcdf import FileVariable, SimulationPlan
from ingest.variables import VARIABLES

Nodes = npt.NDArray[np.int64]

TOO_FEW_DAYS = "too_few_days"
MAX_SOFT_SHARE = 0.05  # of a variable's values beyond its soft bounds: with more, its unit is not what it says
GROUP_ROWS = 131_072  # rows of a Parquet row group, at least, whole tiles
SUMMING = ("sum", "mean", "max_rolling_sum")  # reducers that read running sums
DECODE_SHARE = 0.7  # of a run's time, for the time left; measured (docs/reference/performance.md)


@dataclass(frozen=True)
class Progress:
    """How far a reduction is. A cell-day is one cell's one day, all variables together."""

    done: float  # 0 … 1
    cell_days_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Report:
    """What a reduction did."""

    path: Path
    n_cells: int
    n_rows: int
    cell_days: int
    seconds: float
    n_missing: dict[str, int]  # by variable, values missing in the files
    n_soft: dict[str, int]  # by variable, values beyond the soft bounds
    n_rounded: dict[str, int]  # by variable, values a little below 0, set to 0
    n_inconsistent: int  # days with tas more than 0.5 °C outside tasmin … tasmax
    unavailable: dict[str, str]  # features that the run cannot have, with the reason
    pet_method: str  # how evapotranspiration was had, '' where no feature reads it


def reduce_simulation(
    plan: SimulationPlan,
    *,
    catalogue: features.Catalogue | None = None,
    box: tuple[float, float, float, float] | None = grids.METROPOLITAN,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Report:
    """Reduce a run to ``lake/cell_year/dataset=…/simulation=…/cell_year.parquet``, all of it or nothing.

    ``box`` (west, south, east, north, degrees) keeps the cells that meet it; None keeps all. ``workers`` processes (the
    machine's cores without it), or the workers of the Dask cluster at ``scheduler``, which must see the same folders.
    Raises UserError for a plan with refusals and for values that cannot be trusted.
    """
    started = time.monotonic()
    catalogue = catalogue or features.catalogue()
    nodes = check(plan, box)
    site = sites.of_cells(plan.grid, nodes)
    resolution = plan.resolution(catalogue, site)
    unavailable = catalogue.unavailable(resolution)
    if len(unavailable) == len(catalogue.features):
        raise UserError(f"{plan.simulation_id}: no feature can be computed from {', '.join(plan.files)}")
    available = catalogue.subset([f.id for f in catalogue.features if f.id not in unavailable])
    decodes, pieces = decoding(plan, nodes, resolution.variables)
    job = job_of(plan.axis, catalogue, available, resolution, site, pieces, plan.missing_rule)
    tiles = [Tile(c, min(c + job.tile_cells, job.n_cells)) for c in range(0, job.n_cells, job.tile_cells)]
    meter = _Meter(progress, job, sum(task.size for task in decodes))
    path = lake.table_path(
        "cell_year", f"dataset={plan.run.dataset_id}", f"simulation={plan.simulation_id}", "cell_year"
    )
    with _work_folder(plan, catalogue, nodes) as work:
        job.save(work)
        with tasks.runner(workers, scheduler, blocks.__name__) as runner:
            decoded = tasks.round_of(runner, decode, work, decodes, Decoded, meter.decoded)
            sums = {name: _sum(decodes, decoded, name) for name in pieces}
            _refuse_magnitudes(plan, sums)
            reduced = tasks.round_of(runner, reduce_tile, work, tiles, Reduced, meter.reduced)
        facts = _facts(plan, resolution, unavailable)
        n_cells, n_rows = _assemble(path, plan, catalogue, nodes, work, tiles, facts)
    return Report(
        path=path,
        n_cells=n_cells,
        n_rows=n_rows,
        cell_days=job.n_cells * len(job.axis),
        seconds=time.monotonic() - started,
        n_missing={name: total.n_missing for name, total in sums.items()},
        n_soft={name: total.n_soft for name, total in sums.items()},
        n_rounded={name: total.n_rounded for name, total in sums.items()},
        n_inconsistent=sum(result.n_inconsistent for result in reduced),
        unavailable=unavailable,
        pet_method=pet_method(plan, resolution),
    )


def check(plan: SimulationPlan, box: tuple[float, float, float, float] | None) -> Nodes:
    """Positions of the cells to reduce, by cell id. Raises UserError for a plan that cannot be reduced."""
    if plan.refusals:
        raise UserError(f"{plan.simulation_id} cannot be reduced:\n" + "\n".join(plan.refusals))
    nodes = plan.grid.nodes(box)
    held = np.zeros(plan.grid.cell_id.size, dtype=np.bool_)
    for files in plan.files.values():
        for file in files:
            held |= stored.held_nodes(file.path, file.stored_name, file.is_hdf5, file.shape).ravel()
    nodes = nodes[held[nodes]]
    if not nodes.size:
        raise UserError(f"{plan.simulation_id}: none of its cells ({plan.grid.grid_id}) lies within {box}")
    for files in plan.files.values():
        for number, file in enumerate(files):
            for other in files[number + 1 :]:
                _refuse_conflict(file, other, nodes)
    return nodes


def _refuse_conflict(file: FileVariable, other: FileVariable, nodes: Nodes) -> None:
    """Refuse two files of one run and variable that hold other values for the same days."""
    _, here, there = np.intersect1d(file.time.days, other.time.days, assume_unique=True, return_indices=True)
    step = max(1, blocks.DECODED_BYTES // (8 * int(np.prod(file.shape[1:]))))
    for start in range(0, here.size, step):
        first = read_values(file, nodes, here[start : start + step])
        second = read_values(other, nodes, there[start : start + step])
        different = ~((first == second) | (np.isnan(first) & np.isnan(second)))
        if different.any():
            first_day = here[start + int(different.any(axis=0).argmax())]
            day = times.date(int(file.time.days[first_day]), file.time.calendar)
            raise UserError(
                f"{file.where} and {other.path.name} overlap with other values, first on {day}: one run has one value "
                "a day. Keep the right file; nothing was loaded."
            )


def read_values(file: FileVariable, nodes: Nodes, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Values (cells, steps) in the canonical unit at some positions of the file's time axis, ascending."""
    span = slice(int(steps[0]), int(steps[-1]) + 1)
    coordinates = np.stack(np.unravel_index(nodes, file.shape[1:]))
    lows, highs = coordinates.min(axis=1), coordinates.max(axis=1) + 1
    box = [slice(int(low), int(high)) for low, high in zip(lows, highs, strict=True)]
    numbers = stored.read_stored(file.path, file.stored_name, file.is_hdf5, file.index((span, *box)))
    inside = np.ravel_multi_index(tuple(coordinates - lows[:, None]), tuple(highs - lows))
    values, _ = stored.convert(
        numbers[steps - span.start], inside.astype(np.int32), file.packing, VARIABLES[file.variable]
    )
    return values


# Tasks


def decoding(
    plan: SimulationPlan, nodes: Nodes, needed: Collection[str]
) -> tuple[list[Decode], dict[str, list[Piece]]]:
    """What to decode for these variables, and the pieces it will leave, by variable (order of ``VARIABLES``)."""
    decodes: list[Decode] = []
    pieces: dict[str, list[Piece]] = {}
    start = times.day_number(plan.year_start, plan.calendar)
    for name in VARIABLES:
        if name not in needed:
            continue
        pieces[name] = []
        seen = np.empty(0, dtype=np.int64)
        for number, file in enumerate(plan.files[name]):
            new = ~np.isin(file.time.days, seen)
            seen = np.union1d(seen, file.time.days)
            for task, piece in _file_tasks(file, f"{name}-{number:03d}", nodes, new, start):
                decodes.append(task)
                pieces[name].append(piece)
    return decodes, pieces


def _file_tasks(
    file: FileVariable, prefix: str, nodes: Nodes, new: npt.NDArray[np.bool_], start: int
) -> Iterator[tuple[Decode, Piece]]:
    coordinates = np.stack(np.unravel_index(nodes, file.shape[1:]))
    days = file.time.days - start
    within: dict[str, tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]] = {}  # shared by the blocks of one place
    found = (
        block
        for box in _boxes(coordinates, file.chunks)
        for block in blocks.blocks(file.shape, file.chunks, file.itemsize, box)
    )
    for number, block in enumerate(found):
        place = repr(block[1:])
        if place not in within:
            lows, highs = np.array([[s.start, s.stop] for s in block[1:]]).T
            inside = ((coordinates >= lows[:, None]) & (coordinates < highs[:, None])).all(axis=0)
            relative = tuple(coordinates[:, inside] - lows[:, None])
            positions = np.ravel_multi_index(relative, tuple(highs - lows))
            within[place] = np.flatnonzero(inside).astype(np.int32), positions.astype(np.int32)
        cells, positions_in_block = within[place]
        runs = _runs(days[block[0]], new[block[0]])
        if not cells.size or not runs:
            continue
        name = f"{prefix}-{number:05d}"
        yield (
            Decode(
                name=name,
                variable=file.variable,
                source=file.path.absolute(),
                where=file.where,
                stored_name=file.stored_name,
                is_hdf5=file.is_hdf5,
                index=file.index(block),
                nodes=positions_in_block,
                n_days=block[0].stop - block[0].start,
                packing=file.packing,
                stored_unit=file.unit,
                first_day=times.date(int(file.time.days[block[0].start]), file.time.calendar),
            ),
            Piece(name, cells, block[0].stop - block[0].start, runs),
        )


def _boxes(coordinates: npt.NDArray[np.int64], chunks: tuple[int, ...] | None) -> list[tuple[slice, ...]]:
    """The box around all the nodes, or one per spatial chunk that holds a node where most chunks in it hold none."""
    whole = tuple(slice(int(c.min()), int(c.max()) + 1) for c in coordinates)
    if chunks is None:
        return [whole]
    sides = np.array(chunks[1:])[:, None]
    tiles, owner = np.unique(coordinates // sides, axis=1, return_inverse=True)
    spanned = np.prod([int(t.max() - t.min()) + 1 for t in tiles])
    if 2 * tiles.shape[1] > spanned:
        return [whole]
    parts = [coordinates[:, owner.ravel() == n] for n in range(tiles.shape[1])]
    return [tuple(slice(int(c.min()), int(c.max()) + 1) for c in part) for part in parts]


def _runs(days: npt.NDArray[np.int64], new: npt.NDArray[np.bool_]) -> tuple[tuple[int, int, int], ...]:
    """Consecutive days among those that are new: first position, first day on the axis, number of days."""
    kept = np.flatnonzero(new)
    if not kept.size:
        return ()
    breaks = np.flatnonzero((np.diff(days[kept]) != 1) | (np.diff(kept) != 1)) + 1
    return tuple((int(part[0]), int(days[part[0]]), part.size) for part in np.split(kept, breaks))


def job_of(
    axis: Axis,
    catalogue: features.Catalogue,
    available: features.Catalogue,
    resolution: series.Resolution,
    site: series.Site,
    pieces: dict[str, list[Piece]],
    missing_rule: str = "M0",
) -> Job:
    """The reduction of a run as tables of integers (``reducers.reduce_cells``)."""
    variables = tuple(pieces)
    names = [*variables, *(name for i in resolution.daily for name in series.DAILY[i].outputs)]
    seasons = [name for i in resolution.seasonal for name in series.SEASONAL[i].outputs]
    reduced = [feature for feature in available.features if not feature.is_seasonal]
    seasonal = [feature for feature in available.features if feature.is_seasonal]
    windows = sorted({feature.window for feature in reduced})
    columns = {column: n for n, column in enumerate(catalogue.columns)}
    origins = {"doy": 0, "dosy": 1}
    summed = {feature.of for feature in reduced if feature.reducer in SUMMING}
    rows = [
        (
            reducers.REDUCERS[feature.reducer],
            names.index(feature.of),
            windows.index(feature.window),
            feature.operator,
            origins.get(feature.unit, -1),
            columns[feature.id],
            columns[feature.columns[1]] if feature.is_date else -1,
        )
        for feature in reduced
    ]
    season_rows = [(seasons.index(feature.of), columns[feature.id]) for feature in seasonal] + [
        (seasons.index(feature.of.removesuffix("_doy") + "_event"), columns[feature.columns[1]])
        for feature in seasonal
        if feature.is_date
    ]
    return Job(
        axis=axis,
        site=site,
        n_cells=site.latitude.size,
        variables=variables,
        pieces=tuple(tuple(found) for found in pieces.values()),
        daily=resolution.daily,
        seasonal=resolution.seasonal,
        n_series=len(names),
        n_columns=len(columns),
        features=np.array(rows, dtype=np.int32).reshape(len(rows), 7),
        parameters=np.array([feature.parameters for feature in reduced], dtype=np.float64).reshape(len(rows), 3),
        windows=np.array([axis.window(catalogue.windows[name]) for name in windows], dtype=np.int32).reshape(
            len(windows), len(axis.years), 2
        ),
        origins=np.stack([axis.origin((1, 1), 0), axis.origin((8, 1), -1)]),
        is_season=np.array([catalogue.windows[name].is_season for name in windows], dtype=np.bool_),
        is_summed=np.array([name in summed for name in names]),
        by_wmo=np.array([missing_rule == "WMO" and f.reducer in reducers.BY_WMO for f in reduced], dtype=np.bool_),
        season_columns=np.array(season_rows, dtype=np.int64).reshape(len(season_rows), 2),
    )


def _sum(decodes: list[Decode], decoded: list[Decoded], variable: str) -> Decoded:
    """What all the blocks of a variable held."""
    found = [result for task, result in zip(decodes, decoded, strict=True) if task.variable == variable]
    return Decoded(
        sum(d.n_values for d in found),
        sum(d.n_missing for d in found),
        sum(d.n_soft for d in found),
        sum(d.n_rounded for d in found),
    )


def _refuse_magnitudes(plan: SimulationPlan, sums: dict[str, Decoded]) -> None:
    for name, total in sums.items():
        present = total.n_values - total.n_missing
        if total.n_soft > MAX_SOFT_SHARE * present:
            variable, file = VARIABLES[name], plan.files[name][0]
            raise UserError(
                f"{file.where}: {total.n_soft / present:.0%} of its values lie beyond {variable.soft[0]:g} … "
                f"{variable.soft[1]:g} {variable.unit}: its unit is not {file.unit!r} (Fahrenheit?). "
                "Nothing was loaded."
            )


class _Meter:
    """Turns finished tasks into progress; tasks of an earlier, killed run count as done but not as speed."""

    def __init__(self, tell: Callable[[Progress], None] | None, job: Job, values: int) -> None:
        self.tell = tell
        self.cell_days = job.n_cells * len(job.axis)
        self.values = values
        self.cells = job.n_cells
        self.started = time.monotonic()
        self.done = self.earlier = 0.0

    def decoded(self, task: Decode, now: bool) -> None:
        self._add(DECODE_SHARE * task.size / self.values, now)

    def reduced(self, tile: Tile, now: bool) -> None:
        self._add((1 - DECODE_SHARE) * (tile.stop - tile.start) / self.cells, now)

    def _add(self, share: float, now: bool) -> None:
        self.done += share
        if not now:
            self.earlier += share
        if self.tell is not None:
            elapsed = max(time.monotonic() - self.started, 1e-9)
            gained = max(self.done - self.earlier, 1e-9)
            left = elapsed * max(1 - self.done, 0.0) / gained
            self.tell(Progress(min(self.done, 1.0), gained * self.cell_days / elapsed, left))


# The work folder


@contextmanager
def _work_folder(plan: SimulationPlan, catalogue: features.Catalogue, nodes: Nodes) -> Iterator[Path]:
    """The folder of this very reduction, kept if it fails; what another version of it left is removed.

    Its name holds a hash of the inputs (path, size, time of change), of the features and of the code. One process at a
    time works on a run.
    """
    root = paths.inside(paths.data_root(), "work")
    root.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    for file in (file for files in plan.files.values() for file in files):
        status = file.path.stat()
        digest.update(repr((file.path.absolute(), file.stored_name, status.st_size, status.st_mtime_ns)).encode())
    digest.update(repr(catalogue).encode() + nodes.tobytes())
    digest.update(sites.fingerprint(plan.grid).encode())
    code = [Path(str(module.__file__)) for module in (blocks, reducers, series, stored)]
    for module in [*code, *sorted(Path(str(states.__file__)).parent.glob("*.py"))]:
        digest.update(module.read_bytes())
    work = paths.inside(root, f"{plan.simulation_id}-{digest.hexdigest()[:12]}")
    with paths.inside(root, f"{plan.simulation_id}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"{plan.simulation_id} is being reduced by another process; wait for it") from error
        for other in root.glob(f"{plan.simulation_id}-*"):
            if other != work and other.is_dir():
                shutil.rmtree(other)
        work.mkdir(exist_ok=True)
        for unfinished in work.glob("*.tmp"):
            unfinished.unlink()
        yield work
        shutil.rmtree(work)


# The lake


def schema(catalogue: features.Catalogue) -> pa.Schema:
    """Columns of ``lake/cell_year``. ``reason`` says why the NULL features of a row are NULL where days are missing."""
    keys = [("cell_id", pa.int32()), ("year", pa.int16()), ("n_days", pa.int16()), ("reason", pa.string())]
    return pa.schema([*keys, *((column, pa.float32()) for column in catalogue.columns)])


def _facts(plan: SimulationPlan, resolution: series.Resolution, unavailable: dict[str, str]) -> dict[str, object]:
    """What the run's file says of itself."""
    return {
        "simulation_id": plan.simulation_id,
        "grid_id": plan.grid.grid_id,
        "calendar": plan.calendar,
        "pet_method": pet_method(plan, resolution),
        "unavailable": unavailable,
        "files": sorted(file.path.name for files in plan.files.values() for file in files),
        "notes": list(plan.notes),
    }


def pet_method(plan: SimulationPlan, resolution: series.Resolution) -> str:
    """How the run has evapotranspiration: ``file``, with the suffix of its files, or a method of ours; '' if unread."""
    suffix = plan.pet_method.lower()
    return f"file_{suffix}" if resolution.pet_method == "file" and suffix else resolution.pet_method


def _assemble(
    path: Path,
    plan: SimulationPlan,
    catalogue: features.Catalogue,
    nodes: Nodes,
    work: Path,
    tiles: list[Tile],
    facts: dict[str, object],
) -> tuple[int, int]:
    """Write the tiles as one Parquet file, sorted by cell and year, whole or not at all; number of cells and of rows.

    Cells without a single day (sea, outside the mask) and years without one are left out.
    """
    columns = schema(catalogue).with_metadata({"climart": json.dumps(facts, sort_keys=True, ensure_ascii=False)})
    years = np.array(plan.axis.years, dtype=np.int16)
    cell_ids = plan.grid.cell_id[nodes]
    n_cells = n_rows = 0
    for left_by_a_killed_run in path.parent.glob(f".{path.name}.*"):
        left_by_a_killed_run.unlink()
    with atomic(path) as handle:
        with pq.ParquetWriter(handle, columns, compression="zstd", use_dictionary=["reason"]) as writer:
            waiting: list[pa.Table] = []
            for tile in tiles:
                table = _tile_table(work / tile.name, cell_ids[tile.start : tile.stop], years, columns)
                n_cells += len(table["cell_id"].unique())
                n_rows += table.num_rows
                waiting.append(table)
                if sum(t.num_rows for t in waiting) >= GROUP_ROWS:
                    writer.write_table(pa.concat_tables(waiting).combine_chunks(), row_group_size=10 * GROUP_ROWS)
                    waiting = []
            if waiting:
                writer.write_table(pa.concat_tables(waiting).combine_chunks(), row_group_size=10 * GROUP_ROWS)
        if n_rows == 0:
            raise UserError(f"{plan.simulation_id}: its files hold no value in any cell to keep; nothing was loaded")
    return n_cells, n_rows


def _tile_table(
    path: Path, cell_ids: npt.NDArray[np.int32], years: npt.NDArray[np.int16], columns: pa.Schema
) -> pa.Table:
    with np.load(path) as tile:
        arrays: list[pa.Array] = [
            pa.array(cell_ids[tile["cell"]]),
            pa.array(years[tile["year"]]),
            pa.array(tile["n_days"]),
            pa.array([TOO_FEW_DAYS if row else None for row in tile["voided"]], type=pa.string()),
            *(pa.array(column, from_pandas=True) for column in tile["columns"]),  # NaN becomes NULL
        ]
    return pa.Table.from_arrays(arrays, schema=columns)
