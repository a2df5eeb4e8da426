"""From a source's addresses to data/raw/<source>/: what would come, what comes, what changed upstream.

The registry says what to ask (``ingest/sources/<id>.yml``, key ``fetch``); each module of this package does one thing:
``plan`` and ``listings`` find the files, ``client`` and ``transfer`` bring them, ``pages`` reads what comes in pages,
``contract`` checks them at the door, ``locks`` remembers them.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from climart import paths
from climart.errors import UserError
from climart.files import settle, sha256_of
from ingest.addresses import Profile
from ingest.fetch import contract, copernicus, listings, locks, pages, plan
from ingest.fetch.client import Client, Policy
from ingest.fetch.failures import FetchFailed, public
from ingest.fetch.plan import Item, Question, Selection
from ingest.fetch.transfer import Known, Transferred, download
from ingest.registry import Source, sources

Watch = Callable[[str, int, int | None], None]  # file, bytes so far, bytes in all
Orders = dict[str, tuple[str, dict[str, object]]]  # file → dataset of the Copernicus store, request


@dataclass
class Report:
    """What a fetch did, for the command line to say."""

    fetched: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)  # the producer has no such file, which may be
    failures: list[FetchFailed] = field(default_factory=list)
    bytes: int = 0


@dataclass(frozen=True)
class Foreseen:
    """A file that would come. ``bytes``: as its producer says now; ``about_bytes``: as the registry knows."""

    item: Item
    bytes: int | None
    is_here: bool

    @property
    def about_bytes(self) -> int | None:
        return self.bytes if self.bytes is not None else self.item.about_bytes


def source_of(source_id: str) -> Source:
    """The source of the registry. Raises UserError where there is none, or where it has no address."""
    known = sources()
    if source_id not in known:
        raise UserError(f"no source {source_id!r}. `climart status --all` lists them: {', '.join(known)}.")
    source = known[source_id]
    if source.fetch is None:
        raise UserError(f"{source_id} has no address. {source.order}")
    return source


def of_profile(profile: Profile, departements: Sequence[str]) -> list[tuple[Source, Selection]]:
    """The sources of a profile, each with what the profile asks of it, narrowed to the départements named."""
    if profile == "departemental" and not departements:
        raise UserError("the profile départemental wants --departement CODE (several may be given).")
    chosen: list[tuple[Source, Selection]] = []
    for source in sources().values():
        if source.fetch is None or profile not in source.fetch.profiles:
            continue
        selection = dict(source.fetch.profiles[profile])
        if departements and "departement" in plan.facet_names(source):
            selection["departement"] = tuple(departements)
        chosen.append((source, selection))
    return chosen


def foresee(source: Source, selection: Selection, *, policy: Policy | None = None) -> list[Foreseen]:
    """What would come, and how large, as its producer says (HEAD); nothing is written."""
    client = _client(source, policy or Policy())
    lock = locks.load(source.id)
    items, orders = _resolve(client, source, selection)

    def size(item: Item) -> int | None:
        if item.bytes is not None or item.family.envelope or item.family.first or item.name in orders:
            return item.bytes
        headers = _head(client, item)
        length = (headers or {}).get("Content-Length", "")
        return int(length) if length.isdigit() else None

    with ThreadPoolExecutor(_workers(source)) as pool:
        sizes = list(pool.map(size, items))
    return [Foreseen(item, n, _held(source, item.name, lock) is not None) for item, n in zip(items, sizes, strict=True)]


def fetch(
    source: Source,
    selection: Selection,
    *,
    policy: Policy | None = None,
    watch: Watch = lambda *_: None,
    waiting: Callable[[], None] = lambda: None,
) -> Report:
    """Bring what the selection names, several files at a time, each whole and checked or not at all.

    A file that fails leaves the previous one in its place and the others go on; ``Report.failures`` says which.
    ``waiting`` is called where another process fetches this source: then this one waits for it to end.
    """
    plan.check(source, selection)
    with locks.exclusive(source.id, waiting):
        lock = locks.load(source.id)
        asked = {name: sorted(values) for name, values in sorted(selection.items())}
        if asked not in lock.selections:
            lock.selections.append(asked)
        report = Report()
        client = _client(source, policy or Policy())
        try:
            items, orders = _resolve(client, source, selection)
            _bring_all(client, source, items, orders, lock, report, watch)
        except FetchFailed as error:
            report.failures.append(error)
        finally:
            client.close()
        if report.failures:
            first = report.failures[0]
            lock.failure = locks.Failure(at=locks.now(), reason=first.reason, message=str(first))
        else:
            lock.checked_at = locks.now()
            refused = lock.failure is not None and lock.failure.reason == "reader_refused"
            if report.fetched or not refused:  # what a reader refused is no better for having come unchanged
                lock.failure = None
        locks.save(lock)
    return report


def _bring_all(
    client: Client, source: Source, items: list[Item], orders: Orders, lock: locks.Lock, report: Report, watch: Watch
) -> None:
    writing = threading.Lock()

    def bring(item: Item) -> None:
        held = _held(source, item.name, lock)
        try:
            come = _bring(client, source, item, orders.get(item.name), held, partial(watch, item.name))
        except FetchFailed as error:
            with writing:
                if error.reason == "not_found" and item.family.absent_ok and not held:
                    report.absent.append(item.name)
                else:
                    report.failures.append(error)
            return
        with writing:
            lock.files[item.name] = come
            if held and come.sha256 == held.sha256:
                report.unchanged.append(item.name)
            else:
                report.fetched.append(item.name)
                report.bytes += come.bytes
            locks.save(lock)  # at once: a call that is stopped loses only the files under way

    with ThreadPoolExecutor(_workers(source)) as pool:
        under_way = [pool.submit(bring, item) for item in items]
        try:
            for done in as_completed(under_way):
                done.result()
        except BaseException:
            client.hosts.stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _resolve(client: Client, source: Source, selection: Selection) -> tuple[list[Item], Orders]:
    """Every file that the selection names. Raises UserError where it names none."""
    plan.check(source, selection)
    assert source.fetch is not None
    items: list[Item] = []
    for family in source.fetch.families:
        if plan.wanted(family, selection):
            if missing := [name for name in family.must_name if name not in selection]:
                raise UserError(f"{source.id} is too large to come whole: name {', '.join('--' + m for m in missing)}.")
            found = listings.items(client, family, selection) if family.listing else None
            items += found if found is not None else plan.expand(family, selection, date.today())
    orders: Orders = {}
    for order in source.fetch.copernicus:
        for item, request in copernicus.items(order, selection):
            items.append(item)
            orders[item.name] = order.dataset, request
    if not items:
        raise UserError(
            f"{source.id}: nothing fits {_words(selection)}. Without options, --dry-run lists all there is."
        )
    names = [item.name for item in items]
    if doubles := sorted({name for name in names if names.count(name) > 1}):
        raise UserError(
            f"{source.id}: two addresses for one file ({doubles[0]}): correct ingest/sources/{source.id}.yml."
        )
    for name in names:
        try:
            paths.inside(locks.folder(source.id), name)  # names that producers list are not to be trusted
        except ValueError as error:
            raise FetchFailed(
                f"{source.id}: {error}: its producer's list is not to be trusted.", "wrong_content"
            ) from error
    return items, orders


def _bring(
    client: Client,
    source: Source,
    item: Item,
    order: tuple[str, dict[str, object]] | None,
    held: locks.HeldFile | None,
    watch: Callable[[int, int | None], None],
) -> locks.HeldFile:
    """One file: brought to a partial name, checked, then put in its place."""
    folder = locks.folder(source.id)
    final, part = paths.inside(folder, item.name), paths.inside(folder, ".partial", item.name)
    if order is not None:
        if held and held.url == item.url:  # the same order makes the same file, and takes hours
            return held
        location = copernicus.ready(*order, client.policy)
        item = replace(item, questions=(Question(location),))
    if item.family.envelope:
        come = _pages(client, item, part, watch)
    else:
        found = _download(client, item, part, held.known() if held else None, watch)
        if found is None:
            assert held is not None  # only a file that is here can stand unchanged
            return held
        come = found
    asked = [dict(question.parameters) for question in item.questions]
    try:
        rows = contract.check(part, item.family.contract, public(item.url), asked)
    except FetchFailed:
        part.unlink()
        raise
    sha256 = come.digests["sha256"]
    if held and held.sha256 == sha256:
        part.unlink()
        return held.model_copy(update={"etag": come.etag, "last_modified": come.last_modified})
    settle(part, final)
    return locks.HeldFile(
        url=item.family.url if order else _address(item),
        etag=come.etag,
        last_modified=come.last_modified,
        bytes=come.bytes,
        sha256=sha256,
        rows=rows,
        fetched_at=locks.now(),
    )


def _download(
    client: Client, item: Item, part: Path, known: Known | None, watch: Callable[[int, int | None], None]
) -> Transferred | None:
    """A file whose checksum, where one is known, is right; asked for twice before it is refused."""
    family, question = item.family, item.questions[0]
    expected = item.checksum or (f"sha256:{family.sha256}" if family.sha256 else None)
    algorithm, _, digest = (expected or "").partition(":")
    algorithms = ("sha256", algorithm) if algorithm in ("md5", "sha512") else ("sha256",)
    if family.first:
        client = client.fresh()
        facets = dict(item.facets)
        client.read(family.first.url, [(k, v.format_map(facets)) for k, v in family.first.parameters.items()])
    come: Transferred | None = None
    for _ in range(2):
        come = download(
            client,
            question.url,
            question.parameters,
            part,
            known=known,
            expected_bytes=family.bytes or item.bytes,
            algorithms=algorithms,
            watch=watch,
        )
        if come is None or algorithm not in come.digests or come.digests[algorithm] == digest:
            return come
        part.unlink()
    assert come is not None
    raise FetchFailed(
        f"{public(question.url)}: its {algorithm} is {come.digests[algorithm][:16]}…, expected {digest[:16]}…, twice. "
        "The file was replaced or broken on its way: check it, then correct ingest/sources/.",
        "wrong_content",
    )


def _pages(client: Client, item: Item, part: Path, watch: Callable[[int, int | None], None]) -> Transferred:
    """The rows of every question of an item as one JSON list, a row per line."""
    agreed = item.family.contract
    digest, size = hashlib.sha256(), 0

    def check(rows: list[dict[str, Any]], asked: tuple[tuple[str, str], ...]) -> None:
        contract.check_page(rows, agreed, dict(asked), public(item.url))

    def lines() -> Iterator[bytes]:
        before = b"[\n"
        for question in item.questions:
            for row in pages.rows(client, question, item.family, check, date.today()):
                yield before + json.dumps(row, ensure_ascii=False, sort_keys=True).encode()
                before = b",\n"
        yield b"\n]\n" if before == b",\n" else b"[]\n"

    part.parent.mkdir(parents=True, exist_ok=True)
    with part.open("wb") as handle:
        for line in lines():
            handle.write(line)
            digest.update(line)
            size += len(line)
            watch(size, None)
        handle.flush()
        os.fsync(handle.fileno())
    return Transferred(None, None, size, {"sha256": digest.hexdigest()})


@dataclass(frozen=True)
class Status:
    """What is here of a source, and what its producer has."""

    source: Source
    lock: locks.Lock
    damaged: tuple[str, ...]  # files that are gone or were changed since they came
    changed: tuple[str, ...] = ()  # files that the producer has renewed
    added: tuple[str, ...] = ()  # files that the producer has beside
    unknown: int = 0  # files whose producer does not say whether they changed
    failure: str = ""  # why the producer could not be asked

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.lock.files.values())


def status(source: Source, *, ask: bool, thorough: bool = False, policy: Policy | None = None) -> Status:
    """What is here of a source; ``ask`` its producer what changed, without fetching; ``thorough`` hashes each file."""
    lock = locks.load(source.id)
    damaged = tuple(name for name in sorted(lock.files) if not _intact(source, name, lock, thorough))
    if not ask or source.fetch is None or not lock.files:
        return Status(source, lock, damaged)
    client = _client(source, policy or Policy())
    try:
        items = {
            item.name: item for selection in lock.selections or [{}] for item in _resolve(client, source, selection)[0]
        }
    except UserError as error:
        return Status(source, lock, damaged, failure=str(error))
    held = [item for item in items.values() if item.name in lock.files]
    with ThreadPoolExecutor(_workers(source)) as pool:
        verdicts = list(pool.map(lambda item: _upstream(client, item, lock.files[item.name]), held))
    return Status(
        source,
        lock,
        damaged,
        changed=tuple(sorted(item.name for item, verdict in zip(held, verdicts, strict=True) if verdict == "changed")),
        added=tuple(sorted(set(items) - set(lock.files))),
        unknown=verdicts.count("unknown"),
    )


def _upstream(client: Client, item: Item, held: locks.HeldFile) -> Literal["same", "changed", "unknown"]:
    """Whether a producer's file is still the one that is here, by its headers."""
    if item.url == held.url and item.url.startswith(copernicus.STORE):
        return "same"
    if item.family.envelope or item.family.first or item.url.startswith(copernicus.STORE):
        return "unknown"
    headers = _head(client, item)
    if headers is None:
        return "unknown"
    for name, before in (("ETag", held.etag), ("Last-Modified", held.last_modified)):
        now = headers.get(name)
        if now and before:
            return "same" if now == before else "changed"
    length = headers.get("Content-Length")
    return "changed" if length and int(length) != held.bytes else "unknown"


