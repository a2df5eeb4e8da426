"""Checks at the door: a file is what its source's contract says, or it does not replace the one that is here."""

from __future__ import annotations

import csv
import fnmatch
import gzip
import io
import json
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ingest.addresses import Contract
from ingest.fetch.failures import FetchFailed

Row = Mapping[str, Any]
_HTML = (b"<!doctype html", b"<html")
_MAGIC = {
    "netcdf": ((b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n"), "NetCDF"),
    "tiff": ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "TIFF"),
}
csv.field_size_limit(1 << 24)  # a drought order's list of zones is one long field


class Broken(Exception):
    """What is wrong with a file, in words."""


def check(path: Path, contract: Contract, name: str, asked: Sequence[Mapping[str, str]] = ()) -> int | None:
    """The number of rows, None where the format has none. Raises FetchFailed where a file breaks its contract.

    ``asked``: the parameters of the requests that the file answers.
    """
    try:
        return _check(path, contract, asked)
    except Broken as broken:
        raise FetchFailed(f"{name}: {broken}", "wrong_content") from broken


def check_page(rows: Sequence[Row], contract: Contract, asked: Mapping[str, str], name: str) -> None:
    """Columns and subject of one page, so that a wrong answer is refused at its first page. Raises FetchFailed."""
    try:
        _count(rows, contract.model_copy(update={"rows": None, "caps": ()}), [asked])
    except Broken as broken:
        raise FetchFailed(f"{name}: {broken}", "wrong_content") from broken


def _check(path: Path, contract: Contract, asked: Sequence[Mapping[str, str]]) -> int | None:
    with path.open("rb") as handle:
        head = handle.read(512)
    if not head:
        raise Broken("an empty file came with status 200")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_HTML):
        raise Broken(f"a web page came in the place of a {contract.format} file")
    if contract.format in _MAGIC:
        signatures, word = _MAGIC[contract.format]
        if not head.startswith(signatures):
            raise Broken(f"not a {word} file (it begins with {head[:8]!r})")
        return None
    with _rows(path, contract) as rows:
        return None if rows is None else _count(rows, contract, asked)


def _count(rows: Iterable[Row], contract: Contract, asked: Sequence[Mapping[str, str]]) -> int:
    """Go through the rows once: columns, subject, number."""
    about = contract.about
    allowed = {value for question in asked for value in question.get(about.asked, "").split(",")} if about else set()
    n = 0
    for n, row in enumerate(rows, 1):
        if missing := [column for column in contract.columns if column not in row]:
            raise Broken(
                f"row {n} has no column {', '.join(missing)} (it has {', '.join(map(str, row))}): the producer "
                "changed its columns. Correct the contract and the reader."
            )
        if about and str(row[about.column]) not in allowed:
            raise Broken(
                f"row {n} is about {about.column} = {row[about.column]!r}, which was not asked for "
                f"({about.asked}): the producer ignores the question"
            )
    if n in contract.caps:
        raise Broken(f"exactly {n} rows, where the producer cuts its answers: ask for less at a time")
    if contract.rows and not contract.rows[0] <= n <= contract.rows[1]:
        raise Broken(f"{n} rows, expected {contract.rows[0]} to {contract.rows[1]}")
    return n


@contextmanager
def _rows(path: Path, contract: Contract) -> Iterator[Iterable[Row] | None]:
    """The rows of a file, None where it has none that are looked at. Reading them may raise Broken."""
    opener = _OPENERS[contract.format]
    try:
        with opener(path, contract) as rows:
            yield rows
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise Broken(f"a broken or cut archive ({error})") from error
    except json.JSONDecodeError as error:
        raise Broken(f"line {error.lineno}: not JSON ({error.msg}), or cut") from error
    except UnicodeDecodeError as error:
        raise Broken(f"byte {error.start}: not {error.encoding}") from error
    except csv.Error as error:
        raise Broken(f"not a table ({error})") from error


@contextmanager
def _csv(path: Path, contract: Contract) -> Iterator[Iterable[Row]]:
    with path.open("rb") as handle:
        yield _table(handle, contract)


@contextmanager
def _csv_gz(path: Path, contract: Contract) -> Iterator[Iterable[Row]]:
    with gzip.open(path, "rb") as handle:
        yield _table(handle, contract)


