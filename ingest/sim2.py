"""Loads SIM2, the observed reference on the 8 km grid, through the engine that reduces the projections.

Each yearly CSV becomes a daily NetCDF in ``data/derived/sim2`` (kept, so that a new year reads one file), then all the
years are one run of dataset ``sim2``, reduced like any other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from climart import paths
from climart.errors import UserError
from climart.files import atomic_text, sha256_of
from ingest import cell_years
from ingest.readers import netcdf, sim2

DATASET = "sim2"
LATEST = "latest"  # in the name of the file of the last 60 days: no whole year, and revised later


@dataclass(frozen=True)
class Loaded:
    """What a load did."""

    reduced: cell_years.Loaded
    remarks: tuple[str, ...]


def load(
    given: Sequence[Path], *, workers: int | None = None, progress: cell_years.OnProgress = lambda *_: None
) -> Loaded:
    """Read yearly files (all that the run is to hold), or folders of them, and reduce them as one observed run.

    Raises UserError, with nothing in the lake changed, where a file is not as its producer publishes it, or two files
    hold the same year.
    """
    files = [path for item in given for path in (sorted(item.glob("*.csv*")) if item.is_dir() else [item])]
    for path in files:
        if not path.is_file():
            raise UserError(f"{path}: no such file.")
    years = [path for path in files if LATEST not in path.name]
    if not years:
        raise UserError(f"{', '.join(map(str, given))}: no yearly file (QUOT_SIM2_<year>.csv.gz) there to read.")
    remarks = [f"{path.name}: left out, no whole year" for path in files if path not in years]
    folder = paths.inside(paths.derived(), DATASET)
    origins: dict[Path, int] = {}
    by_year: dict[int, Path] = {}
    made: list[Path] = []
    for path in years:
        target = paths.inside(folder, f"{DATASET}_{_stamp(path)}.nc")
        found = _convert(path, target)
        if found.year in by_year:
            raise UserError(f"{path.name} and {by_year[found.year].name} both hold {found.year}: give one of them.")
        by_year[found.year], origins[path] = path, found.n_days
        made.append(target)
        remarks += _remarks(path, found)
    (plan,) = netcdf.plan(made, dataset_id=DATASET)
    reduced = cell_years.load([replace(plan, origins=origins)], workers=workers, progress=progress)
    for old in folder.iterdir():
        if old.with_suffix(".nc") not in made:
            old.unlink()
    return Loaded(reduced, tuple(remarks))


def _stamp(path: Path) -> str:
    """What a derived file depends on: the file as received, the code that reads it."""
    content = sha256_of(path) + sha256_of(Path(str(sim2.__file__)))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _convert(path: Path, target: Path) -> sim2.Converted:
    """Convert a file, or say again what its conversion said."""
    record = target.with_suffix(".json")
    if target.exists() and record.exists():
        known = json.loads(record.read_text())
        return sim2.Converted(**{**known, "unknown": tuple(known["unknown"])})
    found = sim2.convert(path, target)
    atomic_text(record, json.dumps(vars(found), default=list))
    return found


def _remarks(path: Path, found: sim2.Converted) -> list[str]:
    said = []
    if found.n_left_out:
        said.append(f"{path.name}: {found.n_left_out} points off the DRIAS grid left out, {found.n_points} kept")
    if found.n_dew:
        said.append(f"{path.name}: {found.n_dew} evapotranspirations a little below 0 set to 0")
    if found.unknown:
        said.append(f"{path.name}: columns not known, not read: {', '.join(found.unknown)}")
    return said
