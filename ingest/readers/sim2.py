"""Reader of SIM2's yearly CSV: every point and day of a year as one CF NetCDF of points of the 8 km grid.

``LAMBX;LAMBY;DATE;PRENEI_Q;…``: hectometres of Lambert II étendu, yyyymmdd; some years drop the ``_Q`` of the names.
9 892 points are listed, of which the 8 981 of the DRIAS grid are kept. Columns and units are those of the producer's
list as others quote it (25 variables; a 26th is spoken of and not known): UNVERIFIED. Soil wetness and snow are not
read: the engine has a bucket of its own for the one, and massifs for the other.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import netCDF4
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from climart.errors import UserError
from climart.files import atomic
from ingest import grid
from ingest.calendars import Axis
from ingest.readers import delimited, times
from ingest.variables import VARIABLES

KEYS = ("LAMBX", "LAMBY", "DATE")
J_CM2_TO_W_M2 = 1e4 / 86400  # a daily sum in J cm⁻² as a mean in W m⁻²
# Canonical variable → columns summed, and the factor to its unit.
COLUMNS = {
    "tasmin": (("TINF_H",), 1.0),
    "tasmax": (("TSUP_H",), 1.0),
    "tas": (("T",), 1.0),
    "prtot": (("PRELIQ", "PRENEI"), 1.0),
    "prsn": (("PRENEI",), 1.0),
    "huss": (("Q",), 1e-3),
    "rsds": (("SSI",), J_CM2_TO_W_M2),
    "rlds": (("DLI",), J_CM2_TO_W_M2),
    "sfcWind": (("FF",), 1.0),
    "evspsblpot": (("ETP",), 1.0),
}
READ = tuple(dict.fromkeys(name for names, _ in COLUMNS.values() for name in names))
UNREAD = (
    "HU", "EVAP", "PE", "SWI", "DRAINC", "RUNC", "RESR_NEIGE", "RESR_NEIGE6", "HTEURNEIGE", "HTEURNEIGE6",
    "HTEURNEIGEX", "SNOW_FRAC", "ECOULEMENT", "WG_RACINE", "WGI_RACINE",
)  # fmt: skip
DEW = -1.0  # mm d⁻¹: the formula of potential evapotranspiration gives a little below 0 on damp days; set to 0
BLOCK_BYTES = 16 << 20  # of CSV, parsed at once
CHUNK_POINTS = 512
NO_DATA = ["", "nan", "NaN", "NA"]
UNITS = {"°C": "degC"}  # as CF writes them

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Converted:
    """What a file held: its year, days and points of the grid; points off it; days of dew; columns nobody knows."""

    year: int
    n_days: int
    n_points: int
    n_left_out: int
    n_dew: int
    unknown: tuple[str, ...]


def convert(path: Path, target: Path) -> Converted:
    """Write the file's points of the DRIAS grid to ``target``, atomically, in one pass of bounded memory.

    Raises UserError with the file, the line and the column of what is not as above: a column that is missing or twice,
    a value that is none, a point off the lattice, a point and day twice or missing, another year.
    """
    names, unknown = _names(path)
    held = _Held()
    try:
        with opened(path) as stream:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(
                    column_names=list(names), skip_rows=1, block_size=BLOCK_BYTES, use_threads=True
                ),
                parse_options=pa_csv.ParseOptions(delimiter=";"),
                convert_options=pa_csv.ConvertOptions(
                    include_columns=[*KEYS, *READ],
                    column_types={**dict.fromkeys(KEYS, pa.float64()), **dict.fromkeys(READ, pa.float32())},
                    null_values=NO_DATA,
                ),
            )
            line = 2
            for batch in reader:
                held.take(path.name, line, batch)
                line += batch.num_rows
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        find_fault(path, names, (*KEYS, *READ), NO_DATA)
        raise UserError(f"{path.name}: cannot be read, truncated or corrupt ({error}). Fetch it again.") from error
    days, points = held.check(path.name)
    _write(target, held, days, points)
    return Converted(held.year, days.size, points.size, len(held.left_out), held.n_dew, unknown)


def first_line(path: Path) -> tuple[str, ...]:
    """The names in a file's first line. Raises UserError for a file that cannot be read."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            first = stream.readline()
    except (OSError, EOFError) as error:
        raise UserError(f"{path.name}: cannot be read, truncated or corrupt ({error}). Fetch it again.") from error
    delimited.check_text(path.name, first)
    return tuple(name.strip().strip('"') for name in first.decode("utf-8-sig").strip().split(";"))


