"""Loads Météo-France's daily stations through the engine: a run per département, a station per cell of its own grid.

The files of a département become a daily NetCDF in ``data/derived/mf_stations``, reduced like any other, with the WMO's
rule on missing days (``ingest.reducers``). Stations stand for no territory: they are there to be compared with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj

from climart import paths
from climart.errors import UserError
from climart.files import sha256_of
from ingest import cell_years, grid, lake
from ingest.readers import grids, mf_stations, netcdf
from ingest.readers.mf_stations import Departement

DATASET = "mf_stations"


@dataclass
class Loaded:
    """What a load did: stations by département, and remarks."""

    reduced: cell_years.Loaded
    n_stations: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def load(
    given: Sequence[Path], *, workers: int | None = None, progress: cell_years.OnProgress = lambda *_: None
) -> Loaded:
    """Read files of stations, or folders of them, and reduce each département as an observed run.

    A département takes the place of what the lake held of it; give all its files together. Raises UserError, with the
    lake as it was, where a file is not as its producer publishes it.
    """
    files = [path for item in given for path in (sorted(item.glob("Q_*")) if item.is_dir() else [item])]
    for path in files:
        if not path.is_file():
            raise UserError(f"{path}: no such file.")
    if not files:
        raise UserError(f"{', '.join(map(str, given))}: no file Q_<département>_<period>_RR-T-Vent.csv.gz there.")
    by_departement: dict[str, list[Path]] = {}
    for path in files:
        by_departement.setdefault(mf_stations.departement_of(path), []).append(path)
    done = Loaded(cell_years.Loaded())
    for departement, of_it in by_departement.items():
        by_departement[departement] = mf_stations.newest(of_it)
        replaced = [path.name for path in of_it if path not in by_departement[departement]]
        done.remarks += [f"{name}: left out, a later file of its kind is here" for name in replaced]
    folder = paths.inside(paths.derived(), DATASET)
    targets = {name: paths.inside(folder, f"{DATASET}_{name}.nc") for name in sorted(by_departement)}
    try:
        # all of them first: a file that is refused leaves the lake as it was
        read = {name: mf_stations.convert(by_departement[name], target) for name, target in targets.items()}
        for departement, found in read.items():
            _load(departement, found, targets[departement], done, workers, progress)
    finally:
        for target in targets.values():
            target.unlink(missing_ok=True)
    return done


def _load(
    departement: str,
    found: Departement,
    target: Path,
    done: Loaded,
    workers: int | None,
    progress: cell_years.OnProgress,
) -> None:
    done.n_stations[departement] = len(found.stations)
    if found.n_doubtful:
        done.remarks.append(f"{departement}: {found.n_doubtful} doubtful values (quality 2) taken as missing")
    _register(departement, found)
    (plan,) = netcdf.plan([target], dataset_id=DATASET)
    plan = replace(plan, run=replace(plan.run, member=departement), origins=found.n_days)
    reduced = cell_years.load([plan], workers=workers, progress=progress)
    done.reduced.reports += reduced.reports
    done.reduced.unchanged += reduced.unchanged


def _register(departement: str, found: Departement) -> None:
    """Stations, their places as cells of their grid, their altitudes: before they are reduced, which reads these."""
    stations = found.stations
    x, y = pyproj.Transformer.from_crs("EPSG:4326", grid.CRS, always_xy=True).transform(
        [station.longitude for station in stations], [station.latitude for station in stations]
    )
    rows = [
        {
            "dataset_id": DATASET,
            "source_file_id": sha256_of(station.path)[:16],
            "departement": departement,
            "station_code": station.code,
            "name": station.name,
            "longitude": station.longitude,
            "latitude": station.latitude,
            "altitude_m": None if np.isnan(station.altitude) else station.altitude,
            "first_day": station.days[0],
            "last_day": station.days[1],
            "cell_id": _cell(float(east), float(north)),
        }
        for station, east, north in zip(stations, np.atleast_1d(x), np.atleast_1d(y), strict=True)
    ]
    lake.open_registers()
    lake.write(
        "weather_station", pa.Table.from_pylist(rows, schema=lake.SCHEMAS["weather_station"]), DATASET, departement
    )
    _put("cell", (
        {"grid_id": grids.STATIONS, "cell_id": int(station.code), "x": None, "y": None, "longitude": station.longitude,
         "latitude": station.latitude, "is_extrapolated": False, "polygon": None}
        for station in stations
    ))  # fmt: skip
    _put("cell_altitude", (
        {"grid_id": grids.STATIONS, "cell_id": int(station.code), "altitude_m": station.altitude,
         "source_file_id": row["source_file_id"]}
        for station, row in zip(stations, rows, strict=True) if not np.isnan(station.altitude)
    ))  # fmt: skip


def _cell(x: float, y: float) -> int | None:
    """The cell of the 8 km grid that a point (m, EPSG:27572) lies in; None where that is no cell of France."""
    col, row = round((x - grid.X0) / grid.SIZE), round((y - grid.Y0) / grid.SIZE)
    cell_id = row * grid.N_COLS + col
    inside = 0 <= col < grid.N_COLS and 0 <= row < grid.N_ROWS
    return cell_id if inside and cell_id in _cells() else None


@cache
def _cells() -> frozenset[int]:
    return frozenset(grid.cells()["cell_id"])


def _put(table: str, rows: Iterable[dict[str, object]]) -> None:
    """Write rows of cells: they replace those of the same grid and cell."""
    schema = lake.SCHEMAS[table]
    new = pa.Table.from_pylist(list(rows), schema=schema)
    every = pd.concat([lake.read(table).to_pandas(), new.to_pandas()]).drop_duplicates(
        ["grid_id", "cell_id"], keep="last"
    )
    lake.write(table, pa.Table.from_pandas(every, schema=schema, preserve_index=False))
