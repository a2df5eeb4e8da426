"""The two units of work of a reduction: decode one block of a file, reduce one tile of cells. Run in worker processes.

Decoding follows the file's own chunks and each chunk is decoded once; its values are converted, checked, transposed
so that a cell's days lie side by side, and written to a piece in the work folder. Reducing reads a few cells' whole
series from the pieces of every variable, so that windows, spells and normals never stop at the edge of a block.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from climart.errors import UserError
from ingest import series
from ingest.calendars import Axis
from ingest.readers.stored import Packing, convert, read_stored
from ingest.reducers import reduce_cells
from ingest.tasks import write_whole
from ingest.variables import VARIABLES

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

JOB = "job.pickle"
DECODED_BYTES = 16 * 2**20  # stored bytes of a decoded block
TILE_BYTES = 64 * 2**20  # daily variables of a tile of cells
GROUP_CELLS = 16  # cells whose days are gathered from the pieces at once
BATCH_BYTES = 3 * 2**19  # daily series of the cells that are reduced together: they stay in the second-level cache


# Layout


def blocks(
    shape: tuple[int, ...],
    chunks: tuple[int, ...] | None,
    itemsize: int,
    box: tuple[slice, ...],
    budget: int = DECODED_BYTES,
) -> Iterator[tuple[slice, ...]]:
    """Blocks that cover all times and ``box`` in space, of whole chunks (cut by the box only): each chunk in one block.

    Grown along space first, then along time, until ``budget`` bytes. A contiguous file (``chunks`` None) is cut by
    days. A chunk larger than the budget is a block of its own.
    """
    chunks = chunks or (1, *(s.stop - s.start for s in box))
    chunks = tuple(min(chunk, size) for chunk, size in zip(chunks, shape, strict=True))
    first = tuple(s.start // chunk * chunk for s, chunk in zip(box, chunks[1:], strict=True))
    counts = tuple(-(-(s.stop - f) // c) for s, f, c in zip(box, first, chunks[1:], strict=True))
    per_block = [1] * len(shape)
    room = max(1, budget // (itemsize * int(np.prod(chunks, dtype=np.int64))))
    for axis in range(len(shape) - 1, 0, -1):  # last dimension first, as the file lies
        per_block[axis] = min(counts[axis - 1], room)
        room //= per_block[axis]
    if all(n == count for n, count in zip(per_block[1:], counts, strict=True)):
        per_block[0] = max(1, room)
    steps = [n * chunk for n, chunk in zip(per_block, chunks, strict=True)]
    spans = [[slice(t, min(t + steps[0], shape[0])) for t in range(0, shape[0], steps[0])]]
    for s, start, step in zip(box, first, steps[1:], strict=True):
        cuts = range(start, s.stop, step)
        spans.append([slice(max(cut, s.start), min(cut + step, s.stop)) for cut in cuts])
    yield from product(*spans)


# Decoding


@dataclass(frozen=True)
class Decode:
    """One block of one variable of one file, and what becomes of it."""

    name: str  # of its piece in the work folder
    variable: str
    source: Path
    where: str  # file and variable, for messages
    stored_name: str
    is_hdf5: bool
    index: tuple[slice | int, ...]  # into the stored dimensions
    nodes: Ints  # position in the block of each kept cell
    n_days: int
    packing: Packing
    stored_unit: str
    first_day: str

    @property
    def size(self) -> int:
        """Values that it leaves."""
        return self.nodes.size * self.n_days


@dataclass(frozen=True)
class Decoded:
    """What a block held."""

    n_values: int
    n_missing: int
    n_soft: int  # beyond the soft bounds
    n_rounded: int  # a little below a lower bound of 0, set to 0


def decode(work: Path, task: Decode) -> Decoded:
    """Read a block, convert and check it, and write the piece (cells × days, float32) whole or not at all.

    A value beyond the hard bounds raises UserError with the file, the variable, the day and the unit.
    """
    stored = read_stored(task.source, task.stored_name, task.is_hdf5, task.index)
    variable = VARIABLES[task.variable]
    values, counts = convert(stored, task.nodes, task.packing, variable)
    if counts.hard:
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        worst = low if variable.hard[0] - low > high - variable.hard[1] else high
        raise UserError(
            f"{task.where}: {worst:g} {variable.unit} after conversion from {task.stored_unit!r} (days from "
            f"{task.first_day}), beyond {variable.hard[0]:g} … {variable.hard[1]:g}: {counts.hard} of {values.size} "
            "values of the block. Its unit is not what it says (Fahrenheit? kelvin? an amount for a rate?) or its "
            "values are wrong. Nothing was loaded."
        )
    write_whole(work / task.name, values.data.cast("B"))
    return Decoded(values.size, counts.missing, counts.soft, counts.rounded)


# Reducing


@dataclass(frozen=True)
class Piece:
    """A decoded block: which cells and which days of the run it holds."""

    name: str
    cells: Ints  # rows of the run's cell table, ascending
    n_days: int
    runs: tuple[tuple[int, int, int], ...]  # first day in the piece, first day on the axis, number of days


@dataclass(frozen=True)
class Job:
    """Everything that the reduction of a run's tiles needs, beside the pieces: made once, read by every worker."""

    axis: Axis
    site: series.Site
    n_cells: int
    variables: tuple[str, ...]
    pieces: tuple[tuple[Piece, ...], ...]  # by variable
    daily: tuple[int, ...]  # positions in series.DAILY
    seasonal: tuple[int, ...]  # positions in series.SEASONAL
    n_series: int
    n_columns: int
    features: Ints
    parameters: npt.NDArray[np.float64]
    windows: Ints
    origins: Ints
    is_season: npt.NDArray[np.bool_]
    is_summed: npt.NDArray[np.bool_]
    by_wmo: npt.NDArray[np.bool_]
    season_columns: npt.NDArray[np.int64]  # output among those of the seasonal states, column

    def save(self, work: Path) -> None:
        write_whole(work / JOB, pickle.dumps(self))

    @property
    def tile_cells(self) -> int:
        """Cells of a tile: what ``TILE_BYTES`` of daily series hold."""
        return max(1, TILE_BYTES // (4 * len(self.axis) * len(self.variables)))


@lru_cache(maxsize=1)
def _job(path: Path, _written: int) -> Job:
    job = pickle.loads(path.read_bytes())
    assert isinstance(job, Job)
    return job


def load_job(work: Path) -> Job:
    """The job of a work folder, read once per process."""
    path = work / JOB
    return _job(path, path.stat().st_mtime_ns)


@dataclass(frozen=True)
class Tile:
    """Some cells of a run, by their rows in its cell table."""

    start: int
    stop: int

    @property
    def name(self) -> str:
        return f"cells-{self.start:06d}.npz"


@dataclass(frozen=True)
class Reduced:
    """What the days of a tile showed."""

    n_inconsistent: int  # days with tas more than 0.5 °C outside tasmin … tasmax


def reduce_tile(work: Path, tile: Tile) -> Reduced:
    """Read the series of a tile's cells, derive, reduce; write the rows of the cells and years that have a day.

    The file holds ``cell`` (row of the tile), ``year`` (position on the axis), ``n_days``, ``voided`` and ``columns``
    (columns × rows).
    """
    job = load_job(work)
    cells, years = tile.stop - tile.start, len(job.axis.years)
    stored = [[_read_piece(work, piece, tile) for piece in pieces] for pieces in job.pieces]
    n_variables, n_axis = len(job.variables), len(job.axis)
    batch = max(1, BATCH_BYTES // (4 * n_axis * job.n_series))
    group = max(batch, GROUP_CELLS // batch * batch)
    files = np.empty((n_variables, group, n_axis), dtype=np.float32)
    days = np.empty((job.n_series, batch, n_axis), dtype=np.float32)
    values = np.full((cells, years, job.n_columns), np.nan, dtype=np.float32)
    voided = np.zeros((cells, years), dtype=np.bool_)
    n_days = np.zeros((cells, years), dtype=np.int16)
    n_inconsistent = 0
    for start in range(0, cells, batch):
        rows = slice(start, min(start + batch, cells))
        if start % group == 0:
            filled = slice(start, min(start + group, cells))
            for position, parts in enumerate(stored):
                _fill(files[position, : filled.stop - start], parts, filled)
        if rows.stop - start < batch:
            days = np.empty((job.n_series, rows.stop - start, n_axis), dtype=np.float32)
        days[:n_variables] = files[:, start % group : rows.stop - start + start % group]
        around = series.Around(job.site[tile.start + rows.start : tile.start + rows.stop], job.axis)
        by_name = _derive(job, days, around)
        n_inconsistent += check_consistency(by_name)
        reduce_cells(
            days,
            n_variables,
            job.axis.year_starts,
            job.features,
            job.parameters,
            job.windows,
            job.origins,
            job.is_season,
            job.is_summed,
            job.by_wmo,
            job.axis.month_of,
            values[rows],
            voided[rows],
            n_days[rows],
        )
        _add_seasons(job, by_name, around, values[rows])
    kept = n_days > 0
    cell, year = np.nonzero(kept)
    content = io.BytesIO()
    columns = np.ascontiguousarray(values[kept].T)
    np.savez(content, cell=cell, year=year, n_days=n_days[kept], voided=voided[kept], columns=columns)
    write_whole(work / tile.name, content.getbuffer())
    return Reduced(n_inconsistent)


@dataclass(frozen=True)
class _Part:
    """What a piece holds of a tile's cells: rows of the tile, ascending, and their days."""

    rows: Ints
    days: Floats
    runs: tuple[tuple[int, int, int], ...]


def _read_piece(work: Path, piece: Piece, tile: Tile) -> _Part:
    first, last = (int(n) for n in np.searchsorted(piece.cells, [tile.start, tile.stop]))
    days: Floats = np.memmap(work / piece.name, np.float32, "r", shape=(piece.cells.size, piece.n_days))
    return _Part(piece.cells[first:last] - np.int32(tile.start), days[first:last], piece.runs)


def _fill(days: Floats, parts: list[_Part], rows: slice) -> None:
    """Fill a variable's days (cells, axis) for some rows of a tile; NaN where no part has them."""
    found: list[tuple[_Part, int, int]] = []
    for part in parts:
        first, last = np.searchsorted(part.rows, [rows.start, rows.stop])
        found.append((part, int(first), int(last)))
    if sum((last - first) * length for part, first, last in found for _, _, length in part.runs) < days.size:
        days[:] = np.nan
    for part, first, last in found:
        if first == last:
            continue
        here = part.rows[first:last] - rows.start
        whole = int(here[-1]) - int(here[0]) + 1 == here.size
        cells: slice | Ints = slice(int(here[0]), int(here[-1]) + 1) if whole else here
        for source, target, length in part.runs:
            days[cells, target : target + length] = part.days[first:last, source : source + length]


def _derive(job: Job, days: Floats, around: series.Around) -> dict[str, Floats]:
    """Fill the daily series behind the variables; all of them by name."""
    by_name = {name: days[position] for position, name in enumerate(job.variables)}
    position = len(job.variables)
    for number in job.daily:
        way = series.DAILY[number]
        out = days[position : position + len(way.outputs)]
        way.compute([by_name[name] for name in way.inputs], around, out)
        by_name |= dict(zip(way.outputs, out, strict=True))
        position += len(way.outputs)
    return by_name


def _add_seasons(job: Job, by_name: dict[str, Floats], around: series.Around, values: Floats) -> None:
    """Write what the seasonal states give into the feature columns."""
    if not job.seasonal:
        return
    found = []
    for number in job.seasonal:
        way = series.SEASONAL[number]
        out = np.empty((*values.shape[:2], len(way.outputs)), dtype=np.float32)
        way.compute([by_name[name] for name in way.inputs], around, out)
        found.append(out)
    outputs, columns = job.season_columns.T
    values[:, :, columns] = np.concatenate(found, axis=2)[:, :, outputs]


def check_consistency(days: dict[str, Floats]) -> int:
    """Days with tas more than 0.5 °C outside tasmin … tasmax. Snowfall above precipitation + 0.01 mm raises UserError.

    Source: indicators.md §0.1.
    """
    if "prsn" in days and "prtot" in days:
        excess = np.nanmax(days["prsn"] - days["prtot"], initial=0.0)
        if excess > 0.01:
            raise UserError(f"prsn exceeds prtot by up to {excess:g} mm in a day: their units or runs do not agree")
    n = 0
    if "tas" in days and "tasmin" in days:
        n += int((days["tas"] < days["tasmin"] - np.float32(0.5)).sum())
    if "tas" in days and "tasmax" in days:
        n += int((days["tas"] > days["tasmax"] + np.float32(0.5)).sum())
    return n
