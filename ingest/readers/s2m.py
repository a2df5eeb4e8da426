"""Reader of S2M and ADAMONT files: massif × altitude band × aspect × slope, snow (PRO) or weather (FORCING).

Layout (formats.md): dimension ``Number_of_points``; ``ZS`` (m), ``aspect``, ``slope``, the massif by point in
``massif_num`` or ``massif_number``, or for the whole file in an attribute ``massifsList`` of one entry; one file per
snow year, from 1 August to 31 July, which may repeat the first step of the next; hourly, three-hourly or daily.

Flat ground is read, the slopes are not [D]: one value per massif and band, that of a place without exposure. A day
runs from 06 to 06 UTC, as SAFRAN's does; steps within it are averaged, and a day that lacks a step is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt

from climart.errors import UserError
from ingest import registry
from ingest.readers import filenames, times
from ingest.readers.grids import BAND_POINTS as POINTS
from ingest.readers.grids import band_cell_id
from ingest.readers.netcdf import HISTORICAL, OBSERVED, Run
from ingest.readers.stored import MISSING
from ingest.variables import VARIABLES, conversion

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

MASSIF_NAMES = ("massif_num", "massif_number")
MASSIF_LIST = "massifsList"
DAY_STARTS = 0.25  # of a day: 06 UTC
HIGHEST = 5000  # m


@dataclass(frozen=True)
class Reading:
    """How a daily variable is had: the stored variables that add up to it, and how a day's steps become one value."""

    stored: tuple[str, ...]
    of_day: str = "mean"  # mean, min, max


READINGS = {
    "snd": Reading(("DSN_T_ISBA",)),
    "swe": Reading(("WSN_T_ISBA",)),
    "tas": Reading(("Tair",)),
    "tasmin": Reading(("Tair",), "min"),
    "tasmax": Reading(("Tair",), "max"),
    "prtot": Reading(("Rainf", "Snowf")),
    "prsn": Reading(("Snowf",)),
    "huss": Reading(("Qair",)),
}


@dataclass(frozen=True)
class Bands:
    """Massif × altitude bands, by cell id: massif numbers, altitudes (m), degrees north and east (NaN unknown)."""

    massif: Ints
    altitude: Ints
    latitude: npt.NDArray[np.float64]
    longitude: npt.NDArray[np.float64]

    @property
    def cell_id(self) -> npt.NDArray[np.int32]:
        return band_cell_id(self.massif, self.altitude)


@dataclass(frozen=True)
class SnowFile:
    """One file: its run, its flat points, the day of each step, what it holds."""

    path: Path
    run: Run
    bands: Bands
    points: Ints  # position of each band along the points
    calendar: str
    step_days: Ints  # day number (``times.EPOCH``) of each step
    steps_per_day: int
    variables: tuple[str, ...]  # canonical names that can be had

    @property
    def days(self) -> Ints:
        """The days that it holds whole."""
        days, counts = np.unique(self.step_days, return_counts=True)
        return np.asarray(days[counts == self.steps_per_day])


