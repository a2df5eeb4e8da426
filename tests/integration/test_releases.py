"""Releases on disk: published whole or not at all, read while others are published, compared, rolled back.

The warehouse here is made by hand, of a few rows, so that a release takes no time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from climart import paths
from climart.errors import BuildFailed, UserError
from mart import diff, publish, release

TABLES = """
create table dim_dataset as select 'd' as dataset_id, 'Données' as title_fr, 'Data' as title_en, 'P' as producer,
    'Licence Ouverte 2.0' as licence, 'P, data' as citation, 'https://example.org' as homepage,
    'validated' as validation_status;
create table dim_source_file as select 'f' as source_file_id, 'd' as source_id, 'f.txt' as name, null::varchar as url,
    null::timestamptz as fetched_at, 1::bigint as bytes, 'ab' as sha256, 'Licence Ouverte 2.0' as licence;
create table dim_indicator as select * from (values
    ('tx35', 'Jours', 'Days', 'd/yr', 1::smallint, 'Days at or above 35 °C'),
    ('rr_yr', 'Pluie', 'Rain', 'mm', 0::smallint, 'Yearly rain')
) as t(indicator_id, label_fr, label_en, unit, decimals, definition_en);
create table dim_simulation as select 'r' as simulation_id, 'd' as dataset_id, 1 as run_position;
create table dim_build as select $marker::varchar as code_commit, 'a' as inputs_sha256, 'b' as models_sha256;
create table fct_indicator as select 'commune:' || code as territory_id, indicator_id, 'd' as dataset_id,
    'rwl20' as context_id, 'area' as weighting, ($marker + code::int)::float as q50, null::varchar as reason
    from range(1, 4) as r(code) cross join dim_indicator;
"""


def warehouse(marker: int = 0, *changes: str) -> None:
    """The warehouse of TABLES, values shifted by ``marker``, then changed by some SQL, as if its tests had passed."""
    paths.warehouse().unlink(missing_ok=True)
    paths.warehouse().parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(paths.warehouse())) as connection:
        for statement in [*TABLES.replace("$marker", str(marker)).split(";")[:-1], *changes]:
            connection.execute(statement)
    paths.warehouse().with_suffix(".json").write_text(json.dumps({"inputs": f"{marker}{changes}", "code_commit": "c"}))


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    return tmp_path


READER = """
import json, pathlib, sys, time
import duckdb
root, n = pathlib.Path(sys.argv[1]), 0
while True:
    last = (root / "enough").exists()
    folder = (root / "releases" / "stable").resolve(strict=True)
    with duckdb.connect(str(folder / "climart.duckdb"), read_only=True, config={"threads": 1}) as c:
        (base,), = c.execute("select code_commit::int from dim_build").fetchall()
        values = c.execute("select distinct q50 - right(territory_id, 1)::int from fct_indicator").fetchall()
        other = c.execute("select distinct q50 - right(territory_id, 1)::int from read_parquet(?)",
                          [str(folder / "parquet" / "fct_indicator.parquet")]).fetchall()
    assert values == other == [(base,)], (folder, base, values, other)
    assert json.loads((folder / "release.json").read_text())["version"] == folder.name
    n += 1
    if last:
        break
    time.sleep(0.4)
print(n, base)
"""


def test_twenty_readers_meet_no_writer(root: Path) -> None:
    warehouse(0)
    publish.publish("2026.11.0")
    command = [sys.executable, "-I", "-c", READER, str(root)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(20)]
    for patch in range(1, 6):
        warehouse(10 * patch)
        publish.publish(f"2026.11.{patch}")
    (root / "enough").touch()
    said = [reader.communicate() for reader in readers]
    assert [reader.returncode for reader in readers] == [0] * 20, [err for _, err in said if err]
    assert all(out.split()[1] == "50" and int(out.split()[0]) > 0 for out, _ in said)


KILLED = """
import os, sys
from mart import publish, release
stops = ["dim_build", "dim_dataset", "fct_indicator", "catalogue", "changes", "checksums",
         "fsync_tree", "make_stable", "atomic_text"]
