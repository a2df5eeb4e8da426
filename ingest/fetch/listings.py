"""Lists of files that a producer keeps: an S3 bucket, an HTML index, an ESGF search, a set of map tiles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit
from xml.etree import ElementTree

from ingest.addresses import Family, Listing, envelopes
from ingest.fetch import pages
from ingest.fetch.client import Client
from ingest.fetch.failures import FetchFailed, public
from ingest.fetch.plan import Facets, Item, Question, Selection, selected


def items(client: Client, family: Family, selection: Selection) -> list[Item]:
    """The files of a producer's list that the family's pattern and the selection take. Raises FetchFailed.

    A list without one file that fits the pattern is a fault of the address, not an empty answer.
    """
    assert family.listing is not None
    pattern = re.compile(family.listing.match)
    kinds = {"s3": _s3, "html": _html, "esgf": _esgf, "tiles": _tiles}
    listed = [
        (entry, found)
        for entry in kinds[family.listing.kind](client, family, family.listing, selection)
        if (found := pattern.search(entry.key))
    ]
    if not listed:
        raise FetchFailed(
            f"{public(family.listing.url)}: its list holds no file like {family.listing.match}. It moved, or its names "
            "changed: correct ingest/sources/.",
            "not_found",
        )
    if family.listing.latest:
        newest = max(found[family.listing.latest] for _, found in listed)
        listed = [(entry, found) for entry, found in listed if found[family.listing.latest] == newest]
    made: dict[str, Item] = {}
    for entry, found in listed:
        facets: Facets = {**entry.facets, **{k: v for k, v in found.groupdict().items() if v is not None}}
        facets |= {name: template.format_map(facets) for name, template in family.derive.items()}
        if selected(facets, selection):
            name = family.name.format_map(facets) if family.name else entry.key.rpartition("/")[2]
            made[name] = Item(
                name, family, (Question(entry.url),), tuple(sorted(facets.items())), entry.bytes, entry.checksum
            )
    return [made[name] for name in sorted(made)]


@dataclass(frozen=True)
class Entry:
    """A file of a list: its key there, its address, what the list says of it."""

    key: str
    url: str
    bytes: int | None = None
    checksum: str | None = None
    facets: Facets = field(default_factory=dict)


def _s3(client: Client, family: Family, listing: Listing, selection: Selection) -> Iterator[Entry]:
    """An anonymous bucket (ListObjectsV2): listing.url is the bucket, the parameters its prefix."""
    token: str | None = None
    while True:
        parameters = [("list-type", "2"), *listing.parameters.items()]
        body, _ = client.read(listing.url, [*parameters, *([("continuation-token", token)] if token else [])])
        try:
            root = ElementTree.fromstring(body)
        except ElementTree.ParseError as error:
            raise FetchFailed(f"{public(listing.url)}: not a list of a bucket ({error}).", "wrong_content") from error
        space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
        if root.tag != f"{space}ListBucketResult":
            raise FetchFailed(f"{public(listing.url)}: not a list of a bucket ({root.tag}).", "wrong_content")
        for content in root.iter(f"{space}Contents"):
            key, size = content.findtext(f"{space}Key", ""), content.findtext(f"{space}Size", "")
            yield Entry(key, f"{listing.url.rstrip('/')}/{key}", int(size) if size.isdigit() else None)
        if root.findtext(f"{space}IsTruncated") != "true":
            return
        token = root.findtext(f"{space}NextContinuationToken")
        if not token:
            raise FetchFailed(f"{public(listing.url)}: a cut list, without where to go on.", "wrong_content")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def _html(client: Client, family: Family, listing: Listing, selection: Selection) -> Iterator[Entry]:
    """The index that a web server writes of a folder, ``depth`` folders deep; links that leave it are not followed."""
    todo, seen = [(listing.url, 0)], {listing.url}
    while todo:
        folder, depth = todo.pop(0)
        body, response = client.read(folder)
        links = _Links()
        links.feed(body.decode(response.encoding or "utf-8", errors="replace"))
        for link in links.found:
            url = urljoin(response.url, link).partition("#")[0]
            if "?" in url or not url.startswith(response.url) or url in seen:
                continue  # the columns' sort links, the parent, elsewhere
            seen.add(url)
            if not url.endswith("/"):
                yield Entry(unquote(urlsplit(url).path), url)
            elif depth < listing.depth:
                todo.append((url, depth + 1))


def _esgf(client: Client, family: Family, listing: Listing, selection: Selection) -> Iterator[Entry]:
    """Files of an ESGF search (Solr): replicas are told apart by their checksum, the first address by HTTP is taken."""
    named = {name: values for name, values in selection.items() if not any("*" in v or "?" in v for v in values)}
    facets = {listing.ask[name]: ",".join(values) for name, values in named.items() if name in listing.ask}
    fixed = {"type": "File", "format": "application/solr+json", "latest": "true", "distrib": "true"}
    question = Question(listing.url, tuple({**fixed, **listing.parameters, **facets}.items()))
    seen: set[str] = set()
    for row in pages.answer(client, question, envelopes()["esgf"], lambda *_: None):
        address = next((u.split("|")[0] for u in row.get("url", ()) if u.endswith("|HTTPServer")), None)
        title = str(row.get("title", ""))
        if address is None or title in seen:
            continue
        seen.add(title)
        kind, digest = _first(row.get("checksum_type")), _first(row.get("checksum"))
        checksum = f"{kind.lower()}:{digest.lower()}" if kind and digest else None
        size = row.get("size")
        said = {name: _first(value) for name, value in row.items() if isinstance(value, str | list)}
        facets_of = {name: value for name, value in said.items() if value}
        yield Entry(title, address, size if isinstance(size, int) else None, checksum, facets_of)


def _first(value: Any) -> str:
    """Solr gives single values as lists of one."""
    one = value[0] if isinstance(value, list) and value else value
    return one if isinstance(one, str) else ""


def _tiles(client: Client, family: Family, listing: Listing, selection: Selection) -> Iterator[Entry]:
    """Map tiles whose extents are a GeoJSON: those that meet the box, for each value of the family's facets."""
    body, _ = client.read(listing.url)
    try:
        features = json.loads(body)["features"]
        extents = [(feature["properties"], _box(feature["geometry"]["coordinates"])) for feature in features]
    except (ValueError, KeyError, TypeError) as error:
        raise FetchFailed(f"{public(listing.url)}: not the extents of tiles ({error}).", "wrong_content") from error
    west, south, east, north = listing.bbox or (-180, -90, 180, 90)
    (facet, values), *_ = family.facets.items()
    for properties, (x0, y0, x1, y1) in extents:
        if x0 < east and x1 > west and y0 < north and y1 > south:
            for value in values:
                facets = {**{k: str(v) for k, v in properties.items()}, facet: value}
                url = family.url.format_map(facets)
                yield Entry(urlsplit(url).path, url, facets=facets)


def _box(coordinates: Any) -> tuple[float, float, float, float]:
    """The bounding box of nested GeoJSON coordinates."""
    if isinstance(coordinates[0], int | float):
        x, y = coordinates[0], coordinates[1]
        return x, y, x, y
    boxes = [_box(part) for part in coordinates]
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)
