"""Releases: what verify finds, how stable moves, what publish refuses."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from climart import paths
from climart.errors import UserError
from mart import publish, release


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    return tmp_path


def folder_of(version: str, **files: str) -> Path:
    """A release of small text files, with its checksums."""
    folder = paths.releases() / version
    (folder / "parquet").mkdir(parents=True)
    for name, text in (files or {"release.json": "{}", "parquet/dim_context.parquet": "abc"}).items():
        (folder / name).write_text(text)
    release.write_checksums(folder)
    return folder


def warehouse(build: str = "1", **tables: str) -> None:
    """A tested warehouse of a few one-column tables (name → SQL of its values)."""
    about = ("source_id", "name", "url", "sha256")
    files = (
        "select 'f' as source_file_id, 'Licence Ouverte 2.0' as licence, 1 as bytes, null::timestamp as fetched_at, "
    )
    files += ", ".join(f"'w' as {w}" for w in about)
    words = ("title_fr", "title_en", "producer", "citation", "homepage", "validation_status", "notice_fr", "notice_en")
    datasets = "select 'd' as dataset_id, 'Licence Ouverte 2.0' as licence, " + ", ".join(f"'w' as {w}" for w in words)
    tables = {
        "dim_dataset": datasets,
        "dim_source_file": files,
        "dim_simulation": "select 'd' as dataset_id, 1 as run_position",
        "dim_indicator": "select 'i' as indicator_id, 1 as decimals, 'd' as unit, 'l' as label_fr, 'l' as label_en, "
        "'x' as definition_en",
        **tables,
    }
    paths.warehouse().unlink(missing_ok=True)
    with duckdb.connect(str(paths.warehouse())) as connection:
        for name, query in tables.items():
            connection.execute(f"create table {name} as {query}")
    paths.warehouse().with_suffix(".json").write_text(json.dumps({"inputs": build, "models": "m", "n_runs": 1}))


# verify


def test_an_untouched_release_has_no_fault() -> None:
    assert release.verify(folder_of("2026.11.0")) == []


def test_checksums_are_those_of_sha256sum() -> None:
    folder = folder_of("2026.11.0", **{"b.txt": "b", "parquet/a.txt": "abc"})
    expected = [hashlib.sha256(b"b").hexdigest() + "  b.txt", hashlib.sha256(b"abc").hexdigest() + "  parquet/a.txt"]
    assert (folder / "SHA256SUMS").read_text().splitlines() == expected


def test_verify_finds_a_missing_file() -> None:
    folder = folder_of("2026.11.0")
    (folder / "parquet" / "dim_context.parquet").unlink()
    assert release.verify(folder) == ["parquet/dim_context.parquet: missing"]


def test_verify_finds_a_changed_byte() -> None:
    folder = folder_of("2026.11.0")
    (folder / "parquet" / "dim_context.parquet").write_text("abd")  # the same length
    assert release.verify(folder) == ["parquet/dim_context.parquet: changed since it was published"]


def test_verify_finds_an_extra_file() -> None:
    folder = folder_of("2026.11.0")
    (folder / "parquet" / "more.parquet").write_text("")
    assert release.verify(folder) == ["parquet/more.parquet: not in SHA256SUMS"]


def test_verify_finds_every_fault() -> None:
    folder = folder_of("2026.11.0", **{"a": "a", "b": "b"})
    (folder / "a").unlink()
    (folder / "b").write_text("B")
    (folder / "c").write_text("c")
    assert [fault.split(":")[0] for fault in release.verify(folder)] == ["a", "c", "b"]


def test_verify_asks_for_a_release(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no SHA256SUMS"):
        release.verify(tmp_path)


# folders and stable


def test_releases_are_ordered_as_numbers_and_drafts_are_not_releases() -> None:
    for name in ("2026.11.10", "2026.11.9", "2026.2.0", ".draft-2026.12.0", "notes"):
        (paths.releases() / name).mkdir(parents=True)
    assert [path.name for path in release.folders()] == ["2026.2.0", "2026.11.9", "2026.11.10"]


def test_before_the_first_release() -> None:
    assert release.folders() == []
    assert release.stable() is None


def test_stable_is_a_relative_link() -> None:
    folder = folder_of("2026.11.0")
    release.make_stable(folder)
    link = paths.releases() / "stable"
    assert link.is_symlink()
    assert link.readlink() == Path("2026.11.0")
    assert release.stable() == folder
    assert json.loads((paths.releases() / "stable.json").read_text()) == {"version": "2026.11.0"}


def test_stable_survives_a_move_of_the_whole_folder(tmp_path: Path) -> None:
    release.make_stable(folder_of("2026.11.0"))
    paths.releases().rename(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere" / "stable" / "release.json").read_text() == "{}"


def test_stable_moves_in_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """At every rename and every removal on the way, stable leads to a whole release."""
    first, second = folder_of("2026.11.0"), folder_of("2026.11.1")
    release.make_stable(first)
    seen: list[str] = []
    replace, unlink = Path.replace, Path.unlink

    def watched_replace(self: Path, target: Path) -> Path:
        seen.append(str((paths.releases() / "stable").readlink()))
        return replace(self, target)

    def watched_unlink(self: Path, missing_ok: bool = False) -> None:
        assert self != paths.releases() / "stable", "stable was removed"
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "replace", watched_replace)
    monkeypatch.setattr(Path, "unlink", watched_unlink)
    release.make_stable(second)
    assert seen == ["2026.11.0", "2026.11.1"]  # before the link moves; then before stable.json does
    assert release.stable() == second
    assert sorted(path.name for path in paths.releases().iterdir()) == [
        "2026.11.0",
        "2026.11.1",
        "stable",
        "stable.json",
    ]


# publish


def test_publish_writes_a_whole_release_and_moves_stable() -> None:
    warehouse(dim_context="select 'ref' as context_id, 0 as position", stg_hidden="select 1 as x")
    done = publish.publish("2026.11.0")
    assert {"dim_context": 1, "dim_dataset": 1}.items() <= done.row_counts.items()
    assert not [
        table for table in done.row_counts if not table.startswith(("dim_", "fct_", "mart_"))
    ]  # staging is not published
    assert release.stable() == done.folder == paths.releases() / "2026.11.0"
    assert release.verify(done.folder) == []
    found = sorted(path.relative_to(done.folder).as_posix() for path in done.folder.rglob("*") if path.is_file())
    tables = ["parquet/dim_context.parquet", "parquet/dim_dataset.parquet"]
    pages = ["CHANGES.md", "datapackage.json", "dcat.jsonld", "dictionary.md"]
    assert {"SHA256SUMS", "climart.duckdb", *tables, *pages, "release.json"} <= set(found)
    footer = pq.read_schema(done.folder / tables[0]).metadata
    assert (footer[b"version"], footer[b"licence"]) == (b"2026.11.0", b"Licence Ouverte 2.0")
    with duckdb.connect(str(done.folder / "climart.duckdb"), read_only=True) as connection:
        assert connection.execute("select context_id from dim_context").fetchall() == [("ref",)]
    assert [path.name for path in paths.releases().iterdir() if path.name.startswith(".")] == []


def test_publishing_the_same_build_again_does_nothing() -> None:
    warehouse()
    folder = publish.publish("2026.11.0").folder
    before = {path: path.stat() for path in folder.rglob("*")}
    again = publish.publish()
    assert (again.unchanged, again.folder, again.row_counts["dim_dataset"]) == (True, folder, 1)
    assert {path: path.stat() for path in folder.rglob("*")} == before
    assert len(release.folders()) == 1


def test_a_version_that_exists_is_refused_and_untouched() -> None:
    warehouse("1")
    folder = publish.publish("2026.11.0").folder
    before = (folder / "SHA256SUMS").read_text()
    warehouse("2", dim_context="select 'ref' as context_id, 0 as position")
    with pytest.raises(UserError, match=r"release 2026\.11\.0 exists"):
        publish.publish("2026.11.0")
    assert (folder / "SHA256SUMS").read_text() == before
    assert release.verify(folder) == []


def test_an_older_version_is_refused_even_for_the_same_build() -> None:
    warehouse()
    publish.publish("2026.11.0")
    publish.publish("2026.11.1")
    with pytest.raises(UserError, match=r"release 2026\.11\.0 exists"):
        publish.publish("2026.11.0")
    stable = release.stable()
    assert stable is not None
    assert stable.name == "2026.11.1"


def test_the_next_version_is_the_next_patch_of_the_month() -> None:
    warehouse("1")
    first = publish.publish().folder
    assert first.name.endswith(".0")
    warehouse("2")
    second = publish.publish().folder
    assert second.name == first.name[:-1] + "1"


@pytest.mark.parametrize("version", ["1", "2026.11", "2026.11.0/..", "../x", "v2026.11.0", "stable"])
def test_what_is_not_a_version_is_refused(version: str) -> None:
    warehouse()
    with pytest.raises(UserError, match=r"expected year\.month\.patch"):
        publish.publish(version)
    assert not paths.releases().exists()


def test_no_release_without_a_tested_build() -> None:
    with pytest.raises(UserError, match="climart build"):
        publish.publish()
    warehouse()
    paths.warehouse().with_suffix(".json").unlink()  # what a build whose tests failed leaves
    with pytest.raises(UserError, match="climart build"):
        publish.publish()


def test_a_release_that_fails_on_the_way_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse("1")
    first = publish.publish("2026.11.0").folder
    warehouse("2")

    def full_disk(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(release, "write_checksums", full_disk)
    with pytest.raises(OSError, match="No space left"):
        publish.publish("2026.11.1")
    assert release.stable() == first
    assert sorted(path.name for path in paths.releases().iterdir()) == ["2026.11.0", "stable", "stable.json"]
