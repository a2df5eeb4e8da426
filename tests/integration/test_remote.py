"""A release on any static web server, queried with range requests. The server is on the loopback address."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from climart import paths
from tests.conftest import Mart


class Static(SimpleHTTPRequestHandler):
    """A folder, with HTTP range requests, as nginx or an object store serves it. ``sent``: bytes of every answer."""

    protocol_version = "HTTP/1.1"
    sent: ClassVar[list[int]] = []

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        first, last = 0, size - 1
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked:
            first, last = int(asked[1]), min(int(asked[2] or last), last)
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if with_body:
            with path.open("rb") as handle:
                handle.seek(first)
                self.wfile.write(handle.read(last - first + 1))
            self.sent.append(last - first + 1)


@pytest.fixture
def server(sample_mart: Mart) -> Iterator[str]:
    Static.sent.clear()
    handler = functools.partial(Static, directory=str(sample_mart.release))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}"
        web.shutdown()
        thread.join()


def test_a_release_is_queried_where_it_lies(sample_mart: Mart, server: str) -> None:
    query = (
        "select territory_id, q50 from read_parquet(?) where dataset_id = 'sample_tracc2023' and indicator_id = 'tx35' "
        "and context_id = 'rwl40' and weighting = 'area' order by territory_id"
    )
    local = sample_mart.release / "parquet" / "fct_indicator.parquet"
    page = (paths.PROJECT / "docs" / "how-to" / "remote.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(page.split("```python")[1].split("```")[0], names)
    with names["connection"] as connection:
        remote = connection.execute(query, [f"{server}/parquet/fct_indicator.parquet"]).fetchall()
        assert remote == connection.execute(query, [str(local)]).fetchall()
        assert len(remote) > 30_000
    # only the footer and the row groups that matter are fetched
    assert 0 < sum(Static.sent) < local.stat().st_size / 4
