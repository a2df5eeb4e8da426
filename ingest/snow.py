"""Snow by massif and altitude band: S2M and ADAMONT files, and degree-day snow where no snow model has run.

Every run becomes one daily file of massif bands (``data/derived/snow``), which the engine reduces like any other:

- S2M or ADAMONT files: their flat points, whole days, all snow years and massifs of a run side by side;
- a run of theirs that holds weather and no snow, and any daily run of the 8 km grid: snow by degree days
  (``states.snow``), as a dataset of its own, ``<dataset>_degree_day``, never mixed with a snow model's output.

An 8 km run is brought to the bands of a massif by the mean of its cells, each temperature first brought to the band's
altitude at −6 °C per km; precipitation is that of the massif at every altitude; snowfall follows from the band's
temperature (all snow up to −1 °C, all rain from 3 °C); humidity is cut at saturation (indicators.md §4 and §7).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from climart import paths
from climart.errors import UserError
from climart.files import atomic, sha256_of
from ingest import cell_years, daily, lake, registry, sites
from ingest.calendars import Axis
from ingest.readers import grids, netcdf, s2m, times
from ingest.readers.netcdf import Run, SimulationPlan
from ingest.readers.s2m import Bands, SnowRun
from ingest.states import humidity, snow, soil
from ingest.variables import VARIABLES

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BAND_HEIGHT = 300  # m
SNOW_VARIABLES = ("snd", "swe")
FORCING = ("prsn", "tas")  # what the degree-day model needs
KEPT = ("snd", "swe", "prsn", "tasmin", "tasmax", "huss")  # what features of massif bands read


@dataclass
class Loaded:
    """What a load did. ``missing``: by run, the variables that its files lack, with the reason."""

    reduced: cell_years.Loaded
    missing: dict[str, dict[str, str]] = field(default_factory=dict)
    modelled: list[str] = field(default_factory=list)  # runs whose snow is by degree days


def load(
    files: Sequence[Path],
    *,
    dataset_id: str | None = None,
    workers: int = 1,
    progress: cell_years.OnProgress = lambda *_: None,
) -> Loaded:
    """Read snow files and daily runs, write their bands, reduce them (some hundred cells: one process is quickest).

    Raises UserError, before anything is reduced, for a file that cannot be placed.
    """
    found = netcdf.find(files)
    of_massifs = [path for path in found if s2m.is_s2m(path)]
    runs = s2m.runs(of_massifs)
    if dataset_id:
        runs = [replace(run, run=replace(run.run, dataset_id=dataset_id)) for run in runs]
    gridded = [path for path in found if path not in set(of_massifs)]
    plans: list[SimulationPlan] = []
    done = Loaded(cell_years.Loaded())
    for run in runs:
        own, modelled = of_snow_files(run)
        done.missing[own.simulation_id] = run.missing
        plans += [own, *([modelled] if modelled else [])]
        done.modelled += [modelled.simulation_id] if modelled else []
    for plan in netcdf.plan(gridded, dataset_id=dataset_id) if gridded else []:
        plans.append(of_daily(plan))
        done.modelled.append(plans[-1].simulation_id)
    done.reduced = cell_years.load(plans, workers=workers, progress=progress)
    return done


def of_snow_files(run: SnowRun) -> tuple[SimulationPlan, SimulationPlan | None]:
    """The plan of a run of S2M files, and that of its degree-day snow where it has weather and no snow."""
    origins = {file.path: int(file.step_days.size) for file in run.files}
    names = {name: reading.stored[0] for name, reading in s2m.READINGS.items()}
    stamp = _stamp(origins)
    path, model_path = _path(run.run), _path(_modelled(run.run))
    needs_model = "snd" not in run.variables and set(FORCING) <= set(run.variables)
    if not _is_current(path, stamp) or (needs_model and not _is_current(model_path, stamp)):
        bands = s2m.bands_of(run)
        days, values = s2m.read(run, bands)
        calendar = run.files[0].calendar
        write(path, bands, calendar, days, {n: v for n, v in values.items() if n in (*KEPT, *FORCING)}, stamp, run.run)
        if needs_model:
            modelled = degree_day(run.run, calendar, days, values)
            write(model_path, bands, calendar, days, modelled, stamp, _modelled(run.run))
    own = _plan(path, run.run, origins, names)
    return own, _plan(model_path, _modelled(run.run), origins, {}) if needs_model else None


def of_daily(plan: SimulationPlan) -> SimulationPlan:
    """The plan of the degree-day snow of a daily run, brought to the bands of the massifs that its grid covers.

    Raises UserError without massifs, without the altitude of the cells, or without rain or temperature.
    """
    if plan.refusals:
        raise UserError(f"{plan.simulation_id} cannot be read:\n" + "\n".join(plan.refusals))
    origins = {file.path: int(file.time.days.size) for files in plan.files.values() for file in files}
    run = _modelled(plan.run)
    path = _path(run)
    link = Link.of(plan)
    stamp = _stamp(
        origins, link.cells.tobytes(), link.weights.tobytes(), link.altitude.tobytes(), link.bands.cell_id.tobytes()
    )
    if not _is_current(path, stamp):
        start = times.day_number(plan.year_start, plan.calendar)
        days = np.arange(start, start + len(plan.axis))
        forcing = downscale(plan, link)
        write(path, link.bands, plan.calendar, days, degree_day(run, plan.calendar, days, forcing), stamp, run)
    return _plan(path, run, origins, {})


def _modelled(run: Run) -> Run:
    return replace(run, dataset_id=run.dataset_id + registry.DEGREE_DAY)


def _path(run: Run) -> Path:
    simulation = SimulationPlan(run, {}).simulation_id
    return paths.inside(paths.derived(), "snow", f"{simulation}.nc")


def _plan(path: Path, run: Run, origins: dict[Path, int], names: dict[str, str]) -> SimulationPlan:
    (plan,) = netcdf.plan([path], dataset_id=run.dataset_id)
    notes = () if run.scenario == netcdf.OBSERVED else plan.notes
    return replace(plan, run=run, notes=notes, producer_names=names, origins=origins)


# Degree-day snow


def degree_day(run: Run, calendar: str, days: Ints, values: dict[str, Floats]) -> dict[str, Floats]:
    """Snow depth (m) and SWE (mm) by degree days beside the weather that features read, each (bands, days).

    ``values`` holds prsn (mm d⁻¹) and tas (°C). Raises UserError if the mass balance of a band does not close.
    """
    prsn, tas = (np.ascontiguousarray(values[name]) for name in FORCING)
    out, imbalance = np.empty((3, *prsn.shape), dtype=np.float32), np.empty(len(prsn))
    snow.degree_day(prsn, tas, snow_years(calendar, days), out, imbalance)
    if (worst := float(imbalance.max(initial=0.0))) > snow.MAX_IMBALANCE:
        raise UserError(f"{run.dataset_id}: the snow of a band does not balance: {worst:g} mm in a snow year")
    return {name: v for name, v in values.items() if name in KEPT} | {"swe": out[0], "snd": out[1]}


def snow_years(calendar: str, days: Ints) -> Ints:
    """Position of each 1 August among consecutive days (day numbers), then their number."""
    first, last = (int(times.date(int(days[at]), calendar)[:4]) for at in (0, -1))
    axis = Axis(calendar, first, last)
    shift = int(days[0]) - times.day_number(first, calendar)
    starts = np.array([axis.index(year, 8, 1) for year in axis.years]) - shift
    return np.append(starts[(starts > 0) & (starts < days.size)], days.size)


# From the 8 km grid to the bands


@dataclass(frozen=True)
class Link:
    """Massifs and the cells of a grid in them."""

    nodes: Ints  # positions of the cells on the grid
    cells: npt.NDArray[np.int32]
    altitude: npt.NDArray[np.float64]  # of the cells, m
    weights: npt.NDArray[np.float64]  # (massifs, cells)
    massifs: Ints
    bands: Bands

    @classmethod
    def of(cls, plan: SimulationPlan) -> Link:
        """From the lake: weights of cells in massifs, altitudes of cells and of massifs."""
        grid = plan.grid
        rows = lake.read("cell_weight")
        rows = rows.filter(
            pc.and_(pc.equal(rows["grid_id"], grid.grid_id), pc.starts_with(rows["territory_id"], pattern="massif:"))
        )
        frame = rows.to_pandas()
        ranges = lake.read("territory").select(["territory_id", "altitude_low_m", "altitude_high_m"]).to_pandas()
        frame = frame.merge(ranges.dropna(), on="territory_id")
        if frame.empty:
            raise UserError(
                f"{plan.simulation_id}: no massif with its altitudes on the grid {grid.grid_id}: run `climart ingest "
                "territories DIR --massifs FILE` first"
            )
        position = {int(cell): node for node, cell in enumerate(grid.cell_id)}
        frame = frame[frame["cell_id"].isin(position)]
        cells = np.sort(frame["cell_id"].unique()).astype(np.int32)
        nodes = np.array([position[int(cell)] for cell in cells], dtype=np.int64)
        altitude = sites.of_cells(grid, nodes).altitude
        if not np.isfinite(altitude).any():
            raise UserError(
                f"{plan.simulation_id}: the altitude of its cells is not known: run `climart ingest elevation "
                "RASTER` first"
            )
        frame["massif"] = frame["territory_id"].str.removeprefix("massif:").astype(int)
        massifs = np.sort(frame["massif"].unique())
        weights = np.zeros((massifs.size, cells.size))
        weights[np.searchsorted(massifs, frame["massif"]), np.searchsorted(cells, frame["cell_id"])] = frame["weight"]
        weights[:, ~np.isfinite(altitude)] = 0.0
        known = weights.sum(axis=1) > 0
        weights, massifs = weights[known], massifs[known]
        frame = frame[frame["massif"].isin(massifs)]
        low = frame.groupby("massif")["altitude_low_m"].first().to_numpy()
        high = frame.groupby("massif")["altitude_high_m"].first().to_numpy()
        latitude = weights @ grid.latitude[nodes] / weights.sum(axis=1)
        longitude = weights @ grid.longitude[nodes] / weights.sum(axis=1)
        found = [
            (row, altitude_m)
            for row, (bottom, top) in enumerate(zip(low, high, strict=True))
            for altitude_m in range(-int(-bottom // BAND_HEIGHT) * BAND_HEIGHT, int(top) + 1, BAND_HEIGHT)
        ]
        of_massif, bands = np.array(found, dtype=np.int64).T
        return cls(
            nodes,
            cells,
            np.nan_to_num(altitude),
            weights,
            massifs,
            Bands(massifs[of_massif], bands, latitude[of_massif], longitude[of_massif]),
        )


def downscale(plan: SimulationPlan, link: Link) -> dict[str, Floats]:
    """Weather of the bands, each (bands, days of the run's axis), NaN where no cell of the massif has a value.

    prsn, tas and prtot, and tasmin, tasmax, huss where the run has them.
    """
    if not {"prtot"} <= plan.files.keys() or not (
        {"tas"} <= plan.files.keys() or {"tasmin", "tasmax"} <= plan.files.keys()
    ):
        held = ", ".join(plan.files)
        raise UserError(
            f"{plan.simulation_id}: degree-day snow needs prtot, and tas or tasmin and tasmax; it holds {held}"
        )
    start = times.day_number(plan.year_start, plan.calendar)
    row = np.searchsorted(link.massifs, link.bands.massif)
    lapse = -snow.LAPSE_RATE / 1000
    weather: dict[str, Floats] = {}
    for name in ("tas", "tasmin", "tasmax", "prtot", "huss"):
        if name not in plan.files:
            continue
        values = daily.series_of(plan, name, link.nodes, start)
        if VARIABLES[name].unit == "°C":
            at_sea_level = _massif_mean(link, values - np.float32(lapse) * link.altitude[:, None].astype(np.float32))
            weather[name] = at_sea_level[row] + (lapse * link.bands.altitude[:, None]).astype(np.float32)
        else:
            weather[name] = _massif_mean(link, values)[row]
    if "tas" not in weather:
        weather["tas"] = (weather["tasmin"] + weather["tasmax"]) * np.float32(0.5)
    prsn = np.empty((1, *weather["tas"].shape), dtype=np.float32)
    soil.snowfall(np.ascontiguousarray(weather["prtot"]), np.ascontiguousarray(weather["tas"]), prsn)
    weather["prsn"] = prsn[0]
    if "huss" in weather:
        cut = np.empty_like(weather["tas"])
        humidity.at_most_saturated(
            np.ascontiguousarray(weather["huss"]),
            np.ascontiguousarray(weather["tas"]),
            link.bands.altitude.astype(np.float64),
            cut,
        )
        weather["huss"] = cut
    return weather


def _massif_mean(link: Link, values: Floats) -> Floats:
    """Weighted means (massifs, days) over the cells that have a value."""
    held = np.isfinite(values)
    weight = link.weights @ held.astype(np.float64)
    total = link.weights @ np.where(held, values, 0).astype(np.float64)
    mean = np.divide(total, weight, out=np.full(total.shape, np.nan), where=weight > 0)
    return np.asarray(mean, dtype=np.float32)


# The daily file of bands


def _stamp(origins: Collection[Path], *more: bytes) -> str:
    """What a derived file depends on: the files as received, the link to the cells, this code."""
    digest = hashlib.sha256()
    for part in [*(sha256_of(path).encode() for path in sorted(origins)), *more]:
        digest.update(part)
    for module in (__file__, s2m.__file__, snow.__file__, soil.__file__, humidity.__file__):
        digest.update(Path(str(module)).read_bytes())
    return digest.hexdigest()


def _is_current(path: Path, stamp: str) -> bool:
    if not path.exists():
        return False
    with netCDF4.Dataset(path) as dataset:
        return bool(dataset.getncattr(grids.BAND_INPUTS) == stamp)


def write(path: Path, bands: Bands, calendar: str, days: Ints, values: dict[str, Floats], stamp: str, run: Run) -> None:
    """Write a daily file of massif bands, atomically: canonical names and units, one chunk of days after another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as handle, netCDF4.Dataset(handle.name, "w", format="NETCDF4_CLASSIC") as dataset:
        dataset.createDimension("time", days.size)
        dataset.createDimension(grids.BAND_POINTS, bands.cell_id.size)
        time = dataset.createVariable("time", "f8", ("time",))
        time.setncatts({"standard_name": "time", "units": times.EPOCH, "calendar": calendar, "axis": "T"})
        time[:] = days
        for name, kind, facts in (
            ("massif_num", "i4", bands.massif),
            ("ZS", "f8", bands.altitude),
            ("lat", "f8", bands.latitude),
            ("lon", "f8", bands.longitude),
        ):
            dataset.createVariable(name, kind, (grids.BAND_POINTS,))[:] = facts
        chunks = (min(days.size, 4096), bands.cell_id.size)
        for name, of_bands in values.items():
            stored = dataset.createVariable(name, "f4", ("time", grids.BAND_POINTS), chunksizes=chunks)
            stored.setncatts({"units": VARIABLES[name].unit})
            stored.set_auto_mask(False)
            stored[:] = of_bands.T
        dataset.setncatts({grids.BAND_INPUTS: stamp, "dataset_id": run.dataset_id})