@dataclass(frozen=True)
class SnowRun:
    """The files of a run, historical part included, in time order."""

    run: Run
    files: tuple[SnowFile, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Variables that every file holds."""
        return tuple(name for name in READINGS if all(name in file.variables for file in self.files))

    @property
    def missing(self) -> dict[str, str]:
        """Variables that are not there: ``missing_variable:`` and the producer's names."""
        return {
            name: "missing_variable:" + ",".join(reading.stored)
            for name, reading in READINGS.items()
            if name not in self.variables
        }


def is_s2m(path: Path) -> bool:
    """Whether a NetCDF file has the layout of S2M. Raises UserError if it cannot be opened."""
    try:
        with netCDF4.Dataset(path) as dataset:
            return POINTS in dataset.dimensions
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: cannot be read as NetCDF, truncated or corrupt ({error}). Fetch it again.") from error


def describe(path: Path) -> SnowFile:
    """What a file holds. UserError, with what is missing, for one that cannot be placed in time or in a massif."""
    with netCDF4.Dataset(path) as dataset:
        massif, place = _massifs(path, dataset)
        if "ZS" not in dataset.variables:
            raise UserError(f"{path.name}: no altitude: expected a variable ZS (m) along {POINTS}")
        altitude = np.ma.filled(np.ma.asarray(dataset["ZS"][:], dtype=np.float64), np.nan)
        if not ((altitude >= 0) & (altitude <= HIGHEST)).all():
            raise UserError(
                f"{path.name}, ZS: {np.nanmin(altitude):g} … {np.nanmax(altitude):g}, expected 0 … {HIGHEST} m"
            )
        flat = _flat(path, dataset)
        cells = band_cell_id(massif[flat], np.rint(altitude[flat]))
        if np.unique(cells).size != cells.size:
            raise UserError(f"{path.name}: several flat points at one altitude of a massif; expected one")
        order = np.argsort(cells)
        flat = flat[order]
        latitude, longitude = (
            _coordinate(dataset, names, flat, known) for names, known in zip(_PLACE, place, strict=True)
        )
        calendar, step_days, per_day = _days(path, dataset)
        variables = _variables(path, dataset, per_day)
        bands = Bands(massif[flat], np.rint(altitude[flat]).astype(np.int64), latitude, longitude)
        return SnowFile(path, _run(path, dataset), bands, flat, calendar, step_days, per_day, variables)


_PLACE = (("LAT", "lat", "latitude"), ("LON", "lon", "longitude"))


def _massifs(path: Path, dataset: netCDF4.Dataset) -> tuple[Ints, tuple[float, float]]:
    """Massif number of each point, and a latitude and longitude for all of them where the file gives one."""
    n_points = len(dataset.dimensions[POINTS])
    for name in MASSIF_NAMES:
        if name in dataset.variables and dataset[name].dimensions == (POINTS,):
            numbers = np.ma.asarray(dataset[name][:])
            if np.ma.is_masked(numbers) or not ((numbers >= 1) & (numbers <= 99)).all():
                raise UserError(f"{path.name}, {name}: expected massif numbers 1 … 99 at every point")
            return np.asarray(numbers, dtype=np.int64), (np.nan, np.nan)
    listed = str(getattr(dataset, MASSIF_LIST, ""))
    entry = re.fullmatch(r"\s*[^,]+,\s*(\d{1,2})\s*(?:,\s*([-\d.]+)\s*,\s*([-\d.]+)\s*)?", listed)
    if entry is None or not int(entry[1]):
        found = f"{MASSIF_LIST} is {listed!r}" if listed else f"there is no {MASSIF_LIST} either"
        raise UserError(
            f"{path.name}: no massif can be known: expected a variable {' or '.join(MASSIF_NAMES)} along {POINTS}, or "
            f"an attribute {MASSIF_LIST} with one entry (name, number, latitude, longitude); {found}."
        )
    place = (float(entry[2]), float(entry[3])) if entry[2] else (np.nan, np.nan)
    return np.full(n_points, int(entry[1]), dtype=np.int64), place


def _flat(path: Path, dataset: netCDF4.Dataset) -> Ints:
    """Positions of the flat points: slope 0; all where the file has no slope."""
    if "slope" not in dataset.variables:
        return np.arange(len(dataset.dimensions[POINTS]))
    flat = np.flatnonzero(np.ma.filled(np.ma.asarray(dataset["slope"][:], dtype=np.float64), np.nan) == 0)
    if not flat.size:
        raise UserError(f"{path.name}: none of its points is flat (slope 0): values on slopes are not read")
    return flat


def _coordinate(dataset: netCDF4.Dataset, names: Sequence[str], flat: Ints, known: float) -> npt.NDArray[np.float64]:
    for name in names:
        if name in dataset.variables and dataset[name].dimensions == (POINTS,):
            return np.asarray(np.ma.filled(np.ma.asarray(dataset[name][:], dtype=np.float64), np.nan)[flat])
    return np.full(flat.size, known)


def _days(path: Path, dataset: netCDF4.Dataset) -> tuple[str, Ints, int]:
    """Calendar, the day of each step, and how many steps a day has."""
    axis = times.read(path.name, dataset, "time")
    if axis.frequency == "day":
        return axis.calendar, axis.days, 1
    if axis.frequency != "hour":
        raise UserError(f"{path.name}: one value per {axis.frequency}; expected daily steps or shorter")
    variable = dataset["time"]
    step = times.STEP_DAYS[str(variable.units).split()[0].lower().rstrip("s")]
    exact = times.day_numbers(variable[:], str(variable.units), axis.calendar, step)
    width = float(np.median(np.diff(exact)))
    per_day = round(1 / width)
    if per_day < 2 or abs(per_day * width - 1) > 1e-3 or (np.diff(exact) <= 0).any():
        raise UserError(
            f"{path.name}: steps of {24 * width:g} h, or not in order; expected a whole number of steps a day"
        )
    return axis.calendar, np.floor(exact - DAY_STARTS + 1e-6).astype(np.int64), per_day


def _variables(path: Path, dataset: netCDF4.Dataset, per_day: int) -> tuple[str, ...]:
    found = [
        name
        for name, reading in READINGS.items()
        if all(stored in dataset.variables for stored in reading.stored) and (reading.of_day == "mean" or per_day >= 8)
    ]
    if not found:
        names = sorted({stored for reading in READINGS.values() for stored in reading.stored})
        raise UserError(f"{path.name}: none of the variables known here: {', '.join(names)}")
    return tuple(found)


# Header attributes that name the run, where the file's name does not.
_HEADER = {
    "gcm": "driving_model_id",
    "scenario": "driving_experiment_name",
    "member": "driving_model_ensemble_member",
    "rcm": "model_id",
    "version": "rcm_version_id",
}


def _run(path: Path, dataset: netCDF4.Dataset) -> Run:
    name = filenames.parse(path.name)
    said = {key: getattr(name, key) or str(getattr(dataset, attribute, "")) for key, attribute in _HEADER.items()}
    scenario = said["scenario"].lower() or OBSERVED
    announced = registry.for_netcdf(name.domain, str(getattr(dataset, "institution", "")))
    dataset_id = announced.id if announced else ("s2m" if scenario == OBSERVED else "s2m_adamont")
    version = said["version"] if name.scenario else ""
    return Run(dataset_id, said["gcm"], said["rcm"], said["member"], version, name.correction, scenario)


def runs(paths: Iterable[Path]) -> list[SnowRun]:
    """The runs that files make up, the historical part in each scenario. UserError names every file that is refused."""
    described: list[SnowFile] = []
    faults: list[str] = []
    for path in paths:
        try:
            described.append(describe(path))
        except UserError as error:
            faults.append(str(error))
    if faults:
        raise UserError("Nothing was loaded:\n" + "\n".join(faults))
    by_run: dict[Run, list[SnowFile]] = {}
    for file in described:
        by_run.setdefault(replace(file.run, scenario=""), []).append(file)
    found = []
    for run, files in by_run.items():
        for scenario in sorted({f.run.scenario for f in files} - {HISTORICAL}) or [HISTORICAL]:
            chosen = [f for f in files if f.run.scenario in (scenario, HISTORICAL)]
            chosen.sort(key=lambda f: (int(f.step_days[0]), f.path.name))
            if len(calendars := sorted({f.calendar for f in chosen})) > 1:
                raise UserError(f"{chosen[0].path.name}: the run's files mix the calendars {', '.join(calendars)}")
            found.append(SnowRun(replace(run, scenario=scenario), tuple(chosen)))
    return found


def bands_of(run: SnowRun) -> Bands:
    """All the bands that a run's files hold, by cell id; the place is that of the first file that has one."""
    place: dict[int, tuple[int, int, float, float]] = {}
    for file in run.files:
        b = file.bands
        for cell, *facts in zip(b.cell_id.tolist(), b.massif, b.altitude, b.latitude, b.longitude, strict=True):
            if cell not in place or np.isnan(place[cell][2]):
                place[cell] = (int(facts[0]), int(facts[1]), float(facts[2]), float(facts[3]))
    massif, altitude, latitude, longitude = zip(*(place[cell] for cell in sorted(place)), strict=True)
    return Bands(np.array(massif), np.array(altitude), np.array(latitude), np.array(longitude))


def read(run: SnowRun, bands: Bands) -> tuple[Ints, dict[str, Floats]]:
    """Days (day numbers, first to last) and each variable (bands, days) in its canonical unit, NaN where missing.

    The step that a snow-year file shares with the next belongs to the next. Other days that two files give for one
    band must be equal, else UserError.
    """
    first, last = min(int(f.days[0]) for f in run.files), max(int(f.days[-1]) for f in run.files)
    days = np.arange(first, last + 1)
    values = {name: np.full((bands.cell_id.size, days.size), np.nan, dtype=np.float32) for name in run.variables}
    begins = {int(f.days[0]) for f in run.files}
    for file in run.files:
        rows = np.searchsorted(bands.cell_id, file.bands.cell_id)
        held = file.days
        if held.size > 1 and int(held[-1]) in begins:
            held = held[:-1]
        with netCDF4.Dataset(file.path) as dataset:
            for name in run.variables:
                found = _daily(file, dataset, name, held)
                target = np.ix_(rows, held - first)
                before = values[name][target]
                if (different := ~np.isnan(before) & ~np.isnan(found) & (before != found)).any():
                    day = times.date(int(held[different.any(axis=0).argmax()]), file.calendar)
                    raise UserError(
                        f"{file.path.name}, {name}: another file of the run has other values, first on {day}. Keep "
                        "the right one; nothing was loaded."
                    )
                values[name][target] = np.where(np.isnan(found), before, found)
    return days, values


def _daily(file: SnowFile, dataset: netCDF4.Dataset, name: str, held: Ints) -> Floats:
    """A variable (bands, days held) from the steps of a file."""
    reading, variable = READINGS[name], VARIABLES[name]
    steps = np.flatnonzero(np.isin(file.step_days, held))
    total = np.zeros((steps.size, file.points.size))
    for stored in reading.stored:
        unit = str(getattr(dataset[stored], "units", ""))
        converted = conversion(variable, unit)
        if converted is None:
            known = ", ".join(variable.units)
            raise UserError(f"{file.path.name}, {stored}: unknown unit {unit!r}; expected one of {known}, or a synonym")
        raw = np.ma.filled(np.ma.asarray(dataset[stored][:], dtype=np.float64), np.nan)[:, file.points][steps]
        raw[np.abs(raw) >= MISSING] = np.nan
        total += raw * converted[0] + converted[1]
    by_day = total.reshape(held.size, file.steps_per_day, file.points.size)
    if reading.of_day == "min":
        return np.asarray(by_day.min(axis=1).T, dtype=np.float32)
    whole_day = by_day.max(axis=1) if reading.of_day == "max" else by_day.mean(axis=1)
    return np.asarray(whole_day.T, dtype=np.float32)
