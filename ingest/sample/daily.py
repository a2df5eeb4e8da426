"""The sample's daily NetCDF: simulated days (``weather``) in the layouts of DRIAS-2020 and of SOCLE-2025.

Whole grids of 134 × 143 nodes, stored by tiles of 4 × 4 cells and 365 days, compressed. Only the sampled tiles are
written: HDF5 stores nothing for the others, and a reader finds the fill value there. So the dimensions are those of
real files at no cost on disk; a regional cut, or one chunk per day as some real files have, would be either another
layout or a hundred times more to decode.

Names, title, institution, source and comment all say that values are simulated. What real files get wrong is kept:
the grid mapping's latitude of origin in gons; in SOCLE-2025, a name that starts a year before the data, the cell
methods of extremes, and a summary that denies leap days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt
import pandas as pd

from climart.files import atomic
from ingest import grid
from ingest.sample import weather
from ingest.sample.weather import Values, Warming

Days = npt.NDArray[np.datetime64]

SIDE = 4  # cells along a tile
CHUNK = (365, SIDE, SIDE)
FILL = np.float32(1e20)
EPOCH = np.datetime64("1950-01-01")
CORRECTION = "CLIMART-SIMULATED-TRACC2023-1976-2005"  # where real files name the bias correction
PET_METHOD = "Hg0175"  # Hargreaves–Samani, coefficient 0.175: what ``weather.hargreaves`` computes

INSTITUTION = "Climart (valeurs simulées)"
SOURCE = "Climart weather generator, calibrated on DRIAS TRACC-2023 (Météo-France, Licence Ouverte 2.0)"
COMMENT = (
    "Valeurs simulées pour démonstration : ce n'est pas une projection climatique. Simulated values for "
    "demonstration: this is not a climate projection. Only the means of temperature and rain over 1976-2005 and the "
    "zone's cells are those of the real ensemble's medians in its département."
)


@dataclass(frozen=True)
class Variable:
    """How a variable is described in the files."""

    standard_name: str
    long_name: str
    units: str
    cell_methods: str = "time: mean"


VARIABLES = {
    "tas": Variable("air_temperature", "Daily Mean Near-Surface Air Temperature", "K"),
    "tasmin": Variable("air_temperature", "Daily Minimum Near-Surface Air Temperature", "K", "time: minimum"),
    "tasmax": Variable("air_temperature", "Daily Maximum Near-Surface Air Temperature", "K", "time: maximum"),
    "prtot": Variable("precipitation_flux", "Total Precipitation", "kg m-2 s-1"),
    "prsn": Variable("snowfall_flux", "Snowfall", "kg m-2 s-1"),
    "huss": Variable("specific_humidity", "Near-Surface Specific Humidity", "kg kg-1"),
    "rsds": Variable("surface_downwelling_shortwave_flux_in_air", "Surface Downwelling Shortwave Radiation", "W m-2"),
    "sfcWind": Variable("wind_speed", "Near-Surface Wind Speed", "m s-1"),
    "evspsblpot": Variable("water_potential_evaporation_flux", "Potential Evapotranspiration", "kg m-2 s-1"),
}


@dataclass(frozen=True)
class Layout:
    """What tells one producer's files from another's. ``name_start``: the first year that names give to the history."""

    title: str
    folder: str
    domain: str
    stamp: float  # of a day, from its midnight, in days
    has_bounds: bool
    says_mean: bool  # cell_methods of extremes
    precipitation: str
    name_start: int
    summary: str = ""


DRIAS = Layout(
    title="Valeurs simulées par Climart dans le format de DRIAS-2020",
    folder="drias2020",
    domain="France",
    stamp=0.0,
    has_bounds=False,
    says_mean=False,
    precipitation="prtotAdjust",
    name_start=1976,
)
SOCLE = Layout(
    title="Valeurs simulées par Climart dans le format de SOCLE-2025",
    folder="socle2025",
    domain="FR-Metro",
    stamp=0.5,
    has_bounds=True,
    says_mean=True,
    precipitation="prAdjust",
    name_start=1975,
    summary="Valeurs simulées. Daily values in a 365_day calendar, 1975-2100",
)


@dataclass(frozen=True)
class Run:
    """One simulated run. rcm: as names write it. last_historical and end: last days of its two periods."""

    layout: Layout
    gcm: str
    rcm: str
    member: str
    version: str
    scenario: str
    warming: Warming
    last_historical: np.datetime64
    end: np.datetime64
    zones: tuple[str, ...] = tuple(weather.ZONES)
    tiles: int = 2  # of each zone, at most

    def cells(self) -> pd.DataFrame:
        """The sampled cells (``weather.cells``), whole tiles."""
        table = weather.cells()
        chosen = table[table["zone"].isin(self.zones)]
        return chosen.groupby("zone", sort=False).head(self.tiles * SIDE * SIDE).reset_index(drop=True)

    def periods(self) -> tuple[tuple[str, np.datetime64, np.datetime64], ...]:
        """(experiment, first day, last day) of its files."""
        first = np.datetime64(f"{weather.FIRST_YEAR}-01-01")
        return ("historical", first, self.last_historical), (self.scenario, self.last_historical + 1, self.end)


def _drias(number: int, warming: Warming, end: str) -> Run:
    return Run(
        layout=DRIAS,
        gcm="CLIMART",
        rcm=f"CLIMART-JOUR{number}",
        member="r1i1p1",
        version="v1",
        scenario="rcp85",
        warming=warming,
        last_historical=np.datetime64("2005-12-31"),
        end=np.datetime64(end),
    )


# Years between those of the 17 real runs' models. The third run stops a month before the end of 2099, as real ones do.
# The last one has the name of a run whose published pivot years it follows; its institute and its correction are ours.
RUNS = (
    _drias(1, Warming(2030, 2048, 2076), "2100-12-31"),
    _drias(2, Warming(2037, 2055, 2085), "2100-12-31"),
    _drias(3, Warming(2024, 2040, 2066), "2099-11-30"),
    Run(
        layout=SOCLE,
        gcm="EC-Earth3-Veg",
        rcm="CLIMART_RACMO23E",
        member="r1i1p1f1",
        version="v1-r1",
        scenario="ssp370",
        warming=Warming(2037, 2054, 2075),
        last_historical=np.datetime64("2014-12-31"),
        end=np.datetime64("2100-12-31"),
        zones=("savoie", "bordelais"),
        tiles=1,
    ),
)


def generate_daily(
    out: Path, progress: Callable[[str], None] | None = None, runs: tuple[Run, ...] = RUNS
) -> list[Path]:
    """Write the daily files into ``out/drias2020`` and ``out/socle2025``; the same bytes at every call.

    progress: called with a short text (English) at the start of each run. Returns the paths written, run by run.
    """
    say = progress or (lambda _: None)
    written = []
    for number, run in enumerate(runs):
        say(f"daily run {number + 1} of {len(runs)}: {run.gcm} {run.rcm} {run.scenario}")
        cells = run.cells()
        (_, first, _), (_, _, last) = run.periods()
        days = weather.days_between(first, last)
        values = weather.simulate(number, run.warming, days, cells)
        for experiment, start, stop in run.periods():
            period = slice(int((start - first).astype(int)), int((stop - first).astype(int)) + 1)
            for name in VARIABLES:
                path = out / run.layout.folder / file_name(run, name, experiment, start, stop)
                write(path, run, name, experiment, days[period], values[name][period], cells)
                written.append(path)
    return written


def stored_name(layout: Layout, name: str) -> str:
    """A variable's name in the files."""
    return layout.precipitation if name == "prtot" else f"{name}Adjust"