def opened(path: Path) -> IO[bytes] | pa.NativeFile:
    return pa.input_stream(str(path), compression="gzip" if path.suffix == ".gz" else None)


def _names(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns without their _Q, and those that are not known."""
    names = tuple(name.removesuffix("_Q") for name in first_line(path))
    unknown = tuple(name for name in names if name not in (*KEYS, *READ, *UNREAD))
    delimited.check_columns(f"{path.name}, line 1", names, (*KEYS, *READ), (*UNREAD, *unknown))
    return names, unknown


class _Held:
    """The values of a year, (days, cells of the grid) by variable, as they come in."""

    def __init__(self) -> None:
        self.cells = grid.cells()["cell_id"].to_numpy()
        self.row = np.full(grid.N_ROWS * grid.N_COLS, -1, dtype=np.int64)
        self.row[self.cells] = np.arange(self.cells.size)
        self.year = 0
        self.left_out: set[tuple[int, int]] = set()
        self.n_dew = 0

    def take(self, name: str, first_line: int, batch: pa.RecordBatch) -> None:
        """Put a batch of rows in its place. ``first_line``: the line of its first row, for messages."""
        column = {key: batch.column(key).to_numpy(zero_copy_only=False) for key in (*KEYS, *READ)}

        def refuse(mask: npt.NDArray[np.bool_], key: str, why: str) -> None:
            if mask.any():
                row = int(np.flatnonzero(mask)[0])
                raise UserError(f"{name}, line {first_line + row}, {key}: {column[key][row]:.8g}: {why}.")

        for key in KEYS:
            refuse(~np.isfinite(column[key]), key, "no value")
        day = self._days(column["DATE"], refuse)
        x, y = column["LAMBX"] * 100, column["LAMBY"] * 100
        col, row = np.rint((x - grid.X0) / grid.SIZE), np.rint((y - grid.Y0) / grid.SIZE)
        for key, off in (("LAMBX", x - grid.X0 - grid.SIZE * col), ("LAMBY", y - grid.Y0 - grid.SIZE * row)):
            refuse(np.abs(off) > grid.SIZE / 8, key, "not a node of the 8 km grid, in hectometres of Lambert II étendu")
        inside = (col >= 0) & (col < grid.N_COLS) & (row >= 0) & (row < grid.N_ROWS)
        node = np.where(inside, row * grid.N_COLS + col, 0).astype(np.int64)
        cell = np.where(inside, self.row[node], -1)
        out = cell < 0
        self.left_out.update(zip(x[out].astype(int).tolist(), y[out].astype(int).tolist(), strict=True))
        place = day * self.cells.size + cell
        kept = np.flatnonzero(~out)
        order = kept[np.argsort(place[kept], kind="stable")]
        again = out & False
        again[order[1:]] = place[order[1:]] == place[order[:-1]]
        again[kept] |= self.seen.reshape(-1)[place[kept]]
        refuse(again, "DATE", f"a second row for the point {_point(x, y, again)} on that day")
        self.seen.reshape(-1)[place[kept]] = True
        for variable, (parts, factor) in COLUMNS.items():
            values = sum((column[part] for part in parts[1:]), column[parts[0]].copy()) * np.float32(factor)
            low, high = VARIABLES[variable].hard
            if variable == "evspsblpot":
                dew = (values < 0) & (values >= DEW)
                self.n_dew += int((dew & ~out).sum())
                values = np.where(dew, np.float32(0), values)
            unit = VARIABLES[variable].unit
            refuse(
                ~out & ((values < low) | (values > high)), parts[0], f"beyond {low:g} … {high:g} {unit} ({variable})"
            )
            self.values[variable].reshape(-1)[place[kept]] = values[kept]

    def _days(self, date: npt.NDArray[np.float64], refuse: Callable[..., None]) -> Ints:
        """Day of the year, from 0. The first row tells the year."""
        year, month, of_month = (part.astype(np.int64) for part in (date // 10000, date // 100 % 100, date % 100))
        if not self.year:
            self._begin(int(year[0]))
        refuse(year != self.year, "DATE", f"another year than {self.year}; one year per file was expected")
        starts = Axis("standard", self.year, self.year).month_starts
        real = (month >= 1) & (month <= 12) & (of_month >= 1)
        month = np.clip(month, 1, 12)
        real &= of_month <= np.diff(starts)[month - 1]
        refuse(~real, "DATE", "no such day (yyyymmdd)")
        return np.asarray(starts[month - 1] + of_month - 1)

    def _begin(self, year: int) -> None:
        if not 1900 <= year <= 2100:
            raise UserError(f"DATE says year {year}: expected yyyymmdd")
        self.year = year
        shape = (len(Axis("standard", year, year)), self.cells.size)
        self.seen = np.zeros(shape, dtype=np.bool_)
        self.values = {name: np.full(shape, np.nan, dtype=np.float32) for name in COLUMNS}

    def check(self, name: str) -> tuple[Ints, Ints]:
        """Days and points held, by position. A file without every day of every point is cut."""
        if not self.year:
            raise UserError(f"{name}: no row after the line that names the columns.")
        points, days = np.flatnonzero(self.seen.any(axis=0)), np.flatnonzero(self.seen.any(axis=1))
        if not points.size:
            raise UserError(f"{name}: none of its {len(self.left_out)} points is on the DRIAS grid.")
        missing = int(days[-1] + 1) * points.size - int(self.seen.sum())
        if missing:
            raise UserError(
                f"{name}: {missing} rows are missing among its {points.size} points × {days[-1] + 1} days of "
                f"{self.year}: the file is cut. Fetch it again."
            )
        return days, points


def _point(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], mask: npt.NDArray[np.bool_]) -> str:
    if not mask.any():
        return ""
    row = int(np.flatnonzero(mask)[0])
    return f"{x[row] / 100:g};{y[row] / 100:g}"


def find_fault(path: Path, names: Sequence[str], numbers: Sequence[str], no_data: Sequence[str]) -> None:
    """Say which line cannot be read, by reading them one by one: slow, and only after a fault.

    ``numbers``: the columns that hold numbers, or one of ``no_data``.
    """
    wanted = {names.index(key): key for key in numbers}
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                fields = line.decode("latin-1").rstrip("\r\n").split(";")
                if number == 1 or not any(fields):
                    continue
                if len(fields) != len(names):
                    raise UserError(
                        f"{path.name}, line {number}: {len(fields)} fields, {len(names)} expected. Is the file whole?"
                    )
                for position, key in wanted.items():
                    if fields[position] not in no_data and not _is_number(fields[position]):
                        raise UserError(
                            f"{path.name}, line {number}, {key}: {fields[position]!r}: expected a number, with a point."
                        )
    except (OSError, EOFError):  # a cut gzip: the caller says so
        return


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _write(target: Path, held: _Held, days: Ints, points: Ints) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    cells = held.cells[points]
    longitude, latitude = grid.longitudes_latitudes(cells)
    with atomic(target) as handle, netCDF4.Dataset(handle.name, "w", format="NETCDF4_CLASSIC") as dataset:
        dataset.createDimension("time", days.size)
        dataset.createDimension("point", points.size)
        time = dataset.createVariable("time", "f8", ("time",))
        time.setncatts({"standard_name": "time", "units": times.EPOCH, "calendar": "standard", "axis": "T"})
        time[:] = times.day_number(held.year, "standard") + days
        for name, kind, facts, attributes in (
            ("drias_point", "i4", cells, {}),
            ("lat", "f8", latitude, {"standard_name": "latitude", "units": "degrees_north"}),
            ("lon", "f8", longitude, {"standard_name": "longitude", "units": "degrees_east"}),
        ):
            variable = dataset.createVariable(name, kind, ("point",))
            variable.setncatts(attributes)
            variable[:] = facts
        chunks = (days.size, min(points.size, CHUNK_POINTS))
        for name, values in held.values.items():
            stored = dataset.createVariable(
                name, "f4", ("time", "point"), chunksizes=chunks, zlib=True, complevel=1, shuffle=True
            )
            stored.setncatts({"units": UNITS.get(VARIABLES[name].unit, VARIABLES[name].unit)})
            stored.set_auto_mask(False)
            stored[:] = values[: days.size][:, points]
