"""One file over HTTP: each fault ends in the right bytes or in one clear error, the previous version intact."""

from __future__ import annotations

import hashlib
import json
import os
import random
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from climart import paths
from climart.errors import UserError
from ingest import fetch, lake
from ingest.fetch import locks
from ingest.fetch.client import through
from tests import replay as server
from tests.fetching import Patience, source
from tests.replay import Replay

CONTENT = b"code;value\n" + b"".join(b"%05d;%d\n" % (n, n * n) for n in range(20_000))
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NEWER = CONTENT + b"99999;1\n"
OTHER = CONTENT.replace(b";", b";7").replace(b";7value", b";value")


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def producer() -> Iterator[Replay]:
    with server.replay() as found:
        yield found


def here(name: str = "table.csv", source_id: str = "some_source") -> bytes:
    return (paths.raw() / source_id / name).read_bytes()


def bring(producer: Replay, patience: Patience | None = None, **family: object) -> fetch.Report:
    one = source({"url": f"{producer.url}/table.csv", "contract": {"format": "csv", "columns": ["code"]}, **family})
    return fetch.fetch(one, {}, policy=(patience or Patience()).policy)


def only_failure(report: fetch.Report) -> str:
    (failure,) = report.failures
    assert report.fetched == []
    return str(failure)


def with_previous(producer: Replay) -> None:
    """A good version is here before the fault."""
    producer.routes["/table.csv"] = server.file(CONTENT)
    assert bring(producer).fetched == ["table.csv"]
    producer.asked.clear()


# What is right


def test_a_file_comes_with_its_record(producer: Replay) -> None:
    producer.routes["/table.csv"] = server.file(CONTENT, Last_Modified="Mon, 02 Nov 2026 10:00:00 GMT")
    report = bring(producer)
    assert (report.fetched, report.bytes) == (["table.csv"], len(CONTENT))
    assert here() == CONTENT
    record = json.loads((paths.raw() / "some_source" / "some_source.lock").read_text())
    held = record["files"]["table.csv"]
    assert (held["sha256"], held["bytes"], held["etag"], held["rows"]) == (SHA256, len(CONTENT), '"v1"', 20_000)
    assert held["last_modified"] == "Mon, 02 Nov 2026 10:00:00 GMT"
    assert held["url"] == f"{producer.url}/table.csv"
    assert held["fetched_at"].endswith("Z")
    assert not any((paths.raw() / "some_source" / ".partial").iterdir())


def test_what_has_not_changed_is_not_sent_again(producer: Replay) -> None:
    with_previous(producer)
    assert bring(producer).unchanged == ["table.csv"]
    ((_, _, headers),) = producer.asked
    assert headers["If-None-Match"] == '"v1"'


def test_a_server_that_ignores_conditions_is_told_by_its_etag(producer: Replay) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = lambda exchange: exchange.send(CONTENT, ETag='"v1"')
    assert bring(producer).unchanged == ["table.csv"]


def test_the_same_bytes_without_a_validator_are_no_new_version(producer: Replay) -> None:
    producer.routes["/table.csv"] = server.file(CONTENT, etag=None)
    bring(producer)
    first = locks.load("some_source").files["table.csv"].fetched_at
    assert bring(producer).unchanged == ["table.csv"]
    assert locks.load("some_source").files["table.csv"].fetched_at == first


def test_a_new_version_takes_the_place_of_the_old_one(producer: Replay) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = server.file(NEWER, etag='"v2"')
    assert bring(producer).fetched == ["table.csv"]
    assert here() == NEWER


def test_a_file_that_was_damaged_here_comes_again(producer: Replay) -> None:
    with_previous(producer)
    (paths.raw() / "some_source" / "table.csv").write_bytes(b"short")
    assert bring(producer).fetched == ["table.csv"]
    assert here() == CONTENT


