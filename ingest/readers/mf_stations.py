"""Reader of Météo-France's daily station files: ``Q_<département>_<period>_RR-T-Vent.csv.gz``.

``NUM_POSTE;NOM_USUEL;LAT;LON;ALTI;AAAAMMJJ;RR;QRR;TN;QTN;…``: a value, then its quality code (0 protected, 1 validated,
2 doubtful, 9 passed the first checks, as others quote the producer's list). Doubtful values are counted, and missing.
Rain is that from 06 UTC to 06 UTC of the next day, given to the first. ``tas`` is TM, the mean of the day's hours,
where a station has it, never the half-sum of the extremes (TNTXM), which is another quantity. Layout read in samples
that others published; no whole file was ever seen here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from climart.errors import UserError
from climart.files import atomic
from ingest.readers import delimited, grids, sim2, times
from ingest.variables import VARIABLES

KEYS = ("NUM_POSTE", "NOM_USUEL", "LAT", "LON", "ALTI", "AAAAMMJJ")
COLUMNS = {"prtot": "RR", "tasmin": "TN", "tasmax": "TX", "tas": "TM", "sfcWind": "FFM"}
QUALITIES = tuple(f"Q{name}" for name in COLUMNS.values())
READ = tuple(part for name in COLUMNS.values() for part in (name, f"Q{name}"))
_OTHERS = (
    "HTN", "HTX", "TNTXM", "TAMPLI", "TNSOL", "TN50", "DG", "FF2M", "FXY", "DXY", "HXY", "FXI", "DXI", "HXI", "FXI2",
    "DXI2", "HXI2", "FXI3S", "DXI3S", "HXI3S",
)  # fmt: skip
UNREAD = tuple(part for name in _OTHERS for part in (name, f"Q{name}"))
DOUBTFUL = 2
CODES = (0, 1, DOUBTFUL, 9)
NAME = re.compile(r"Q_(?P<departement>\d{2,3}|2[AB])_(?P<period>.+)_RR-T-Vent\.csv(\.gz)?")
KINDS = ("previous-", "latest-")
NO_DATA = ["", "mq"]
BLOCK_BYTES = 16 << 20  # of CSV, parsed at once
CHUNK = (4096, 64)  # days, stations
EPOCH = date(1850, 1, 1)  # of times.EPOCH

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Station:
    """A station as its latest file describes it. ``days``: the first and the last that it has a row of."""

    code: str
    name: str
    longitude: float
    latitude: float
    altitude: float  # m, NaN where it is not given
    days: tuple[date, date]
    path: Path


@dataclass(frozen=True)
class Departement:
    """The stations of a département, by code, and what was remarked."""

    stations: tuple[Station, ...]
    n_days: dict[Path, int]
    n_doubtful: int


@dataclass
class _File:
    """The rows of one file."""

    path: Path
    codes: npt.NDArray[np.str_]  # of its stations
    about: dict[str, tuple[str, float, float, float]]  # by code: name, longitude, latitude, altitude
    station: Ints  # position in codes, by row
    day: Ints  # since EPOCH
    values: dict[str, Floats]
    n_doubtful: int


def departement_of(path: Path) -> str:
    """The département in a file's name. Raises UserError for a name of another form."""
    found = NAME.fullmatch(path.name)
    if found is None:
        raise UserError(
            f"{path.name}: not a daily file of stations. Expected Q_<département>_<period>_RR-T-Vent.csv.gz, as its "
            "producer names it: the file of the other parameters is not read."
        )
    return found["departement"]


def newest(paths: Sequence[Path]) -> list[Path]:
    """The files of a département without those that a later one of their kind has replaced (previous-…, latest-…).

    Each new year renames both: what was fetched before stays beside them.
    """
    kept: dict[str, Path] = {}
    for path in sorted(paths, key=lambda path: path.name):
        found = NAME.fullmatch(path.name)
        period = found["period"] if found else path.name
        kind = next((kind for kind in KINDS if period.startswith(kind)), period)
        kept[kind] = path  # the names of a kind end with their years, in order
    return sorted(kept.values())


