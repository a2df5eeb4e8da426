"""Refresh: what is new is fetched, loaded, built and published; what fails keeps its last good version, as stale."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from climart import paths, refresh
from climart.errors import BuildFailed, UserError
from climart.files import sha256_of
from ingest import fetch, lake, registry
from ingest.fetch import locks
from mart import build, publish
from tests import replay as server
from tests.factories import tracc_export
from tests.fetching import Patience
from tests.replay import Replay

CELL = 7220
HEADER = "cod_nat_catnat;cod_commune;lib_commune;num_risque_jo;lib_risque_jo;" + (
    "dat_deb;dat_fin;dat_pub_arrete;dat_pub_jo;dat_maj"
)
DATES = "2018-07-01;2018-09-30;2019-06-18;2019-07-17;2020-01-01"


def gaspar(*communes: str, header: str = HEADER) -> bytes:
    """gaspar.zip with one drought order per commune."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        lines = [
            f"INTE{c};{c};X;SEC;Sécheresse;2018-07-01;2018-09-30;2019-06-18;2019-07-17;2020-01-01" for c in communes
        ]
        archive.writestr("catnat_gaspar.csv", "\n".join([header, *lines]) + "\n")
        archive.writestr("pprn_gaspar.csv", "code\n1\n")
    return buffer.getvalue()


def export(folder: Path, warming: int) -> bytes:
    row = {"NORTMm_yr": f"{10 + warming}.00", "ATMm_yr": f"{warming}.00"}
    return tracc_export(folder / f"{warming}.txt", "RCM1_GCM", "GWL15", {CELL: row}).read_bytes()


@pytest.fixture
def producer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    """The registry's own sources, two of them moved to loopback."""
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    folder = tmp_path / "sources"
    folder.mkdir()
    with server.replay() as found:
        catnat = yaml.safe_load((paths.SOURCES / "georisques_catnat.yml").read_text())
        (family,) = catnat["fetch"]["families"]
        family["url"] = f"{found.url}/gaspar.zip"
        family["contract"]["rows"] = [1, 10]
        tracc = yaml.safe_load((paths.SOURCES / "drias_tracc2023.yml").read_text())
        del tracc["order"]
        contract = {"format": "csv", "preamble": 30, "columns": ["Point", "Niveau"]}
        tracc["fetch"] = {"families": [{"url": f"{found.url}/a.txt", "evidence": "client_code", "contract": contract}]}
        for content in (catnat, tracc):
            (folder / f"{content['id']}.yml").write_text(yaml.safe_dump(content, allow_unicode=True))
        monkeypatch.setattr(paths, "SOURCES", folder)
        registry.sources.cache_clear()
        found.routes |= {"/gaspar.zip": server.file(gaspar("01001")), "/a.txt": server.file(export(tmp_path, 1))}
        yield found
    registry.sources.cache_clear()


class Downstream:
    """In the place of dbt and of the release: what they were called for, on which lake."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lakes: list[dict[str, str]] = []
        self.published = 0
        monkeypatch.setattr(build, "build", self.build)
        monkeypatch.setattr(publish, "publish", self.publish)

    def build(self) -> build.Built:
        files = sorted(paths.lake().rglob("*.parquet"))
        self.lakes.append({path.relative_to(paths.lake()).as_posix(): sha256_of(path) for path in files})
        return build.Built(len(self.lakes) > 1 and self.lakes[-1] == self.lakes[-2], 1, 1, 1)

    def publish(self) -> publish.Published:
        self.published += 1
        return publish.Published(paths.releases() / "2026.11.0", False, {})


@pytest.fixture
def downstream(monkeypatch: pytest.MonkeyPatch) -> Downstream:
    return Downstream(monkeypatch)


def first_fetch() -> None:
    for source_id in ("georisques_catnat", "drias_tracc2023"):
        assert fetch.fetch(fetch.source_of(source_id), {}, policy=Patience().policy).failures == []


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock finds it a day later: nothing may hang on two calls in one second."""
    days = itertools.count()
    monkeypatch.setattr(locks, "now", lambda: datetime(2026, 11, 21, tzinfo=UTC) + timedelta(days=next(days)))


def again() -> refresh.Refreshed:
    return refresh.refresh(policy=Patience().policy)


def communes() -> list[str]:
    path = lake.table_path("catnat_event", "georisques_catnat")
    return sorted(row["commune_code"] for row in pq.read_table(path).to_pylist())


def stale() -> dict[str, tuple[bool, str | None]]:
    return {r["source_id"]: (r["is_stale"], r["stale_reason"]) for r in lake.read("source_state").to_pylist()}


def test_what_was_fetched_is_loaded_with_its_provenance(producer: Replay, downstream: Downstream) -> None:
    first_fetch()
    done = again()
    assert set(done.loaded) == {"georisques_catnat", "drias_tracc2023"}
    assert done.stale == {}
    assert communes() == ["01001"]
    files = {row["source_id"]: row for row in lake.read("source_file").to_pylist()}
    assert files["georisques_catnat"]["url"] == f"{producer.url}/gaspar.zip#catnat_gaspar.csv"
    assert files["drias_tracc2023"]["url"] == f"{producer.url}/a.txt"
    assert files["drias_tracc2023"]["fetched_at"] == locks.load("drias_tracc2023").fetched_at
    assert (len(downstream.lakes), downstream.published) == (1, 1)