def file_name(run: Run, name: str, experiment: str, start: np.datetime64, stop: np.datetime64) -> str:
    """The file's name after the producers' template."""
    first = f"{run.layout.name_start}0101" if experiment == "historical" else compact(start)
    parts = [stored_name(run.layout, name), run.layout.domain, run.gcm, experiment, run.member, run.rcm, run.version]
    parts += [CORRECTION, "day", f"{first}-{compact(stop)}"]
    return "_".join([*parts, PET_METHOD] if name == "evspsblpot" else parts) + ".nc"


def compact(day: np.datetime64) -> str:
    """A date as YYYYMMDD."""
    return str(day).replace("-", "")


def write(path: Path, run: Run, name: str, experiment: str, days: Days, values: Values, cells: pd.DataFrame) -> None:
    """Write one file: the whole grid, with ``values`` (day, row of ``cells``) in the sampled tiles only."""
    layout, variable = run.layout, VARIABLES[name]
    with atomic(path) as handle, netCDF4.Dataset(handle.name, "w", format="NETCDF4_CLASSIC") as dataset:
        write_time(dataset, layout, days)
        write_grid(dataset)
        stored = dataset.createVariable(
            stored_name(layout, name),
            "f4",
            ("time", "y", "x"),
            fill_value=FILL,
            chunksizes=CHUNK,
            compression="zlib",
            complevel=3,
            shuffle=True,
        )
        stored.setncatts(
            {
                "standard_name": variable.standard_name,
                "long_name": variable.long_name,
                "units": variable.units,
                "cell_methods": "time: mean" if layout.says_mean else variable.cell_methods,
                "missing_value": FILL,
                "coordinates": "lat lon",
                "grid_mapping": "Projection",
            }
        )
        stored.set_auto_maskandscale(False)
        for row, col, columns in tiles(cells):
            stored[:, row : row + SIDE, col : col + SIDE] = values[:, columns].reshape(-1, SIDE, SIDE)
        dataset.setncatts(header(run, experiment))