def convert(paths: Sequence[Path], target: Path) -> Departement:
    """Write the stations of a département's files to ``target``, a daily NetCDF, atomically.

    Raises UserError with the file, the line and the column of what is not as above, of an impossible value, of a
    station and day twice; and where two files disagree.
    """
    files = [_read(path) for path in sorted(paths, key=lambda path: path.name)]
    files.sort(key=lambda file: int(file.day.max()))
    codes = np.unique(np.concatenate([file.codes for file in files]))
    first, last = (int(f(getattr(file.day, f.__name__)() for file in files)) for f in (min, max))
    shape = (last - first + 1, codes.size)
    values = {name: np.full(shape, np.nan, dtype=np.float32) for name in COLUMNS}
    owner = np.full(shape, -1, dtype=np.int8)
    for number, file in enumerate(files):
        place = (file.day - first) * codes.size + np.searchsorted(codes, file.codes)[file.station]
        there = owner.reshape(-1)[place] >= 0
        for name, given in file.values.items():
            flat = values[name].reshape(-1)
            before = flat[place]
            differs = there & ~((before == given) | (np.isnan(before) & np.isnan(given)))
            if differs.any():
                row = int(np.flatnonzero(differs)[0])
                other = files[int(owner.reshape(-1)[place[row]])].path.name
                raise UserError(
                    f"{file.path.name}, line {row + 2}, {COLUMNS[name]}: {given[row]:g} for station "
                    f"{file.codes[file.station[row]]}, where {other} has {before[row]:g} on that day. Keep the later "
                    "of the two files."
                )
            flat[place] = given
        owner.reshape(-1)[place] = number
    held = owner >= 0
    about = {code: (file, facts) for file in files for code, facts in file.about.items()}  # the latest file's
    stations = []
    for at, code in enumerate(codes):
        days = np.flatnonzero(held[:, at])
        file, (name, longitude, latitude, altitude) = about[str(code)]
        span = (EPOCH + timedelta(int(first + days[0])), EPOCH + timedelta(int(first + days[-1])))
        stations.append(Station(str(code), name, longitude, latitude, altitude, span, file.path))
    _write(target, stations, first, values)
    return Departement(
        tuple(stations),
        {file.path: int(np.unique(file.day).size) for file in files},
        sum(file.n_doubtful for file in files),
    )


def _read(path: Path) -> _File:
    names = _names(path)
    types = {"NUM_POSTE": pa.string(), "NOM_USUEL": pa.string()} | dict.fromkeys(
        ("LAT", "LON", "ALTI", "AAAAMMJJ", *READ), pa.float64()
    )
    batches = []
    try:
        with sim2.opened(path) as stream:
            reader = pa_csv.open_csv(
                stream,
                read_options=pa_csv.ReadOptions(column_names=list(names), skip_rows=1, block_size=BLOCK_BYTES),
                parse_options=pa_csv.ParseOptions(delimiter=";"),
                convert_options=pa_csv.ConvertOptions(
                    include_columns=list(types),
                    column_types=types,
                    null_values=NO_DATA,
                    strings_can_be_null=False,
                ),
            )
            batches = list(map(_compact, reader))
    except (pa.ArrowInvalid, OSError, EOFError) as error:
        sim2.find_fault(path, names, [name for name in types if name not in ("NUM_POSTE", "NOM_USUEL")], NO_DATA)
        raise UserError(f"{path.name}: cannot be read, truncated or corrupt ({error}). Fetch it again.") from error
    if not batches:
        raise UserError(f"{path.name}: no row after the line that names the columns.")
    return _checked(path, pa.Table.from_batches(batches).unify_dictionaries().combine_chunks())


def _names(path: Path) -> tuple[str, ...]:
    names = sim2.first_line(path)
    delimited.check_columns(f"{path.name}, line 1", names, (*KEYS, *READ), UNREAD)
    return names


