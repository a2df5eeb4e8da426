"""The CSV that is downloaded, read back as a spreadsheet would."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from io import StringIO

import pytest

from app.data import Release
from app.export import Source, table_csv
from app.i18n import Lang, words
from climart.spreadsheet import harmless
from tests.app.conftest import SYNTHETIC, table


def exported(release: Release, lang: Lang, kind: str = "commune", synthetic: bool = False) -> list[list[str]]:
    """The rows of the file, as read with its own separator."""
    catalogue, spoken = release.catalogue, words(lang)
    dataset = catalogue.datasets["tracc"]
    if synthetic:
        dataset = replace(dataset, validation_status="synthetic", notice_fr=SYNTHETIC)
    indicator, context = catalogue.indicators["tx35"], catalogue.contexts["rwl40"]
    source = Source(indicator, context, dataset, "area", release.version, date(2026, 11, 21), spoken)
    content = table_csv(table(release, kind, "tx35"), source)
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(StringIO(content.decode("utf-8-sig")), delimiter=";" if lang == "fr" else ","))


def body(rows: list[list[str]]) -> dict[str, dict[str, str]]:
    header, *lines = [row for row in rows if not row[0].startswith("# ")]
    return {line[0]: dict(zip(header, line, strict=True)) for line in lines}


def test_source_licence_release_context_and_definition_come_first(release: Release) -> None:
    head = [row[0] for row in exported(release, "fr") if row[0].startswith("# ")]
    text = "\n".join(head)
    for expected in (
        "# Indicateur : Jours très chauds, jours/an (tx35)",
        "# Définition : Jours par an à 35 °C ou plus",
        "# Contexte : Niveau de réchauffement +4 °C (2100) (rwl40)",
        "# Source : Météo-France, TRACC-2023",
        "# Licence des données : Licence Ouverte 2.0",
        "# Version Climart 2026.11.0, publiée le 21 novembre 2026",
    ):
        assert expected in head
    assert SYNTHETIC not in text


def test_what_must_be_said_with_every_value_follows_the_definition(release: Release) -> None:
    natural = "neige naturelle, hors neige de culture"
    catalogue = release.catalogue
    indicator = replace(catalogue.indicators["tx35"], notice_fr=natural)
    where = (catalogue.contexts["rwl40"], catalogue.datasets["tracc"], "area", release.version, date(2026, 11, 21))
    content = table_csv(table(release, "commune", "tx35"), Source(indicator, *where, words("fr"))).decode("utf-8-sig")
    head = [line for line in content.splitlines() if "# " in line[:3]]
    definition = next(n for n, line in enumerate(head) if "# Définition" in line)
    assert natural in head[definition + 1]


def test_a_demonstration_says_so_on_its_first_line(release: Release) -> None:
    assert exported(release, "fr", synthetic=True)[0] == [f"# {SYNTHETIC}"]


@pytest.mark.parametrize(("lang", "column", "value"), [("fr", "médiane", "22,0"), ("en", "median", "22.0")])
def test_numbers_in_the_language_of_the_reader(release: Release, lang: Lang, column: str, value: str) -> None:
    assert body(exported(release, lang))["01001"][column] == value


def test_what_has_no_value_has_a_reason_and_no_zero(release: Release) -> None:
    line = body(exported(release, "fr"))["03002"]
    assert line["motif d'absence"] == "non étudié (contour inconnu)"
    assert {line["médiane"], line["borne basse (5 %)"], line["simulations"]} == {""}


def test_every_territory_is_there_and_codes_keep_their_zero(release: Release) -> None:
    assert set(body(exported(release, "fr"))) == {"01001", "01002", "02001", "03001", "03002"}


@pytest.mark.parametrize("text", ["=1+1", "+33", "-1", "@x", "\tx", "\rx"])
def test_a_cell_never_runs_as_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"


def test_formulas_in_names_are_neutralised_and_plain_names_kept(release: Release) -> None:
    lines = body(exported(release, "fr"))
    assert lines["03001"]["territoire"] == "'=1+1"
    assert lines["02001"]["territoire"] == "<script>alert(1)</script>"
