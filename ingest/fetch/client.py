"""HTTP with the manners of a good guest: few requests at a time, waits when told to, gives up on who never ends.

Proxies and certificates are those of the environment (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``,
``REQUESTS_CA_BUNDLE``), which `requests` and `cdsapi` both honour; ``through`` sets them for this process.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.response import HTTPResponse

from climart.errors import UserError
from ingest.fetch.failures import FetchFailed, Reason, public

RETRIED = {408, 425, 429, 500, 502, 503, 504}
REASONS: dict[int, Reason] = {401: "forbidden", 403: "forbidden", 404: "not_found", 410: "not_found"}
HINTS: dict[Reason, str] = {
    "not_found": "Its producer moved or removed it: correct its address in ingest/sources/.",
    "forbidden": "Its producer wants an account, or its terms accepted.",
    "wrong_content": "The request does not please its producer: see ingest/sources/.",
}
CHUNK = 1 << 18
MAX_ANSWER = 256 << 20  # bytes of an answer that is read whole (a page of rows, a list of files)


@dataclass(frozen=True)
class Policy:
    """How patient to be. Seconds, bytes per second. ``sleep`` and ``jitter`` are there for tests."""

    connect_timeout: float = 15
    idle_timeout: float = 60  # without a byte
    header_timeout: float = 120  # from the request to the end of the headers, however they drip
    min_rate: float = 512  # of a body, over every ``rate_window``: slower is a producer that never ends
    rate_window: float = 60
    attempts: int = 6  # without progress
    backoff: float = 1  # before the first retry, then twice as much each time
    backoff_max: float = 60
    retry_after_max: float = 900
    sleep: Callable[[float], object] | None = None
    jitter: Callable[[], float] = random.random


def through(proxy: str | None, ca_bundle: Path | None) -> None:
    """Send every request of this process through ``proxy``, and trust the certificates of ``ca_bundle``."""
    if proxy:
        os.environ |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
    if ca_bundle:
        if not ca_bundle.is_file():
            raise UserError(f"{ca_bundle}: no such file. --ca-bundle wants a PEM file of certificates.")
        os.environ["REQUESTS_CA_BUNDLE"] = str(ca_bundle.resolve())


class Dripping(Exception):
    """A body that comes too slowly to ever end."""


class Stopped(Exception):
    """The user wants no more: every thread ends where it is."""


@contextmanager
def _in_time(sock: socket.socket | None, seconds: float) -> Iterator[None]:
    """Hang up on headers that do not end in time: a socket's own timeout starts again with each byte.

    Raises TimeoutError then: http.client takes headers that were cut for headers that ended.
    """
    late = threading.Event()

    def hang_up() -> None:
        late.set()
        if sock is not None:
            with suppress(OSError):  # closed in the meantime: nothing waits on it any more
                sock.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, hang_up)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
    if late.is_set():
        raise TimeoutError


def _adapter(policy: Policy) -> HTTPAdapter:
    """The adapter of `requests`, over connections whose headers are watched."""

    class Plain(HTTPConnection):
        def getresponse(self) -> Any:
            with _in_time(self.sock, policy.header_timeout):
                return super().getresponse()

    class Secure(HTTPSConnection):
        def getresponse(self) -> Any:
            with _in_time(self.sock, policy.header_timeout):
                return super().getresponse()

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    pools = {"http": PlainPool, "https": SecurePool}

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, **options)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
            manager = super().proxy_manager_for(proxy, **options)
            manager.pool_classes_by_scheme = pools
            return manager

    return Adapter(pool_maxsize=16)


class Hosts:
    """How many requests each host gets at a time and per second: the strictest of what its sources say."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.stopped = threading.Event()
        self._lock = threading.Lock()
        self._parallel: dict[str, int] = {}
        self._interval: dict[str, float] = {}
        self._gates: dict[str, threading.Semaphore] = {}
        self._free_at: dict[str, float] = {}

    def limit(self, host: str, parallel: int, per_second: float | None) -> None:
        """Say what a host bears. Before its first request."""
        with self._lock:
            self._parallel[host] = min(parallel, self._parallel.get(host, parallel))
            if per_second:
                self._interval[host] = max(1 / per_second, self._interval.get(host, 0))

    @contextmanager
    def turn(self, url: str) -> Iterator[None]:
        """Wait for a place, and for the host's pace; hold the place for the block."""
        host = urlsplit(url).netloc
        with self._lock:
            gate = self._gates.setdefault(host, threading.Semaphore(self._parallel.get(host, 4)))
        with gate:
            with self._lock:
                now = time.monotonic()
                starts = max(now, self._free_at.get(host, now))
                self._free_at[host] = starts + self._interval.get(host, 0)
            self.sleep(starts - now)
            yield

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until the user stops everything. Raises Stopped then."""
        if seconds > 0:
            (self._policy.sleep or self.stopped.wait)(seconds)
        if self.stopped.is_set():
            raise Stopped

    def hold(self, url: str, seconds: float) -> None:
        """Ask this host nothing more for so long: it said so."""
        host = urlsplit(url).netloc
        with self._lock:
            self._free_at[host] = max(self._free_at.get(host, 0), time.monotonic() + seconds)


class Client:
    """One session with the producers. Safe to share between threads; ``fresh`` gives one with its own cookies."""

    def __init__(self, policy: Policy, hosts: Hosts | None = None) -> None:
        self.policy = policy
        self.hosts = hosts or Hosts(policy)
        self.session = requests.Session()
        self.session.headers["User-Agent"] = "climart"
        adapter = _adapter(policy)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)

    def fresh(self) -> Client:
        """Another session, with the same limits."""
        return Client(self.policy, self.hosts)

    def close(self) -> None:
        self.session.close()

    @contextmanager
    def answer(
        self,
        url: str,
        parameters: Sequence[tuple[str, str]] = (),
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[requests.Response]:
        """One request, no retry: the answer, its body not read yet. Raises what `requests` raises."""
        policy = self.policy
        with (
            self.hosts.turn(url),
            self.session.request(
                method,
                url,
                params=list(parameters),
                headers={"Accept-Encoding": "identity", **(headers or {})},
                stream=True,
                allow_redirects=True,
                timeout=(policy.connect_timeout, policy.idle_timeout),
            ) as response,
        ):
            yield response

    def read(
        self,
        url: str,
        parameters: Sequence[tuple[str, str]] = (),
        *,
        method: str = "GET",
        attempts: int | None = None,
    ) -> tuple[bytes, requests.Response]:
        """The whole body of an answer with status 2xx, retried as often as the policy says. Raises FetchFailed."""
        tries = Tries(self, url, attempts)
        while True:
            try:
                with self.answer(url, parameters, method=method) as response:
                    if response.ok:
                        return self._whole(response), response
                tries.refused(response)
            except (requests.RequestException, HTTPError, Dripping) as error:
                tries.failed(error)

    def _whole(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in chunks(response, self, decode=True):
            body += chunk
            if len(body) > MAX_ANSWER:
                raise FetchFailed(f"{public(response.url)}: an answer above {MAX_ANSWER >> 20} MB.", "wrong_content")
        return bytes(body)


class Tries:
    """The patience of one request: counts, waits, and at the end says why it gave up."""

    def __init__(self, client: Client, url: str, attempts: int | None = None) -> None:
        self.policy, self.hosts = client.policy, client.hosts
        self.attempts = attempts or client.policy.attempts
        self._url, self.url = url, public(url)
        self.n = 0

    def progress(self) -> None:
        """Bytes came: the count begins again."""
        self.n = 0

    def failed(self, error: Exception) -> None:
        """Wait before the next try, or raise FetchFailed where it was the last, or where trying again is of no use."""
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE" in str(error).upper():
            raise FetchFailed(
                f"{self.url}: its certificate is not trusted. Where a bank's proxy signs again what passes, give the "
                "bank's certificates: --ca-bundle FILE, or the variable REQUESTS_CA_BUNDLE.",
                "unreachable",
            )
        self._again(None, _words(error))

    def refused(self, response: requests.Response) -> None:
        """The same for an answer that is not 2xx. One that asking again cannot mend is not asked again."""
        words = f"HTTP {response.status_code} {response.reason or ''}".strip()
        if response.status_code not in RETRIED:
            reason = REASONS.get(response.status_code, "wrong_content")
            raise FetchFailed(f"{self.url}: {words}. {HINTS[reason]}", reason)
        self._again(_retry_after(response), words)

    def _again(self, wait: float | None, why: str) -> None:
        self.n += 1
        policy = self.policy
        if self.n >= self.attempts:
            raise FetchFailed(f"{self.url}: {why} ({self.n} attempt(s)). Try again later.", "unreachable")
        if wait is None:
            longest = min(policy.backoff_max, policy.backoff * 2 ** (self.n - 1))
            self.hosts.sleep(longest * (0.5 + 0.5 * policy.jitter()))
        elif wait > policy.retry_after_max:
            raise FetchFailed(f"{self.url}: {why}; its producer asks to come back in {wait:.0f} s.", "unreachable")
        else:
            self.hosts.hold(self._url, wait)


def chunks(response: requests.Response, client: Client, *, decode: bool) -> Iterator[bytes]:
    """The bytes of a body as they come; ``decode`` undoes a compression that was not asked for.

    Raises Dripping where they come too slowly, HTTPError where they are cut.
    """
    raw: HTTPResponse = response.raw
    since, received, n_chunks = time.monotonic(), 0, 0
    while chunk := raw.read1(CHUNK, decode_content=decode):
        received += len(chunk)
        n_chunks += 1
        yield chunk
        now = time.monotonic()
        if client.hosts.stopped.is_set():
            raise Stopped
        if now - since >= client.policy.rate_window:
            if received < client.policy.min_rate * (now - since):
                raise Dripping(f"{received} bytes in {now - since:.0f} s")
            since, received = now, 0
    framed = "Content-Length" in response.headers or "chunked" in response.headers.get("Transfer-Encoding", "")
    if not n_chunks and not framed and response.request.method != "HEAD":
        raise ProtocolError("cut before its length was said")  # never to be taken for an empty answer


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the producer asks to wait; None where it does not say."""
    said = response.headers.get("Retry-After", "").strip()
    if said.isdigit():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, (at.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _words(error: Exception) -> str:
    if isinstance(error, Dripping):
        return f"the answer drips ({error}) and would never end"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refuses or is not there (--proxy, HTTPS_PROXY)"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection, or it was cut"
    return "the answer was cut"
