"""The sheet as PDF and workbook."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from app import report, session, state
from app.data import Release
from app.i18n import LANGUAGES, Lang, words
from app.session import Scene
from tests.app.conftest import VERSION


@pytest.fixture
def made(release: Release, monkeypatch: pytest.MonkeyPatch) -> type[Made]:
    monkeypatch.setattr(session, "opened", lambda folder: release)
    Made.release = release
    return Made


class Made:
    """Sheets of the tiny release."""

    release: Release

    @classmethod
    def sheet(cls, territory: str, lang: Lang = "fr") -> report.Sheet:
        chosen = replace(state.default(cls.release.catalogue), lang=lang, territory=territory)
        place = cls.release.territory(territory)
        assert place
        return session.sheet(Scene(cls.release, chosen, words(lang)), place)


def pages(workbook: bytes) -> dict[str, list[list[object]]]:
    book = CalamineWorkbook.from_filelike(BytesIO(workbook))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_pdf_embeds_its_fonts(made: type[Made], lang: Lang) -> None:
    content = report.pdf(made.sheet("commune:01001", lang))
    assert content.startswith(b"%PDF")
    assert b"/FontFile" in content
    assert b"/Count 2" in content or b"/Count 1" in content


def test_hostile_texts_do_not_break_the_pdf(made: type[Made]) -> None:
    sheet = replace(
        made.sheet("commune:02001"), title='#panic("x") <script> $1$ *a* _b_ \\', limits=('#import "x"', "= Titre")
    )
    assert report.pdf(sheet).startswith(b"%PDF")


def test_the_workbook_has_a_sheet_per_theme_and_its_source(made: type[Made]) -> None:
    found = pages(report.xlsx(made.sheet("commune:02001")))
    assert {"Chaleur et froid", "Pluie et inondation", "Agriculture", "Neige", "Source"} <= found.keys()
    header, *rows = found["Chaleur et froid"]
    by_context = {row[4]: row for row in rows if row[1] == "tx35"}
    row = by_context["Niveau de réchauffement +4 °C (2100)"]
    assert row[header.index("médiane")] == 6.0 and row[header.index("simulations")] == 17
    about = [line[0] for line in found["Source"]]
    assert "<script>alert(1)</script> (02)" in about
    assert any(VERSION in str(line) for line in about)


def test_what_is_not_studied_has_a_reason_and_no_zero(made: type[Made]) -> None:
    _, *rows = pages(report.xlsx(made.sheet("commune:03002")))["Chaleur et froid"]
    values = {cell for row in rows for cell in row[5:13]}
    assert values <= {"", None}
    assert any("contour inconnu" in str(cell) for row in rows for cell in row)


def test_the_inset_marks_the_territory(made: type[Made]) -> None:
    svg = made.sheet("commune:01001").inset()
    assert svg and svg.count("<path") == 3  # two communes of Ain, and the outline of the chosen one
    assert made.sheet("commune:03002").inset() is None
