"""A producer on loopback that answers as told, faults included: what the connectors are tested against."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = Callable[["Exchange"], None]
GONE = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError, ssl.SSLError)


class Exchange(BaseHTTPRequestHandler):
    """One request, and the means to answer it."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.server.replay.asked.append((self.command, self.path, dict(self.headers)))
        routes = self.server.replay.routes
        answer = routes.get(parts.path) or routes.get(f"{parts.netloc}{parts.path}") or status(404)
        with suppress(*GONE):
            answer(self)

    do_HEAD = do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a test reads ``Replay.asked``."""

    def send(self, body: bytes, code: int = 200, length: int | None = None, **headers: str) -> None:
        """A whole answer; ``length``: what it announces, if not the truth."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Replay:
    """Where the producer is, what it answers, what it was asked."""

    url: str
    routes: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def paths(self, method: str = "GET") -> list[str]:
        return [path for verb, path, _ in self.asked if verb == method]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    replay: Replay


@contextmanager
def replay(tls: ssl.SSLContext | None = None) -> Iterator[Replay]:
    """A server on a free port of loopback, for the block."""
    server = Server(("127.0.0.1", 0), Exchange)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.replay = Replay(f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.replay
    finally:
        server.shutdown()
        server.server_close()


def file(content: bytes, etag: str | None = '"v1"', type_: str = "application/octet-stream", **headers: str) -> Answer:
    """A file as a good server gives it: ranges, conditions, a validator."""

    def answer(exchange: Exchange) -> None:
        said = {"Content_Type": type_, **({"ETag": etag} if etag else {}), **headers}
        if etag and exchange.headers.get("If-None-Match") == etag:
            exchange.send(b"", 304, **said)
            return
        asked = exchange.headers.get("Range", "")
        if asked and exchange.headers.get("If-Range", etag) == etag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                exchange.send(b"", 416, Content_Range=f"bytes */{len(content)}")
                return
            said["Content_Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            exchange.send(content[start:], 206, **said)
            return
        exchange.send(content, **said)

    return answer


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda exchange: exchange.send(body, code, **headers)


def text(content: str | bytes, type_: str = "application/json", **headers: str) -> Answer:
    body = content if isinstance(content, bytes) else content.encode()
    return lambda exchange: exchange.send(body, Content_Type=type_, **headers)


def one_after_the_other(*answers: Answer) -> Answer:
    """The first answer to the first request, and so on; the last one for ever."""
    todo, lock = list(answers), threading.Lock()

    def answer(exchange: Exchange) -> None:
        with lock:
            now = todo.pop(0) if len(todo) > 1 else todo[0]
        now(exchange)

    return answer


def cut(content: bytes, after: int, etag: str | None = '"v1"') -> Answer:
    """The connection falls after so many bytes of what was announced."""

    def answer(exchange: Exchange) -> None:
        start = int(exchange.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        rest = content[start:]
        said = {"Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        exchange.send(rest[:after], 206 if start else 200, len(rest), **({"ETag": etag} if etag else {}), **said)
        exchange.hang_up()

    return answer


def drip_body(exchange: Exchange) -> None:
    """A body that comes byte by byte, until the other side has enough of it."""
    exchange.send_response(200)
    exchange.send_header("Content-Length", "1000000")
    exchange.end_headers()
    for _ in range(1_000_000):
        exchange.wfile.write(b".")
        time.sleep(0.005)


def drip_headers(exchange: Exchange) -> None:
    """Headers that come byte by byte, until the other side has enough of them."""
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(1_000_000):
        exchange.wfile.write(b".")
        time.sleep(0.005)


def redirect(url: str) -> Answer:
    return lambda exchange: exchange.send(b"", 302, Location=url)


def http_date(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)
