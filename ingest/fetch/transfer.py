"""One file over HTTP into a partial file: resumed where it stopped, hashed as it comes, never taken for whole.

Range requests and ``If-Range``: RFC 9110, sections 13.1.5 and 14.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from climart.files import atomic_text
from ingest.fetch.client import CHUNK, Client, Dripping, Tries, chunks
from ingest.fetch.failures import FetchFailed, public

Watch = Callable[[int, int | None], None]  # bytes so far, bytes in all
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class Known:
    """What the lock says of the file that is here: enough to ask whether it has changed."""

    etag: str | None
    last_modified: str | None
    bytes: int


@dataclass(frozen=True)
class Transferred:
    """A whole partial file."""

    etag: str | None
    last_modified: str | None
    bytes: int
    digests: Mapping[str, str]  # by algorithm; sha256 always


@dataclass
class _Part:
    """The bytes so far, their hashes, and the validator that lets the producer say whether they still stand."""

    path: Path
    url: str
    algorithms: tuple[str, ...]
    validator: str = ""
    size: int = 0
    digests: list[hashlib._Hash] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._empty()

    def _empty(self) -> None:
        self.validator, self.size = "", 0
        self.digests = [hashlib.new(name, usedforsecurity=False) for name in self.algorithms]

    def add(self, chunk: bytes) -> None:
        self.size += len(chunk)
        for digest in self.digests:
            digest.update(chunk)

    @property
    def record(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def find(self) -> None:
        """Take up what an earlier call left, if it was of the same address."""
        try:
            said = json.loads(self.record.read_text(encoding="utf-8"))
            if said["url"] == self.url and said["validator"]:
                self.validator = said["validator"]
                with self.path.open("rb") as handle:
                    while chunk := handle.read(CHUNK):
                        self.add(chunk)
        except (FileNotFoundError, json.JSONDecodeError):
            self._empty()

    def begin(self, validator: str) -> None:
        self._empty()
        self.validator = validator
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        atomic_text(self.record, json.dumps({"url": self.url, "validator": validator}))

    def forget(self) -> None:
        self._empty()
        self.path.unlink(missing_ok=True)
        self.record.unlink(missing_ok=True)


def download(
    client: Client,
    url: str,
    parameters: Sequence[tuple[str, str]],
    part: Path,
    *,
    known: Known | None = None,
    expected_bytes: int | None = None,
    algorithms: tuple[str, ...] = ("sha256",),
    allow_html: bool = False,
    watch: Watch = lambda *_: None,
) -> Transferred | None:
    """Bring ``url`` to ``part``, whole and synced; None where the producer says that ``known`` still stands.

    A cut connection is taken up where it stopped, also by a later call, as long as the producer's validator (ETag or
    Last-Modified) is the same. Raises FetchFailed; what came stays for the next call.
    """
    asked = requests.Request("GET", url, params=list(parameters)).prepare().url or url
    state = _Part(part, public(asked), algorithms)
    state.find()
    tries = Tries(client, url)
    while True:
        before = state.size
        try:
            with client.answer(url, parameters, headers=_headers(state, known)) as response:
                if response.status_code == 304 or (response.ok and known and _stands(response, known)):
                    state.forget()
                    return None
                if response.status_code in (200, 206):
                    _refuse_page(response, allow_html)
                    total = _start(state, response)
                    if total is not None and expected_bytes not in (None, total):
                        state.forget()
                        raise FetchFailed(
                            f"{state.url}: {total} bytes announced, {expected_bytes} expected. The file was replaced: "
                            "check it, then correct its size in ingest/sources/.",
                            "wrong_content",
                        )
                    _append(client, state, response, total, watch)
                    if total is None or state.size == total:
                        return _whole(state, response, expected_bytes)
                    raise HTTPError(f"{state.size} bytes of {total}")
            if response.status_code == 416:  # what is here goes beyond the file: it is of another one
                state.forget()
            elif response.ok:
                raise FetchFailed(f"{state.url}: HTTP {response.status_code}, expected a file.", "wrong_content")
            else:
                tries.refused(response)
                continue
            tries.failed(HTTPError("range not satisfiable"))
        except (requests.RequestException, HTTPError, Dripping) as error:
            if state.size > before:
                tries.progress()
            tries.failed(error)


def _headers(state: _Part, known: Known | None) -> Mapping[str, str]:
    if state.size and state.validator:
        return {"Range": f"bytes={state.size}-", "If-Range": state.validator}
    conditions = {
        "If-None-Match": known.etag if known else None,
        "If-Modified-Since": known.last_modified if known else None,
    }
    return {name: value for name, value in conditions.items() if value}


def _stands(response: requests.Response, known: Known) -> bool:
    """Whether a server that ignores conditions is sending what is here already."""
    if response.status_code != 200:
        return False
    etag, date = response.headers.get("ETag"), response.headers.get("Last-Modified")
    if known.etag or etag:
        return known.etag == etag
    same_length = response.headers.get("Content-Length") == str(known.bytes)
    return date is not None and date == known.last_modified and same_length


def validator(headers: Mapping[str, str]) -> str:
    """What may stand in ``If-Range``: a strong ETag, else the date; empty where there is neither."""
    etag = headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")


def _start(state: _Part, response: requests.Response) -> int | None:
    """Make the partial file ready for the body that follows. Returns the file's whole length, if said."""
    now = validator(response.headers)
    if response.status_code == 206:
        found = _RANGE.match(response.headers.get("Content-Range", ""))
        if found and int(found[1]) == state.size and (not now or now == state.validator):
            return None if found[2] == "*" else int(found[2])
        state.forget()
        raise HTTPError("the range that came is not the one that was asked for")
    state.begin(now)
    length = response.headers.get("Content-Length")
    return int(length) if length and "Content-Encoding" not in response.headers else None


def _append(client: Client, state: _Part, response: requests.Response, total: int | None, watch: Watch) -> None:
    with state.path.open("ab") as handle:
        watch(state.size, total)
        for chunk in chunks(response, client, decode=False):
            handle.write(chunk)
            state.add(chunk)
            watch(state.size, total)
        handle.flush()
        os.fsync(handle.fileno())


def _whole(state: _Part, response: requests.Response, expected_bytes: int | None) -> Transferred:
    state.record.unlink(missing_ok=True)
    if expected_bytes not in (None, state.size):
        size = state.size
        state.forget()
        raise FetchFailed(f"{state.url}: {size} bytes came, {expected_bytes} expected.", "wrong_content")
    return Transferred(
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
        bytes=state.size,
        digests={digest.name: digest.hexdigest() for digest in state.digests},
    )


def _refuse_page(response: requests.Response, allow_html: bool) -> None:
    if not allow_html and response.headers.get("Content-Type", "").startswith("text/html"):
        raise FetchFailed(
            f"{public(response.url)}: a web page came with status {response.status_code}, expected a file. "
            "Its producer shows an error page, or moved the file.",
            "wrong_content",
        )
