"""Contracts at the door: what each format must be, and the sentence that says why it is not."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ingest import registry
from ingest.addresses import Contract
from ingest.fetch import contract
from ingest.fetch.failures import FetchFailed
from tests.support import real_data

CSV = "code;value\n01001;1\n01002;2\n"


def agreed(format: str, **fields: Any) -> Contract:
    return Contract.model_validate({"format": format, **fields})


def zipped(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


FEATURES = {
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "properties": {"code": "1"}, "geometry": None}],
}


@pytest.mark.parametrize(
    ("content", "terms", "rows"),
    [
        (CSV.encode(), {"format": "csv", "columns": ["code", "value"], "rows": [2, 2]}, 2),
        (b"\xef\xbb\xbf#" + CSV.encode(), {"format": "csv", "columns": ["code"]}, 2),
        (b'"Fires: 2"\n"Criteria";"x"\n' + CSV.encode(), {"format": "csv", "columns": ["code"], "preamble": 5}, 2),
        ("année;€\n1;2\n".encode("cp1252"), {"format": "csv", "columns": ["année"], "encoding": "cp1252"}, 1),
        (gzip.compress(CSV.encode(), mtime=0), {"format": "csv_gz", "columns": ["code"]}, 2),
        (b'[{"code": 1}, {"code": 2}]', {"format": "json", "columns": ["code"]}, 2),
        (b"[]", {"format": "json", "columns": ["code"]}, 0),
        (json.dumps(FEATURES).encode(), {"format": "geojson", "columns": ["code"]}, 1),
        (gzip.compress(json.dumps(FEATURES).encode(), mtime=0), {"format": "geojson_gz", "columns": ["code"]}, 1),
        (zipped({"a/x.csv": CSV, "b.txt": "x"}), {"format": "zip", "member": "*x.csv", "columns": ["code"]}, 2),
        (zipped({"a.shp": "x"}), {"format": "zip", "member": "*.shp"}, None),
        (zipped({"xl/workbook.xml": "<x/>"}), {"format": "xlsx"}, None),
        (tarred({"a.csv": CSV, "b.csv": CSV}), {"format": "tar", "member": "*.csv", "members": 2, "rows": [1, 9]}, 2),
        (b"CDF\x02....", {"format": "netcdf"}, None),
        (b"\x89HDF\r\n\x1a\n....", {"format": "netcdf"}, None),
        (b"II*\0....", {"format": "tiff"}, None),
    ],
)
def test_a_good_file(tmp_path: Path, content: bytes, terms: dict[str, Any], rows: int | None) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert contract.check(path, agreed(**terms), "file") == rows


@pytest.mark.parametrize(
    ("content", "terms", "said"),
    [
        (b"", {"format": "csv"}, "an empty file came with status 200"),
        (b" <html>", {"format": "csv"}, "a web page came in the place of a csv file"),
        (b"<!doctype HTML>", {"format": "zip"}, "a web page came in the place of a zip file"),
        (b"insee;v\n1;2\n", {"format": "csv", "columns": ["code"]}, "no column code (found insee, v)"),
        (b"code;v\n1;2\n1;2;3\n", {"format": "csv"}, "line 3: 3 fields, expected 2; the file may be cut"),
        (b"code;v\n1;2\n1", {"format": "csv"}, "line 3: 1 fields, expected 2"),
        (b"code\n1\n2\n", {"format": "csv", "rows": [3, 9]}, "2 rows, expected 3 to 9"),
        (b"code\n1\n2\n", {"format": "csv", "rows": [0, 1]}, "2 rows, expected 0 to 1"),
        (b"code\n1\n2\n", {"format": "csv", "caps": [2]}, "exactly 2 rows, where the producer cuts its answers"),
        (b"ann\xe9e\n1\n", {"format": "csv"}, "byte 3: not utf-8"),
        (gzip.compress(CSV.encode(), mtime=0)[:-6], {"format": "csv_gz"}, "a broken or cut archive"),
        (b"no gzip", {"format": "csv_gz"}, "a broken or cut archive"),
        (zipped({"a.csv": CSV})[:-9], {"format": "zip"}, "a broken or cut archive"),
        (zipped({"a.csv": CSV * 99}).replace(b"a.csv", b"a.csv", 1)[:40] + b"!" * 9 + zipped({"a.csv": CSV * 99})[49:],
         {"format": "zip"}, "broken"),
        (zipped({"a.csv": CSV}), {"format": "zip", "member": "*.shp"}, "no *.shp in the archive (it has a.csv"),
        (zipped({"../a.csv": CSV}), {"format": "zip"}, "wants to write outside its folder (../a.csv)"),
        (tarred({"/etc/a.csv": CSV}), {"format": "tar"}, "wants to write outside its folder (/etc/a.csv)"),
        (tarred({"a.csv": CSV}), {"format": "tar", "members": 159}, "1 files in the archive, expected 159 at least"),
        (tarred({"a.csv": CSV * 999})[:2000], {"format": "tar"}, "a broken or cut archive"),
        (zipped({"a": "x"}), {"format": "xlsx"}, "not an Excel workbook"),
        (b'[{"code": 1}, {"co', {"format": "json"}, "not JSON"),
        (b'{"message": "x"}', {"format": "json"}, "a JSON dict came, expected a list of objects"),
        (b'[{"code": 1}, {"x": 1}]', {"format": "json", "columns": ["code"]}, "row 2 has no column code (it has x)"),
        (b"hello", {"format": "netcdf"}, "not a NetCDF file (it begins with b'hello')"),
        (b"hello", {"format": "tiff"}, "not a TIFF file"),
    ],
)  # fmt: skip
def test_a_bad_file(tmp_path: Path, content: bytes, terms: dict[str, Any], said: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(FetchFailed) as caught:
        contract.check(path, agreed(**terms), "file")
    assert str(caught.value).startswith("file: ")
    assert said in str(caught.value)
    assert caught.value.reason == "wrong_content"


def test_an_answer_is_about_what_was_asked(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text('[{"insee": "1"}, {"insee": "3"}]')
    terms = agreed("json", about={"column": "insee", "asked": "code"})
    assert contract.check(path, terms, "file", [{"code": "1,2"}, {"code": "3"}]) == 2
    with pytest.raises(FetchFailed, match=r"row 2 is about insee = '3', which was not asked for"):
        contract.check(path, terms, "file", [{"code": "1,2"}])


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("source_id", "file", "rows"),
    [
        ("commune_codes", "admin/communes.json", 37_590),
        ("commune_codes", "admin/epci.json", 1_255),
        ("commune_codes", "admin/departements.json", 109),
        ("commune_codes", "admin/regions.json", 26),
    ],
)
def test_the_contracts_fit_the_real_tables(source_id: str, file: str, rows: int) -> None:
    path = real_data() / file
    found = registry.sources()[source_id].fetch
    assert found is not None
    (terms,) = [family.contract for family in found.families if family.url.endswith(path.name)]
    assert contract.check(path, terms, path.name) == rows


@pytest.mark.real_data
def test_the_contract_of_fires_fits_a_real_export(tmp_path: Path) -> None:
    (export,) = (real_data() / "hazard").glob("bdiff_*.csv")
    archive = tmp_path / "bdiff.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as content:
        content.write(export, "Incendies.csv")
    found = registry.sources()["bdiff"].fetch
    assert found is not None
    terms = found.families[0].contract.model_copy(update={"rows": None})  # the real export holds eleven years
    assert contract.check(archive, terms, "bdiff.zip") == 29_806
