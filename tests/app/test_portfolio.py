"""Uploads: what is understood, what is refused, and that no line and no cent is lost."""

from __future__ import annotations

import struct
import zipfile
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
import shapely
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from app import portfolio
from app.portfolio import MATCHED, Directory, Refused

COMMUNES = ("01001", "02001", "75056")


@pytest.fixture(scope="module")
def known() -> Directory:
    """Two squares of one degree and Paris without an outline; one old code that went to 01001, one that was split."""
    outlines = [bytes(shapely.to_wkb(shapely.box(x, 46, x + 1, 47))) for x in (2, 3)]
    return portfolio.directory(COMMUNES, [*outlines, None], {"01999": "01001", "02999": None})


def workbook(rows: list[list[object]]) -> bytes:
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        page = book.add_worksheet()
        for place, row in enumerate(rows):
            page.write_row(place, 0, row)
    return out.getvalue()


def table(text: str) -> pd.DataFrame:
    return portfolio.read("a.csv", text.encode())


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", [";", ",", "\t", "|"])
def test_text_in_any_usual_form(encoding: str, mark: str) -> None:
    text = f"Libellé{mark}Montant\nÉlan{mark}12\n"
    found = portfolio.read("a.csv", text.encode(encoding))
    assert found.to_dict("list") == {"Libellé": ["Élan"], "Montant": ["12"]}


def test_a_workbook_keeps_its_codes_and_names() -> None:
    found = portfolio.read("a.xlsx", workbook([["code", "nom"], ["01001", "<script>"], [2001, "=1+1"]]))
    assert found.to_dict("list") == {"code": ["01001", "2001"], "nom": ["<script>", "=1+1"]}


def test_a_formula_in_a_workbook_is_not_run() -> None:
    out = BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, ["code", "montant"])
        page.write_formula(1, 1, '=WEBSERVICE("x")')
        page.write(1, 0, "01001")
    assert portfolio.read("a.xlsx", out.getvalue())["code"].tolist() == ["01001"]


