"""The real app in a real Chromium, on the tiny release: what a reader does, and that nothing leaves the machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app import maps
from climart import paths
from tests.app.conftest import write_release
from tests.support import require

pytestmark = pytest.mark.browser

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTS = {"localhost", ""}  # data: and blob: addresses have no host
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a free port."""
    require("browser", CHROMIUM.exists(), f"{CHROMIUM} is not installed")
    root = write_release(tmp_path_factory.mktemp("browser"), synthetic=True)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/streamlit_app.py"]
    server = subprocess.Popen(
        [*command, "--server.port", str(port), "--server.address", "localhost"],
        cwd=paths.PROJECT,
        env={**os.environ, "CLIMART_DATA": str(root), "PYTHONPATH": str(paths.PROJECT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _answering(f"http://localhost:{port}", server)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _answering(url: str, server: subprocess.Popen[bytes]) -> str:
    for _ in range(240):
        assert server.poll() is None, "the dashboard stopped while starting"
        try:
            with urlopen(f"{url}/_stcore/health") as answer:
                if answer.status == 200:
                    return url
        except OSError:
            time.sleep(0.25)
    pytest.fail("the dashboard did not answer within a minute")


@pytest.fixture(scope="module")
def chromium(address: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def requests() -> list[str]:
    """Every address that the page asked for."""
    return []


@pytest.fixture
def page(chromium: Browser, requests: list[str]) -> Iterator[Page]:
    opened = chromium.new_page(viewport={"width": 1440, "height": 900}, locale="fr-FR")
    opened.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    opened.on("request", lambda request: requests.append(request.url))
    yield opened
    opened.close()


def seen(page: Page, title: str) -> None:
    """Wait until the view of ``title`` stands, its map drawn from our own outlines."""
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.locator("[data-testid=stDeckGlJsonChart] canvas").first).to_be_visible()


def table_row(page: Page, row: int, expected: list[str]) -> None:
    """Wait for a row (from 1) of the ranked table, as a screen reader reads it: numbers without their typography."""
    found = page.locator("[data-testid=stDataFrame] table tbody tr").nth(row - 1).locator("td")
    expect(found).to_have_text(expected)


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


def pick(page: Page, label: str, option: str) -> None:
    """Open a select box by its label and choose."""
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_a_tour(page: Page, address: str, requests: list[str]) -> None:
    page.goto(address)
    seen(page, "Jours très chauds")
    expect(page.get_by_text("démonstration : valeurs simulées")).to_be_visible()
    table_row(page, 1, ["Ain", "22", "20", "25", "21", "17"])

    pick(page, "Thème", "Pluie et inondation")
    seen(page, "Pluie d'été")
    page.wait_for_function("() => location.search.includes('indicator=rr_jja')")
    table_row(page, 1, ["Ain", "150", "148", "153", "-50", "17"])

    page.get_by_role("radio", name="Évolution").click()
    seen(page, "Pluie d'été : évolution")
    expect(page.get_by_text("les simulations divergent sur le sens")).to_be_visible()
    page.wait_for_function("() => location.search.includes('measure=change')")
    table_row(page, 3, ["Ain", "-50", "-52", "-47", "150", "17"])

    pick(page, "Territoires", "Communes")
    page.wait_for_function("() => location.search.includes('kind=commune')")
    page.get_by_role("radio", name="English").click()
    seen(page, "Summer rain")
    state = query(page)
    assert (state["lang"], state["kind"], state["measure"], state["context"]) == ("en", "commune", "change", "rwl40")

    # The link alone reopens the view.
    page.goto(page.url)
    seen(page, "Summer rain: change since 1976-2005")

    outlines = [url for url in requests if "/media/" in url and url.endswith(".json")]
    assert outlines, "the map asked for no outlines: the page was not really drawn"
    assert {urlsplit(url).hostname or "" for url in requests} <= HOSTS


def test_hover_says_value_interval_change_and_agreement_as_text(page: Page, address: str) -> None:
    page.goto(f"{address}/?kind=commune&caisse=caisse:est")
    seen(page, "Jours très chauds")
    box = page.locator("[data-testid=stDeckGlJsonChart] canvas").first.bounding_box()
    assert box
    # The commune of Aisne stands from 3.0° to 3.4° east; the map's middle is 2.7° east.
    zoom = maps.view((2.0, 46.2, 3.4, 46.6), maps.WIDE_SIZE).zoom
    east = (3.2 - 2.7) * maps.TILE * 2**zoom / 360
    tooltip = page.locator(".deck-tooltip")
    for step in range(200):  # the map may still be drawing its outlines: the pointer keeps moving a little
        page.mouse.move(box["x"] + box["width"] / 2 + east + step % 5, box["y"] + box["height"] / 2)
        page.wait_for_timeout(150)
        if tooltip.is_visible():
            break
    text = tooltip.inner_text().replace("\u00a0", " ")
    assert "<script>alert(1)</script> (02)" in text
    assert "6 jours/an, entre 4 et 9 (17 simulations)" in text
    assert "16 simulations sur 17 en hausse" in text


def test_download(page: Page, address: str) -> None:
    page.goto(f"{address}/?context=rwl20")
    seen(page, "Jours très chauds")
    with page.expect_download() as download:
        page.get_by_role("button", name="Télécharger (CSV)").click()
    assert download.value.suggested_filename == "climart_tx35_rwl20_departement_france.csv"
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("# démonstration : valeurs simulées")
    assert any(line.startswith("01;Ain;;11,50;") for line in lines)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_telephone_shows_the_map_first_and_never_scrolls_sideways(
    chromium: Browser, address: str, scheme: str
) -> None:
    page = chromium.new_page(
        viewport={"width": 390, "height": 844}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/?kind=commune&indicator=rr_jja&measure=change")
    seen(page, "Pluie d'été")
    expect(page.locator("[data-testid=stDataFrame]")).to_be_visible()
    tops = [
        page.locator(f".st-key-{key}").evaluate("e => e.getBoundingClientRect().top")
        for key in ("map", "choices", "panel", "foot")
    ]
    assert tops == sorted(tops)
    wide = page.evaluate(
        "() => [document.documentElement, document.querySelector('[data-testid=stMain]')].map(e => e.scrollWidth)"
    )
    assert wide == [390, 390]
    page.close()
