"""The real app in a real Chromium, on the tiny release: what a reader does, and that nothing leaves the machine."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from app import atlas, maps, sentences
from app.data import Indicator, Release, Selection, joined
from app.formats import Measure
from app.i18n import Words, words
from app.sentences import columns, hover
from tests.browser.conftest import PATIENCE_MS

pytestmark = pytest.mark.browser

HOSTS = {"localhost", ""}  # data: and blob: addresses have no host


def painted(page: Page, *parts: str) -> None:
    """Wait until a map has drawn a choice that has all these parts."""
    page.wait_for_function(
        """parts => {
          const maps = [...document.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".map"));
          const stamp = (maps.find(Boolean)?.dataset.painted ?? "").split("/");
          return parts.every((part) => stamp.includes(part));
        }""",
        arg=list(parts),
    )


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def pick(page: Page, label: str, option: str) -> None:
    """Open a select box by its label and choose."""
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_tour(page: Page, address: str, requests: list[str]) -> None:
    page.goto(address)
    painted(page, "departement", "tx35", "rwl40", "level")
    expect(page.get_by_role("heading", name="Jours très chauds")).to_be_visible()
    expect(page.get_by_text("démonstration : valeurs simulées")).to_be_visible()

    pick(page, "Thème", "Pluie et inondation")
    painted(page, "rr_jja")
    page.wait_for_function("() => location.search.includes('indicator=rr_jja')")

    page.get_by_role("radio", name="Évolution").click()
    painted(page, "rr_jja", "change")
    expect(page.get_by_text("les simulations divergent sur le sens")).to_be_visible()

    pick(page, "Territoires", "Communes")
    painted(page, "commune", "rr_jja", "change")
    page.get_by_role("radio", name="English").click()
    painted(page, "commune", "change", "en")
    page.wait_for_function("() => location.search.includes('lang=en')")
    state = query(page)
    assert (state["lang"], state["kind"], state["measure"], state["context"]) == ("en", "commune", "change", "rwl40")

    # The link alone reopens the view.
    page.goto(page.url)
    painted(page, "commune", "rr_jja", "change", "en")
    expect(page.get_by_role("heading", name="Summer rain: change since 1976-2005")).to_be_visible()

    packs = [url for url in requests if "/media/" in url]
    assert packs, "the map asked for no outlines: the page was not really drawn"
    assert {urlsplit(url).hostname or "" for url in requests} <= HOSTS


def test_hover_click_search_and_keys(page: Page, address: str) -> None:
    page.goto(f"{address}/?kind=commune&caisse=caisse:est")
    painted(page, "commune", "caisse:est")
    sheet = page.get_by_role("application")
    box = sheet.bounding_box()
    assert box
    # The commune of Aisne stands from 3.0° to 3.4° east, the map goes from 2.0° to 3.4°.
    at = {"x": box["width"] * (0.03 + 0.94 * 1.2 / 1.4), "y": box["height"] / 2}
    page.mouse.move(box["x"] + at["x"], box["y"] + at["y"])
    tip = page.locator(".tip")
    expect(tip).to_contain_text("<script>alert(1)</script> (02)")
    text = tip.inner_text().replace("\u00a0", " ")
    assert "6 jours/an, entre 4 et 9 (17 simulations)" in text
    assert "16 simulations sur 17 en hausse" in text

    sheet.click(position=at)
    page.wait_for_function("() => decodeURIComponent(location.search).includes('territory=commune:02001')")
    expect(page.get_by_role("button", name="Fiche de <script>alert(1)</script>")).to_be_visible()

    page.get_by_role("combobox", name="Chercher un nom ou un code").fill("petit b")
    expect(page.get_by_role("option", name="Petit-Bourg")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_function("() => decodeURIComponent(location.search).includes('territory=commune:01002')")

    sheet.focus()
    page.keyboard.press("0")
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_function("() => /territory=commune:0[12]00[12]/.test(decodeURIComponent(location.search))")


def test_downloads_carry_their_source(page: Page, address: str) -> None:
    page.goto(f"{address}/?context=rwl20")
    painted(page, "rwl20")
    with page.expect_download() as download:
        page.get_by_role("button", name="Tableau (CSV)").click()
    assert download.value.suggested_filename == "climart_tx35_rwl20_departement_france.csv"
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("# démonstration : valeurs simulées")
    assert any(line.startswith("01;Ain;;11,5;") for line in lines)
    with page.expect_download() as download:
        page.get_by_role("button", name="Enregistrer la carte (PNG)").click()
    assert download.value.suggested_filename == "climart_tx35_rwl20_departement_france.png"
    assert download.value.path().read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_map_says_what_the_page_says(page: Page, release: Release, lang: str) -> None:
    """The component's own sentences are those of ``sentences.hover``, for every territory, indicator and context."""
    spoken = words("fr" if lang == "fr" else "en")
    asked, expected = [], []
    for indicator in release.catalogue.indicators.values():
        for context in ("ref", "rwl40"):
            figures = release.figures("departement", Selection(indicator.id, "tracc", context))
            table = joined(release.places("departement"), figures, None)
            for row in table.to_dict("records"):
                for change, shift in ((False, 0.0), (False, 1234.5), (False, -0.004), (True, 0.0)):
                    measure: Measure = "change" if change and context != "ref" else "level"
                    moved = {name: row[name] + shift for name in ("ref_q50", *columns("level"), *columns("change"))}
                    full = {**row, **moved}
                    expected.append(hover(full, indicator, measure, spoken).split("\n"))
                    asked.append(_columns(full, indicator, measure, spoken))
    said = page.evaluate(
        """async ([script, rows, words]) => {
          const module = await import(URL.createObjectURL(new Blob([script], {type: "text/javascript"})));
          return rows.map(([values, pane]) => module.said(values, 0, pane, words));
        }""",
        [atlas.script(), asked, atlas.spoken(spoken)],
    )
    assert len(said) > 80
    assert said == expected


def _columns(row: dict[str, object], indicator: Indicator, measure: Measure, spoken: Words) -> list[object]:
    reason = None if sentences.missing(row["reason"]) else row["reason"]
    (bits,) = sentences.limit_bits(pd.DataFrame([row]))
    values: dict[str, object] = {name: [float(str(row[name]))] for name in atlas.VALUE_COLUMNS}
    values |= {"runs": [int(str(row["n_runs"]))], "reason": [1 if reason else 0], "limits": [int(bits)]}
    pane = atlas.pane("", indicator, measure, maps.scale(indicator, measure), "", "", spoken)
    return [{**values, "header": {"reasons": [reason]}}, pane]


def test_a_telephone_shows_the_map_first(chromium: Browser, address: str) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/?kind=commune&indicator=rr_jja&measure=change")
    painted(page, "rr_jja", "dark")
    expect(page.get_by_text(re.compile("Du plus haut"))).to_be_visible()
    tops = [
        page.locator(f".st-key-{key}").evaluate("e => e.getBoundingClientRect().top")
        for key in ("map", "choices", "panel", "foot")
    ]
    assert tops == sorted(tops)
    page.close()
