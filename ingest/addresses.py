"""How a source is obtained, as data: families of addresses, what an answer must look like, how politely to ask.

These are the types of the ``fetch`` key of ``ingest/sources/<id>.yml``; ``ingest.fetch`` carries them out.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

ENVELOPES = Path(__file__).resolve().parent / "envelopes.yml"
ASKED_BY_USER = "named"  # a facet whose values only the user can give

# How an address is known. None was ever called from where this code was written.
Evidence = Literal["seen_live", "client_code", "secondary", "unverified"]
Format = Literal["csv", "csv_gz", "json", "geojson", "geojson_gz", "zip", "tar", "netcdf", "tiff", "xlsx"]
Profile = Literal["departemental", "national"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class About(_Data):
    """An answer must be about what was asked: the values of ``column`` are among those of the parameter ``asked``."""

    column: str
    asked: str


class Contract(_Data):
    """What a file must be before it takes the place of the one that is here."""

    format: Format
    columns: tuple[str, ...] = ()
    rows: tuple[int, int] | None = None  # least and most, both allowed
    caps: tuple[int, ...] = ()  # exactly so many rows: the producer cut its answer there
    answer_max: int | None = None  # rows that one answer never passes: more is the whole base, the question ignored
    about: About | None = None
    member: str | None = None  # of an archive: the file (a glob) that columns and rows speak of
    members: int | None = None  # of an archive: how many files at least
    delimiter: str = ";"
    encoding: str = "utf-8"
    preamble: int = Field(default=0, ge=0)  # lines there may be before the line of column names, at most


class Envelope(_Data):
    """How an API wraps its rows in pages: dotted paths into an answer, and the parameters that turn the page."""

    rows: str  # "" where the answer itself is the one row
    total: str | None = None  # path of how many rows there are in all
    page: str | None = None  # the parameter of the page number
    first: int = 1
    echo: str | None = None  # path where the answer repeats the page number that it answers
    offset: str | None = None  # the parameter of how many rows to skip, instead of a page number
    next: str | None = None  # path of the next page's address, instead of both
    last: str | None = None  # path that says true on the last page
    size: dict[str, int] = {}  # the parameter of how many rows to give, and how many to ask for
    cap: int | None = None  # more rows than this are never given: split the question
    empty: Literal["refuse", "no_zone"] = "refuse"  # what an empty 200 means


class Split(_Data):
    """The two parameters of a period (yyyy-MM-dd), cut in two while an answer would pass the envelope's cap."""

    since: str
    start: str
    end: str


class First(_Data):
    """A request that must come first in the same session (it sets a cookie)."""

    url: str
    parameters: dict[str, str] = {}


class Listing(_Data):
    """Where the file names are not known beforehand: a list to read, and a pattern whose groups become facets."""

    kind: Literal["s3", "html", "esgf", "tiles"]
    url: str
    match: str = ".*"
    parameters: dict[str, str] = {}
    ask: dict[str, str] = {}  # facet → the search's own parameter for it, so that it narrows the list itself
    latest: str = ""  # a group of the pattern: only the files where it is highest
    depth: int = Field(default=0, ge=0)  # of an HTML index: how many folders deep
    bbox: tuple[float, float, float, float] | None = None  # of tiles: west, south, east, north


class Family(_Data):
    """Addresses of one pattern. ``{facet}`` stands for a value of ``facets``, of ``table`` or of ``derive``."""

    url: str = ""
    name: str = ""  # of the file under data/raw/<source>/; by default the last part of the address
    evidence: Evidence
    note: str = ""
    facets: dict[str, str | tuple[str, ...]] = {}
    table: str = ""  # lines of values, the first of column names: the combinations that exist
    derive: dict[str, str] = {}
    parameters: dict[str, str] = {}
    batch: dict[str, int] = {}  # facet → how many of its values go into one request, joined by commas
    only_when_named: tuple[str, ...] = ()  # left out unless one of these facets (or the address itself) is asked for
    must_name: tuple[str, ...] = ()  # facets that the user must name: all together would be too much
    absent_ok: bool = False  # a 404 means that the producer has no such file, and is no failure
    first: First | None = None
    listing: Listing | None = None
    envelope: str | None = None
    split: Split | None = None
    bytes: int | None = None  # of each file, exactly: another length is refused
    about_bytes: int | None = None  # of each file, roughly, to tell before asking
    sha256: str | None = None
    contract: Contract

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.url and not self.listing:
            raise ValueError("url: needed where there is no listing")
        if self.envelope and self.envelope not in envelopes():
            raise ValueError(f"envelope: {self.envelope!r} is not in {ENVELOPES.name}")
        if self.envelope and not self.name:
            raise ValueError("name: needed, since the rows of several answers go into one file")
        return self


class Copernicus(_Data):
    """Requests to the Climate Data Store, made with the user's own token: one file for each value of ``facets``."""

    dataset: str
    facets: dict[str, tuple[str, ...]] = {}
    request: dict[str, str | tuple[str, ...]]
    name: str
    evidence: Evidence
    note: str = ""
    about_bytes: int | None = None
    contract: Contract


class Fetch(_Data):
    """How a source comes here. ``profiles``: what ``climart fetch --all --profile …`` asks of it."""

    families: tuple[Family, ...] = ()
    copernicus: tuple[Copernicus, ...] = ()
    parallel: int = Field(default=4, ge=1)  # requests at a time to one host
    per_second: float | None = Field(default=None, gt=0)  # requests to one host
    profiles: dict[Profile, dict[str, tuple[str, ...]]] = {}

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.families and not self.copernicus:
            raise ValueError("families or copernicus: nothing to ask for")
        return self

    def evidences(self) -> list[Evidence]:
        """How each address is known, families first."""
        return [family.evidence for family in self.families] + [order.evidence for order in self.copernicus]


@cache
def envelopes() -> dict[str, Envelope]:
    """The page formats of ``ingest/envelopes.yml``, by name."""
    content = yaml.safe_load(ENVELOPES.read_text(encoding="utf-8"))
    return {name: Envelope.model_validate(fields) for name, fields in content.items()}
