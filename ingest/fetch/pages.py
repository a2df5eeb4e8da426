"""Rows from an API that gives them in pages: every page once, as many rows as announced, about what was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urljoin

from ingest.addresses import Envelope, Family, envelopes
from ingest.fetch.client import Client
from ingest.fetch.failures import FetchFailed, public
from ingest.fetch.plan import Question

Parameters = tuple[tuple[str, str], ...]
Check = Callable[[list[dict[str, Any]], Parameters], None]


def rows(client: Client, question: Question, family: Family, check: Check, today: date) -> Iterator[dict[str, Any]]:
    """Every row of the answer to one question, a feature of a GeoJSON as its properties and geometry.

    ``check`` sees each page with what was asked, before its rows go on. Raises FetchFailed where pages are missing,
    repeated, cut at a cap that cannot be split, or not pages.
    """
    assert family.envelope is not None
    envelope = envelopes()[family.envelope]
    if family.split is None:
        yield from answer(client, question, envelope, check, family.contract.answer_max)
        return
    yield from _period(client, question, family, envelope, check, date.fromisoformat(family.split.since), today)


def _period(
    client: Client, question: Question, family: Family, envelope: Envelope, check: Check, start: date, end: date
) -> Iterator[dict[str, Any]]:
    """The rows of a period, in two halves where the answer passes the cap."""
    assert family.split is not None
    bounds = ((family.split.start, start.isoformat()), (family.split.end, end.isoformat()))
    part = Question(question.url, (*question.parameters, *bounds))
    try:
        # Whole before it goes on: a total that passes the cap is only known from the first page.
        found = list(answer(client, part, envelope, check, family.contract.answer_max))
    except _Capped as capped:
        if start >= end:
            raise FetchFailed(f"{public(part.url)}: {capped}, on the one day {start}.", "wrong_content") from capped
        middle = start + (end - start) // 2
        yield from _period(client, question, family, envelope, check, start, middle)
        yield from _period(client, question, family, envelope, check, middle + timedelta(days=1), end)
        return
    yield from found


class _Capped(FetchFailed):
    """More rows than the producer ever gives for one question."""


def answer(
    client: Client, question: Question, envelope: Envelope, check: Check, most: int | None = None
) -> Iterator[dict[str, Any]]:
    """Every row of the answer to one question, page after page. Raises FetchFailed as ``rows`` does.

    ``most``: an answer that announces or gives more rows is the whole base, the question ignored.
    """
    asked = question.parameters
    url = question.url
    base = (*asked, *((name, str(size)) for name, size in envelope.size.items()))
    parameters = (*base, *_turn(envelope, 0, 0))
    total: int | None = None
    seen, n_page = 0, 0
    visited: set[tuple[str, Parameters]] = set()
    while True:
        where = f"{public(url)}, page {n_page + 1}"
        if (url, parameters) in visited:
            raise FetchFailed(f"{where}: the address of a page that came already.", "wrong_content")
        visited.add((url, parameters))
        content = _json(client, url, parameters, envelope, where)
        if not envelope.rows:
            check([], asked)
            yield {"asked": dict(asked), "answer": content}
            return
        found = _features(_at(content, envelope.rows))
        if found is None:
            raise FetchFailed(
                f"{where}: no list of rows at {envelope.rows!r}: {_shown(content)}. The API changed its envelope "
                "(ingest/envelopes.yml), or says an error.",
                "wrong_content",
            )
        announced = _number(_at(content, envelope.total))
        if n_page == 0:
            total = announced
            if most is not None and max(total or 0, len(found)) > most:
                raise FetchFailed(
                    f"{where}: {max(total or 0, len(found))} rows, where {most} is the most that one answer can hold: "
                    "the API ignores the question and gives its whole base.",
                    "wrong_content",
                )
            if envelope.cap and total is not None and total > envelope.cap:
                raise _Capped(f"{where}: {total} rows, and never more than {envelope.cap} are given", "wrong_content")
        elif announced is not None and announced != total:
            raise FetchFailed(
                f"{where}: {announced} rows announced, {total} before: the base changed while it was read. Try again.",
                "wrong_content",
            )
        echo = _number(_at(content, envelope.echo))
        if echo is not None and echo != envelope.first + n_page:
            raise FetchFailed(
                f"{where}: page {echo} came, {envelope.first + n_page} was asked for: the API ignores the page number.",
                "wrong_content",
            )
        check(found, asked)
        yield from found
        seen += len(found)
        n_page += 1
        following = _next(content, envelope, url, found, seen, total)
        if following is None:
            break
        url, parameters = (following, ()) if envelope.next else (url, (*base, *_turn(envelope, n_page, seen)))
    if total is not None and seen != total:
        raise FetchFailed(
            f"{public(question.url)}: {seen} rows came, {total} were announced: the answer is cut.", "wrong_content"
        )


def _turn(envelope: Envelope, n_page: int, seen: int) -> Parameters:
    """The parameter that asks for the page after ``seen`` rows."""
    if envelope.page:
        return ((envelope.page, str(envelope.first + n_page)),)
    if envelope.offset:
        return ((envelope.offset, str(seen)),)
    return ()


def _next(
    content: object, envelope: Envelope, url: str, found: Sequence[object], seen: int, total: int | None
) -> str | None:
    """The next page's address (the same where a parameter turns the page), or None after the last."""
    if envelope.next:
        if envelope.last and _at(content, envelope.last) is True:
            return None
        following = _at(content, envelope.next)
        return urljoin(url, following) if isinstance(following, str) and following else None
    if not found:
        return None
    if total is not None:
        return url if seen < total else None
    return url if len(found) >= min(envelope.size.values(), default=1) else None


def _json(client: Client, url: str, parameters: Parameters, envelope: Envelope, where: str) -> object:
    body, response = client.read(url, parameters)
    if not body.strip():
        if envelope.empty == "no_zone":
            return None
        raise FetchFailed(f"{where}: an empty answer with status {response.status_code}.", "wrong_content")
    try:
        return json.loads(body)
    except ValueError as error:
        page = body.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))
        what = "a web page" if page else f"not JSON ({_shown(body[:80].decode(errors='replace'))})"
        raise FetchFailed(f"{where}: {what} with status {response.status_code}.", "wrong_content") from error


def _features(found: object) -> list[dict[str, Any]] | None:
    """Rows as flat objects: a GeoJSON feature's properties, with its geometry."""
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        return None
    return [
        {**row["properties"], "geometry": row.get("geometry")} if row.get("type") == "Feature" else row for row in found
    ]


def _at(content: object, path: str | None) -> object:
    """The value at a dotted path, None where there is none."""
    for part in path.split(".") if path else ():
        if not isinstance(content, dict):
            return None
        content = content.get(part)
    return content if path else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _shown(content: object) -> str:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    return text[:120]
