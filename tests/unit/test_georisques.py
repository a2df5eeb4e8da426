"""Géorisques: tables per commune and saved answers of the API v1, one test per quirk.

No file of the producer could be had: fixtures are in the layout that public clients of the API read (spec/sources.md).
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from climart.errors import UserError
from ingest import lake, observed, registry
from ingest.readers import commune_table, georisques
from ingest.registry import CommuneTable, GeorisquesAnswers

API = GeorisquesAnswers(reader="georisques_answers")


def saved(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def page_a(rows: list[dict[str, Any]], total: int, page: int = 1, pages: int = 1) -> dict[str, Any]:
    """Envelope A, with what the API says beside the rows."""
    return {
        "results": total, "page": page, "total_pages": pages, "data": rows,
        "response_code": 200, "message": None, "next": None, "previous": None,
    }  # fmt: skip


def page_b(rows: list[dict[str, Any]], total: int, page: int = 0, pages: int = 1) -> dict[str, Any]:
    return {"totalElements": total, "totalPages": pages, "pageNumber": page, "pageSize": 10, "content": rows}


def event(**other: object) -> dict[str, object]:
    return {
        "code_national_catnat": "INTE9000001A", "date_debut_evt": "1990-02-10", "date_fin_evt": "1990-02-14",
        "date_publication_arrete": "1990-03-16", "date_publication_jo": "1990-03-23",
        "libelle_risque_jo": "Inondations et/ou Coulées de Boue", "code_insee": "73065", "libelle_commune": "CHAMBERY",
        **other,
    }  # fmt: skip


def read(*files: Path) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    return georisques.read(files, [path.stem for path in files], API)


def facts(source: str, *files: Path) -> tuple[dict[str, object], list[str]]:
    """Value by commune of a source of one measure."""
    options = registry.get(source).observed
    assert isinstance(options, CommuneTable)
    tables, remarks = commune_table.read(files, [path.stem for path in files], options)
    return {row["commune_code"]: row["value"] for row in tables["commune_fact"]}, remarks


def table(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


@pytest.mark.parametrize("content", [[event()], page_a([event()], 1)], ids=["fetched", "saved"])
def test_orders_are_events(tmp_path: Path, content: object) -> None:
    tables, remarks = read(saved(tmp_path / "catnat_73.json", content))
    assert remarks == []
    (found,) = tables["catnat_event"]
    assert (found["commune_code"], found["national_code"]) == ("73065", "INTE9000001A")
    assert (found["date_start"], found["date_published"]) == (date(1990, 2, 10), date(1990, 3, 23))
    assert found["source_file_id"] == "catnat_73" and tables["commune_fact"] == []


def test_an_order_that_comes_twice_counts_once_and_dates_are_in_either_form(tmp_path: Path) -> None:
    days = {
        "date_debut_evt": "10/02/1990", "date_fin_evt": "14/02/1990",
        "date_publication_arrete": "16/03/1990", "date_publication_jo": "23/03/1990",
    }  # fmt: skip
    tables, remarks = read(saved(tmp_path / "catnat_73.json", [event(), event(**days)]))
    assert len(tables["catnat_event"]) == 1 and remarks == ["1 row(s) that repeat another were counted once."]


def test_an_end_before_the_start_is_left_out_and_listed(tmp_path: Path) -> None:
    tables, remarks = read(saved(tmp_path / "catnat_73.json", [event(date_fin_evt="1990-02-09")]))
    assert tables["catnat_event"][0]["date_end"] is None
    assert remarks[0].startswith("catnat_73.json, row 1: ends on 1990-02-09, before it starts on 1990-02-10")


def test_an_empty_answer_about_clay_means_no_zone(tmp_path: Path) -> None:
    rows = [
        {"asked": {"code_insee": "73065"}, "answer": {"codeExposition": "2", "exposition": "Exposition moyenne"}},
        {"asked": {"code_insee": "73001"}, "answer": None},  # status 200, nothing in it
    ]
    found = read(saved(tmp_path / "rga_73.json", rows))[0]["commune_fact"]
    assert [(row["commune_code"], row["measure_id"], row["value"], row["note"]) for row in found] == [
        ("73065", "rga_class", 2, "Exposition moyenne"),
        ("73001", "rga_class", 0, "in no zone"),
    ]


def test_plans_come_in_the_other_envelope(tmp_path: Path) -> None:
    pages = [
        saved(tmp_path / "pprn_1.json", page_b([{"codeInsee": "73065"}, {"codeInsee": "73065"}], 3, 0, 2)),
        saved(tmp_path / "pprn_2.json", page_b([{"codeInsee": "73001"}], 3, 1, 2)),
    ]
    found = read(*pages)[0]["commune_fact"]
    assert [(row["commune_code"], row["value"]) for row in found] == [("73065", 100), ("73001", 100)]
    with pytest.raises(UserError, match=r"pprn_1\.json: page 2 of 2 is missing"):
        read(pages[0])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("catnat_73.json", page_a([event()], 2), r"catnat_73\.json: 1 rows, 2 announced"),
        ("catnat_73.json", page_a([event()], 2, 2, 2), r"page 1 of 2 is missing"),
        ("catnat_73.json", {"data": [event()]}, r"without a number for results, total_pages, page"),
        ("catnat_73.json", {"message": "error"}, r"catnat_73\.json: no answer of the API"),
        ("catnat_73.json", {"data": "x", "results": 1, "total_pages": 1, "page": 1}, r"expected a list of objects"),
        ("catnat_73.json", [{"code_insee": "73065"}], r"row 1: no code_national_catnat, libelle_risque_jo"),
        ("catnat_73.json", [event(date_debut_evt=None)], r"row 1: no date_debut_evt"),
        ("catnat_73.json", [event(date_debut_evt="02-10-1990")], r"row 1, date_start: '02-10-1990' is not a date"),
        ("catnat_73.json", [event(code_insee="")], r"row 1: '' is not a commune's code"),
        ("pprn_73.json", [{"commune": "73065"}], r"row 1: no codeInsee or code_insee\. Found: commune"),
        ("rga_73.json", [{"codeExposition": "2"}], r"row 1: no asked, answer"),
        ("rga_73.json", [{"asked": {"code_insee": "73065"}, "answer": {"exposition": "x"}}], r"no codeExposition"),
        (
            "rga_73.json",
            [{"asked": {"code_insee": "73065"}, "answer": {"codeExposition": "4", "exposition": "x"}}],
            r"row 1: codeExposition is '4', expected 0, 1, 2, 3",
        ),
        ("rga_73.json", [{"asked": {"code_insee": "73065"}, "answer": None}] * 2, r"row 2: commune 73065 was asked"),
        ("other.json", [], r"other\.json: expected a name that begins with catnat, pprn, rga"),
    ],
)
def test_faults_of_answers_are_named(tmp_path: Path, name: str, content: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(saved(tmp_path / name, content))


def test_what_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "catnat_73.json").write_text("<html>")
    with pytest.raises(UserError, match=r"catnat_73\.json: not JSON"):
        read(tmp_path / "catnat_73.json")


def test_the_source_fills_both_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path))
    files = [
        saved(tmp_path / "catnat_73.json", [event()]),
        saved(tmp_path / "rga_73.json", [{"asked": {"code_insee": "73001"}, "answer": None}]),
    ]
    assert observed.load("georisques_api", files).n_rows == {"catnat_event": 1, "commune_fact": 1}
    assert lake.table_path("catnat_event", "georisques_api").exists()


def test_radon_mends_lost_zeros_and_lists_bad_rows(tmp_path: Path) -> None:
    lines = [f"0{1000 + n};{1 + n % 3}" for n in range(1, 41)]
    path = table(
        tmp_path / "radon.csv", "code_insee;classe_potentiel", *lines, "1100;3", "2A004;2", "2B033.0;1", ";2", "73065;4"
    )  # fmt: skip
    found, remarks = facts("georisques_radon", path)
    assert len(found) == 43 and (found["01100"], found["2A004"], found["2B033"]) == (3, 2, 1)
    assert remarks == [
        "radon.csv: 2 bad row(s) left out: "
        "line 45: '' is not a commune's code (five characters, such as 73065 or 2A004). "
        "line 46, classe_potentiel: '4' cannot be. Expected 1 to 3 (after × 1)."
    ]


def test_a_table_of_bad_rows_is_another_table(tmp_path: Path) -> None:
    path = table(tmp_path / "radon.csv", "code_insee;classe_potentiel", "x;1", "y;2", "73065;1")
    with pytest.raises(UserError, match=r"radon\.csv: 2 bad rows of 3, the first: line 2: 'x' is not"):
        facts("georisques_radon", path)


def test_a_commune_has_one_radon_class(tmp_path: Path) -> None:
    path = table(tmp_path / "radon.csv", "code_insee;classe_potentiel", "1001;1", "01001;2")
    with pytest.raises(UserError, match="commune 01001 has several rows"):
        facts("georisques_radon", path)


def test_radon_from_the_api(tmp_path: Path) -> None:
    rows = [{"code_insee": "73065", "libelle_commune": "CHAMBERY", "classe_potentiel": "2"}]
    assert facts("georisques_radon", saved(tmp_path / "r.json", page_a(rows, 1)))[0] == {"73065": 2}


@pytest.mark.parametrize("source", ["georisques_cavities", "georisques_ground_movements"])
def test_places_are_counted_from_a_table_or_from_answers(tmp_path: Path, source: str) -> None:
    rows = [
        {"identifiant": f"RHA{n}", "type": "cave", "code_insee": code}
        for n, code in enumerate(["1001", "73065", "73065"])
    ]
    expected = {"01001": 1, "73065": 2}
    lines = [f"{row['identifiant']};{row['type']};{row['code_insee']}" for row in rows]
    assert facts(source, table(tmp_path / "t.csv", "identifiant;type;code_insee", *lines))[0] == expected
    pages = [
        saved(tmp_path / "p1.json", page_a(rows[:2], 3, 1, 2)),
        saved(tmp_path / "p2.json", page_a(rows[2:], 3, 2, 2)),
    ]
    assert facts(source, *pages)[0] == expected
    with pytest.raises(UserError, match=r"p1\.json: page 2 of 2 is missing"):
        facts(source, pages[0])
    # a place of another page again
    again = saved(tmp_path / "p2.json", page_a(rows[:1], 3, 2, 2))
    with pytest.raises(UserError, match=r"p2\.json, line 1: identifiant = RHA0 is in p1\.json, line 1 too"):
        facts(source, pages[0], again)
    # nothing there is an answer too
    assert facts(source, saved(tmp_path / "none.json", page_a([], 0)))[0] == {}


CLASSES = "code_insee,slug,nom_commune,code_departement,nom_departement,rga_classe_2020,rga_classe_2026,bascule_type"


def classes(path: Path, *lines: str, header: str = CLASSES) -> list[dict[str, Any]]:
    options = registry.get("georisques_rga_classes").observed
    assert isinstance(options, CommuneTable)
    return commune_table.read([table(path, header, *lines)], ["id"], options)[0]["commune_fact"]


def test_a_commune_has_a_class_by_map_each_from_its_day(tmp_path: Path) -> None:
    rows = classes(tmp_path / "c.csv", "1001,a,A,01,Ain,Faible,Forte,monte", "2A004,b,B,2A,Corse,MOYENNE,,baisse")
    assert [(row["commune_code"], row["measure_id"], row["date_start"], row["value"]) for row in rows] == [
        ("01001", "rga_class_2020", date(2020, 1, 1), 1),
        ("2A004", "rga_class_2020", date(2020, 1, 1), 2),
        ("01001", "rga_class_2026", date(2026, 7, 1), 3),
        ("2A004", "rga_class_2026", date(2026, 7, 1), None),
    ]
    assert rows[3]["reason"] == "not_published"


@pytest.mark.parametrize(
    ("header", "lines", "said"),
    [
        (CLASSES, ["1001,a,A,01,Ain,Rouge,Forte,x"], r"c\.csv, line 2, rga_classe_2020: 'Rouge' is not known"),
        (CLASSES + ",extra", ["1001,a,A,01,Ain,1,2,x,y"], r"column extra is not known"),
        (CLASSES.replace("slug,", ""), ["1001,A,01,Ain,1,2,x"], r"no column slug\. Found: code_insee"),
        (CLASSES.replace("slug", "nom_commune"), ["1001,a,A,01,Ain,1,2,x"], r"no column slug"),
        (CLASSES, ["1001,a,A,01,Ain,1,2,x"] * 2, r"commune 01001 has several rows"),
        (CLASSES, ["1001,a,A,01,Ain,1,2,x,more"], r"line 2: 9 fields, 8 expected"),
    ],
)
def test_faults_of_the_classes_are_named(tmp_path: Path, header: str, lines: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        classes(tmp_path / "c.csv", *lines, header=header)


def test_the_workbook_of_the_sdes_is_read_by_sheet_and_name(tmp_path: Path) -> None:
    options = registry.get("sdes_rga_2019").observed
    assert isinstance(options, CommuneTable)
    names = [column.column for column in options.measures.values()]
    book = openpyxl.Workbook()
    book.worksheets[0].append(["Lisez-moi"])
    sheet = book.create_sheet("RGA_2019_commune")
    sheet.append(["code_commune", *names])
    sheet.append(["1001", 200, 10, 20, 30.5, 5, 6, 7])
    book.save(tmp_path / "rga.xlsx")
    rows = commune_table.read([tmp_path / "rga.xlsx"], ["id"], options)[0]["commune_fact"]
    assert {row["measure_id"]: row["value"] for row in rows}["rga_dwelling_share_strong"] == 30.5
    assert {(row["commune_code"], row["date_start"], row["vintage"]) for row in rows} == {
        ("01001", date(2020, 1, 1), date(2019, 1, 1))
    }
    sheet.append(["1002", 200, 10, 20, 130, 5, 6, 7])
    book.save(tmp_path / "rga.xlsx")
    with pytest.raises(UserError, match=r"line 3, part_maisons_alea_fort: '130' cannot be\. Expected 0 to 100"):
        commune_table.read([tmp_path / "rga.xlsx"], ["id"], options)
    sheet.title = "Autre"
    book.save(tmp_path / "rga.xlsx")
    with pytest.raises(UserError, match=r"no sheet RGA_2019_commune\. Found: Sheet, Autre"):
        commune_table.read([tmp_path / "rga.xlsx"], ["id"], options)


def test_a_forest_share_is_a_share(tmp_path: Path) -> None:
    assert facts("forest_share", table(tmp_path / "f.csv", "code_insee;part_foret", "73065;12.5"))[0] == {"73065": 12.5}
    with pytest.raises(UserError, match=r"f\.csv, line 2, part_foret: '101' cannot be"):
        facts("forest_share", table(tmp_path / "f.csv", "code_insee;part_foret", "73065;101"))
