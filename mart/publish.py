"""Warehouse → release: a new folder, finished and checked before ``stable`` moves to it. Its bytes never change."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely

from climart import paths
from climart.errors import BuildFailed, UserError
from mart import catalogue, dictionary, diff, release, texts

Progress = Callable[[str], None]
# Sorted so that a map's question (one indicator, one context) reads few row groups. Others are sorted by their key.
SORT_KEYS = {
    "fct_indicator": "dataset_id, indicator_id, context_id, weighting, territory_id",
    "fct_indicator_run": "dataset_id, indicator_id, context_id, weighting, territory_id",
    "fct_return_level": "dataset_id, indicator_id, context_id, weighting, territory_id",
    "fct_snow_line": "dataset_id, context_id, territory_id",
    "fct_class": "dataset_id, classification_id, indicator_id, context_id, weighting, territory_id",
    "fct_grape_suitability": "dataset_id, variety_id, context_id, weighting, territory_id",
    "fct_cell": "dataset_id, indicator_id, context_id, grid_id, cell_id",
    "fct_score": "dataset_id, axis, score_id, mode, context_id, territory_id",
    "dim_score_bin": "dataset_id, axis, score_id, bin, mode, class, pillar_id, part_id, statistic",
    "dim_territory": "kind, code",
    "dim_territory_change": "effective_on, change_code, from_code, to_code, from_kind, to_kind",
    "dim_context": "position",
    "dim_simulation": "dataset_id, run_position",
    "dim_indicator_availability": "dataset_id, indicator_id",
    "dim_indicator_source": "dataset_id, indicator_id, context_id, simulation_id, source_file_id, index_code",
}
WIDE_ORDER = "dataset_id, context_id, territory_id"
GEOMETRIES = {"dim_territory": ("geometry", "outline")}
ROW_GROUP = 122_880
STORAGE_VERSION = "v1.2.0"  # a DuckDB of 2025 opens the file too
LIBRARIES = ("dbt-core", "dbt-duckdb", "duckdb", "numpy", "pyarrow", "shapely")


@dataclass(frozen=True)
class Published:
    """The release that ``stable`` now points to; ``unchanged`` where it already held this very warehouse."""

    folder: Path
    unchanged: bool
    row_counts: dict[str, int]


def publish(version: str | None = None, progress: Progress = lambda _: None) -> Published:
    """Publish the warehouse as ``releases/<version>/`` and move ``stable`` to it, last.

    ``version``: year.month.patch; by default the next free patch of this month. Publishing a warehouse that the
    stable release already holds does nothing. Raises UserError if there is no tested build, or the version exists;
    BuildFailed if a column has no text.
    """
    build = _tested_build()
    current = release.stable()
    if current is not None and version in (None, current.name):
        description = release.describe(current)
        if description["build"] == build:
            return Published(current, True, description["row_counts"])
    name = version or _next_version()
    if not release.VERSION.fullmatch(name):
        raise UserError(f"version {name!r}: expected year.month.patch, such as 2026.11.0.")
    folder = paths.inside(paths.releases(), name)
    if folder.exists():
        raise UserError(f"release {name} exists and its bytes never change. Give another --version, or none.")
    draft = paths.inside(paths.releases(), f".draft-{name}")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "parquet").mkdir(parents=True)
    try:
        row_counts, about = _write_tables(draft, name, progress)
        description = {
            "version": name,
            "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "code_commit": build.get("code_commit"),
            "build": build,
            "is_synthetic": _is_synthetic(draft),
            "libraries": {library: library_version(library) for library in LIBRARIES},
            "row_counts": row_counts,
            **about,
        }
        _write_json(draft / "release.json", description)
        progress("catalogue")
        dictionary.write(draft)
        catalogue.write(draft)
        progress("changes")
        diff.write_changes(current, draft)
        progress("checksums")
        release.write_checksums(draft)
        release.fsync_tree(draft)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    release.make_stable(folder)
    return Published(folder, False, row_counts)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


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


def _write_tables(draft: Path, name: str, progress: Progress) -> tuple[dict[str, int], dict[str, Any]]:
    """Every mart of the warehouse as Parquet (sorted, zstd) and in ``climart.duckdb``, and the dictionary.

    Returns rows by table, and what release.json says of inputs and licences.
    """
    row_counts: dict[str, int] = {}
    with duckdb.connect() as target:
        target.execute("set preserve_insertion_order = true")
        target.execute(f"attach {_quoted(draft / 'climart.duckdb')} as release (storage_version '{STORAGE_VERSION}')")
        target.execute("use release")
        target.execute(f"attach {_quoted(paths.warehouse())} as warehouse (read_only)")
        for table in _marts(target):
            progress(table)
            parquet = draft / "parquet" / f"{table}.parquet"
            described = _texts_of(target, table)
            footer = _footer(table, described, name, _licence(target, table))
            order = SORT_KEYS.get(table) or (WIDE_ORDER if table.startswith("mart_") else ", ".join(described.key))
            query = f"select * from warehouse.{table} order by {order or 'all'}"
            if table in GEOMETRIES:
                _write_geoparquet(target, table, query, footer, parquet)
            else:
                metadata = ", ".join(f"{key}: {_quoted(value)}" for key, value in footer.items())
                target.execute(
                    f"copy ({query}) to {_quoted(parquet)} "
                    f"(format parquet, compression zstd, row_group_size {ROW_GROUP}, kv_metadata {{{metadata}}})"
                )
            target.execute(f"create table {table} as select * from read_parquet({_quoted(parquet)})")
            _comment(target, described)
            row_counts[table] = int(target.execute(f"select count(*) from {table}").fetchall()[0][0])
        about = {
            "licences": _column(target, "select distinct licence from warehouse.dim_dataset order by 1"),
            "datasets": _rows(
                target,
                "select dataset_id, title_fr, title_en, producer, licence, citation, homepage, validation_status "
                "from warehouse.dim_dataset order by 1",
            ),
            "inputs": _rows(
                target,
                "select source_file_id, source_id, name, url, fetched_at, bytes, sha256, licence "
                "from warehouse.dim_source_file order by 1",
            ),
        }
        target.execute("use memory")
        target.execute("detach release")  # written out whole
    return row_counts, about


def _texts_of(connection: duckdb.DuckDBPyConnection, table: str) -> texts.Table:
    """The texts of a table. Raises BuildFailed naming each of its columns that lacks one."""
    described = texts.tables().get(table)
    if described is None:
        raise BuildFailed(
            f"table {table} is not described in dbt_project/models/marts/_marts.yml; nothing is published."
        )
    present = _column(connection, f"select column_name from (describe warehouse.{table})")
    faults = [f"{table}.{name}: no text at all" for name in present if name not in described.columns]
    named = {table: described.text, **{f"{table}.{n}": t for n, t in described.columns.items() if n in present}}
    faults += [f"{name}: no {', '.join(text.missing())}" for name, text in named.items() if text.missing()]
    if faults:
        raise BuildFailed("texts are missing (dbt_project/models/marts/_marts.yml):\n" + "\n".join(faults))
    return texts.Table(table, described.text, {name: described.columns[name] for name in present}, described.key)


def _footer(table: str, described: texts.Table, version: str, licence: str) -> dict[str, str]:
    """Key-value pairs of a Parquet footer: the release, the licence, and what each column is, as JSON."""
    columns = {
        name: {
            "description_fr": text.description_fr,
            "description_en": text.description_en,
            "unit": text.unit,
            "source_fr": text.source_fr,
            "source_en": text.source_en,
            "licence": licence,
            "version": version,
        }
        for name, text in described.columns.items()
    }
    return {
        "table_name": table,
        "version": version,
        "licence": licence,
        "description_fr": described.text.description_fr,
        "description_en": described.text.description_en,
        "key": ",".join(described.key),
        "columns": json.dumps(columns, ensure_ascii=False),
    }


def _licence(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """The licences of the datasets or the files that a table speaks of; of all of them where it names none."""
    columns = _column(connection, f"select column_name from (describe warehouse.{table})")
    datasets = "select distinct licence from warehouse.dim_dataset"
    files = "select distinct licence from warehouse.dim_source_file"
    if "dataset_id" in columns and table != "dim_dataset":
        found = _column(connection, f"{datasets} where dataset_id in (select dataset_id from warehouse.{table})")
    elif "source_file_id" in columns and table != "dim_source_file":
        found = _column(connection, f"{files} where source_file_id in (select source_file_id from warehouse.{table})")
    else:
        found = []
    found = found or _column(connection, f"{datasets} union {files}")
    return "; ".join(sorted(text for text in found if text))


def _column(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [value for (value,) in connection.execute(query).fetchall()]


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = connection.execute(query)
    names = [description[0] for description in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _marts(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables that are published: marts, by their names (dim_, fct_, mart_)."""
    return _column(
        connection,
        "select table_name from (select database_name, table_name from duckdb_tables() "
        "union all select database_name, view_name from duckdb_views() where not internal) "
        "where database_name = 'warehouse' and regexp_matches(table_name, '^(dim|fct|mart)_') order by table_name",
    )