for stop in stops:
    child = os.fork()
    if child == 0:
        for module, name in ((release, "fsync_tree"), (release, "make_stable"), (release, "atomic_text")):
            if stop == name and name != "atomic_text":
                setattr(module, name, lambda *_: os._exit(9))
        if stop == "atomic_text":
            write = release.atomic_text
            release.atomic_text = lambda path, text: os._exit(9) if path.name == "stable.json" else write(path, text)
        publish.publish(f"2026.12.{stops.index(stop)}", lambda step: os._exit(9) if step == stop else None)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(stop, status, release.stable().name)
"""


def test_a_publish_killed_at_any_step_leaves_stable_as_it_was(root: Path) -> None:
    warehouse(0)
    publish.publish("2026.11.0")
    warehouse(1)
    done = subprocess.run(
        [sys.executable, "-c", KILLED], capture_output=True, text=True, check=True, cwd=paths.PROJECT,
        env={**os.environ, "CLIMART_DATA": str(root)},
    )  # fmt: skip
    said = [line.split() for line in done.stdout.splitlines()]
    assert len(said) == 9 and all(status == "9" for _, status, _ in said)
    # until the link itself has moved, the release that it led to stays
    assert [stable for *_, stable in said] == ["2026.11.0"] * 8 + ["2026.12.8"]
    assert release.verify(paths.releases() / "2026.11.0") == [] == release.verify(paths.releases() / "2026.12.8")
    # what was left unfinished does not stand in the way
    warehouse(2)
    assert publish.publish("2026.12.0").folder == release.named("stable")
    assert release.describe(release.named("stable"))["version"] == "2026.12.0"


def test_a_table_or_a_column_without_text_is_not_published() -> None:
    warehouse(0, "alter table fct_indicator add column q51 float")
    with pytest.raises(BuildFailed, match=r"fct_indicator.q51: no text at all"):
        publish.publish()
    warehouse(0, "create table dim_secret as select 1 as a")
    with pytest.raises(BuildFailed, match="dim_secret is not described"):
        publish.publish()
    assert release.folders() == []


def test_rollback_goes_one_release_back_or_to_the_one_that_is_named() -> None:
    for patch in range(3):
        warehouse(patch)
        publish.publish(f"2026.11.{patch}")
    assert release.roll_back().name == "2026.11.1" == release.named("stable").name
    assert release.roll_back("2026.11.2").name == "2026.11.2"
    assert release.roll_back("2026.11.0").name == "2026.11.0"
    with pytest.raises(UserError, match="no release before stable"):
        release.roll_back()
    with pytest.raises(UserError, match="there is no release"):
        release.roll_back("../2026.11.0")
    path = release.named("2026.11.2") / "climart.duckdb"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(UserError, match=r"climart\.duckdb: changed"):
        release.roll_back("2026.11.2")
    assert release.named("stable").name == "2026.11.0"


@pytest.mark.parametrize("name", ["parquet/fct_indicator.parquet", "climart.duckdb", "release.json", "CHANGES.md"])
def test_one_flipped_byte_is_found(name: str) -> None:
    warehouse(0)
    path = publish.publish().folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert release.verify(release.named("stable")) == [f"{name}: changed since it was published"]


def test_diff_counts_what_moved_beyond_the_tolerance(root: Path) -> None:
    # tx35 has one decimal: half of it is 0.05; rr_yr has none: 0.5.
    warehouse(0)
    before = publish.publish("2026.11.0").folder
    warehouse(
        0,
        "update fct_indicator set q50 = q50 + 0.04 where indicator_id = 'tx35' and territory_id = 'commune:1'",
        "update fct_indicator set q50 = q50 + 0.06 where indicator_id = 'tx35' and territory_id = 'commune:2'",
        "update fct_indicator set q50 = q50 - 0.4 where indicator_id = 'rr_yr' and territory_id = 'commune:1'",
        "update fct_indicator set q50 = null, reason = 'missing_cells' "
        "where indicator_id = 'rr_yr' and territory_id = 'commune:3'",
        "delete from fct_indicator where indicator_id = 'tx35' and territory_id = 'commune:3'",
        "insert into fct_indicator (territory_id, indicator_id, dataset_id, context_id, weighting, q50) "
        "values ('commune:9', 'rr_yr', 'd', 'rwl20', 'area', 1), ('commune:8', 'rr_yr', 'd', 'rwl20', 'area', 1)",
    )
    after = publish.publish("2026.11.1").folder
    found = diff.compare(before, after, root / "changes")
    (table,) = [table for table in found.tables if not table.unchanged]
    assert table.name == "fct_indicator"
    assert table.rows == {
        "tx35": {"added": 0, "removed": 1, "changed": 1},
        "rr_yr": {"added": 2, "removed": 0, "changed": 1},
    }
    rows = pq.read_table(root / "changes" / "changes.parquet").to_pylist()
    changed = {
        (json.loads(row["key"])["territory_id"], row["indicator_id"]): row for row in rows if row["change"] == "changed"
    }
    assert set(changed) == {("commune:2", "tx35"), ("commune:3", "rr_yr")}
    assert changed["commune:2", "tx35"]["largest_change"] == pytest.approx(0.06, abs=1e-6)
    assert changed["commune:3", "rr_yr"]["columns"] == ["q50", "reason"]
    text = (root / "changes" / "changes.md").read_text()
    assert "| tx35 | 0 | 1 | 1 |" in text and "| `tx35` | 0.05 | d/yr |" in text
    assert (after / "CHANGES.md").read_text() == text
    assert diff.compare(before, before).markdown().endswith("No difference.\n")
    assert "First release" in (before / "CHANGES.md").read_text()


def test_diff_names_what_was_renamed() -> None:
    # columns: n_cells becomes n_runs, with the same values; resolution_km leaves and agreement comes, with others
    warehouse(0, "alter table fct_indicator add column n_cells integer", "update fct_indicator set n_cells = 4",
              "alter table fct_indicator add column resolution_km float", "update fct_indicator set resolution_km = 8",
              "create table dim_context as select 'rwl20' as context_id, 1::smallint as position")  # fmt: skip
    before = publish.publish("2026.11.0").folder
    warehouse(0, "alter table fct_indicator add column n_runs integer", "update fct_indicator set n_runs = 4",
              "alter table fct_indicator add column agreement float", "update fct_indicator set agreement = 1",
              "update fct_indicator set indicator_id = 'tx35_days' where indicator_id = 'tx35'",
              "update dim_indicator set indicator_id = 'tx35_days' where indicator_id = 'tx35'")  # fmt: skip
    after = publish.publish("2026.11.1").folder
    found = diff.compare(before, after)
    assert found.indicators_renamed == {"tx35": "tx35_days"}
    assert found.tables_removed == ["dim_context"] and found.tables_added == []
    (table,) = [table for table in found.tables if not table.unchanged]
    assert table.columns_renamed == {"n_cells": "n_runs"}
    assert table.columns_removed == ["resolution_km"] and table.columns_added == ["agreement"]
    assert table.rows == {}
    assert "`tx35` → `tx35_days`" in found.markdown() and "`n_cells` → `n_runs`" in found.markdown()


def test_the_same_warehouse_gives_the_same_parquet_bytes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sums = []
    for part in ("one", "two"):
        monkeypatch.setenv("CLIMART_DATA", str(root / part))
        warehouse(0)
        sums.append([line for line in (publish.publish("2026.11.0").folder / "SHA256SUMS").read_text().splitlines()
                     if line.endswith(".parquet")])  # fmt: skip
    assert sums[0] == sums[1] and len(sums[0]) == 7  # five tables, changes, dictionary
