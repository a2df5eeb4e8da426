"""Reader of daily NetCDF: DRIAS-2020 and Explore2, SOCLE-2025, CORDEX, CMIP, E-OBS, SAFRAN.

``describe`` reads what one file holds, without its values; ``plan`` groups files into simulations; ``read_block`` reads
values. Variables are found by CF attributes, then by name. Conventions and traps: formats.md, "Daily NetCDF".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from climart.errors import UserError
from ingest import features, registry, series
from ingest.calendars import Axis, month_lengths
from ingest.readers import filenames, grids, times
from ingest.readers.stored import Packing
from ingest.variables import VARIABLES, Variable, candidates, conversion, named

HISTORICAL = "historical"
OBSERVED = "observed"


@dataclass(frozen=True)
class Run:
    """What names a climate run. Observations have an empty model and the scenario ``observed``."""

    dataset_id: str
    gcm: str
    rcm: str
    member: str
    version: str
    correction: str
    scenario: str


@dataclass(frozen=True)
class FileVariable:
    """One variable of one file."""

    path: Path
    stored_name: str
    variable: str  # canonical name
    unit: str  # as the file writes it
    packing: Packing
    time: times.TimeAxis
    kept: tuple[bool, ...]  # of the stored dimensions, false for a height of length one
    shape: tuple[int, ...]  # of the kept ones: time first, then one or two of space
    chunks: tuple[int, ...] | None  # None: contiguous
    itemsize: int  # bytes of a stored number
    is_hdf5: bool
    grid: grids.Grid
    run: Run
    pet_method: str  # FAO or Hg0175 for evspsblpot, else ''
    notes: tuple[str, ...]  # where name, header and time axis disagree, and what was believed
    refusal: str  # why it cannot be reduced, or ''

    @property
    def where(self) -> str:
        """File and variable, to begin a message."""
        return f"{self.path.name}, {self.stored_name}"

    def index(self, block: tuple[slice, ...]) -> tuple[slice | int, ...]:
        """A block over the kept dimensions as an index into the stored ones."""
        slices = iter(block)
        return tuple(next(slices) if kept else 0 for kept in self.kept)


@dataclass(frozen=True)
class SimulationPlan:
    """The files of one climate run, historical and scenario together, and what can be made of them."""

    run: Run
    files: dict[str, tuple[FileVariable, ...]]  # by variable, in time order
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = field(default=())
    producer_names: dict[str, str] = field(default_factory=dict)  # variables as the producer calls them, for reasons
    # The files as received, with their number of time steps, where ``files`` were made from them.
    origins: dict[Path, int] = field(default_factory=dict)

    @property
    def simulation_id(self) -> str:
        """Dataset and run in one path-safe word."""
        parts = (self.run.gcm, self.run.scenario, self.run.member, self.run.rcm, self.run.version, self.run.correction)
        words = [re.sub(r"[^A-Za-z0-9-]+", "-", part).strip("-") for part in parts if part]
        return ".".join([self.run.dataset_id, "_".join(words)])

    def describe(self, site: series.Site) -> str:
        """What was understood, for a person: grid, calendar, period, variables, gaps, conflicts, refusals."""
        lines = [
            self.simulation_id,
            f"  grid {self.grid.grid_id}, {int((self.grid.cell_id >= 0).sum())} cells; calendar {self.calendar}; "
            f"years {self.year_start}-{self.year_end}",
            "  variables: " + ", ".join(f"{name} ({len(files)} file(s))" for name, files in self.files.items()),
        ]
        missing: dict[str, list[str]] = {}
        catalogue = features.catalogue()
        for feature, reason in catalogue.unavailable(self.resolution(catalogue, site)).items():
            missing.setdefault(reason, []).append(feature)
        lines += [f"  {reason}: {len(ids)} features ({', '.join(ids)})" for reason, ids in sorted(missing.items())]
        lines += [f"  note: {note}" for note in self.notes]
        lines += [f"  REFUSED: {refusal}" for refusal in self.refusals]
        return "\n".join(lines)

    @property
    def _all(self) -> list[FileVariable]:
        return [file for files in self.files.values() for file in files]

    @property
    def grid(self) -> grids.Grid:
        return self._all[0].grid

    @property
    def calendar(self) -> str:
        return self._all[0].time.calendar

    @property
    def year_start(self) -> int:
        return int(min(file.time.first.year for file in self._all))

    @property
    def year_end(self) -> int:
        return int(max(file.time.last.year for file in self._all))

    @property
    def axis(self) -> Axis:
        """All the days of the run's years, those that no file holds included."""
        return Axis(self.calendar, self.year_start, self.year_end)

    @property
    def missing_rule(self) -> str:
        """Which missing days void a window: WMO for stations, M0 for what should have every day."""
        return "WMO" if self.grid.kind == grids.STATIONS else "M0"

    @property
    def pet_method(self) -> str:
        return next((file.pet_method for file in self.files.get("evspsblpot", ())), "")

    def resolution(self, catalogue: features.Catalogue, site: series.Site) -> series.Resolution:
        """How this run, on these cells, can have the series that the features read."""
        wanted = {feature.of for feature in catalogue.features}
        elsewhere = wanted - series.ON_MASSIF_BANDS if self.grid.kind == grids.MASSIF_BANDS else set()
        found = series.resolve(sorted(wanted - elsewhere), self.files.keys(), series.known_of(site, self.axis))
        missing = {name: self._in_producer_words(reason) for name, reason in found.missing.items()}
        return replace(found, missing=missing | dict.fromkeys(elsewhere, series.NOT_ON_MASSIF_BANDS))

    def _in_producer_words(self, reason: str) -> str:
        """``missing_variable:snd`` as the producer would say it: ``missing_variable:DSN_T_ISBA``."""
        kind, _, names = reason.partition(":")
        return ":".join([kind, ",".join(self.producer_names.get(n, n) for n in names.split(","))]) if names else reason