def _write_geoparquet(
    connection: duckdb.DuckDBPyConnection, table: str, query: str, footer: dict[str, str], path: Path
) -> None:
    """GeoParquet 1.1: WKB in WGS 84; the first of the table's geometries is the primary one."""
    rows = connection.sql(query).to_arrow_table()
    crs = pyproj.CRS("EPSG:4326").to_json_dict()
    columns = {}
    for name in GEOMETRIES[table]:
        shapes = shapely.from_wkb(rows[name].drop_null().to_numpy())
        columns[name] = {
            "encoding": "WKB",
            "geometry_types": sorted({shape.geom_type for shape in shapes}),
            "crs": crs,
            "bbox": shapely.total_bounds(shapes).tolist() if len(shapes) else [],
        }
    geo = {"version": "1.1.0", "primary_column": GEOMETRIES[table][0], "columns": columns}
    rows = rows.replace_schema_metadata({**footer, "geo": json.dumps(geo)})
    strings = [field.name for field in rows.schema if pa.types.is_string(field.type)]
    pq.write_table(rows, path, compression="zstd", use_dictionary=strings, row_group_size=ROW_GROUP)


def _comment(connection: duckdb.DuckDBPyConnection, described: texts.Table) -> None:
    connection.execute(f"comment on table {described.name} is {_quoted(described.text.comment())}")
    for name, text in described.columns.items():
        connection.execute(f'comment on column {described.name}."{name}" is {_quoted(text.comment())}')


def _quoted(value: object) -> str:
    """A SQL string literal: statements that name files or comments take no parameters."""
    text = os.fspath(value) if isinstance(value, Path) else str(value)
    return "'" + re.sub("'", "''", text) + "'"
