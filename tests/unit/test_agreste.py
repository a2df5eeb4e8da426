"""Agreste's workbook of yields: places by name, totals apart, secrets unknown, units held by arithmetic."""

from __future__ import annotations

import csv
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest

from climart import paths
from climart.errors import UserError
from ingest import archives, lake, observed, registry
from ingest.readers import agreste
from tests.workbooks import YEARS, Line, saa, wheat

NAMES = {
    "departement:01": "Ain", "departement:22": "Côtes-d'Armor", "departement:2A": "Corse-du-Sud",
    "departement:73": "Savoie", "departement:84": "Vaucluse", "departement:971": "Guadeloupe",
    "departement:974": "La Réunion",
    "region:84": "Auvergne-Rhône-Alpes", "region:94": "Corse", "region:01": "Guadeloupe",
}  # fmt: skip
FLAT = [70] * 15


@pytest.fixture(autouse=True)
def territories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    schema = lake.SCHEMAS["territory"]
    rows = [{"territory_id": key, "kind": key.split(":")[0], "name": name} for key, name in NAMES.items()]
    lake.write("territory", pa.Table.from_pylist(rows, schema=schema))


def options() -> registry.AgresteSaa:
    found = registry.sources()["agreste_saa"].observed
    assert isinstance(found, registry.AgresteSaa)
    return found