def describe(path: Path) -> list[FileVariable]:
    """The daily variables of a file. Raises UserError for a file that cannot be read or placed in time and space.

    A variable that is understood but cannot be reduced (monthly values, a misplaced grid) has its ``refusal`` set.
    """
    try:
        with netCDF4.Dataset(path) as dataset:
            _check_length(path, dataset)
            return _describe(path, dataset)
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: cannot be read as NetCDF, truncated or corrupt ({error}). Fetch it again.") from error


def _check_length(path: Path, dataset: netCDF4.Dataset) -> None:
    """Refuse a classic file shorter than its header says: the library would read zeros beyond its end."""
    if dataset.data_model.startswith("NETCDF4"):
        return
    fixed = sum(
        v.dtype.itemsize * int(np.prod(v.shape, dtype=np.int64))
        for v in dataset.variables.values()
        if not any(dataset.dimensions[name].isunlimited() for name in v.dimensions)
    )
    records = sum(
        v.dtype.itemsize * int(np.prod(v.shape, dtype=np.int64))
        for v in dataset.variables.values()
        if any(dataset.dimensions[name].isunlimited() for name in v.dimensions)
    )
    if path.stat().st_size < fixed + records:
        raise UserError(
            f"{path}: truncated: {path.stat().st_size} bytes where its variables need at least {fixed + records}. "
            "Fetch it again."
        )


def _describe(path: Path, dataset: netCDF4.Dataset) -> list[FileVariable]:
    found = []
    for variable in dataset.variables.values():
        dims = tuple(name for name in variable.dimensions if not _is_height(dataset, name))
        where = f"{path.name}, {variable.name}"
        time_dims = [name for name in dims if _is_time(dataset, name)]
        if not time_dims or len(dims) < 2 or variable.dtype.kind not in "fiu" or "bnds" in variable.name:
            continue
        name = _recognise(where, variable)
        if name is None:
            continue
        if dims[0] != time_dims[0] or len(dims) > 3:
            raise UserError(f"{where}: dimensions {variable.dimensions}: expected time first, then one or two of space")
        found.append(_file_variable(path, where, dataset, variable, VARIABLES[name], dims))
    if not found:
        raise UserError(f"{path}: no daily variable known here; expected one of {', '.join(VARIABLES)} by CF standard "
                        "name or by name, over time and space")  # fmt: skip
    return found


def _is_height(dataset: netCDF4.Dataset, name: str) -> bool:
    """A dimension of length one that says at what height the values hold."""
    axis = getattr(dataset.variables.get(name), "axis", "")
    return len(dataset.dimensions[name]) == 1 and (axis == "Z" or name.lower() in ("height", "lev", "level", "plev"))


def _is_time(dataset: netCDF4.Dataset, name: str) -> bool:
    variable = dataset.variables.get(name)
    if variable is None:
        return name == "time"
    return (
        getattr(variable, "axis", "") == "T"
        or getattr(variable, "standard_name", "") == "time"
        or " since " in str(getattr(variable, "units", ""))
        or name == "time"
    )


def _recognise(where: str, variable: netCDF4.Variable[Any]) -> str | None:
    """The canonical variable: what the standard name means; where it means several, the one that the name says."""
    by_name = named(variable.name)
    meant = candidates(str(getattr(variable, "standard_name", "")))
    if not meant:
        return by_name
    if by_name is not None and by_name not in meant:
        raise UserError(
            f"{where}: standard_name {variable.standard_name!r} means {' or '.join(meant)}, the name means {by_name}. "
            "Correct whichever is wrong."
        )
    if len(meant) == 1:
        return meant[0]
    if by_name is not None:
        return by_name
    text = f"{getattr(variable, 'cell_methods', '')} {getattr(variable, 'long_name', '')}".lower()
    for word, name in (("maximum", "tasmax"), ("minimum", "tasmin"), ("mean", "tas")):
        if word in text and name in meant:
            return name
    raise UserError(f"{where}: standard_name {variable.standard_name!r} means {' or '.join(meant)}; nothing says which")