def test_a_redirection_is_followed_and_the_stable_address_kept(producer: Replay) -> None:
    producer.routes["/table.csv"] = server.redirect(f"{producer.url}/moved/x?X-Amz-Signature=abcd1234")
    producer.routes["/moved/x"] = server.file(CONTENT)
    assert bring(producer).fetched == ["table.csv"]
    assert locks.load("some_source").files["table.csv"].url == f"{producer.url}/table.csv"
    assert "abcd1234" not in locks.path("some_source").read_text()


# Cuts


def test_a_cut_connection_is_taken_up_where_it_stopped(producer: Replay) -> None:
    producer.routes["/table.csv"] = server.one_after_the_other(
        server.cut(CONTENT, 50_000), server.cut(CONTENT, 30_000), server.file(CONTENT)
    )
    assert bring(producer).fetched == ["table.csv"]
    assert hashlib.sha256(here()).hexdigest() == SHA256
    ranges = [headers.get("Range") for _, _, headers in producer.asked]
    assert ranges == [None, "bytes=50000-", "bytes=80000-"]
    assert [headers.get("If-Range") for _, _, headers in producer.asked] == [None, '"v1"', '"v1"']


def test_a_later_call_takes_up_what_an_earlier_one_left(producer: Replay) -> None:
    producer.routes["/table.csv"] = server.one_after_the_other(server.cut(CONTENT, 50_000), server.status(404))
    assert "404" in only_failure(bring(producer))
    producer.routes["/table.csv"] = server.file(CONTENT)
    producer.asked.clear()
    assert bring(producer).fetched == ["table.csv"]
    assert here() == CONTENT
    assert [headers.get("Range") for _, _, headers in producer.asked] == ["bytes=50000-"]


def test_a_file_renewed_between_two_parts_is_not_glued_together(producer: Replay) -> None:
    producer.routes["/table.csv"] = server.one_after_the_other(
        server.cut(CONTENT, 50_000), server.file(OTHER, etag='"v2"')
    )
    assert bring(producer).fetched == ["table.csv"]
    assert here() == OTHER


def test_without_a_validator_a_cut_file_begins_again(producer: Replay) -> None:
    producer.routes["/table.csv"] = server.one_after_the_other(
        server.cut(CONTENT, 50_000, etag=None), server.file(CONTENT, etag=None)
    )
    assert bring(producer).fetched == ["table.csv"]
    assert [headers.get("Range") for _, _, headers in producer.asked] == [None, None]
    assert here() == CONTENT


def test_a_file_always_cut_at_the_same_byte_ends_in_an_error(producer: Replay) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = lambda exchange: exchange.send(b"", 200, 10, ETag='"v2"') or exchange.hang_up()
    failure = only_failure(bring(producer))
    assert "4 attempt(s)" in failure
    assert here() == CONTENT


def test_headers_that_are_cut_are_not_an_empty_answer(producer: Replay) -> None:
    def half(exchange: server.Exchange) -> None:
        exchange.wfile.write(b"HTTP/1.1 200 OK\r\nServer: x\r\n")
        exchange.hang_up()

    producer.routes["/table.csv"] = half
    report = bring(producer)
    assert "attempt(s)" in only_failure(report)
    assert report.failures[0].reason == "unreachable"


def test_a_range_beyond_the_end_begins_again(producer: Replay) -> None:
    producer.routes["/table.csv"] = server.one_after_the_other(server.cut(NEWER, 150_000), server.status(404))
    bring(producer)
    short = b"code\n1\n"
    producer.routes["/table.csv"] = server.file(short)  # the same ETag, wrongly
    assert bring(producer).fetched == ["table.csv"]
    assert here() == short


# Refusals that pass


def test_429_waits_as_long_as_it_is_told(producer: Replay) -> None:
    patience = Patience()
    producer.routes["/table.csv"] = server.one_after_the_other(
        server.status(429, Retry_After="7"), server.status(429, Retry_After=server.http_date(600)), server.file(CONTENT)
    )
    assert bring(producer, patience).fetched == ["table.csv"]
    assert len(patience.waits) == 2
    assert 0 < patience.waits[0] <= 7 < patience.waits[1] <= 600


