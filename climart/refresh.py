"""Fetch → ingest → build → publish, only what changed. A source that fails keeps its last good version, as stale."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from climart.errors import UserError
from ingest import fetch, loading
from ingest.fetch import locks
from ingest.fetch.client import Policy
from ingest.fetch.failures import Reason, redacted
from ingest.registry import Source, sources
from mart import build as building
from mart import publish as publishing

Say = Callable[[str], None]


@dataclass
class Refreshed:
    """What a refresh did. ``stale``: source → why it keeps its last good version."""

    fetched: dict[str, int] = field(default_factory=dict)  # source → new files
    unchanged: list[str] = field(default_factory=list)
    loaded: dict[str, str] = field(default_factory=dict)
    by_hand: dict[str, str] = field(default_factory=dict)  # source → the verb, or what is to be written
    stale: dict[str, str] = field(default_factory=dict)
    built: building.Built | None = None
    published: publishing.Published | None = None


def refresh(
    source_ids: Iterable[str] = (),
    *,
    policy: Policy | None = None,
    watch: fetch.Watch = lambda *_: None,
    say: Say = lambda _: None,
    publish: bool = True,
) -> Refreshed:
    """Ask the producers of what is here for what is new, then load, build and publish what has changed.

    ``source_ids``: only these; by default every source that was fetched before, each as it was asked for then.
    Raises UserError where nothing was ever fetched, BuildFailed where the new data do not pass the tests: then nothing
    is published, and the stable release stays.
    """
    chosen = [fetch.source_of(name) for name in source_ids] or [
        sources()[lock.source] for lock in locks.here() if lock.files and lock.source in sources()
    ]
    chosen = [source for source in chosen if source.fetch]
    if not chosen:
        raise UserError("nothing was fetched yet: `climart fetch SOURCE`, then `climart refresh` keeps it up to date.")
    done = Refreshed()
    for source in chosen:
        say(source.id)
        _renew(source, done, policy, watch)
        _load(source, done)
    locks.record_states()  # once, when all is known: a state that goes and comes back is no change
    say("build")
    done.built = building.build()
    if publish:
        say("publish")
        done.published = publishing.publish()
    return done


def _renew(source: Source, done: Refreshed, policy: Policy | None, watch: fetch.Watch) -> None:
    selections = locks.load(source.id).selections or [{}]
    n_new = 0
    for selection in selections:
        try:
            report = fetch.fetch(source, selection, policy=policy, watch=watch)
        except UserError as error:  # what was asked once cannot be asked any more
            _mark(source, done, "misconfigured", error)
            break
        n_new += len(report.fetched)
        if report.failures:
            done.stale[source.id] = str(report.failures[0])
            break  # the record keeps this failure, which a later selection would wipe out
    if n_new:
        done.fetched[source.id] = n_new
    elif source.id not in done.stale:
        done.unchanged.append(source.id)


def _load(source: Source, done: Refreshed) -> None:
    """Load what came since the lake was last loaded. A reader that refuses leaves the lake as it was."""
    lock = locks.load(source.id)
    if not lock.files or lock.ingested == lock.state:
        return
    try:
        said = loading.load(source, lock)
    except UserError as error:
        _mark(source, done, "reader_refused", error)
        return
    if said is None:
        wants = f", which wants {source.reader_wants}" if source.reader_wants else ""
        done.by_hand[source.id] = source.reader_missing or f"`climart ingest {source.reader}`{wants}"
        return
    with locks.exclusive(source.id):
        now = locks.load(source.id)
        now.ingested = lock.state  # of the files that were read, whatever another process fetched in the meantime
        if now.failure and now.failure.reason == "reader_refused":
            now.failure = None
        locks.save(now)
    done.loaded[source.id] = said


def _mark(source: Source, done: Refreshed, reason: Reason, error: UserError) -> None:
    """Remember why a source could not be renewed."""
    with locks.exclusive(source.id):
        lock = locks.load(source.id)
        lock.failure = locks.Failure(at=locks.now(), reason=reason, message=redacted(str(error)))
        locks.save(lock)
    done.stale[source.id] = redacted(str(error))
