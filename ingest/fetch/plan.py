"""Addresses from patterns: what a source and a selection ask for, before anything is asked."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from itertools import product
from urllib.parse import unquote, urlsplit

from climart import paths
from climart.errors import UserError
from ingest import lake
from ingest.addresses import ASKED_BY_USER, Family
from ingest.registry import Source

Selection = Mapping[str, Sequence[str]]  # facet → patterns (* and ? allowed); a facet that is not named takes all
Facets = dict[str, str]


@dataclass(frozen=True)
class Question:
    """One request: an address, its parameters."""

    url: str
    parameters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Item:
    """One file to come: its name under data/raw/<source>/, the requests that make it, what is known of it."""

    name: str
    family: Family
    questions: tuple[Question, ...]
    facets: tuple[tuple[str, str], ...] = ()
    bytes: int | None = None  # as the producer's list says it
    checksum: str | None = None  # "sha256:…" or "md5:…"

    @property
    def url(self) -> str:
        return self.questions[0].url

    @property
    def about_bytes(self) -> int | None:
        """The best figure before asking: exact where the producer or the registry says it, else rough, else None."""
        return self.bytes or self.family.bytes or self.family.about_bytes


def facet_names(source: Source) -> list[str]:
    """The facets that a selection of this source may name."""
    found: dict[str, None] = {}
    for family in source.fetch.families if source.fetch else ():
        names = [*family.facets, *family.table.split("\n", 1)[0].split(), *family.derive]
        if "communes" in family.facets.values():
            names.append("departement")
        if family.listing:
            names += re.compile(family.listing.match).groupindex
        found |= dict.fromkeys(names)
    for order in source.fetch.copernicus if source.fetch else ():
        found |= dict.fromkeys(order.facets)
    return list(found)


def check(source: Source, selection: Selection) -> None:
    """Raise UserError where a selection names a facet that the source has not."""
    known = facet_names(source)
    if unknown := [name for name in selection if name not in known]:
        choice = f"it can be narrowed by {', '.join(known)}" if known else "it cannot be narrowed"
        raise UserError(f"{source.id} has no {', '.join(unknown)}: {choice}.")


def wanted(family: Family, selection: Selection) -> bool:
    """Whether a family takes part: one that is only there on demand wants one of its facets named."""
    return not family.only_when_named or any(name in selection for name in family.only_when_named)


def expand(family: Family, selection: Selection, today: date) -> list[Item]:
    """The files of a family without a listing. Raises UserError where a facet must be named and is not."""
    by_name: dict[str, tuple[Facets, list[Facets]]] = {}
    for row in _rows(family, selection, today):
        row |= {name: template.format_map(row) for name, template in family.derive.items()}
        if not selected(row, selection):
            continue
        # Values that are asked for together share a file, so they cannot be in its name.
        shared = {name: value for name, value in row.items() if name not in family.batch}
        name = family.name.format_map(shared) if family.name else _last_part(family.url.format_map(row))
        by_name.setdefault(name, (shared, []))[1].append(row)
    return [
        Item(name, family, tuple(_questions(family, rows)), tuple(sorted(shared.items())))
        for name, (shared, rows) in by_name.items()
    ]


def selected(row: Facets, selection: Selection) -> bool:
    """Whether every facet of ``row`` that the selection names matches one of its patterns, case aside."""
    return all(
        any(fnmatchcase(row[name].casefold(), pattern.casefold()) for pattern in patterns)
        for name, patterns in selection.items()
        if name in row
    )


def _rows(family: Family, selection: Selection, today: date) -> Iterator[Facets]:
    lines = [line.split() for line in family.table.strip().splitlines()]
    table: list[Facets] = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]] if lines else [{}]
    choices: list[list[Facets]] = [table]
    for name, values in family.facets.items():
        choices.append(_values(name, values, selection, today))
    for parts in product(*choices):
        yield {name: value for part in parts for name, value in part.items()}


def _values(name: str, values: str | tuple[str, ...], selection: Selection, today: date) -> list[Facets]:
    if not isinstance(values, str):
        return [{name: value} for value in values]
    if values == ASKED_BY_USER:
        if name not in selection:
            raise UserError(f"say which {name}: --{name} CODE (several may be given).")
        return [{name: value} for value in selection[name]]
    if values == "departements":
        return [{name: code} for code in departements()]
    if values == "communes":
        return _communes(name, selection)
    start, _, end = values.partition("..")
    named = {"this_year": today.year, "last_year": today.year - 1, "year_before_last": today.year - 2}
    first, last = (named.get(word) or int(word) for word in (start, end or start))
    return [{name: str(year)} for year in range(first, last + 1)]


def departements() -> list[str]:
    """Codes of the 96 metropolitan départements."""
    path = paths.REFERENCE / "sample" / "departements.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        return [row["code"] for row in csv.DictReader(handle) if row["zone"] == "metro"]


def _communes(name: str, selection: Selection) -> list[Facets]:
    """Communes of the lake, with their département; or those named, where the lake knows none."""
    rows = lake.read("territory").select(["kind", "code", "departement_id"]).to_pylist()
    communes = [
        {name: row["code"], "departement": row["departement_id"].partition(":")[2]}
        for row in rows
        if row["kind"] == "commune" and row["departement_id"]
    ]
    if communes:
        return communes
    if name in selection:
        return [{name: code, "departement": code[:3] if code[:2] == "97" else code[:2]} for code in selection[name]]
    raise UserError(f"the lake has no communes: run `climart ingest territories DIR` first, or say --{name} CODE.")


def _questions(family: Family, rows: list[Facets]) -> Iterator[Question]:
    """One request per row; rows that differ only by batched facets share requests of so many values."""
    size = min(family.batch.values(), default=1)
    for start in range(0, len(rows), size):
        chunk = rows[start : start + size]
        joined = {
            name: ",".join(row[name] for row in chunk) if name in family.batch else value
            for name, value in chunk[0].items()
        }
        parameters = tuple((key, template.format_map(joined)) for key, template in family.parameters.items())
        yield Question(family.url.format_map(joined), parameters)


def _last_part(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])
