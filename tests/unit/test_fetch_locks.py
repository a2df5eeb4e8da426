"""Two fetches at once, what the record holds, and the secrets that it must not."""

from __future__ import annotations

import io
import json
import logging
import multiprocessing
import os
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from climart import cli, paths
from climart.errors import UserError
from ingest import fetch, registry
from ingest.fetch import copernicus, locks
from ingest.fetch.failures import public, redacted
from ingest.registry import Source
from tests import replay as server
from tests.fetching import Patience, source
from tests.replay import Exchange, Replay

TOKEN = "b6f0aaaa-0000-4000-8000-token0secret"
CONTENT = b"code\n" + b"1\n" * 40_000


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))  # no .cdsapirc of whoever runs the tests
    return tmp_path


@pytest.fixture
def producer() -> Iterator[Replay]:
    with server.replay() as found:
        yield found


def _fetch(one: Source) -> None:
    report = fetch.fetch(one, {}, policy=Patience().policy)
    assert report.failures == []


def test_two_processes_do_not_corrupt_a_source(producer: Replay) -> None:
    """The first is held in the middle of its file until the second has had its chance to break in."""
    in_the_middle, go_on = threading.Event(), threading.Event()

    def held(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("ETag", '"v1"')
        exchange.send_header("Content-Length", str(len(CONTENT)))
        exchange.end_headers()
        exchange.wfile.write(CONTENT[:30_000])
        exchange.wfile.flush()
        in_the_middle.set()
        go_on.wait(30)
        exchange.wfile.write(CONTENT[30_000:])

    producer.routes["/a.csv"] = server.one_after_the_other(held, server.file(CONTENT))
    one = source({"url": f"{producer.url}/a.csv"})
    context = multiprocessing.get_context("fork")
    first = context.Process(target=_fetch, args=(one,))
    first.start()
    assert in_the_middle.wait(30)
    waited = threading.Event()
    reports: list[fetch.Report] = []

    def second() -> None:
        reports.append(fetch.fetch(one, {}, policy=Patience().policy, waiting=waited.set))

    other = threading.Thread(target=second)
    other.start()
    assert waited.wait(30)  # it found the first at work
    assert len(producer.asked) == 1  # and asked for nothing
    go_on.set()
    first.join(30)
    other.join(30)
    assert first.exitcode == 0
    assert reports[0].unchanged == ["a.csv"]
    assert (paths.raw() / "some_source" / "a.csv").read_bytes() == CONTENT
    assert locks.load("some_source").files["a.csv"].bytes == len(CONTENT)


def test_a_broken_record_is_said(data_root: Path) -> None:
    where = locks.path("some_source")
    where.parent.mkdir(parents=True)
    where.write_text('{"source": "some_source", "files": 3}')
    with pytest.raises(UserError, match=r"some_source\.lock: not the record of a fetch any more"):
        locks.load("some_source")


def test_provenance_of_a_fetched_file_and_of_another(producer: Replay, data_root: Path) -> None:
    producer.routes["/a.csv"] = server.file(CONTENT)
    _fetch(source({"url": f"{producer.url}/a.csv"}))
    held = locks.load("some_source").files["a.csv"]
    file = paths.raw() / "some_source" / "a.csv"
    assert locks.provenance(file, held.sha256) == {"url": f"{producer.url}/a.csv", "fetched_at": held.fetched_at}
    assert locks.provenance(file, "0" * 64) == {}
    assert locks.provenance(data_root / "a.csv", held.sha256) == {}


def test_what_is_written_down_of_an_address() -> None:
    url = "https://user:pass@host.fr/a%20b.nc?X-Amz-Signature=123&size=10&api_key=k&token=t"
    assert public(url) == "https://host.fr/a%20b.nc?size=10"
    said = redacted("GET https://user:pass@host.fr/a?token=tttt&x=1 failed")
    assert said == "GET https://host.fr/a?token=…&x=1 failed"


# The Climate Data Store, replayed in the shapes of its processing API (OGC API - Processes)


def store(producer: Replay, content: bytes, refuse: bool = False) -> list[dict[str, object]]:
    """Routes of a store that takes an order, makes it, and gives the file; returns the orders that it got."""
    orders: list[dict[str, object]] = []
    process = "/api/retrieve/v1/processes/insitu-gridded-observations-europe"
    job = "/api/retrieve/v1/jobs/job-1"

    def links(rel: str, path: str) -> list[dict[str, str]]:
        return [{"rel": rel, "href": f"{producer.url}{path}"}]

    def execution(exchange: Exchange) -> None:
        body = exchange.rfile.read(int(exchange.headers["Content-Length"]))
        if refuse or exchange.headers.get("PRIVATE-TOKEN") != TOKEN:
            exchange.send(json.dumps({"title": "required licences not accepted", "detail": TOKEN}).encode(), 403)
            return
        orders.append(json.loads(body)["inputs"])
        exchange.send(
            json.dumps({"jobID": "job-1", "status": "successful", "links": links("monitor", job)}).encode(), 201
        )

    producer.routes |= {
        process: server.text(json.dumps({"id": "x", "links": links("self", process)})),
        f"{process}/execution": execution,
        f"{process}/execution/": execution,
        job: server.text(
            json.dumps(
                {
                    "jobID": "job-1",
                    "status": "successful",
                    "created": "2026-11-21T10:00:00",
                    "updated": "2026-11-21T10:00:00",
                    "links": links("results", f"{job}/results"),
                }
            )
        ),
        f"{job}/results": server.text(
            json.dumps({"asset": {"value": {"href": f"{producer.url}/made/x.zip", "file:size": len(content)}}})
        ),
        "/made/x.zip": server.file(content),
        "/api/catalogue/v1/messages": server.text('{"messages": []}'),
    }
    return orders


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        content.writestr("tg_ens_mean_0.1deg_reg_v31.0e.nc", b"CDF\x01....")
    return buffer.getvalue()


def test_an_order_to_copernicus_with_the_users_token(
    producer: Replay,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("CDSAPI_URL", f"{producer.url}/api")
    monkeypatch.setenv("CDSAPI_KEY", TOKEN)
    orders = store(producer, archive())
    one = registry.sources()["eobs"]
    report = fetch.fetch(one, {"variable": ["mean_temperature"]}, policy=Patience().policy)
    assert (report.fetched, report.failures) == (["eobs_31_0e_mean_temperature.zip"], [])
    assert [order["variable"] for order in orders] == [["mean_temperature"]]
    assert orders[0]["grid_resolution"] == "0_1deg"
    held = locks.load("eobs").files["eobs_31_0e_mean_temperature.zip"]
    assert held.url.startswith(f"{copernicus.STORE}/insitu-gridded-observations-europe#")
    again = fetch.fetch(one, {"variable": ["mean_temperature"]}, policy=Patience().policy)
    assert (again.unchanged, len(orders)) == (["eobs_31_0e_mean_temperature.zip"], 1)  # not ordered twice
    written = [path.read_bytes() for path in paths.data_root().rglob("*") if path.is_file()]
    printed = capfd.readouterr()
    assert len(written) >= 3
    for text in (*written, caplog.text.encode(), printed.out.encode(), printed.err.encode()):
        assert TOKEN.encode() not in text


def test_a_refusal_of_copernicus_is_said_without_the_token(producer: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDSAPI_URL", f"{producer.url}/api")
    monkeypatch.setenv("CDSAPI_KEY", TOKEN)
    store(producer, archive(), refuse=True)
    report = fetch.fetch(registry.sources()["eobs"], {"variable": ["mean_temperature"]}, policy=Patience().policy)
    (failure,) = report.failures
    assert failure.reason == "forbidden"
    assert "terms may have to be accepted" in str(failure)
    assert TOKEN not in str(failure)
    assert TOKEN not in locks.path("eobs").read_text()


def test_without_a_token_the_user_is_told_where_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CDSAPI_URL", "CDSAPI_KEY", "CDSAPI_RC"):
        monkeypatch.delenv(name, raising=False)
    report = fetch.fetch(registry.sources()["eobs"], {"variable": ["mean_temperature"]}, policy=Patience().policy)
    (failure,) = report.failures
    assert failure.reason == "misconfigured"
    assert "CDSAPI_KEY" in str(failure)


# The command line


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """``climart`` in this process; what it printed."""
    before = sys.argv
    sys.argv = ["climart", *arguments]
    try:
        cli.main()
        ended = 0
    except SystemExit as end:
        ended = int(end.code or 0)
    finally:
        sys.argv = before
    said = capsys.readouterr()
    assert ended == code, said.out + said.err
    return said.out + said.err


@pytest.fixture
def one_source(producer: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """A registry of one source, at the replayed producer."""
    folder = tmp_path / "sources"
    folder.mkdir()
    one = source({"url": f"{producer.url}/{{departement}}.csv", "facets": {"departement": ["73", "74"]}})
    content = one.model_dump(mode="json", exclude_defaults=True)
    content["fetch"]["profiles"] = {"departemental": {}, "national": {}}
    (folder / "some_source.yml").write_text(yaml.safe_dump(content, allow_unicode=True))
    monkeypatch.setattr(paths, "SOURCES", folder)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    registry.sources.cache_clear()
    producer.routes |= {f"/{code}.csv": server.file(CONTENT) for code in (73, 74)}
    yield producer
    registry.sources.cache_clear()


def test_the_verbs(one_source: Replay, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "fetch", "some_source", "--département", "73", "--dry-run")
    assert "80.0 kB  73.csv" in said
    assert not paths.raw().exists()
    assert "Nothing was fetched yet" in run(capsys, "status")
    said = run(capsys, "fetch", "--all", "--profile", "départemental", "--departement", "73")
    assert "some_source: 1 file(s) fetched (80.0 kB), 0 unchanged." in said
    assert "1 file(s) fetched (80.0 kB), 1 unchanged" in run(capsys, "fetch", "--all")
    said = run(capsys, "status")
    assert "2 file(s), 160.0 kB, fetched today" in said
    assert "nothing new upstream" in said
    one_source.routes["/74.csv"] = server.file(CONTENT * 2, etag='"v2"')
    assert "renewed upstream: 74.csv" in run(capsys, "status")
    one_source.routes["/74.csv"] = server.status(404)
    said = run(capsys, "fetch", "some_source", code=2)
    assert "1 failure(s); what was here before stays" in said
    assert "HTTP 404" in said
    assert "last fetch failed, today" in run(capsys, "status", "--offline")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fetch",), "name one source, or --all"),
        (("fetch", "nothing"), "no source 'nothing'"),
        (("fetch", "some_source", "--only", "x"), "expected FACET=VALUE"),
        (("fetch", "some_source", "--year", "2020"), "some_source has no year"),
        (("fetch", "--all", "--profile", "world"), "expected départemental or national"),
        (("fetch", "--all", "--profile", "départemental"), "wants --departement CODE"),
        (("fetch", "some_source", "--ca-bundle", "nowhere.pem"), "nowhere.pem: no such file"),
        (("status", "nothing"), "no source nothing"),
        (("refresh",), "nothing was fetched yet"),
    ],
)
def test_what_does_not_add_up(
    one_source: Replay, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in run(capsys, *arguments, code=2)