def read(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    tables, remarks = agreste.read([path], ["id"], options())
    return tables["crop_yield"], remarks


def of(rows: list[dict[str, Any]], territory: str, year: int = 2010) -> dict[str, Any]:
    (found,) = [row for row in rows if row["territory_id"] == territory and row["year"] == year]
    return found


def line(
    place: object, region: object = "84 - Auvergne-Rhône-Alpes", yields: list[object] = FLAT, area: float = 10
) -> Line:
    return (region, place, "Blé tendre d'hiver", wheat(area, yields))


@pytest.mark.parametrize("name", ["saa.xlsx", "saa.zip"])
def test_a_line_becomes_a_row_per_year(tmp_path: Path, name: str) -> None:
    rows, remarks = read(saa(tmp_path / name, {"COP": [line("73 - Savoie", yields=list(range(60, 75)))], "VIN": []}))
    assert len(rows) == 15 and remarks == ["sheet VIN: not read"]
    row = of(rows, "departement:73", 2012)  # the third of 60, 61, 62 …; 10 ha × 62 q/ha
    assert (row["area_ha"], row["yield"], row["production"]) == (10, 62, 620)
    assert (row["yield_unit"], row["production_unit"], row["crop"]) == ("q/ha", "q", "Blé tendre d'hiver")
    assert (row["area_reason"], row["yield_reason"], row["production_reason"]) == (None, None, None)


@pytest.mark.parametrize(
    ("crop", "is_total"),
    [
        ("Total céréales", True),
        ("TOTAL BLÉ TENDRE", True),
        ("06 - Total oléagineux", True),
        ("Sous-total betteraves", True),
        ("Totalement autre", False),
        ("Céréales (hors total)", False),
        ("Blé tendre d'hiver", False),
    ],
)
def test_sums_of_crops_are_told_from_crops(tmp_path: Path, crop: str, is_total: bool) -> None:
    """Wordings of ours: those of the producer were never seen here."""
    rows, _ = read(saa(tmp_path / "saa.xlsx", {"COP": [("84", "73 - Savoie", crop, wheat(10, FLAT))]}))
    assert {row["is_total"] for row in rows} == {is_total}


@pytest.mark.parametrize(
    ("place", "territory"),
    [
        ("73 - Savoie", "departement:73"),
        ("073 - Savoie", "departement:73"),
        ("SAVOIE", "departement:73"),
        ("02A - Corse-du-Sud", "departement:2A"),
        ("Corse du Sud", "departement:2A"),
        ("Cotes d'Armor", "departement:22"),
        ("Côtes-d\u2019Armor", "departement:22"),
        ("971 - Guadeloupe", "departement:971"),
        ("Guadeloupe", "departement:971"),  # a département and a région have this name: the column is of départements
        ("974 - Réunion", "departement:974"),
        ("01 - Guadeloupe", "region:01"),
        ("84 - Auvergne-Rhône-Alpes", "region:84"),  # and not the Vaucluse
        ("84 - Total Auvergne-Rhône-Alpes", "region:84"),
        ("84 - Total", "region:84"),
        ("00 - France métropolitaine", "country:FR"),
        ("Total Auvergne-Rhône-Alpes", "region:84"),
        ("Auvergne-Rhône-Alpes", "region:84"),
        ("Total", "region:84"),
        ("", "region:84"),
        (None, "region:84"),
        ("France métropolitaine", "country:FR"),
    ],
)
def test_places_are_matched_as_the_producer_writes_them(tmp_path: Path, place: object, territory: str) -> None:
    rows, _ = read(saa(tmp_path / "saa.xlsx", {"COP": [line(place)]}))
    assert {row["territory_id"] for row in rows} == {territory}


def test_every_departement_of_the_official_code_is_found_by_its_name(tmp_path: Path) -> None:
    """101 names, as they are, in capitals without accents, with the producer's code: 077, 02A, 971."""
    with (paths.REFERENCE / "sample" / "departements.csv").open(encoding="utf-8", newline="") as handle:
        names = {row["code"]: row["nom"] for row in csv.DictReader(handle) if row["zone"] in ("metro", "drom")}
    rows = [{"territory_id": f"departement:{c}", "kind": "departement", "name": name} for c, name in names.items()]
    lake.write("territory", pa.Table.from_pylist(rows, schema=lake.SCHEMAS["territory"]))
    assert len(names) == 101
    gazetteer = agreste.Gazetteer.read(options())
    for code, name in names.items():
        bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper().replace("-", " ")
        padded = code if len(code) == 3 else f"0{code}"
        for written in (name, bare, f"{padded} - {name}", f"{code} - {bare}", unicodedata.normalize("NFD", name)):
            assert gazetteer.territory("", written, "here") == f"departement:{code}", written


def test_totals_stay_apart_from_their_parts(tmp_path: Path) -> None:
    """Two départements of 10 and 20 ha, their total of 30, the country: départements sum to 30, not to 90."""
    lines = [
        line("01 - Ain"), line("73 - Savoie", area=20), line(None, area=30), line("France métropolitaine", area=30),
        line("France", area=31), line(None, region="France entière", area=31),
    ]  # fmt: skip
    rows, remarks = read(saa(tmp_path / "saa.xlsx", {"COP": lines}))
    kinds = ("departement", "region", "country")
    areas = {
        kind: sum(row["area_ha"] for row in rows if row["territory_id"].startswith(kind) and row["year"] == 2010)
        for kind in kinds
    }
    assert areas == {"departement": 30, "region": 30, "country": 30}
    assert remarks == ["line of France entière: no territory of ours", "line of France: no territory of ours"]


def test_what_is_secret_or_empty_is_unknown_and_not_zero(tmp_path: Path) -> None:
    rows, _ = read(saa(tmp_path / "saa.xlsx", {"COP": [line("73 - Savoie", yields=["s", None, "nd", 70, *FLAT[:11]])]}))
    found = [of(rows, "departement:73", year) for year in (2010, 2011, 2012, 2013)]
    assert [(row["yield"], row["yield_reason"]) for row in found] == [
        (None, "secret"), (None, "not_published"), (None, "not_published"), (70, None),
    ]  # fmt: skip
    assert [row["production_reason"] for row in found] == ["secret", "not_published", "not_published", None]


def test_the_yield_of_nothing_is_no_zero(tmp_path: Path) -> None:
    rows, _ = read(
        saa(tmp_path / "saa.xlsx", {"COP": [line("01 - Ain"), line("73 - Savoie", yields=[0] * 15, area=0)]})
    )
    row = of(rows, "departement:73")
    assert (row["area_ha"], row["yield"], row["yield_reason"], row["production"]) == (0, None, "not_grown", 0)


def test_vines_are_weighed_by_what_bears(tmp_path: Path) -> None:
    """100 ha of vines, of which 80 bear: 80 × 50 hl/ha = 4 000 hl."""
    vines = {"SURF_TOT_": [100] * 15, "SURF_PROD_": [80] * 15, "REND_": [50] * 15, "PROD_": [4000] * 15}
    rows, _ = read(saa(tmp_path / "saa.xlsx", {"VIG": [("Corse", "2A - Corse-du-Sud", "Vignes AOP", vines)]}))
    row = of(rows, "departement:2A")
    assert (row["area_ha"], row["area_in_production_ha"], row["yield"], row["yield_unit"]) == (100, 80, 50, "hl/ha")


def test_other_units_are_refused(tmp_path: Path) -> None:
    tonnes = wheat(10, FLAT) | {"PROD_": [70] * 15}  # 700 q are 70 t
    with pytest.raises(UserError, match=r"sheet COP: production is 0\.1 × area × yield .* 15 values\. Expected 1"):
        read(saa(tmp_path / "saa.xlsx", {"COP": [("84", "73 - Savoie", "Blé", tonnes)]}))


def test_of_an_archive_of_two_workbooks_that_of_departements_is_read(tmp_path: Path) -> None:
    """As the producer packs them: in a folder, with accents."""
    name = "SAA_2010-2024_définitives_donnees_{}.xlsx"
    with zipfile.ZipFile(tmp_path / "saa.zip", "w") as archive:
        for kind in ("departementales", "regionales"):
            book = saa(tmp_path / name.format(kind), {"COP": [line("073 - Savoie")]})
            archive.write(book, f"SAA_2010-2024-définitives/{book.name}")
    rows, remarks = read(tmp_path / "saa.zip")
    assert len(rows) == 15 and remarks == [f"workbook {name.format('regionales')}: not read"]
    paths = [saa(tmp_path / f"{n}.xlsx", {"COP": [line("073 - Savoie")]}) for n in (1, 2)]
    with pytest.raises(UserError, match=r"1\.xlsx, 2\.xlsx: none is called '\* departementales \*'"):
        agreste.read(paths, ["a", "b"], options())


def test_a_workbook_that_is_too_large_is_refused_where_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one of régions is a byte larger than the limit, and is not read; then the other one is."""
    book = saa(tmp_path / "saa.xlsx", {"COP": [line("073 - Savoie")]})
    size = book.stat().st_size
    with zipfile.ZipFile(tmp_path / "saa.zip", "w") as archive:
        archive.write(book, "donnees_departementales_.xlsx")
        archive.writestr("donnees_regionales.xlsx", book.read_bytes() + b"0")
    of_departements = options().model_copy(update={"workbook": "*departementales*"})
    monkeypatch.setattr(archives, "MAX_WORKBOOK", size)
    tables, _ = agreste.read([tmp_path / "saa.zip"], ["id"], of_departements)
    assert len(tables["crop_yield"]) == 15
    monkeypatch.setattr(archives, "MAX_WORKBOOK", size - 1)
    with pytest.raises(UserError, match=r"saa\.zip, donnees_departementales_\.xlsx: .* bytes once unpacked"):
        agreste.read([tmp_path / "saa.zip"], ["id"], of_departements)
    with pytest.raises(UserError, match=r"saa\.xlsx, the workbook: .* bytes once unpacked"):
        read(book)


def test_two_workbooks_may_repeat_a_total_but_not_change_it(tmp_path: Path) -> None:
    both = options().model_copy(update={"workbook": "*"})
    paths = [saa(tmp_path / "dep.xlsx", {"COP": [line("01 - Ain"), line(None)]})]
    paths.append(saa(tmp_path / "reg.xlsx", {"COP": [line(None)]}))
    tables, remarks = agreste.read(paths, ["a", "b"], both)
    assert len(tables["crop_yield"]) == 2 * len(YEARS) and remarks == ["line that repeats another of sheet COP"]
    paths[1] = saa(tmp_path / "reg.xlsx", {"COP": [line(None, area=11)]})
    with pytest.raises(
        UserError, match=r"reg\.xlsx, sheet COP, row 7: .* in region:84 is in dep\.xlsx, sheet COP, row 8"
    ):
        agreste.read(paths, ["a", "b"], both)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([line("99 - Nulle Part")], r"saa\.xlsx, sheet COP, row 7: no département or région is called 'nulle part'"),
        ([line("73 - Haute Savoie du Sud")], r"row 7: no .* is called 'haute savoie du sud'\. .*`names`"),
        ([line("73 - Auvergne-Rhône-Alpes")], r"row 7: 73 is given as the code of Auvergne-Rhône-Alpes, which is 84"),
        ([line("Nulle Part")], r"row 7: no département or région is called 'nulle part'\. .*`left_out`"),
        ([line("01 - Savoie")], r"row 7: 01 is given as the code of Savoie, which is 73"),
        ([line("73 - Savoie", yields=["x", *FLAT[:14]])], r"row 7, column 19: 'x' is not a number"),
        ([line("73 - Savoie", yields=[-1, *FLAT[:14]])], r"row 7, column 19: -1\. Expected 0 or more"),
        ([line("73 - Savoie", yields=[700, *FLAT[:14]])], r"row 7: a yield of 700\. Expected q/ha, 250 at most"),
        ([line("73 - Savoie"), line("Savoie", area=11)], r"row 8: .* in departement:73 is in .*row 7 too"),
        ([("84", "73 - Savoie", "", wheat(1, FLAT))], r"row 7: values without LIB_SAA"),
    ],
)  # fmt: skip
def test_faults_are_named(tmp_path: Path, lines: list[Line], said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(saa(tmp_path / "saa.xlsx", {"COP": lines}))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("LIB_REG2", "REGION", r"sheet COP: no column LIB_REG2\. Found: REGION, LIB_DEP"),
        ("LIB_SAA", "PRODUIT", r"sheet COP: none of the first 30 lines names the columns LIB_DEP and LIB_SAA"),
        ("REND_2015", "RDT_2015", r"sheet COP: no column REND_2015\. Expected every measure in every year"),
        ("SURF_2011", "SURF_2010", r"sheet COP: two columns SURF_2010"),
        ("", "BIO_2015", r"sheet COP: column BIO_2015 is not known\. .*`also`"),
    ],
)
def test_columns_are_found_by_name_and_no_other_is_there(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = saa(tmp_path / "saa.xlsx", {"COP": [line("73 - Savoie")]})
    book = openpyxl.load_workbook(path)
    header = book["COP"][6]
    cell = next((cell for cell in header if cell.value == old), None) if old else book["COP"].cell(6, len(header) + 1)
    assert cell is not None
    cell.value = new
    book.save(path)
    with pytest.raises(UserError, match=said):
        read(path)


def test_sheets_and_files_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"saa\.xlsx: sheet NEW is not in the source's YAML \(known: COP"):
        read(saa(tmp_path / "saa.xlsx", {"COP": [line("73 - Savoie")], "NEW": []}))
    with pytest.raises(UserError, match=r"saa\.xlsx: no sheet of COP"):
        read(saa(tmp_path / "saa.xlsx", {"VIN": []}))
    (tmp_path / "page.xlsx").write_text("<html>")
    with pytest.raises(UserError, match=r"page\.xlsx: not an XLSX file"):
        read(tmp_path / "page.xlsx")
    (tmp_path / "page.zip").write_text("<html>")
    with pytest.raises(UserError, match=r"page\.zip: not a ZIP archive"):
        read(tmp_path / "page.zip")


def test_without_territories_nothing_is_matched(tmp_path: Path) -> None:
    lake.remove("territory")
    with pytest.raises(UserError, match="The lake has no départements"):
        read(saa(tmp_path / "saa.xlsx", {"COP": [line("73 - Savoie")]}))


def test_it_is_loaded_like_any_observed_source(tmp_path: Path) -> None:
    path = saa(tmp_path / "saa.zip", {"COP": [line("73 - Savoie")]})
    done = observed.load("agreste_saa", [path])
    assert done.n_rows == {"crop_yield": 15}
    assert lake.read("source_file")["rows"].to_pylist() == [15]
