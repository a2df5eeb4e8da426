"""The sheet as PDF and workbook."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from app import report, session, sheets, state
from app.data import Dataset, Release, open_release
from app.i18n import LANGUAGES, Lang, words
from app.session import Scene
from tests.app.conftest import VERSION
from tests.conftest import Mart


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


def row(measure: str, value: float | None, start: date | None, end: date | None) -> dict[str, object]:
    return {
        "measure_id": measure, "label_fr": measure, "label_en": measure, "theme": "flood", "value": value, "unit": "n",
        "decimals": 0, "return_period": None, "state": "studied", "reason": "not_studied" if value is None else None,
        "date_start": start, "date_end": end, "title_fr": "Source", "title_en": "Source", "definition_fr": "",
        "definition_en": "",
    }  # fmt: skip


def test_the_legal_map_of_the_day_is_said_first_and_the_others_in_the_details() -> None:
    """Three maps of one measure: of 2020, of 2026 in force on 1 July, of 2030. Then a measure that is no key one."""
    rows = [
        row("rga_share", 10.0, date(2020, 1, 1), None),
        row("rga_share", 20.0, date(2026, 7, 1), None),
        row("rga_share", 30.0, date(2030, 1, 1), None),
        row("rga_weight", 5.0, date(2020, 1, 1), None),
        row("pprn", None, None, None) | {"state": "not_studied"},
    ]
    said = sheets.facts(rows, date(2026, 6, 30), words("fr"))
    assert [fact.value for fact in said if fact.key] == ["10"]
    said = sheets.facts(rows, date(2026, 7, 1), words("fr"))
    assert [fact.value for fact in said if fact.key] == ["20"]
    assert [fact.label for fact in said if fact.missed] == ["pprn"]
    assert len(said) == 5 and said[-1].label == "rga_weight"


@pytest.mark.parametrize("territory", ["commune:73227", "departement:73", "country:FR"])
def test_the_sheets_of_the_sample_print_on_two_pages(
    sample_mart: Mart, territory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Courchevel has every theme, scores and snow included: the fullest sheet."""
    opened = open_release(sample_mart.release)
    monkeypatch.setattr(session, "opened", lambda folder: opened)
    chosen = replace(state.default(opened.catalogue), territory=territory)
    place = opened.territory(territory)
    assert place
    content = report.pdf(session.sheet(Scene(opened, chosen, words("fr")), place))
    assert b"/Count 2" in content
    opened.connection.close()


def published(code: str, season: str, context: str, median: float, **other: object) -> dict[str, object]:
    return {
        "dataset_id": "climadiag_commune", "index_code": code, "season": season, "context_id": context,
        "statistic": "level", "median": median, "low": median - 2, "high": median + 3, "low_statistic": "q05",
        "unit": "d/yr",
        "label_fr": None, "label_en": None,
        "decimals": None, "title_fr": "Climadiag", "title_en": "Climadiag", **other,
    }  # fmt: skip


def test_figures_of_producers_stand_apart_with_their_own_bounds(release: Release) -> None:
    known = Dataset(
        "climadiag_commune", "Climadiag", "Climadiag", "", "", "under_evaluation", 8.0, "un point par commune", ""
    )
    datasets = {
        "climadiag_commune": known,
        "tracc2023_tables": replace(known, id="tracc2023_tables"),
        **release.catalogue.datasets,
    }
    catalogue = replace(release.catalogue, datasets=datasets)
    rows = [
        published("FD", "YR", "ref", 64, label_fr="Jours de gel", label_en="Frost days", decimals=0),
        published("FD", "YR", "rwl40", 28, label_fr="Jours de gel", label_en="Frost days", decimals=0),
        published("X9", "DJF", "rwl40", 7, unit="furlong", low=None),
        published("Q", "YR", "rwl40", -30, unit="%", statistic="change"),
        published("FD", "YR", "ref", 60, dataset_id="tracc2023_tables", low_statistic="min", title_fr="TRACC"),
    ]
    climadiag, tracc = sheets.published(rows, catalogue, words("fr"))
    assert climadiag.title == "Climadiag" and "90 %" in climadiag.notes[0]
    assert climadiag.notes[1:] == ("Jeu de données en cours d'évaluation.", "un point par commune")
    assert [row[1:] for row in climadiag.rows] == [
        ("64 (62 à 67)", "28 (26 à 31)"),
        ("", "7,0"),
        ("", "−30,0 (−32,0 à −27,0)"),
    ]
    assert climadiag.rows[2][0] == "Q YR (évolution), %"
    assert climadiag.rows[0][0].startswith("Jours de gel") and climadiag.rows[1][0] == "X9 DJF, furlong"
    assert "plus basse" in tracc.notes[0] and tracc.rows[0][1:] == ("60,0 (58,0 à 63,0)",)


def test_yields_have_their_year_and_their_trend_or_say_why_not(release: Release) -> None:
    first = {"dataset_id": "tracc", "crop": "Blé tendre", "year": 2024, "yield": 58.4, "unit": "q/ha",
             "area_ha": 81234.0, "yield_anom": -12.4, "yield_anom_reason": None, "title_fr": "Agreste",
             "title_en": "Agreste"}  # fmt: skip
    second = {**first, "crop": "Orge", "area_ha": None, "yield_anom": None, "yield_anom_reason": "too_few_years"}
    (listing,) = sheets.yields([first, second], "Marne", release.catalogue, words("fr"))
    assert listing.title == "Rendements observés : Marne (Agreste)" and listing.heads[1] == "rendement 2024"
    said = [tuple(cell.replace("\u00a0", " ").replace("\u202f", " ") for cell in row) for row in listing.rows]
    assert said[0] == ("Blé tendre", "58,4 q/ha", "81 234", "−12 %")
    assert said[1][2:] == ("", "non étudié (trop peu d'années mesurées)")
    assert sheets.yields([], "Marne", release.catalogue, words("fr")) == []


def test_what_was_looked_at_and_has_no_figure_says_why() -> None:
    """Three sales are too few for a price; a plan that nobody looked for is not studied."""
    rows = [
        row("flat_price_p50", None, None, None) | {"state": "studied", "reason": "too_few_sales"},
        row("pprn", None, None, None) | {"state": "not_studied"},
    ]
    said = sheets.facts(rows, date(2026, 7, 1), words("fr"))
    assert [(fact.label, fact.value) for fact in said if fact.key] == [("flat_price_p50", "trop peu de ventes")]
    assert [fact.label for fact in said if fact.missed] == ["pprn"]


def test_the_longest_record_of_events_is_said_first() -> None:
    rows = [
        row("catnat_n_total", 12.0, date(1982, 8, 13), date(2025, 12, 31)),
        row("catnat_n_total", 3.0, date(2016, 1, 1), date(2019, 12, 31)),
    ]
    assert [fact.value for fact in sheets.facts(rows, date(2026, 7, 1), words("fr")) if fact.key] == ["12"]