def _file_variable(
    path: Path,
    where: str,
    dataset: netCDF4.Dataset,
    variable: netCDF4.Variable[Any],
    canonical: Variable,
    dims: tuple[str, ...],
) -> FileVariable:
    unit = str(getattr(variable, "units", ""))
    converted = conversion(canonical, unit)
    if converted is None:
        known = ", ".join(canonical.units)
        raise UserError(f"{where}: unknown unit {unit!r} for {canonical.name}; expected one of {known}, or a synonym")
    time = times.read(where, dataset, dims[0])
    name = filenames.parse(path.name)
    run, notes = _run(dataset, name, time)
    if canonical.name == "tasmax" and "mean" in str(getattr(variable, "cell_methods", "")):
        notes.append("cell_methods says mean for a maximum: taken as the daily maximum, as its name says")
    if canonical.name == "tasmin" and "mean" in str(getattr(variable, "cell_methods", "")):
        notes.append("cell_methods says mean for a minimum: taken as the daily minimum, as its name says")
    grid = grids.recognise(where, dataset, variable, dims[1:])
    refusal = f"not daily: one value per {time.frequency}" if time.frequency != "day" else grid.fault
    chunks = variable.chunking()
    keep = [i for i, name_ in enumerate(variable.dimensions) if name_ in dims]
    fills = {float(getattr(variable, key)) for key in ("_FillValue", "missing_value") if hasattr(variable, key)}
    return FileVariable(
        path=path,
        stored_name=variable.name,
        variable=canonical.name,
        unit=unit,
        packing=Packing(
            float(getattr(variable, "scale_factor", 1.0)),
            float(getattr(variable, "add_offset", 0.0)),
            *converted,
            tuple(sorted(fill for fill in fills if not np.isnan(fill))),
        ),
        time=time,
        kept=tuple(name_ in dims for name_ in variable.dimensions),
        shape=tuple(variable.shape[i] for i in keep),
        chunks=tuple(chunks[i] for i in keep) if isinstance(chunks, list) else None,
        itemsize=variable.dtype.itemsize,
        is_hdf5=dataset.data_model.startswith("NETCDF4"),
        grid=grid,
        run=run,
        pet_method=name.suffix if canonical.name == "evspsblpot" else "",
        notes=tuple(notes),
        refusal=refusal,
    )


# Header attributes that name the run, in the order of trust. The file name comes before them.
_HEADER = {
    "gcm": ("driving_model_id", "driving_source_id"),
    "scenario": ("driving_experiment_name", "experiment_id", "driving_experiment_id"),
    "member": ("driving_model_ensemble_member", "driving_variant_label", "variant_label"),
    "rcm": ("model_id", "source_id"),
    "version": ("rcm_version_id", "version_realization", "E-OBS_version"),
}


def _run(dataset: netCDF4.Dataset, name: filenames.Name, time: times.TimeAxis) -> tuple[Run, list[str]]:
    """The run, from the name then from the header, and the contradictions between name, header and time axis."""
    header = {
        key: next((str(dataset.getncattr(a)) for a in attributes if a in dataset.ncattrs()), "")
        for key, attributes in _HEADER.items()
    }
    if not header["gcm"]:  # a global model: what CORDEX calls the regional model is the model
        header["gcm"], header["rcm"] = header["rcm"], ""
    notes = []
    chosen = {}
    for key, said in header.items():
        from_name = str(getattr(name, key))
        chosen[key] = from_name or said
        agree = said.lower() in from_name.lower() or from_name.lower() in said.lower()
        if from_name and said and not agree:
            notes.append(f"the name says {key} {from_name}, the header {said}: the name is believed")
    for label, said, found in (("start", name.start, time.first.year), ("end", name.end, time.last.year)):
        if said and int(said) != found:
            notes.append(f"the name says its {label} is {said}, the time axis {found}: the time axis is believed")
    words = " ".join(str(dataset.getncattr(a)) for a in ("summary", "comment", "title") if a in dataset.ncattrs())
    says_365 = re.search(r"365[ _-]?days?|no[ _-]?leap", words, re.IGNORECASE)
    if says_365 and time.calendar == "standard" and _has_leap_day(time):
        notes.append("the header says 365 days, the time axis has leap days: the time axis is believed")
    return (
        Run(
            dataset_id=_dataset_id(dataset, name),
            gcm=chosen["gcm"],
            rcm=chosen["rcm"],
            member=chosen["member"],
            version=chosen["version"],
            correction=name.correction,
            scenario=chosen["scenario"].lower() or OBSERVED,
        ),
        notes,
    )


