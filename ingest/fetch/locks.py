"""What is here of a source: ``data/raw/<id>/<id>.lock`` (JSON), and the file lock that keeps two fetches apart.

The record holds addresses, dates, sizes and hashes; never a token, a password or a signed address.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from climart import paths
from climart.errors import UserError
from climart.files import atomic_text
from ingest import lake
from ingest.fetch.failures import Reason
from ingest.fetch.transfer import Known

UNPACKED = ".unpacked"  # beside a source's files: what its archives hold, for the readers


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HeldFile(_Record):
    """A file that is here, as it was when it came."""

    url: str
    etag: str | None
    last_modified: str | None
    bytes: int
    sha256: str
    rows: int | None
    fetched_at: datetime

    def known(self) -> Known:
        """What to tell its producer, to learn whether it has changed."""
        return Known(self.etag, self.last_modified, self.bytes)


class Failure(_Record):
    """Why the last try did not succeed."""

    at: datetime
    reason: Reason
    message: str


class Lock(_Record):
    """All that is here of a source. ``ingested``: the state that the lake was last loaded from."""

    source: str
    checked_at: datetime | None = None
    selections: list[dict[str, list[str]]] = []
    files: dict[str, HeldFile] = {}
    failure: Failure | None = None
    ingested: str | None = None

    @property
    def state(self) -> str:
        """A hash that changes with any file."""
        content = json.dumps(sorted((name, file.sha256) for name, file in self.files.items()))
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def fetched_at(self) -> datetime | None:
        """When the newest file came."""
        return max((file.fetched_at for file in self.files.values()), default=None)


def folder(source_id: str) -> Path:
    """Where a source's files are."""
    return paths.inside(paths.raw(), source_id)


def path(source_id: str) -> Path:
    """Where a source's record is."""
    return folder(source_id) / f"{source_id}.lock"


def load(source_id: str) -> Lock:
    """The record of a source, empty before its first fetch. Raises UserError if the file is broken."""
    where = path(source_id)
    if not where.exists():
        return Lock(source=source_id)
    try:
        return Lock.model_validate_json(where.read_bytes())
    except ValidationError as error:
        raise UserError(
            f"{where.name}: not the record of a fetch any more ({error.error_count()} fault(s)). Remove it, and "
            f"`climart fetch {source_id}` will bring the files again."
        ) from error


def save(lock: Lock) -> None:
    """Write the record, atomically."""
    atomic_text(path(lock.source), lock.model_dump_json(indent=1) + "\n")


def here() -> list[Lock]:
    """The record of every source that has one."""
    found = sorted(paths.raw().glob("*/*.lock")) if paths.raw().is_dir() else []
    return [load(one.stem) for one in found if one.stem == one.parent.name]


@contextmanager
def exclusive(source_id: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Be the only process that fetches this source. ``waiting`` is called once where another one is at it."""
    busy = folder(source_id) / ".busy"
    busy.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(busy)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def now() -> datetime:
    """This second, UTC."""
    return datetime.now(UTC).replace(microsecond=0)


def provenance(file: Path, sha256: str) -> dict[str, Any]:
    """``url`` and ``fetched_at`` for the lake's ``source_file``; empty where no fetch brought the file as it is."""
    resolved, raw = file.resolve(), paths.raw().resolve()
    if raw not in resolved.parents:
        return {}
    source_id, *parts = resolved.relative_to(raw).parts
    where = path(source_id)
    if not where.exists():
        return {}
    files = _load(where, where.stat().st_mtime_ns).files
    if parts[0] == UNPACKED:  # .unpacked/<hash of the archive>/<member>
        held = next((one for one in files.values() if one.sha256 == parts[1]), None)
        return {"url": f"{held.url}#{parts[-1]}", "fetched_at": held.fetched_at} if held else {}
    held = files.get("/".join(parts))
    return {"url": held.url, "fetched_at": held.fetched_at} if held and held.sha256 == sha256 else {}


@lru_cache(maxsize=8)
def _load(where: Path, changed_at: int) -> Lock:
    return load(where.stem)


def record_states() -> None:
    """Write the lake's ``source_state`` from the records: which producer answered when, and which source is stale.

    Left alone where nothing but the date of the last check has moved: a check that finds nothing new builds nothing.
    """
    rows = [
        {
            "source_id": lock.source,
            "checked_at": lock.checked_at,
            "is_stale": lock.failure is not None,
            "stale_reason": lock.failure.reason if lock.failure else None,
        }
        for lock in here()
        if lock.files
    ]
    if _without_check(rows) != _without_check(lake.read("source_state").to_pylist()):
        lake.write("source_state", pa.Table.from_pylist(rows, schema=lake.SCHEMAS["source_state"]))


def _without_check(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(({k: v for k, v in row.items() if k != "checked_at"} for row in rows), key=itemgetter("source_id"))
