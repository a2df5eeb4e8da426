"""What a release holds beside its tables, and that every place says the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import frictionless
import geopandas as gpd
import pyarrow.parquet as pq
import pytest
import rdflib

from climart import paths
from mart import dictionary, texts
from tests.conftest import Mart

DCAT, DCTERMS, SPDX = (
    rdflib.Namespace(address)
    for address in ("http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/", "http://spdx.org/rdf/terms#")
)


def parquets(mart: Mart) -> list[Path]:
    return sorted((mart.release / "parquet").glob("*.parquet"))


def test_every_text_is_written() -> None:
    missing = {
        f"{table.name}.{name}": text.missing()
        for table in texts.tables().values()
        for name, text in [("", table.text), *table.columns.items()]
        if text.missing()
    }
    assert missing == {}, "description, description_fr, unit (numbers), source_fr, source_en: see mart/texts.py"


def test_a_number_without_unit_and_a_table_without_source_are_found() -> None:
    meta = {"description_fr": "Nombre"}
    column = {"name": "n", "data_type": "integer", "description": "Number", "config": {"meta": meta}}
    model = {"name": "dim_x", "description": "X", "config": {"meta": {"description_fr": "X"}}, "columns": [column]}
    table = texts._table(model)
    assert table.columns["n"].missing() == ["unit", "source_fr", "source_en"]
    assert table.text.missing() == ["source_fr", "source_en"]


def test_comments_footers_dictionary_and_data_package_say_the_same(sample_mart: Mart) -> None:
    comments = {
        (table, column): comment
        for table, column, comment in sample_mart.query(
            "select table_name, column_name, comment from duckdb_columns() where not internal"
        )
    }
    entries = {
        (row["table"], row["column"]): row
        for row in pq.read_table(sample_mart.release / "dictionary.parquet").to_pylist()
    }
    resources = {
        resource["name"]: resource
        for resource in json.loads((sample_mart.release / "datapackage.json").read_text())["resources"]
    }
    markdown = (sample_mart.release / "dictionary.md").read_text()
    n_columns = 0
    for path in parquets(sample_mart):
        footer = {key.decode(): value.decode() for key, value in pq.read_schema(path).metadata.items()}
        assert footer["version"] == sample_mart.release.name and "Licence Ouverte 2.0" in footer["licence"]
        columns = json.loads(footer["columns"])
        assert list(columns) == pq.read_schema(path).names
        fields = {field["name"]: field for field in resources[path.stem]["schema"]["fields"]}
        for name, column in columns.items():
            n_columns += 1
            text = texts.tables()[path.stem].columns[name]
            assert comments[path.stem, name] == text.comment()
            for part in ("description_fr", "description_en", "unit", "source_fr", "source_en"):
                assert column[part] == entries[path.stem, name][part] == getattr(text, part) != ""
            assert column["licence"] == footer["licence"] and column["version"] == footer["version"]
            assert fields[name]["title"] == text.description_fr and fields[name]["unit"] == text.unit
            assert text.description_fr.replace("|", "\\|") in markdown
    assert n_columns == len(comments) > 150


def test_generated_reference_page_is_up_to_date() -> None:
    page = (paths.PROJECT / "docs" / "reference" / "dictionary.md").read_text(encoding="utf-8")
    assert page == dictionary.markdown(texts.tables().values()), "run `make docs`"


def test_data_package_is_valid(sample_mart: Mart) -> None:
    path = sample_mart.release / "datapackage.json"
    report = frictionless.Package.validate_descriptor(str(path))
    assert report.valid, [error.message for error in report.errors]
    package = frictionless.Package.from_descriptor(str(path))
    sums = dict(line.split("  ")[::-1] for line in (sample_mart.release / "SHA256SUMS").read_text().splitlines())
    for resource in package.resources:
        assert resource.hash == f"sha256:{sums[resource.path]}"
        assert resource.schema.primary_key or resource.name in ("dim_build", "fct_exposure_unmapped")
    assert len(package.resources) == len(parquets(sample_mart))


def test_dcat_has_licence_publisher_dates_and_checksums(sample_mart: Mart) -> None:
    graph = rdflib.Graph().parse(sample_mart.release / "dcat.jsonld", format="json-ld")
    (dataset,) = set(graph.subjects(DCAT.distribution))
    for predicate in (DCTERMS.license, DCTERMS.publisher, DCTERMS.issued, DCTERMS.modified, DCTERMS["title"]):
        assert graph.value(dataset, predicate) is not None, predicate
    found = {}
    for distribution in graph.objects(dataset, DCAT.distribution):
        checksum = graph.value(graph.value(distribution, SPDX.checksum), SPDX.checksumValue)
        assert graph.value(distribution, DCTERMS.license) is not None
        found[str(graph.value(distribution, DCTERMS["title"]))] = str(checksum)
    sums = dict(line.split("  ")[::-1] for line in (sample_mart.release / "SHA256SUMS").read_text().splitlines())
    expected = {"climart.duckdb", *(f"parquet/{path.name}" for path in parquets(sample_mart))}
    assert found == {name: sums[name] for name in expected}


def test_parquet_and_duckdb_have_the_same_rows_column_by_column(sample_mart: Mart) -> None:
    for path in parquets(sample_mart):
        names = pq.read_schema(path).names
        hashes = ", ".join(f'sum(hash("{name}"))' for name in names)
        sides = [
            sample_mart.query(f"select count(*), {hashes} from {source}")
            for source in (path.stem, f"read_parquet('{path}')")
        ]
        assert sides[0] == sides[1], path.stem


def test_geometries_are_geoparquet(sample_mart: Mart) -> None:
    frame = gpd.read_parquet(sample_mart.release / "parquet" / "dim_territory.parquet", columns=["code", "geometry"])
    assert frame.crs == "EPSG:4326" and frame.geometry.notna().sum() > 10_000


def test_a_bare_duckdb_opens_the_file_read_only(sample_mart: Mart) -> None:
    code = (
        "import duckdb, sys\n"
        "c = duckdb.connect(sys.argv[1], read_only=True, config={'autoinstall_known_extensions': False,"
        " 'autoload_known_extensions': False})\n"
        "print(c.execute('select count(*) from fct_indicator').fetchall()[0][0])\n"
        "print(c.execute('select count(geometry) from dim_territory').fetchall()[0][0])\n"
        "((tags,),) = c.execute('select tags from duckdb_databases() where not internal').fetchall()\n"
        "print(tags['storage_version'])\n"
        'print([n for (n,) in c.execute("select extension_name from duckdb_extensions() where loaded and '
        "install_mode <> 'STATICALLY_LINKED'\").fetchall()])\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(sample_mart.release / "climart.duckdb")],
        capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )  # fmt: skip
    rows, shapes, storage, extensions = done.stdout.splitlines()
    assert storage == "v1.2.0+"  # opened by DuckDB 1.2.2, 1.4.4 and 1.5.5 too, checked by hand
    assert int(rows) > 1_000_000 and int(shapes) > 10_000 and extensions == "[]"


def test_from_a_value_to_its_files_in_one_query(sample_mart: Mart) -> None:
    """The query of docs/how-to/provenance.md, for a value of the exports and for one of the daily runs."""
    text = (paths.PROJECT / "docs" / "how-to" / "provenance.md").read_text(encoding="utf-8")
    query = text.split("```sql")[1].split("```")[0]
    commune = "commune:75056"
    with duckdb.connect(str(sample_mart.release / "climart.duckdb"), read_only=True) as release:
        for dataset, n_files in (("sample_tracc2023", 15), ("sample_daily_drias", 54)):
            names = {"territory_id": commune, "indicator_id": "tx35", "dataset_id": dataset, "context_id": "rwl40"}
            if dataset == "sample_daily_drias":
                ((names["territory_id"],),) = release.execute(
                    "select min(territory_id) from fct_indicator where dataset_id = ? and indicator_id = 'tx35' "
                    "and context_id = 'rwl40' and q50 is not null", [dataset],
                ).fetchall()  # fmt: skip
            found = release.execute(query, names)
            columns = [description[0] for description in found.description]
            rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
            assert len(rows) == n_files
            for row in rows:
                assert row["q50"] is not None and len(row["sha256"]) == 64 and row["address"] and row["file"]
            if (paths.PROJECT / ".git").exists():
                assert len(rows[0]["code_commit"].split("+")[0]) == 40


@pytest.mark.parametrize("name", ["climart.duckdb", "datapackage.json", "dcat.jsonld", "dictionary.md",
                                  "dictionary.parquet", "CHANGES.md", "SHA256SUMS", "release.json"])  # fmt: skip
def test_release_has(sample_mart: Mart, name: str) -> None:
    assert (sample_mart.release / name).stat().st_size > 0


def test_release_says_what_it_was_made_from(sample_mart: Mart) -> None:
    said = json.loads((sample_mart.release / "release.json").read_text())
    assert {"version", "published_at", "code_commit", "build", "libraries", "row_counts", "licences"} <= set(said)
    ((n_files,),) = sample_mart.query("select count(*) from dim_source_file")
    assert len(said["inputs"]) == n_files > 80 and all(len(file["sha256"]) == 64 for file in said["inputs"])
    assert said["libraries"]["duckdb"] == duckdb.__version__