def _has_leap_day(time: times.TimeAxis) -> bool:
    """Whether a standard axis holds a 29 February."""
    leap_years = [y for y in range(time.first.year, time.last.year + 1) if month_lengths(time.calendar, y)[1] == 29]
    leap_days = [times.day_number(year, time.calendar) + 59 for year in leap_years]
    return bool(np.isin(leap_days, time.days).any())


def _dataset_id(dataset: netCDF4.Dataset, name: filenames.Name) -> str:
    """The dataset that a file belongs to by its convention."""
    attributes = {key: str(dataset.getncattr(key)) for key in dataset.ncattrs()}
    if source := registry.for_netcdf(name.domain, attributes.get("institution", "")):
        return source.id
    if "E-OBS_version" in attributes:
        return "eobs"
    if name.domain or "CORDEX_domain" in attributes:
        return "cordex_" + re.sub(r"\W+", "_", name.domain or attributes["CORDEX_domain"]).lower()
    if attributes.get("project_id") == "CMIP5":
        return "cmip5"
    if attributes.get("mip_era") == "CMIP6":
        return "cmip6"
    if "SAFRAN" in attributes.get("source", ""):
        return "safran"
    return "daily_netcdf"


def find(paths: Iterable[Path]) -> list[Path]:
    """The NetCDF files among ``paths``, folders searched through, in order. A missing path raises UserError."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.rglob("*.nc"))
        elif path.exists():
            found.append(path)
        else:
            raise UserError(f"{path}: no such file or folder")
    if not found:
        raise UserError("no NetCDF file (*.nc) there")
    return found


def plan(
    paths: Sequence[Path], *, dataset_id: str | None = None, pet_method: str | None = None
) -> list[SimulationPlan]:
    """The simulations that files make up: all the variables and periods of a run, its historical part in each scenario.

    ``dataset_id`` replaces the one that the convention of the names gives. ``pet_method`` (FAO or Hg0175) chooses where
    a run has both evapotranspirations, which are never mixed; FAO without it. Raises UserError naming every file that
    cannot be described, with the reason.
    """
    described: list[FileVariable] = []
    faults: list[str] = []
    for path in find(paths):
        try:
            described += describe(path)
        except UserError as error:
            faults.append(str(error))
    if faults:
        raise UserError("Nothing was loaded:\n" + "\n".join(faults))
    if dataset_id:
        described = [replace(file, run=replace(file.run, dataset_id=dataset_id)) for file in described]
    by_run: dict[Run, list[FileVariable]] = {}
    for file in described:
        by_run.setdefault(replace(file.run, scenario=""), []).append(file)
    plans = []
    for run, files in by_run.items():
        scenarios = sorted({file.run.scenario for file in files} - {HISTORICAL}) or [HISTORICAL]
        for scenario in scenarios:
            chosen = [file for file in files if file.run.scenario in (scenario, HISTORICAL)]
            plans.append(_simulation(replace(run, scenario=scenario), chosen, pet_method))
    return sorted(plans, key=lambda p: p.simulation_id)


def _simulation(run: Run, files: list[FileVariable], pet_method: str | None) -> SimulationPlan:
    notes = [f"{file.where}: {note}" for file in files for note in file.notes]
    refusals = [f"{file.where}: {file.refusal}" for file in files if file.refusal]
    methods = sorted({file.pet_method for file in files if file.variable == "evspsblpot"})
    if len(methods) > 1:
        method = pet_method or methods[0]
        named_methods = " and ".join(m or "an unnamed method" for m in methods)
        notes.append(f"evapotranspiration by {named_methods}: {method} is used")
        files = [file for file in files if file.variable != "evspsblpot" or file.pet_method == method]
    calendars = sorted({file.time.calendar for file in files})
    if len(calendars) > 1:
        refusals.append(f"{run.gcm or files[0].path.name}: its files mix the calendars {', '.join(calendars)}")
    grid_ids = sorted({file.grid.grid_id for file in files})
    if len(grid_ids) > 1:
        refusals.append(f"{run.gcm or files[0].path.name}: its files lie on several grids: {', '.join(grid_ids)}")
    by_variable: dict[str, list[FileVariable]] = {}
    for file in sorted(files, key=lambda file: (file.variable, int(file.time.days[0]), file.path.name)):
        by_variable.setdefault(file.variable, []).append(file)
    if run.scenario not in (HISTORICAL, OBSERVED) and not any(f.run.scenario == HISTORICAL for f in files):
        notes.append("no historical file: the run has no reference period")
    return SimulationPlan(
        run, {name: tuple(found) for name, found in by_variable.items()}, tuple(notes), tuple(refusals)
    )
