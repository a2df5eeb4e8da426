"""From fetched files to the lake without a hand: which verb reads which source, and what its archives hold."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from climart import paths
from climart.errors import UserError
from climart.files import atomic
from ingest import appellations, archives, cell_years, exposure, observed, producer_index, published, sim2, stations
from ingest.fetch import locks
from ingest.readers import netcdf
from ingest.readers.parts import COMPANIONS
from ingest.registry import Source


def _netcdf(source: Source, files: Sequence[Path]) -> str:
    done = cell_years.load(netcdf.plan(files, dataset_id=source.id))
    return f"{len(done.reports)} run(s) reduced, {len(done.unchanged)} unchanged"


def _observed(source: Source, files: Sequence[Path]) -> str:
    done = observed.load(source.id, files)
    return ", ".join(f"{n} rows of {table}" for table, n in sorted(done.n_rows.items())) or "no row"


def _drias(source: Source, files: Sequence[Path]) -> str:
    done = producer_index.load(files, replace=True)
    return f"{len(done.loaded)} export(s) loaded, {len(done.already)} unchanged"


def _land(source: Source, files: Sequence[Path]) -> str:
    done = exposure.load_land(list(files), source_id=source.id)
    return ", ".join(f"{amount:.1f} km² of {name}" for name, amount in sorted(done.placed.items()))


def _appellations(source: Source, files: Sequence[Path]) -> str:
    done = appellations.load(list(files), source.id)
    return f"{done.n_parcels} parcels of {len(done.areas)} appellations"


def _published(source: Source, files: Sequence[Path]) -> str:
    done = published.load(source.id, files)
    return f"{len(done.n_rows)} indices, {sum(done.n_rows.values())} rows"


def _sim2(source: Source, files: Sequence[Path]) -> str:
    done = sim2.load(files).reduced
    return f"{len(done.reports)} run(s) reduced, {len(done.unchanged)} unchanged"


def _stations(source: Source, files: Sequence[Path]) -> str:
    done = stations.load(files)
    return f"{sum(done.n_stations.values())} stations of {len(done.n_stations)} département(s)"


# By the verb of `climart ingest` that a source names as its reader. Each returns what it did, in words.
LOADERS: dict[str, Callable[[Source, Sequence[Path]], str]] = {
    "netcdf": _netcdf,
    "observed": _observed,
    "drias": _drias,
    "land": _land,
    "appellations": _appellations,
    "published": _published,
    "sim2": _sim2,
    "stations": _stations,
}


def load(source: Source, lock: locks.Lock) -> str | None:
    """Load what was fetched of a source into the lake; None where its reader is missing or wants a hand.

    Raises UserError, with the lake as it was, where a reader refuses a file.
    """
    if source.reader not in LOADERS or source.reader_wants or not lock.files:
        return None
    return LOADERS[source.reader](source, files(source, lock))


def files(source: Source, lock: locks.Lock) -> list[Path]:
    """The fetched files as the readers want them: those of an archive in the place of the archive."""
    folder = locks.folder(source.id)
    _forget_unpacked(folder / locks.UNPACKED, {held.sha256 for held in lock.files.values()})
    found: list[Path] = []
    for name in sorted(lock.files):
        path = paths.inside(folder, name)
        members = _unpacked(source, path, lock.files[name].sha256) if path.suffix == ".zip" else []
        found += members or [path]
    return found


def _unpacked(source: Source, archive: Path, sha256: str) -> list[Path]:
    """The members that the contracts speak of, each once, under their own names and the archive's, and nowhere else.

    What belongs to a shapefile comes with it. Raises UserError where two of them, such as in two
    folders, have one name.
    """
    assert source.fetch is not None
    agreed = [family.contract for family in source.fetch.families] + [o.contract for o in source.fetch.copernicus]
    patterns = {contract.member for contract in agreed if contract.member}
    target = paths.inside(locks.folder(source.id), locks.UNPACKED, sha256, archive.stem)
    found = []
    taken: dict[str, str] = {}  # name → the member that has it
    with zipfile.ZipFile(archive) as content:
        names = content.namelist()
        wanted = [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]
        shapes = {PurePosixPath(name).with_suffix("") for name in wanted if name.lower().endswith(".shp")}
        for name in names:
            member = PurePosixPath(name)
            belongs = member.suffix.lower() in COMPANIONS and member.with_suffix("") in shapes
            if name not in wanted and not belongs:
                continue
            if member.name in taken:
                raise UserError(
                    f"{archive.name}: {taken[member.name]} and {name} have the same name, and one would take the place "
                    "of the other. Unpack the one that is to be read and give it to `climart ingest`."
                )
            taken[member.name] = name
            path = paths.inside(target, member.name)
            if not path.exists():
                with atomic(path) as handle:
                    archives.unpack(content, content.getinfo(name), handle, archives.MAX_UNPACKED)
            if not belongs:
                found.append(path)
    return found


def _forget_unpacked(folder: Path, current: set[str]) -> None:
    for old in folder.iterdir() if folder.is_dir() else ():
        if old.name not in current:
            shutil.rmtree(old)
