"""The sources of the project: complete, readable or honest about it, and their pages as `make docs` writes them."""

from __future__ import annotations

import re

import pytest

from climart import cli, paths
from ingest import loading, registry, sources_pages
from ingest.addresses import envelopes
from ingest.registry import Source

SOURCES = registry.sources()
PAGES = paths.PROJECT / "docs" / "reference" / "sources"


@pytest.mark.parametrize("source", SOURCES.values(), ids=list(SOURCES))
def test_a_source_is_complete(source: Source) -> None:
    for text in (source.licence, source.citation, source.cadence, source.producer, source.expected_size.basis):
        assert text.strip()
    assert source.homepage.startswith("https://") or not source.homepage
    verbs = {command.name for command in cli.ingest_app.registered_commands}
    if source.reader == "missing":
        assert len(source.reader_missing) > 10  # says what is to be written
    else:
        assert source.reader in verbs, f"{source.id}: no `climart ingest {source.reader}` (there are {sorted(verbs)})"


def test_what_is_loaded_by_itself_is_a_verb_too() -> None:
    verbs = {command.name for command in cli.ingest_app.registered_commands}
    assert set(loading.LOADERS) <= verbs
    loaded = {source.id for source in SOURCES.values() if source.fetch and source.reader in loading.LOADERS}
    assert {"georisques_catnat", "drias_2020_daily", "socle_2025_daily"} <= loaded


def test_the_sources_of_the_issue_are_there() -> None:
    wanted = {
        "drias_2020_daily", "tracc2023_tables", "climadiag_commune", "socle_2025_daily", "sim2", "adamont_indicators",
        "commune_codes", "insee_population", "insee_housing", "georisques_api", "georisques_catnat",
        "georisques_rga_2026", "georisques_rga_2020",
        "georisques_tri", "jrc_flood_depth", "hubeau_hydrometrie", "bdiff", "agreste_saa", "rpg", "aoc_viticulture",
        "drought_orders", "eobs", "cordex_eur_11", "cmip6",
    }  # fmt: skip
    assert wanted <= {name for name, source in SOURCES.items() if source.fetch}


def test_every_page_is_as_make_docs_writes_it() -> None:
    written = sources_pages.pages()
    assert {path.name for path in PAGES.iterdir()} == set(written)
    for name, text in written.items():
        assert (PAGES / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"


def test_a_page_says_what_nobody_confirmed() -> None:
    page = sources_pages.pages()["drias_2020_daily.md"]
    assert page.count("Address: **UNVERIFIED**") == 2
    assert page.count("Address: read in public client code") == 1
    assert "UNVERIFIED" in sources_pages.pages()["socle_2025_daily.md"]


def test_every_envelope_is_of_use() -> None:
    used = {family.envelope for source in SOURCES.values() if source.fetch for family in source.fetch.families}
    assert set(envelopes()) == {name for name in used if name} | {"esgf"}  # esgf: for listings


def test_no_source_holds_a_secret() -> None:
    secret = re.compile(r"(?i)(api_?key|token|password|secret)\s*[:=]\s*['\"]?[\w-]{8}")
    for path in paths.SOURCES.glob("*.yml"):
        assert not secret.search(path.read_text(encoding="utf-8")), path.name