def _head(client: Client, item: Item) -> dict[str, str] | None:
    """The headers of a file, None where its producer does not give them."""
    question = item.questions[0]
    try:
        _, response = client.read(question.url, question.parameters, method="HEAD", attempts=1)
    except FetchFailed:
        return None
    return {
        name: response.headers[name] for name in ("ETag", "Last-Modified", "Content-Length") if name in response.headers
    }


def _address(item: Item) -> str:
    """The address that a file is known by: as it was asked for, before any redirection, and without a secret."""
    question = item.questions[0]
    query = urlencode(question.parameters if len(item.questions) == 1 else (), safe="[]/:,")
    return public(f"{question.url}?{query}" if query else question.url)


def _held(source: Source, name: str, lock: locks.Lock) -> locks.HeldFile | None:
    """The record of a file that is here as it came."""
    return lock.files[name] if _intact(source, name, lock, thorough=False) else None


def _intact(source: Source, name: str, lock: locks.Lock, thorough: bool) -> bool:
    held, path = lock.files.get(name), paths.inside(locks.folder(source.id), name)
    if held is None or not path.is_file() or path.stat().st_size != held.bytes:
        return False
    return not thorough or sha256_of(path) == held.sha256


def _client(source: Source, policy: Policy) -> Client:
    assert source.fetch is not None
    client = Client(policy)
    families = source.fetch.families
    addresses: Iterable[str] = [
        address
        for family in families
        for address in (
            family.url,
            family.listing.url if family.listing else "",
            family.first.url if family.first else "",
        )
    ]
    for host in {urlsplit(address).netloc for address in addresses} - {""}:
        client.hosts.limit(host, source.fetch.parallel, source.fetch.per_second)
    return client


def _workers(source: Source) -> int:
    assert source.fetch is not None
    return source.fetch.parallel


def _words(selection: Selection) -> str:
    return ", ".join(f"{name} {' or '.join(values)}" for name, values in selection.items()) or "its patterns"