def bomb(declared: int | None = None) -> bytes:
    """A workbook whose sheet unzips to 10 MB; ``declared`` is the size that its directory gives instead."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for _ in range(10):
                sheet.write(bytes(2**20))
    content = bytearray(out.getvalue())
    if declared is not None:
        at = content.rindex(b"PK\x01\x02")
        content[at + 24 : at + 28] = struct.pack("<I", declared)
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b" \n ", "empty"),
        ("a.csv", b"a;b\n", "no_lines"),
        ("a.xlsx", b"a;b\n1;2\n", "not_xlsx"),
        ("a.xls", b"\xd0\xcf\x11\xe0 old", "not_xlsx"),
        ("a.csv", b"\x89PNG\x00\x00\x00", "not_text"),
        ("a.csv", b"," * 10_000_000, "long_line"),
        ("a.csv", ";".join(f"c{n}" for n in range(300)).encode() + b"\n1\n", "many_columns"),
        ("a.csv", b'a;b\n"1;2\n3;4\n', "unreadable_csv"),
        ("a.csv", b"a;b\n1;2;3;4\n", "unreadable_csv"),
        ("a.csv", b"a\n" + b"1\n" * 500_001, "many_lines"),
        ("a.csv", b"x" * (50 * 2**20 + 1), "too_large"),
        ("a.xlsx", b"PK\x03\x04 not a zip", "unreadable_xlsx"),
    ],
)
def test_what_is_refused(name: str, content: bytes, key: str) -> None:
    with pytest.raises(Refused) as refused:
        portfolio.read(name, content)
    assert refused.value.key == key


def test_a_bomb_is_not_opened_whatever_it_declares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "MAX_UNZIPPED", 8 * 2**20)
    with pytest.raises(Refused, match="bomb"):
        portfolio.read("a.xlsx", bomb())
    with pytest.raises(Refused, match=r"bomb|unreadable_xlsx"):
        portfolio.read("a.xlsx", bomb(declared=1000))


def test_a_workbook_with_300_columns_is_refused() -> None:
    with pytest.raises(Refused, match="many_columns"):
        portfolio.read("a.xlsx", workbook([[f"c{n}" for n in range(300)], list(range(300))]))


@settings(max_examples=150)
@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode), st.sampled_from(["a.csv", "a.xlsx", "a.txt"]))
def test_any_bytes_give_a_table_or_a_refusal(name_content: bytes, name: str) -> None:
    try:
        found = portfolio.read(name, name_content)
    except Refused as refused:
        assert refused.key
    else:
        assert len(found) > 0 and found.shape[1] <= portfolio.MAX_COLUMNS
        assert set(portfolio.roles(found)) == set(portfolio.ROLES)


@settings(max_examples=60)
@given(st.integers(0, 3000), st.binary(min_size=1, max_size=4))
def test_a_damaged_workbook_gives_a_table_or_a_refusal(at: int, patch: bytes) -> None:
    content = bytearray(workbook([["code", "montant"], ["01001", 12]]))
    at %= len(content)
    content[at : at + len(patch)] = patch
    try:
        portfolio.read("a.xlsx", bytes(content))
    except Refused as refused:
        assert refused.key


# ---------------------------------------------------------------- columns and numbers


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Code INSEE;Encours;Nom", ("Code INSEE", None, None, "Encours", "Nom")),
        ("lat;lon;Montant total", (None, "lat", "lon", "Montant total", None)),
        ("Libellé;Commune;Capital restant dû", ("Commune", None, None, "Capital restant dû", "Libellé")),
        ("Identifiant;A;B", ("B", None, None, None, "Identifiant")),  # B holds codes
    ],
)
def test_columns_are_understood(header: str, expected: tuple[str | None, ...]) -> None:
    found = portfolio.roles(table(f"{header}\nx;7;01001\ny;8;2A004\n"))
    assert tuple(found.values()) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 234,56", 1234.56),
        ("1\u202f234,56 €", 1234.56),
        ("1,234.56", 1234.56),
        ("1.234,56", 1234.56),
        ("12", 12.0),
        ("-5,5", -5.5),
        ("(30)", -30.0),
        (".5", 0.5),
        ("1'000", 1000.0),
    ],
)
def test_amounts_as_people_write_them(text: str, value: float) -> None:
    values, wrong = portfolio.amounts(pd.Series([text]))
    assert values.tolist() == [pytest.approx(value)] and not wrong.any()


@pytest.mark.parametrize("text", ["abc", "1;2", "1e5", "12abc", "=1+1", "1.2.3", "--", "∞", "nan"])
def test_what_is_not_an_amount_is_said(text: str) -> None:
    values, wrong = portfolio.amounts(pd.Series([text]))
    assert np.isnan(values).all() and wrong.all()


# ---------------------------------------------------------------- matching


def test_codes_of_every_form(known: Directory) -> None:
    codes = pd.Series(["01001", "1001", " 02001 ", "commune:02001", "75108", "01999", "02999", "99999", ""])
    rows, causes = portfolio.code_rows(codes, known)
    assert rows.tolist() == [0, 0, 1, 1, 2, 0, -1, -1, -1]
    assert causes.tolist() == [MATCHED] * 6 + ["ambiguous_code", "unknown_code", "no_place"]


def test_points_inside_outside_swapped_and_unreadable(known: Directory) -> None:
    latitudes = np.array([46.5, 3.5, 48.0, np.nan])
    longitudes = np.array([2.5, 46.5, 2.0, 3.0])
    rows, causes, swapped = portfolio.point_rows(latitudes, longitudes, known)
    assert rows.tolist() == [0, 1, -1, -1]
    assert causes.tolist() == [MATCHED, MATCHED, "outside_france", "unreadable_point"]
    assert swapped == 1


def test_every_line_has_one_cause_and_amounts_are_kept_to_the_cent(known: Directory) -> None:
    text = (
        "code;lat;lon;montant\n01001;;;10,01\n99999;46,5;3,5;20,02\n;46,5;2,5;30\n;;;40\n01001;;;\n01001;;;abc\n"
        "02001;;;-5\n02001;;;0,1\n02999;;;1\n"
    )
    found = table(text)
    book = portfolio.match(found, portfolio.roles(found), known)
    tallies = {one.cause: (one.lines, round(one.amount, 2)) for one in portfolio.by_cause(book)}
    assert tallies == {
        MATCHED: (4, 60.13),
        "no_place": (1, 40.0),
        "no_amount": (1, 0.0),
        "unreadable_amount": (1, 0.0),
        "negative_amount": (1, -5.0),
        "ambiguous_code": (1, 1.0),
    }
    assert portfolio.per_commune(book, 3).round(2).tolist() == [40.01, 20.12, 0]


def test_without_amounts_every_line_counts_for_one(known: Directory) -> None:
    found = table("code;x\n01001;a\n01001;b\n")
    assert portfolio.match(found, portfolio.roles(found), known).total == 2


def test_without_a_place_it_is_refused(known: Directory) -> None:
    found = table("a;b\nx;y\n")
    with pytest.raises(Refused, match="no_place_column"):
        portfolio.match(found, portfolio.roles(found), known)


@given(st.lists(st.tuples(st.sampled_from([*COMMUNES, "1001", "00000", ""]), st.integers(0, 10**9)), min_size=1))
def test_no_line_is_lost_and_none_comes_twice(lines: list[tuple[str, int]]) -> None:
    shapes = portfolio.directory(COMMUNES, [None] * 3, {})
    found = pd.DataFrame({"code": [code for code, _ in lines], "montant": [f"{cents / 100:.2f}" for _, cents in lines]})
    book = portfolio.match(found, portfolio.roles(found), shapes)
    tallies = portfolio.by_cause(book)
    assert sum(one.lines for one in tallies) == len(lines)
    assert round(sum(one.amount for one in tallies) * 100) == sum(cents for _, cents in lines)
    assert portfolio.per_commune(book, 3).sum() == pytest.approx(book.total)


def test_classes_and_what_is_not_studied_make_the_whole() -> None:
    held = np.array([10.0, 20.0, 30.0, 40.0])
    sums, absent = portfolio.by_class(held, np.array([0, 2, portfolio.NOT_STUDIED, 2]), 3)
    assert (sums.tolist(), absent) == ([10.0, 0.0, 60.0], 30.0)


def test_an_amount_in_two_hazards_counts_once() -> None:
    held = np.array([10.0, 20.0, 30.0])
    flags = [np.array([True, True, False]), np.array([False, True, False])]
    assert portfolio.in_any(held, flags) == 30.0
    assert portfolio.in_any(held, []) == 0.0