def tiles(cells: pd.DataFrame) -> list[tuple[int, int, slice]]:
    """First row, first column and rows of ``cells`` of each sampled tile.

    Raises ValueError unless ``cells`` are whole tiles aligned with the chunks, each row by row.
    """
    found = []
    row, col = np.divmod(cells["cell_id"].to_numpy(), grid.N_COLS)
    for start in range(0, len(cells), SIDE * SIDE):
        rows = slice(start, start + SIDE * SIDE)
        first_row, first_col = int(row[start]), int(col[start])
        expected = (first_row + np.arange(SIDE))[:, None] * grid.N_COLS + first_col + np.arange(SIDE)
        whole = np.array_equal(cells["cell_id"].to_numpy()[rows], expected.ravel())
        if not whole or first_row % SIDE or first_col % SIDE:
            raise ValueError(
                f"daily_cells.csv, cell {cells['cell_id'].iloc[start]}: not the start of a tile of {SIDE} cells"
            )
        found.append((first_row, first_col, rows))
    return found


def write_time(dataset: netCDF4.Dataset, layout: Layout, days: Days) -> None:
    """The time axis, unlimited, in days since 1950-01-01, with the bounds of each day where the layout has them."""
    dataset.createDimension("time", None)
    midnight = (days - EPOCH).astype(np.float64)
    time = dataset.createVariable("time", "f8", ("time",), chunksizes=(4096,), compression="zlib", complevel=1)
    time.setncatts(
        {
            "standard_name": "time",
            "long_name": "time",
            "axis": "T",
            "units": "days since 1950-01-01 00:00:00",
            "calendar": "standard",
        }
    )
    time[:] = midnight + layout.stamp
    if layout.has_bounds:
        time.bounds = "time_bnds"
        dataset.createDimension("bnds", 2)
        bounds = dataset.createVariable(
            "time_bnds", "f8", ("time", "bnds"), chunksizes=(4096, 2), compression="zlib", complevel=1
        )
        bounds[:] = np.stack([midnight, midnight + 1], axis=1)


def write_grid(dataset: netCDF4.Dataset) -> None:
    """x, y (m, EPSG:27572), 2-D lat, lon to 4 decimals, and the grid mapping of real files with its error.

    Their latitude of origin is in gons: 52 gons are 46.8°.
    """
    latitude, longitude, x, y = _nodes()
    dataset.createDimension("y", grid.N_ROWS)
    dataset.createDimension("x", grid.N_COLS)
    for name, values, word in (("y", y, "y"), ("x", x, "x")):
        axis = dataset.createVariable(name, "f8", (name,))
        axis.setncatts({"standard_name": f"projection_{word}_coordinate", "axis": word.upper(), "units": "m"})
        axis[:] = values
    for name, degrees, words in (("lat", latitude, ("latitude", "north")), ("lon", longitude, ("longitude", "east"))):
        coordinate = dataset.createVariable(name, "f4", ("y", "x"), compression="zlib", complevel=1)
        coordinate.setncatts({"standard_name": words[0], "long_name": words[0], "units": f"degrees_{words[1]}"})
        coordinate[:] = degrees
    mapping = dataset.createVariable("Projection", "i4", ())
    mapping.setncatts(
        {
            "grid_mapping_name": "lambert_conformal_conic_1SP",
            "latitude_of_origin": 52.0,
            "central_meridian": 0.0,
            "scale_factor": 0.99987742,
            "false_easting": 600_000.0,
            "false_northing": 2_200_000.0,
        }
    )
    mapping[...] = 0


def _nodes() -> tuple[npt.NDArray[np.float64], ...]:
    """Latitudes and longitudes (row, column) of all the nodes, degrees, and the axes x, y, m."""
    longitude, latitude = grid.longitudes_latitudes(np.arange(grid.N_ROWS * grid.N_COLS))
    shape = (grid.N_ROWS, grid.N_COLS)
    x = grid.X0 + grid.SIZE * np.arange(grid.N_COLS, dtype=np.float64)
    y = grid.Y0 + grid.SIZE * np.arange(grid.N_ROWS, dtype=np.float64)
    return latitude.round(4).reshape(shape), longitude.round(4).reshape(shape), x, y


def header(run: Run, experiment: str) -> dict[str, str]:
    """Global attributes: no date of creation, so that the same sample gives the same bytes."""
    return {
        "Conventions": "CF-1.6",
        "title": run.layout.title,
        "institution": INSTITUTION,
        "source": SOURCE,
        "comment": COMMENT,
        **({"summary": run.layout.summary} if run.layout.summary else {}),
        "frequency": "day",
        "experiment_id": experiment,
        "driving_experiment_name": experiment,
        "driving_model_id": run.gcm,
        "driving_model_ensemble_member": run.member,
        "model_id": run.rcm.rpartition("_")[2],
        "rcm_version_id": run.version,
    }