def test_a_retry_after_of_hours_is_said_and_not_waited(producer: Replay) -> None:
    patience = Patience()
    producer.routes["/table.csv"] = server.status(503, Retry_After="7200")
    assert "come back in 7200 s" in only_failure(bring(producer, patience))
    assert patience.waits == []


def test_a_burst_of_503_is_waited_out_twice_as_long_each_time(producer: Replay) -> None:
    patience = Patience()
    busy = server.status(503)
    producer.routes["/table.csv"] = server.one_after_the_other(busy, busy, busy, server.file(CONTENT))
    assert bring(producer, patience).fetched == ["table.csv"]
    assert patience.waits == [1, 2, 4]


def test_jitter_keeps_clients_apart(producer: Replay) -> None:
    patience = Patience(jitter=random.Random(1).random)
    busy = server.status(502)
    producer.routes["/table.csv"] = server.one_after_the_other(busy, busy, server.file(CONTENT))
    bring(producer, patience)
    assert all(0.5 * full <= wait < full for wait, full in zip(patience.waits, (1, 2), strict=True))


def test_an_endless_503_ends_in_an_error(producer: Replay) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = server.status(503)
    report = bring(producer)
    assert "HTTP 503" in only_failure(report)
    assert report.failures[0].reason == "unreachable"
    assert here() == CONTENT


@pytest.mark.parametrize(
    ("code", "reason"), [(404, "not_found"), (410, "not_found"), (403, "forbidden"), (400, "wrong_content")]
)
def test_what_asking_again_cannot_mend_is_asked_once(producer: Replay, code: int, reason: str) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = server.status(code)
    report = bring(producer)
    assert f"HTTP {code}" in only_failure(report)
    assert report.failures[0].reason == reason
    assert len(producer.asked) == 1
    assert here() == CONTENT
    failure = locks.load("some_source").failure
    assert failure is not None
    assert failure.reason == reason


# Those who never end


@pytest.mark.parametrize("slow", [server.drip_body, server.drip_headers])
def test_a_slow_loris_is_given_up(producer: Replay, slow: server.Answer) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = slow
    header_timeout = 0.1 if slow is server.drip_headers else 60
    patience = Patience(header_timeout=header_timeout, rate_window=0.05, min_rate=1e6, attempts=2)
    failure = only_failure(bring(producer, patience))
    assert ("drips" if slow is server.drip_body else "no answer in time") in failure
    assert here() == CONTENT


def test_a_silent_server_is_given_up(producer: Replay) -> None:
    with_previous(producer)

    def silent(exchange: server.Exchange) -> None:
        exchange.rfile.read(1)  # until the client hangs up

    producer.routes["/table.csv"] = silent
    assert "no answer in time" in only_failure(bring(producer, Patience(idle_timeout=0.1, attempts=2)))
    assert here() == CONTENT


# Wrong content


def test_a_wrong_length_is_refused(producer: Replay) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = server.file(NEWER, etag='"v2"')
    failure = only_failure(bring(producer, bytes=len(CONTENT)))
    assert f"{len(NEWER)} bytes announced, {len(CONTENT)} expected" in failure
    assert here() == CONTENT


def test_a_wrong_hash_is_asked_twice_then_refused(producer: Replay) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = server.file(NEWER, etag='"v2"')
    failure = only_failure(bring(producer, sha256=SHA256))
    assert f"expected {SHA256[:16]}…, twice" in failure
    assert len(producer.asked) == 2
    assert here() == CONTENT


