"""What ``climart fetch``, ``status`` and ``refresh`` say, and the progress they show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TransferSpeedColumn

from climart.errors import UserError
from ingest import fetch as fetching
from ingest.fetch import locks
from ingest.fetch.plan import Selection
from ingest.registry import Source, sources

Chosen = list[tuple[Source, Selection]]


def choose(
    source: str | None,
    named: Mapping[str, Sequence[str] | None],
    only: Sequence[str],
    *,
    every: bool,
    profile: str,
) -> Chosen:
    """The sources that a call names, each with its selection. Raises UserError where the call does not add up."""
    selection = {name: tuple(values) for name, values in named.items() if values}
    for text in only:
        facet, found, value = text.partition("=")
        if not found:
            raise UserError(f"--only {text}: expected FACET=VALUE, such as ensemble=ALPX-3.")
        selection[facet] = (*selection.get(facet, ()), value)
    if every == (source is not None):
        raise UserError("name one source, or --all. `climart status --all --offline` lists them.")
    if source is not None:
        return [(fetching.source_of(source), selection)]
    plain = unicodedata.normalize("NFD", profile).encode("ascii", "ignore").decode()
    if set(selection) - {"departement"}:
        raise UserError("--all takes --departement only: what else it asks for is its profile's.")
    if plain == "departemental":
        return fetching.of_profile("departemental", selection.get("departement", ()))
    if plain == "national":
        return fetching.of_profile("national", selection.get("departement", ()))
    raise UserError(f"--profile {profile}: expected départemental or national.")


def foresee(chosen: Chosen, out: Console) -> None:
    """Say what would come, and how large: exactly where the producer says so, with ≈ where the registry guesses."""
    total, unknown = 0, 0
    for source, selection in chosen:
        try:
            foreseen = fetching.foresee(source, selection)
        except UserError as error:
            if len(chosen) == 1:
                raise
            out.print(f"{source.id}: {error}", markup=False, soft_wrap=True)
            continue
        out.print(f"{source.id}: {len(foreseen)} file(s), {source.licence}", markup=False, soft_wrap=True)
        for one in foreseen:
            mark = "" if one.item.family.evidence != "unverified" else "  (address unverified)"
            here = "  (here already)" if one.is_here else ""
            guessed = one.bytes is None and one.about_bytes is not None
            size = f"{'≈' if guessed else ''}{size_of(one.about_bytes)}"
            out.print(f"  {size:>10}  {one.item.name}{here}{mark}", markup=False, soft_wrap=True)
            total += one.about_bytes or 0
            unknown += one.about_bytes is None
    out.print(f"Total: {size_of(total)}" + (f", and {unknown} file(s) of unknown size." if unknown else "."))


def fetch(chosen: Chosen, out: Console, err: Console) -> None:
    """Fetch, source after source. Raises UserError at the end, with every failure, where there was one."""
    failures: list[str] = []
    for source, selection in chosen:
        with _bars(err) as watch:
            try:
                done = fetching.fetch(source, selection, watch=watch, waiting=partial(_waiting, source, err))
            except UserError as error:
                if len(chosen) == 1:
                    raise
                failures.append(f"{source.id}: {error}")
                continue
        absent = f", {len(done.absent)} that the producer does not have" if done.absent else ""
        out.print(
            f"{source.id}: {len(done.fetched)} file(s) fetched ({size_of(done.bytes)}), {len(done.unchanged)} unchanged"
            f"{absent}.",
            soft_wrap=True,
        )
        failures += [f"{source.id}: {failure}" for failure in done.failures]
    locks.record_states()
    if failures:
        raise UserError(
            f"{len(failures)} failure(s); what was here before stays, and the next call goes on:\n"
            + "\n".join(failures)
        )


def status(names: Sequence[str], out: Console, *, every: bool, ask: bool, thorough: bool) -> None:
    """Per source: files, size, age, damage, what changed at its producer, the last failure."""
    known = sources()
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"no source {', '.join(unknown)}: there are {', '.join(known)}.")
    here = {lock.source for lock in locks.here()}
    chosen = list(names) or [name for name in known if every or name in here]
    if not chosen:
        out.print("Nothing was fetched yet. `climart status --all --offline` lists the sources.")
    for name in chosen:
        source = known[name]
        if name not in here:
            how = "`climart fetch` brings it" if source.fetch else source.order
            out.print(f"{name:<24} nothing here; {how}", markup=False, soft_wrap=True)
            continue
        now = fetching.status(source, ask=ask, thorough=thorough)
        age = _age(now.lock.fetched_at)
        out.print(
            f"{name:<24} {len(now.lock.files)} file(s), {size_of(now.bytes)}, fetched {age}, cadence: {source.cadence}",
            markup=False,
            soft_wrap=True,
        )
        for words, files in (
            ("damaged here", now.damaged),
            ("renewed upstream", now.changed),
            ("new upstream", now.added),
        ):
            if files:
                out.print(f"  {words}: {', '.join(files[:5])}{_more(files)}", markup=False, soft_wrap=True)
        if ask and not now.failure and not now.changed and not now.added:
            rest = f" ({now.unknown} file(s) whose producer does not say)" if now.unknown else ""
            out.print(f"  nothing new upstream{rest}")
        if now.failure:
            out.print(f"  its producer could not be asked: {now.failure}", markup=False, soft_wrap=True)
        if failure := now.lock.failure:
            out.print(f"  last fetch failed, {_age(failure.at)}: {failure.message}", markup=False, soft_wrap=True)


def refresh(names: Sequence[str], out: Console, err: Console, *, publish: bool) -> None:
    """Refresh, and say what was new, what was loaded, what is stale, what was built and published."""
    from climart import refresh as refreshing

    with _bars(err) as watch:
        done = refreshing.refresh(names, watch=watch, say=lambda step: err.print(f"… {step}"), publish=publish)
    for name, n in done.fetched.items():
        out.print(f"{name}: {n} new file(s).")
    if done.unchanged:
        out.print(f"Unchanged: {', '.join(done.unchanged)}.", soft_wrap=True)
    for name, said in done.loaded.items():
        out.print(f"{name} loaded: {said}.", markup=False, soft_wrap=True)
    for name, said in done.by_hand.items():
        out.print(f"{name} is not loaded by itself: {said}.", markup=False, soft_wrap=True)
    for name, why in done.stale.items():
        out.print(f"{name} keeps its last good version (stale): {why}", markup=False, soft_wrap=True)
    if done.built:
        out.print("Build: unchanged." if done.built.unchanged else f"Build: {done.built.rebuilt_runs} run(s) computed.")
    if done.published:
        word = "unchanged" if done.published.unchanged else "published"
        out.print(f"Release {done.published.folder.name}: {word}.")


def _waiting(source: Source, err: Console) -> None:
    err.print(f"{source.id}: another climart fetches it; waiting for it to end.")


@contextmanager
def _bars(err: Console) -> Iterator[fetching.Watch]:
    """A bar per file under way, on standard error; yields the function that moves them."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def watch(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done, total=total, visible=total is None or done < total)

        yield watch


def size_of(n: int | None) -> str:
    """A size in bytes for a reader: 1 234 567 → 1.2 MB; a question mark where nobody knows it."""
    if n is None:
        return "?"
    value = float(n)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _age(at: datetime | None) -> str:
    if at is None:
        return "never"
    days = (locks.now() - at).days
    return "today" if days < 1 else f"{days} day(s) ago ({at:%Y-%m-%d})"


def _more(files: Sequence[str]) -> str:
    return f" and {len(files) - 5} more" if len(files) > 5 else ""