def _table(handle: IO[bytes] | gzip.GzipFile, contract: Contract) -> Iterator[Row]:
    """The rows of a CSV, by the names of its header. Raises Broken at a row with fewer or more fields."""
    reader = csv.reader(io.TextIOWrapper(handle, encoding=contract.encoding, newline=""), delimiter=contract.delimiter)
    header: list[str] = []
    missing: list[str] = []
    for fields in islice(reader, contract.preamble + 1):
        names = [name.strip().removeprefix("\ufeff").removeprefix("#").strip() for name in fields]
        absent = [column for column in contract.columns if column not in names]
        if not header or len(absent) < len(missing):
            header, missing = names, absent
        if not absent:
            break
    if missing:
        raise Broken(
            f"no column {', '.join(missing)} (found {', '.join(header)[:200]}): the producer changed its columns. "
            "Correct the contract and the reader."
        )
    for fields in reader:
        if not fields:
            continue
        if len(fields) != len(header):
            raise Broken(f"line {reader.line_num}: {len(fields)} fields, expected {len(header)}; the file may be cut")
        yield dict(zip(header, fields, strict=True))


@contextmanager
def _json(path: Path, contract: Contract) -> Iterator[Iterable[Row]]:
    with path.open("rb") as handle:
        yield _objects(json.load(handle))


@contextmanager
def _geojson_gz(path: Path, contract: Contract) -> Iterator[Iterable[Row]]:
    with gzip.open(path, "rb") as handle:
        yield _objects(json.load(handle))


def _objects(content: object) -> list[Row]:
    """Rows of a JSON list, or the properties of a GeoJSON's features."""
    if isinstance(content, dict) and isinstance(content.get("features"), list):
        return [feature["properties"] for feature in content["features"]]
    if isinstance(content, list) and all(isinstance(row, dict) for row in content):
        return content
    raise Broken(f"a JSON {type(content).__name__} came, expected a list of objects or a FeatureCollection")


@contextmanager
def _zip(path: Path, contract: Contract) -> Iterator[Iterable[Row] | None]:
    with zipfile.ZipFile(path) as archive:
        if bad := archive.testzip():
            raise Broken(f"member {bad} of the archive is broken")
        with _member(archive.namelist(), contract, lambda name: archive.open(name)) as rows:
            yield rows


@contextmanager
def _tar(path: Path, contract: Contract) -> Iterator[Iterable[Row] | None]:
    with tarfile.open(path) as archive:
        names = [member.name for member in archive.getmembers() if member.isfile()]

        def opened(name: str) -> IO[bytes]:
            handle = archive.extractfile(name)
            assert handle is not None  # it is a file: chosen among them
            return handle

        with _member(names, contract, opened) as rows:
            yield rows


@contextmanager
def _member(names: list[str], contract: Contract, opened: Callable[[str], IO[bytes]]) -> Iterator[Iterable[Row] | None]:
    """The rows of the archive's member that the contract speaks of."""
    if outside := [name for name in names if name.startswith(("/", "\\")) or ".." in PurePosixPath(name).parts]:
        raise Broken(f"the archive wants to write outside its folder ({outside[0]}): not to be trusted")
    if contract.members is not None and len(names) < contract.members:
        raise Broken(f"{len(names)} files in the archive, expected {contract.members} at least")
    if contract.member is None:
        yield None
        return
    found = fnmatch.filter(names, contract.member)
    if not found:
        raise Broken(f"no {contract.member} in the archive (it has {', '.join(names[:5])}…)")
    if not contract.columns and contract.rows is None:
        yield None
        return
    with opened(found[0]) as handle:
        yield _table(handle, contract)


@contextmanager
def _xlsx(path: Path, contract: Contract) -> Iterator[None]:
    with zipfile.ZipFile(path) as archive:
        if bad := archive.testzip():
            raise Broken(f"member {bad} of the workbook is broken")
        if "xl/workbook.xml" not in archive.namelist():
            raise Broken("not an Excel workbook")
    yield None


_Opener = Callable[[Path, Contract], Any]
_OPENERS: dict[str, _Opener] = {
    "csv": _csv,
    "csv_gz": _csv_gz,
    "json": _json,
    "geojson": _json,
    "geojson_gz": _geojson_gz,
    "zip": _zip,
    "tar": _tar,
    "xlsx": _xlsx,
}