def test_a_hash_broken_on_the_way_is_right_the_second_time(producer: Replay) -> None:
    broken = bytes(CONTENT[:-2]) + b"0\n"
    producer.routes["/table.csv"] = server.one_after_the_other(server.file(broken), server.file(CONTENT))
    assert bring(producer, sha256=SHA256).fetched == ["table.csv"]
    assert here() == CONTENT


@pytest.mark.parametrize("type_", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_with_status_200_is_refused(producer: Replay, type_: str) -> None:
    with_previous(producer)
    page = b"\xef\xbb\xbf\n<!DOCTYPE html><html><body>Maintenance</body></html>"
    producer.routes["/table.csv"] = server.text(page, type_)
    report = bring(producer)
    assert "a web page came" in only_failure(report)
    assert report.failures[0].reason == "wrong_content"
    assert here() == CONTENT


def test_an_empty_200_is_refused(producer: Replay) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = server.file(b"", etag='"v2"')
    assert "an empty file came with status 200" in only_failure(bring(producer))
    assert here() == CONTENT


def test_a_renamed_column_is_refused(producer: Replay) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = server.file(b"insee;value\n1;2\n", etag='"v2"')
    assert "no column code (found insee, value)" in only_failure(bring(producer))
    assert here() == CONTENT


def test_capped_rows_are_refused(producer: Replay) -> None:
    with_previous(producer)
    producer.routes["/table.csv"] = server.file(b"code\n" + b"1\n" * 30_000, etag='"v2"')
    assert "exactly 30000 rows" in only_failure(bring(producer, contract={"format": "csv", "caps": [30_000]}))
    assert here() == CONTENT


# Bank networks


def test_a_proxy_is_used(producer: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    through(producer.url.replace("//", "//user:s3cret-pass@"), None)
    producer.routes["producer.invalid/table.csv"] = server.file(CONTENT)
    one = source({"url": "http://producer.invalid/table.csv"})
    assert fetch.fetch(one, {}, policy=Patience().policy).fetched == ["table.csv"]
    ((_, path, headers),) = producer.asked
    assert path == "http://producer.invalid/table.csv"
    assert headers["Proxy-Authorization"].startswith("Basic ")
    assert "s3cret-pass" not in locks.path("some_source").read_text()


def test_the_banks_own_certificates_are_trusted_when_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "bank.pem"
    authority.cert_pem.write_to_path(str(bundle))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    with server.replay(context) as producer:
        producer.routes["/table.csv"] = server.file(CONTENT)
        failure = only_failure(bring(producer))
        assert "its certificate is not trusted" in failure
        assert "--ca-bundle" in failure
        through(None, bundle)
        assert bring(producer).fetched == ["table.csv"]


def test_a_missing_bundle_is_said() -> None:
    with pytest.raises(UserError, match=r"nowhere\.pem: no such file"):
        through(None, Path("nowhere.pem"))


# What the lake learns


def test_a_failing_source_is_stale_in_the_lake_and_keeps_its_file(producer: Replay) -> None:
    with_previous(producer)
    locks.record_states()
    assert [(row["source_id"], row["is_stale"]) for row in lake.read("source_state").to_pylist()] == [
        ("some_source", False)
    ]
    producer.routes["/table.csv"] = server.status(503)
    bring(producer)
    locks.record_states()
    ((stale, reason, checked),) = [
        (row["is_stale"], row["stale_reason"], row["checked_at"]) for row in lake.read("source_state").to_pylist()
    ]
    assert (stale, reason) == (True, "unreachable")
    assert checked == locks.load("some_source").checked_at


def test_a_check_that_finds_nothing_new_leaves_the_lake_alone(
    producer: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_previous(producer)
    locks.record_states()
    before = lake.table_path("source_state").read_bytes()
    later = locks.now().replace(year=2031)
    monkeypatch.setattr(locks, "now", lambda: later)
    assert bring(producer).unchanged == ["table.csv"]
    locks.record_states()
    assert locks.load("some_source").checked_at == later
    assert lake.table_path("source_state").read_bytes() == before
