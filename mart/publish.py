"""Warehouse → release: a new folder, finished and checked before ``stable`` moves to it. Its bytes never change."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version as library_version
from pathlib import Path

import duckdb
import geopandas as gpd

from climart import paths
from climart.errors import UserError
from mart import release, wide

Progress = Callable[[str], None]
# Sorted so that a map's question (one indicator, one context) reads few row groups.
SORT_KEYS = {
    "fct_indicator": "dataset_id, indicator_id, context_id, weighting, territory_id",
    "fct_indicator_run": "dataset_id, indicator_id, context_id, weighting, territory_id",
    "fct_return_level": "dataset_id, indicator_id, context_id, weighting, territory_id",
    "fct_snow_line": "dataset_id, context_id, territory_id",
    "fct_class": "dataset_id, classification_id, indicator_id, context_id, weighting, territory_id",
    "fct_grape_suitability": "dataset_id, variety_id, context_id, weighting, territory_id",
    "fct_score": "dataset_id, axis, score_id, mode, context_id, territory_id",
    "dim_score_bin": "dataset_id, axis, score_id, bin, mode, class, pillar_id, part_id, statistic",
    "dim_class": "classification_id, indicator_id, class",
    "dim_territory": "kind, code",
    "dim_territory_change": "effective_on, change_code, from_code, to_code, from_kind, to_kind",
    "dim_commune_crosswalk": "code, valid_from nulls first",
    "dim_context": "position",
    "dim_simulation": "dataset_id, run_position",
    "dim_indicator_availability": "dataset_id, indicator_id",
    "dim_indicator_source": "dataset_id, indicator_id, context_id, simulation_id, source_file_id, index_code",
}
WIDE_ORDER = "dataset_id, context_id, territory_id"
GEOMETRIES = {"dim_territory": ("geometry", "outline")}
LIBRARIES = ("dbt-core", "dbt-duckdb", "duckdb", "geopandas", "numpy", "pyarrow", "shapely")


@dataclass(frozen=True)
class Published:
    """The release that ``stable`` now points to; ``unchanged`` where it already held this very warehouse."""

    folder: Path
    unchanged: bool
    row_counts: dict[str, int]


def publish(version: str | None = None, progress: Progress = lambda _: None) -> Published:
    """Publish the warehouse as ``releases/<version>/`` and move ``stable`` to it, last.

    ``version``: year.month.patch; by default the next free patch of this month. Publishing a warehouse that the
    stable release already holds does nothing. Raises UserError if there is no tested build, or the version exists.
    """
    build = _tested_build()
    current = release.stable()
    if current is not None and version in (None, current.name):
        description = json.loads((current / "release.json").read_text())
        if description["build"] == build:
            return Published(current, True, description["row_counts"])
    name = version or _next_version()
    if not re.fullmatch(r"\d{4}\.\d{1,2}\.\d+", name):
        raise UserError(f"version {name!r}: expected year.month.patch, such as 2026.11.0.")
    folder = paths.inside(paths.releases(), name)
    if folder.exists():
        raise UserError(f"release {name} exists and its bytes never change. Give another --version, or none.")
    draft = paths.inside(paths.releases(), f".draft-{name}")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "parquet").mkdir(parents=True)
    try:
        row_counts = _write_tables(draft, name, progress)
        progress("checksums")
        description = {
            "version": name,
            "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "code_commit": _commit(),
            "build": build,
            "is_synthetic": _is_synthetic(draft),
            "libraries": {library: library_version(library) for library in LIBRARIES},
            "row_counts": row_counts,
        }
        (draft / "release.json").write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
        release.write_checksums(draft)
        release.fsync_tree(draft)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    release.make_stable(folder)
    return Published(folder, False, row_counts)


def _tested_build() -> dict[str, object]:
    record = paths.warehouse().with_suffix(".json")
    if not paths.warehouse().exists() or not record.exists():
        raise UserError("There is no warehouse whose tests passed: run `climart build` first.")
    return dict(json.loads(record.read_text()))


def _is_synthetic(draft: Path) -> bool:
    """Whether all the climate of a release is synthetic: it is then marked so, and its scores are a demonstration."""
    with duckdb.connect(str(draft / "climart.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select coalesce(bool_and(d.validation_status = 'synthetic'), false) "
            "from (select distinct dataset_id from dim_simulation) join dim_dataset d using (dataset_id)"
        ).fetchall()
    return bool(found[0][0])


def _next_version() -> str:
    month = f"{date.today().year}.{date.today().month}"
    taken = [int(path.name.split(".")[2]) for path in release.folders() if path.name.startswith(month + ".")]
    return f"{month}.{max(taken, default=-1) + 1}"


def _commit() -> str | None:
    """The checkout's commit, or None outside a checkout."""
    git = shutil.which("git")
    if git is None:
        return None
    found = subprocess.run(
        [git, "-C", str(paths.PROJECT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def _write_tables(draft: Path, name: str, progress: Progress) -> dict[str, int]:
    """Every mart of the warehouse as Parquet (sorted, zstd) and in ``climart.duckdb``. Returns rows by table."""
    row_counts: dict[str, int] = {}
    with duckdb.connect(str(draft / "climart.duckdb")) as target:
        target.execute("set preserve_insertion_order = true")
        target.execute(f"attach {_quoted(paths.warehouse())} as warehouse (read_only)")
        licences = target.execute(
            "select string_agg(distinct licence, '; ' order by licence) from warehouse.dim_dataset"
        )
        licence = str(licences.fetchall()[0][0])
        for table in _marts(target):
            progress(table)
            order = SORT_KEYS.get(table, WIDE_ORDER if table.startswith("mart_") else "1")
            parquet = draft / "parquet" / f"{table}.parquet"
            if table in GEOMETRIES:
                _write_geoparquet(target, table, order, parquet)
            else:
                target.execute(
                    f"copy (select * from warehouse.{table} order by {order}) to {_quoted(parquet)} "
                    f"(format parquet, compression zstd, row_group_size 122880, "
                    f"kv_metadata {{version: {_quoted(name)}, licence: {_quoted(licence)}}})"
                )
            target.execute(f"create table {table} as select * from read_parquet({_quoted(parquet)})")
            _copy_comments(target, table)
            if table.startswith("mart_"):
                _comment_wide_columns(target, table)
            row_counts[table] = int(target.execute(f"select count(*) from {table}").fetchall()[0][0])
        target.execute("detach warehouse")
    return row_counts


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables that are published: marts, by their names (dim_, fct_, mart_)."""
    found = connection.execute(
        "select table_name from (select database_name, table_name from duckdb_tables() "
        "union all select database_name, view_name from duckdb_views() where not internal) "
        "where database_name = 'warehouse' and regexp_matches(table_name, '^(dim|fct|mart)_') order by table_name"
    )
    return [str(table) for (table,) in found.fetchall()]


def _write_geoparquet(connection: duckdb.DuckDBPyConnection, table: str, order: str, path: Path) -> None:
    frame = connection.sql(f"select * from warehouse.{table} order by {order}").to_arrow_table().to_pandas()
    for column in GEOMETRIES[table]:
        frame[column] = gpd.GeoSeries.from_wkb(frame[column], crs="EPSG:4326")
    gpd.GeoDataFrame(frame, geometry=GEOMETRIES[table][0]).to_parquet(path, compression="zstd", index=False)


def _copy_comments(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    comments = connection.execute(
        "select column_name, comment from duckdb_columns() "
        "where database_name = 'warehouse' and table_name = ? and comment is not null",
        [table],
    ).fetchall()
    for column, comment in comments:
        connection.execute(f"comment on column {table}.{column} is {_quoted(comment)}")
    about = connection.execute(
        "select comment from duckdb_tables() where database_name = 'warehouse' and table_name = $1 "
        "union all select comment from duckdb_views() where database_name = 'warehouse' and view_name = $1",
        [table],
    ).fetchall()
    for (comment,) in about:
        if comment:
            connection.execute(f"comment on table {table} is {_quoted(comment)}")


def _comment_wide_columns(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Comments on the columns that a wide mart takes from the catalogue, which no YAML lists."""
    catalogue, shape = (_rows(connection, f"warehouse.{seed}") for seed in ("indicators", "wide_columns"))
    present = {name for (name,) in connection.execute(f"select column_name from (describe {table})").fetchall()}
    for column in wide.columns(catalogue, shape):
        if column.name in present:
            text = _quoted(column.description_en)
            connection.execute(f"comment on column {table}.{column.name} is {text}")


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, str]]:
    found = connection.execute(f"select * from {table}")
    names = [description[0] for description in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _quoted(value: object) -> str:
    """A SQL string literal: statements that name files or comments take no parameters."""
    text = os.fspath(value) if isinstance(value, Path) else str(value)
    return "'" + text.replace("'", "''") + "'"