def _compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows in a third of the memory."""
    columns = [
        batch.column(name).dictionary_encode()
        if name in ("NUM_POSTE", "NOM_USUEL")
        else batch.column(name).cast(pa.float32() if name in READ else pa.float64())
        for name in batch.schema.names
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _checked(path: Path, table: pa.Table) -> _File:
    column = {name: table[name].to_numpy() for name in table.column_names if name not in ("NUM_POSTE", "NOM_USUEL")}
    written = table["NUM_POSTE"].combine_chunks()
    written = written.chunk(0) if isinstance(written, pa.ChunkedArray) else written
    labels = [str(label).strip() for label in written.dictionary.to_pylist()]
    station = np.asarray(written.indices, dtype=np.int64)

    def refuse(mask: npt.NDArray[np.bool_], name: str, why: str) -> None:
        if mask.any():
            row = int(np.flatnonzero(mask)[0])
            shown = repr(labels[station[row]]) if name == "NUM_POSTE" else f"{column[name][row]:.8g}"
            raise UserError(f"{path.name}, line {row + 2}, {name}: {shown}: {why}.")

    good = np.array([bool(re.fullmatch(r"\d{7,8}", label)) for label in labels])
    refuse(~good[station], "NUM_POSTE", "expected the 8 digits of a station")
    codes, station = _renumbered(labels, station)
    refuse(~(np.abs(column["LAT"]) <= 90), "LAT", "expected degrees north")
    refuse(~(np.abs(column["LON"]) <= 180), "LON", "expected degrees east")
    refuse(~((column["ALTI"] >= -10) & (column["ALTI"] <= 4900) | np.isnan(column["ALTI"])), "ALTI", "expected metres")
    day = _days(column["AAAAMMJJ"], refuse)
    place = station * (int(day.max()) + 1) + day
    order = np.argsort(place, kind="stable")
    again = np.zeros(place.size, dtype=np.bool_)
    again[order[1:]] = place[order[1:]] == place[order[:-1]]
    refuse(again, "AAAAMMJJ", "a second row for that station on that day")
    values, n_doubtful = {}, 0
    for variable, name in COLUMNS.items():
        given, quality = column[name], column[f"Q{name}"]
        refuse(~(np.isin(quality, CODES) | np.isnan(quality)), f"Q{name}", f"expected one of {CODES}")
        doubtful = (quality == DOUBTFUL) & np.isfinite(given)
        n_doubtful += int(doubtful.sum())
        kept = np.where(doubtful, np.float32(np.nan), given)
        low, high = VARIABLES[variable].hard
        refuse((kept < low) | (kept > high), name, f"beyond {low:g} … {high:g} {VARIABLES[variable].unit}")
        values[variable] = kept.astype(np.float32)
    by_day = np.argsort(day, kind="stable")
    latest = dict(zip(station[by_day].tolist(), by_day.tolist(), strict=True))
    title, lon, lat, alti = table["NOM_USUEL"], *(column[key] for key in ("LON", "LAT", "ALTI"))
    about = {
        str(codes[at]): (str(title[row].as_py()).strip(), float(lon[row]), float(lat[row]), float(alti[row]))
        for at, row in latest.items()
    }
    return _File(path, codes, about, station, day, values, n_doubtful)


def _renumbered(labels: list[str], station: Ints) -> tuple[npt.NDArray[np.str_], Ints]:
    """Codes of 8 digits in order, and the position of each row's."""
    codes, position = np.unique(np.array([label.zfill(8) for label in labels]), return_inverse=True)
    return codes, position[station].astype(np.int64)


def _days(written: npt.NDArray[np.float64], refuse: Callable[..., None]) -> Ints:
    """Days since EPOCH."""
    refuse(~np.isfinite(written), "AAAAMMJJ", "no day")
    numbers, position = np.unique(written.astype(np.int64), return_inverse=True)
    days = np.full(numbers.size, -1, dtype=np.int64)
    for at, number in enumerate(numbers.tolist()):
        try:
            days[at] = (date(number // 10000, number // 100 % 100, number % 100) - EPOCH).days
        except ValueError:
            continue
    found = days[position]
    refuse(found < 0, "AAAAMMJJ", f"no such day since {EPOCH.year} (yyyymmdd)")
    return found


def _write(target: Path, stations: Sequence[Station], first: int, values: dict[str, Floats]) -> None:
    n_days = next(iter(values.values())).shape[0]
    start = times.day_number(EPOCH.year, "standard") + first
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic(target) as handle, netCDF4.Dataset(handle.name, "w", format="NETCDF4_CLASSIC") as dataset:
        dataset.createDimension("time", n_days)
        dataset.createDimension(grids.STATION_POINTS, len(stations))
        time = dataset.createVariable("time", "f8", ("time",))
        time.setncatts({"standard_name": "time", "units": times.EPOCH, "calendar": "standard", "axis": "T"})
        time[:] = np.arange(start, start + n_days)
        for name, kind, facts in (
            ("station_number", "i4", [int(station.code) for station in stations]),
            ("lat", "f8", [station.latitude for station in stations]),
            ("lon", "f8", [station.longitude for station in stations]),
        ):
            dataset.createVariable(name, kind, (grids.STATION_POINTS,))[:] = facts
        chunks = (min(n_days, CHUNK[0]), min(len(stations), CHUNK[1]))
        for name, given in values.items():
            stored = dataset.createVariable(
                name, "f4", ("time", grids.STATION_POINTS), chunksizes=chunks, zlib=True, complevel=1, shuffle=True
            )
            stored.setncatts({"units": sim2.UNITS.get(VARIABLES[name].unit, VARIABLES[name].unit)})
            stored.set_auto_mask(False)
            stored[:] = given