def test_a_token_in_an_address_reaches_neither_record_nor_lake(producer: Replay, downstream: Downstream) -> None:
    path = paths.SOURCES / "georisques_catnat.yml"
    content = yaml.safe_load(path.read_text())
    content["fetch"]["families"][0]["parameters"] = {"token": "s3cret-t0ken", "part": "all"}
    path.write_text(yaml.safe_dump(content))
    registry.sources.cache_clear()
    first_fetch()
    again()
    assert "token=s3cret-t0ken" in producer.paths()[0]  # it was sent
    (row,) = [row for row in lake.read("source_file").to_pylist() if row["source_id"] == "georisques_catnat"]
    assert row["url"] == f"{producer.url}/gaspar.zip?part=all#catnat_gaspar.csv"
    written = [file.read_bytes() for file in paths.data_root().rglob("*") if file.is_file()]
    assert len(written) > 5
    assert not any(b"s3cret-t0ken" in content for content in written)


def test_nothing_new_changes_nothing(producer: Replay, downstream: Downstream) -> None:
    first_fetch()
    again()
    done = again()
    assert (sorted(done.unchanged), done.loaded) == (["drias_tracc2023", "georisques_catnat"], {})
    assert downstream.lakes[1] == downstream.lakes[0]


def test_only_what_changed_is_loaded_again(producer: Replay, downstream: Downstream, tmp_path: Path) -> None:
    first_fetch()
    again()
    producer.routes["/gaspar.zip"] = server.file(gaspar("01001", "01002"), etag='"v2"')
    done = again()
    assert (done.fetched, list(done.loaded)) == ({"georisques_catnat": 1}, ["georisques_catnat"])
    assert communes() == ["01001", "01002"]
    before, after = downstream.lakes
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"catnat_event/georisques_catnat.parquet", "source_file.parquet"}
    unpacked = paths.raw() / "georisques_catnat" / locks.UNPACKED
    assert len(list(unpacked.iterdir())) == 1  # what the old archive held is gone


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (server.status(503), "unreachable"),
        (server.status(404), "not_found"),
        (server.text("<html>Maintenance</html>", "text/html"), "wrong_content"),
        (server.file(gaspar("01003", header=HEADER.replace("cod_commune", "insee")), etag='"v2"'), "wrong_content"),
        (server.file(gaspar("not a code"), etag='"v2"'), "reader_refused"),
    ],
)
def test_a_failing_source_keeps_its_last_good_version(
    producer: Replay, downstream: Downstream, tmp_path: Path, answer: server.Answer, reason: str
) -> None:
    first_fetch()
    again()
    producer.routes["/gaspar.zip"] = answer
    producer.routes["/a.txt"] = server.file(export(tmp_path, 2), etag='"v2"')
    done = again()
    assert list(done.stale) == ["georisques_catnat"]
    assert list(done.loaded) == ["drias_tracc2023"]  # the others go on
    assert communes() == ["01001"]
    assert stale() == {"georisques_catnat": (True, reason), "drias_tracc2023": (False, None)}
    assert downstream.published == 2
    again()  # the same failure again is no news
    fetch.fetch(fetch.source_of("georisques_catnat"), {}, policy=Patience().policy)
    locks.record_states()
    assert stale()["georisques_catnat"] == (True, reason)  # nor does fetching by hand make it good
    assert downstream.lakes[2] == downstream.lakes[1]
    producer.routes["/gaspar.zip"] = server.file(gaspar("01004"), etag='"v3"')
    assert list(again().loaded) == ["georisques_catnat"]
    assert communes() == ["01004"]
    assert stale()["georisques_catnat"] == (False, None)


def test_a_build_that_fails_publishes_nothing(
    producer: Replay, downstream: Downstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_fetch()

    def fails() -> build.Built:
        raise BuildFailed("a data test failed")

    monkeypatch.setattr(build, "build", fails)
    with pytest.raises(BuildFailed):
        again()
    assert downstream.published == 0


def test_a_source_without_a_reader_is_said(
    producer: Replay, downstream: Downstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_fetch()
    path = paths.SOURCES / "georisques_catnat.yml"
    content = yaml.safe_load(path.read_text()) | {"reader": "missing", "reader_missing": "rows to events"}
    path.write_text(yaml.safe_dump(content))
    registry.sources.cache_clear()
    assert again().by_hand == {"georisques_catnat": "rows to events"}


def test_each_selection_is_asked_again(producer: Replay, downstream: Downstream) -> None:
    path = paths.SOURCES / "drias_tracc2023.yml"
    content = yaml.safe_load(path.read_text())
    content["fetch"]["families"][0] |= {
        "url": f"{producer.url}/{{year}}.txt",
        "facets": {"year": ["2001", "2002", "2003"]},
    }
    path.write_text(yaml.safe_dump(content))
    registry.sources.cache_clear()
    text = producer.routes["/a.txt"]
    producer.routes |= {f"/{year}.txt": text for year in (2001, 2002, 2003)}
    one = fetch.source_of("drias_tracc2023")
    for year in ("2001", "2002"):
        fetch.fetch(one, {"year": [year]}, policy=Patience().policy)
    producer.asked.clear()
    again()
    assert sorted(producer.paths()) == ["/2001.txt", "/2002.txt"]


def test_before_any_fetch(producer: Replay) -> None:
    with pytest.raises(UserError, match="nothing was fetched yet"):
        again()


def test_the_lock_holds_no_more_than_it_says(producer: Replay) -> None:
    first_fetch()
    record = json.loads(locks.path("georisques_catnat").read_text())
    assert set(record) == {"source", "checked_at", "selections", "files", "failure", "ingested"}
    assert set(record["files"]["gaspar.zip"]) == {
        "url", "etag", "last_modified", "bytes", "sha256", "rows", "fetched_at",
    }  # fmt: skip
