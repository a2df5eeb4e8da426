"""A full tour in a real Chromium: every view, an upload, the prints; nothing leaves the machine."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from app.i18n import words
from app.state import VIEWS
from tests.app.conftest import SYNTHETIC
from tests.app.test_views import BOOK
from tests.browser.conftest import PATIENCE_MS, serving
from tests.browser.test_dashboard import HOSTS, painted

pytestmark = pytest.mark.browser
FR = words("fr")


def test_a_full_tour_asks_no_other_host(page: Page, address: str, requests: list[str]) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{address}/?kind=commune&territory=commune:01001&other=commune:02001")
    painted(page, "commune")
    for view in VIEWS:
        page.get_by_role("button", name=FR(f"views.{view}"), exact=True).click()
        page.wait_for_function("view => location.search.includes(`view=${view}`)", arg=view)
        expect(page.locator(".st-key-head").get_by_text(FR(f"views.{view}"))).to_be_visible()
        expect(page.get_by_text(SYNTHETIC).first).to_be_visible()
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
        if view == "territoire":
            expect(page.get_by_role("heading", name="Bourg (01)")).to_be_visible()
            expect(page.locator(".js-plotly-plot")).to_be_visible()
            for name, start in (("Fiche (PDF)", b"%PDF"), ("Fiche (XLSX)", b"PK")):
                with page.expect_download() as download:
                    page.get_by_role("button", name=name).click()
                assert download.value.path().read_bytes().startswith(start)
        if view == "comparer":
            painted(page, "commune", "ref", "rwl40")
            expect(page.get_by_role("application")).to_have_count(3)
        if view == "classement":
            expect(page.locator("[data-testid=stDataFrame]")).to_be_visible()
        if view == "portefeuille":
            page.set_input_files("input[type=file]", {"name": "a.csv", "mimeType": "text/csv", "buffer": BOOK.encode()})
            painted(page, "portfolio")
            expect(page.get_by_text("Tout le fichier")).to_be_visible()
    hosts = {urlsplit(url).hostname or "" for url in [*requests, *sockets]}
    assert sockets and "localhost" in hosts
    assert hosts <= HOSTS


def test_the_panes_of_a_comparison_move_together(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=comparer&kind=commune&caisse=caisse:est")
    painted(page, "commune", "caisse:est")
    first = page.get_by_role("application").first
    box = first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.12, box["y"] + box["height"] / 2)
    tips = page.locator(".tip b")
    expect(tips).to_have_count(3)
    assert tips.all_inner_texts() == ["Bourg (01)"] * 3


def test_a_broken_upload_is_said_and_the_page_goes_on(page: Page, address: str) -> None:
    page.goto(f"{address}/?view=portefeuille")
    upload = page.locator("input[type=file]")
    upload.set_input_files({"name": "a.xlsx", "mimeType": "", "buffer": b"PK\x03\x04 broken"})
    expect(page.get_by_text("Le classeur ne peut pas être lu")).to_be_visible()
    page.get_by_role("button", name="Carte", exact=True).click()
    painted(page, "departement")


def test_no_view_scrolls_sideways_on_a_telephone(chromium: Browser, address: str) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.set_default_timeout(PATIENCE_MS)
    for view in VIEWS:
        page.goto(f"{address}/?view={view}&territory=commune:01001&other=commune:02001&kind=commune")
        expect(page.locator(".st-key-head").get_by_text(FR(f"views.{view}"))).to_be_visible()
        expect(page.locator(".st-key-foot")).to_be_visible()
        assert page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth") == 390, view
    page.close()


def test_before_the_sign_in_nothing_is_served(chromium: Browser, root: Path, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        '[auth]\nredirect_uri = "http://localhost/oauth2callback"\ncookie_secret = "0123456789abcdef0123456789abcdef"\n'
        'client_id = "a"\nclient_secret = "b"\nserver_metadata_url = "http://localhost:9/none"\n',
        encoding="utf-8",
    )
    asked: list[str] = []
    with serving(root, STREAMLIT_SECRETS_FILES=str(secrets)) as address:
        page = chromium.new_page(locale="fr-FR")
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}/?kind=commune")
        expect(page.get_by_role("button", name="S'identifier")).to_be_visible()
        page.wait_for_timeout(500)
        text = page.locator("body").inner_text()
        page.close()
    assert asked and not [url for url in asked if urlsplit(url).path.startswith("/media/")]
    assert "Ain" not in text and "Jours" not in text
