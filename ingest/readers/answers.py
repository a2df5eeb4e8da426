"""Saved answers of the Géorisques API v1: rows, whatever the envelope they came in, and no page missing.

Envelope A: {results, page (from 1), total_pages, data[]}. Envelope B (plans): {totalElements, totalPages, pageNumber
(from 0), content[]}. A fetched file is the bare list of the rows of all pages (``ingest.fetch.pages``).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from climart.errors import UserError

Row = dict[str, Any]
# field of the rows → of the number of rows in all, of the number of pages, of the page, the first page's number
ENVELOPES = {
    "data": ("results", "total_pages", "page", 1),
    "content": ("totalElements", "totalPages", "pageNumber", 0),
}


@dataclass(frozen=True)
class _Page:
    path: Path
    rows: list[Row]
    total: int | None  # None: a fetched file, whole
    n_pages: int = 1
    number: int = 0  # from 0


def rows(paths: Sequence[Path]) -> dict[Path, list[Row]]:
    """The rows of each file. Raises UserError where a file is no answer, or a page of an answer is missing or twice."""
    pages = [_page(path) for path in paths]
    _whole([page for page in pages if page.total is not None])
    return {page.path: page.rows for page in pages}


def _page(path: Path) -> _Page:
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise UserError(f"{path.name}: not JSON ({error}). Save the answer again.") from error
    if isinstance(content, list):
        return _Page(path, _objects(content, path), None)
    for field, (total, n_pages, number, first) in ENVELOPES.items():
        if not isinstance(content, dict) or field not in content:
            continue
        if missing := [name for name in (total, n_pages, number) if not isinstance(content.get(name), int)]:
            raise UserError(
                f"{path.name}: an answer with {field} and without a number for {', '.join(missing)}. "
                f"Expected {total}, {n_pages} and {number}: the whole cannot be told without."
            )
        found = _objects(content[field], path)
        return _Page(path, found, content[total], content[n_pages], content[number] - first)
    raise UserError(
        f"{path.name}: no answer of the API. Expected a list of rows, or an object with "
        f"{' or '.join(f'{field}[] and {names[0]}' for field, names in ENVELOPES.items())}."
    )


def _objects(content: object, path: Path) -> list[Row]:
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise UserError(f"{path.name}: expected a list of objects.")
    return content


def _whole(pages: Sequence[_Page]) -> None:
    """Every page of every answer is here, as often as the others, with as many rows as announced."""
    answers: dict[tuple[int, int], list[_Page]] = defaultdict(list)
    for page in pages:
        answers[int(page.total or 0), page.n_pages].append(page)
    for (total, n_pages), found in answers.items():
        times = Counter(page.number for page in found)
        n_answers = max(times.values())
        missing = [number for number in range(n_pages) if times[number] < n_answers]
        names = ", ".join(page.path.name for page in found)
        if missing:
            raise UserError(
                f"{names}: page {', '.join(str(number + 1) for number in missing)} of {n_pages} is missing. "
                "Save every page of the answer and give them together."
            )
        n_rows = sum(len(page.rows) for page in found)
        if n_rows != n_answers * total:
            raise UserError(f"{names}: {n_rows} rows, {n_answers * total} announced. The answer is cut: save it again.")
