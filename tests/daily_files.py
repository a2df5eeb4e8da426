"""Tiny daily NetCDF files in the layouts of their producers (formats.md), written for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cftime
import netCDF4
import numpy as np
import numpy.typing as npt

from ingest import grid

Array = npt.NDArray[Any]

UNITS = {
    "tas": "K",
    "tasmin": "K",
    "tasmax": "K",
    "prtot": "kg m-2 s-1",
    "prsn": "kg m-2 s-1",
    "huss": "kg kg-1",
    "rsds": "W m-2",
    "sfcWind": "m s-1",
    "evspsblpot": "kg m-2 s-1",
    "snd": "m",
    "swe": "kg m-2",
}
# From the canonical unit to the file's: (value + shift) · factor
TO_FILE = {"K": (273.15, 1.0), "kg m-2 s-1": (0.0, 1 / 86400)}
# Corner of a block of the 8 km grid that lies in France, near Lyon.
ROW, COL = 60, 96


def days_of(calendar: str, start: tuple[int, int, int], end: tuple[int, int, int]) -> list[cftime.datetime]:
    """All the days from ``start`` to ``end``, both included."""
    first = cftime.datetime(*start, calendar=calendar)
    last = cftime.datetime(*end, calendar=calendar)
    units = "days since 1850-01-01"
    numbers = np.arange(cftime.date2num(first, units), cftime.date2num(last, units) + 1)
    return list(cftime.num2date(numbers, units, calendar=calendar))


def weather(dates: Sequence[cftime.datetime], shape: tuple[int, ...], seed: int = 0) -> dict[str, Array]:
    """Plausible days in canonical units, (time, *shape), float64: seasons, spells, dry and wet days."""
    rng = np.random.default_rng(seed)
    n = len(dates)
    day = np.array([date.dayofyr for date in dates])
    spell = np.zeros(n)
    for i in range(1, n):
        spell[i] = 0.8 * spell[i - 1] + rng.normal(0, 2)
    place = rng.normal(0, 2, shape)
    tas = (12 + 9 * np.sin(2 * np.pi * (day - 110) / 365) + spell).reshape(-1, *[1] * len(shape))
    tas = tas + place + rng.normal(0, 0.5, (n, *shape))
    spread = 3 + rng.gamma(2, 1, (n, *shape))
    pr = np.where(rng.random((n, *shape)) < 0.4, rng.gamma(0.7, 9, (n, *shape)), 0)
    snow = np.clip(3 - tas, 0, 1) * pr
    depth = np.clip((2 - tas) * 0.06 + 0.05 * np.sin(day / 9).reshape(-1, *[1] * len(shape)), 0, 3)
    return {
        "tas": tas,
        "tasmin": tas - spread,
        "tasmax": tas + spread,
        "prtot": pr,
        "prsn": snow,
        "huss": 0.005 + 0.0001 * tas.clip(-20, 30),
        "rsds": np.broadcast_to(150 + 0 * tas, tas.shape),
        "sfcWind": 3 + rng.random((n, *shape)),
        "evspsblpot": np.clip(0.15 * (tas + 3), 0, 12),
        "snd": depth,
        "swe": 250 * depth,
    }


@dataclass
class Daily:
    """What a file holds and how; changed field by field by a test that wants a fault."""

    values: Mapping[str, Array]  # canonical name: (time, y, x) in canonical units
    dates: Sequence[cftime.datetime]
    names: Mapping[str, str] = field(default_factory=dict)  # canonical name: name in the file
    units: Mapping[str, str] = field(default_factory=dict)
    dtype: str = "f4"
    fill: float = 1e20
    chunks: tuple[int, ...] | None = None
    time_units: str = "days since 1950-01-01"
    calendar: str | None = None  # as written; the dates' own without it
    noon: bool = False
    format: str = "NETCDF4"
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # by canonical name
    header: Mapping[str, Any] = field(default_factory=dict)
    packing: tuple[float, float] | None = None  # scale, offset: stored as int16
    finish: Callable[[netCDF4.Dataset], None] | None = None  # last touches

    def stored(self, name: str) -> Array:
        unit = self.units.get(name, UNITS[name])
        shift, factor = TO_FILE.get(unit, (0.0, 1.0))
        return (np.asarray(self.values[name], dtype=np.float64) + shift) * factor

    def write(self, path: Path, dims: tuple[str, ...], place: Callable[[netCDF4.Dataset], None]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = next(iter(self.values.values())).shape[1:]
        with netCDF4.Dataset(path, "w", format=self.format) as dataset:
            dataset.setncatts(dict(self.header))
            dataset.createDimension("time", None)
            for name, size in zip(dims, shape, strict=True):
                dataset.createDimension(name, size)
            time = dataset.createVariable("time", "f8", ("time",))
            time.units = self.time_units
            time.calendar = self.calendar or (self.dates[0].calendar if self.dates else "standard")
            time.axis = "T"
            if self.dates:
                numbers = cftime.date2num(list(self.dates), self.time_units, calendar=self.dates[0].calendar)
                time[:] = np.asarray(numbers, dtype=np.float64) + (0.5 if self.noon else 0.0)
            place(dataset)
            for name in self.values:
                self._variable(dataset, name, ("time", *dims))
            if self.finish:
                self.finish(dataset)
        return path

    def _variable(self, dataset: netCDF4.Dataset, name: str, dims: tuple[str, ...]) -> None:
        fill = np.int16(-9999) if self.packing else np.dtype(self.dtype).type(self.fill)
        options: dict[str, Any] = {"fill_value": fill}
        if self.format.startswith("NETCDF4"):
            options |= {"zlib": True, "complevel": 1, "shuffle": True, "chunksizes": self.chunks}
        variable = dataset.createVariable(
            self.names.get(name, name), "i2" if self.packing else self.dtype, dims, **options
        )
        unit = self.units.get(name, UNITS[name])
        if unit:
            variable.units = unit
        variable.setncatts(dict(self.attributes.get(name, {})))
        variable.set_auto_maskandscale(False)
        values = self.stored(name)
        missing = np.isnan(values)
        if self.packing:
            scale, offset = self.packing
            variable.scale_factor, variable.add_offset = scale, offset
            values = np.rint((np.where(missing, 0, values) - offset) / scale)
        variable[:] = np.where(missing, fill, values).astype("i2" if self.packing else self.dtype)


def drias_name(
    variable: str,
    start: str,
    end: str,
    *,
    scenario: str = "historical",
    gcm: str = "CNRM-CERFACS-CNRM-CM5",
    rcm: str = "CNRM-ALADIN63",
    suffix: str = "",
) -> str:
    """A DRIAS-2020 file name."""
    return (
        f"{variable}Adjust_France_{gcm}_{scenario}_r1i1p1_{rcm}_v2_MF-ADAMONT-SAFRAN-1980-2011_day_{start}-{end}"
        f"{'_' + suffix if suffix else ''}.nc"
    )


def place_8km(
    *,
    coordinates: bool = True,
    latlon: bool = True,
    index_valued: bool = False,
    dims: tuple[str, str] = ("y", "x"),
    row: int = ROW,
    col: int = COL,
) -> Callable[[netCDF4.Dataset], None]:
    """x, y and 2-D latitudes and longitudes of a block of the 8 km grid."""

    def place(dataset: netCDF4.Dataset) -> None:
        n_rows, n_cols = (len(dataset.dimensions[name]) for name in dims)
        rows, cols = np.arange(row, row + n_rows), np.arange(col, col + n_cols)
        if coordinates:
            y = dataset.createVariable(dims[0], "f8", (dims[0],))
            x = dataset.createVariable(dims[1], "f8", (dims[1],))
            y[:] = rows + 1 if index_valued else grid.Y0 + grid.SIZE * rows
            x[:] = cols + 1 if index_valued else grid.X0 + grid.SIZE * cols
        if latlon:
            ids = rows[:, None] * grid.N_COLS + cols[None, :]
            lon, lat = grid.longitudes_latitudes(ids)
            for name, values in (("lon", lon), ("lat", lat)):
                variable = dataset.createVariable(name, "f8", dims)
                variable.standard_name = {"lon": "longitude", "lat": "latitude"}[name]
                variable[:] = values

    return place


def drias(
    folder: Path,
    daily: Daily,
    *,
    scenario: str = "historical",
    place: Callable[[netCDF4.Dataset], None] | None = None,
    dims: tuple[str, ...] = ("y", "x"),
    suffix: str = "",
    gcm: str = "CNRM-CERFACS-CNRM-CM5",
) -> list[Path]:
    """One DRIAS-2020 file per variable."""
    start, end = (f"{d.year:04d}{d.month:02d}{d.day:02d}" for d in (daily.dates[0], daily.dates[-1]))
    paths = []
    for name in daily.values:
        one = Daily(**{**vars(daily), "values": {name: daily.values[name]}})
        one.names = {name: f"{name}Adjust", **daily.names}
        path = folder / drias_name(name, start, end, scenario=scenario, suffix=suffix, gcm=gcm)
        paths.append(one.write(path, dims, place or place_8km(dims=(dims[0], dims[-1]))))
    return paths
