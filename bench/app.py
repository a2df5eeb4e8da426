"""The dashboard on all communes of France, in a real headless Chromium: ``make bench-app CLIMART_DATA=folder``.

Serves the release of CLIMART_DATA on a free port, warms it with one visit, then measures with an empty browser cache.
Prints each figure beside its limit; exits 1 if one is over.
"""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from climart import paths

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
USERS = 10
REPEATS = 5
FIRST = "?kind=commune&indicator=tx35&context=rwl40"
PAINTED = """part => {
  const maps = [...document.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".map"));
  return (maps.find(Boolean)?.dataset.painted ?? "").includes(part);
}"""
STAMP = """() => [...document.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".map"))
  .find(Boolean).dataset.painted"""
TOOK = """() => [...document.querySelectorAll("*")].map((e) => e.shadowRoot?.querySelector(".map"))
  .find(Boolean).dataset.took"""


@dataclass
class Visit:
    """A page with a count of what it received."""

    page: Page
    media: int = 0  # bytes of outlines, values and pictures, as sent
    messages: int = 0  # bytes of Streamlit's messages, as sent
    hosts: set[str] = field(default_factory=set)


def visit(browser: Browser) -> Visit:
    """A new visit, with an empty cache."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="fr-FR").new_page()
    page.set_default_timeout(120_000)
    seen = Visit(page)

    def received(response: object) -> None:
        seen.hosts.add(urlsplit(response.url).hostname or "")  # type: ignore[attr-defined]

    page.on("response", received)
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    media: set[str] = set()
    client.on(
        "Network.requestWillBeSent", lambda e: media.add(e["requestId"]) if "/media/" in e["request"]["url"] else None
    )

    def finished(event: dict[str, object]) -> None:
        if event["requestId"] in media:
            seen.media += int(str(event["encodedDataLength"]))

    client.on("Network.loadingFinished", finished)

    def frame(event: dict[str, dict[str, str]]) -> None:
        seen.messages += len(event["response"]["payloadData"]) * 3 // 4  # binary frames come in base64

    client.on("Network.webSocketFrameReceived", frame)
    return seen


@contextmanager
def serving() -> Iterator[tuple[str, psutil.Process]]:
    """The dashboard on a free port."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/streamlit_app.py", "--server.port", str(port)]
    server = subprocess.Popen(
        [*command, "--server.address", "localhost"],
        cwd=paths.PROJECT,
        env={**os.environ, "PYTHONPATH": str(paths.PROJECT), "MALLOC_ARENA_MAX": "2"},  # as `make app`
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://localhost:{port}"
    try:
        for _ in range(300):
            try:
                urlopen(f"{url}/_stcore/health").close()
                break
            except OSError:
                time.sleep(0.2)
        yield url, psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait(timeout=30)


def painted(page: Page, part: str) -> None:
    """Wait until the map has drawn a choice whose stamp holds ``part``."""
    page.wait_for_function(PAINTED, arg=part, polling=10)


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> int:
    """Measure, print, and say whether every figure is within its limit."""
    rows: list[tuple[str, str, str, bool]] = []

    def add(name: str, value: float, limit: float, unit: str) -> None:
        rows.append((name, f"{value:.2f} {unit}", f"{limit:g} {unit}", value <= limit))

    with serving() as (url, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        warm = visit(browser)
        began = time.perf_counter()
        warm.page.goto(f"{url}/{FIRST}")
        painted(warm.page, "commune//tx35")
        cold = time.perf_counter() - began
        warm.page.context.close()

        firsts, visits = [], []
        for _ in range(REPEATS):
            seen = visit(browser)
            began = time.perf_counter()
            seen.page.goto(f"{url}/{FIRST}")
            painted(seen.page, "commune//tx35")
            firsts.append(time.perf_counter() - began)
            visits.append(seen)
            if len(visits) < REPEATS:
                seen.page.context.close()
        last = visits[-1]
        last.page.wait_for_timeout(1500)
        add("First paint, warm server, empty cache (median)", median(firsts), 3, "s")
        add("First load beyond Streamlit's assets", (last.media + last.messages) / 1e6, 5, "MB")

        changes, browser_side = [], []
        for indicator in ("Nuits tropicales", "Température moyenne", "Jours d'été", "Température moyenne (été)"):
            box = last.page.get_by_role("combobox", name="Indicateur", exact=True)
            box.click()
            options = last.page.get_by_role("option")
            options.first.wait_for()
            at = options.all_inner_texts().index(indicator)
            before = last.page.evaluate(STAMP)
            began = time.perf_counter()
            options.nth(at).click()
            last.page.wait_for_function(f"part => !({PAINTED})(part)", arg=before, polling=10)
            changes.append(time.perf_counter() - began)
            browser_side.append(float(last.page.evaluate(TOOK)) / 1000)
        for context in ("Référence", "+2 °C (2030)", "+2,7 °C (2050)"):
            before = last.page.evaluate(STAMP)
            began = time.perf_counter()
            last.page.get_by_role("radio", name=context).click()
            last.page.wait_for_function(f"part => !({PAINTED})(part)", arg=before, polling=10)
            changes.append(time.perf_counter() - began)
            browser_side.append(float(last.page.evaluate(TOOK)) / 1000)
        add("Change of indicator or context, with the server (median)", median(changes), 1.5, "s")
        add("Change of indicator or context, with the server (worst)", max(changes), 1.5, "s")
        add("Change, in the browser (worst)", max(browser_side), 1, "s")

        last.page.goto(f"{url}/?view=territoire&territory=commune:73065")
        for name, button in (("PDF of a territory", "Fiche (PDF)"), ("XLSX of a territory", "Fiche (XLSX)")):
            last.page.get_by_role("button", name=button).wait_for()
            began = time.perf_counter()
            with last.page.expect_download() as download:
                last.page.get_by_role("button", name=button).click()
            download.value.path()
            add(name, time.perf_counter() - began, 5, "s")
        hosts = last.hosts

        users = [visit(browser) for _ in range(USERS)]
        indicators = (
            "tx35",
            "tr20",
            "t_mean",
            "rr_jja",
            "rr_djf",
            "rx1d",
            "tx30",
            "t_mean_jja",
            "fwi40_days",
            "dry_soil_days",
        )
        kinds = ("commune", "epci", "departement")
        for place, user in enumerate(users):
            user.page.goto(f"{url}/?kind=commune&indicator={indicators[place]}&context=rwl20")
        for place, user in enumerate(users):
            painted(user.page, "commune//")
            user.page.goto(
                f"{url}/?kind={kinds[place % 3]}&indicator={indicators[-place]}&context=rwl40&measure=change"
            )
        for user in users:
            painted(user.page, "change")
        for place, user in enumerate(users):
            view = ("classement", "comparer", "territoire")[place % 3]
            user.page.goto(f"{url}/?view={view}&kind=commune&territory=commune:73065&indicator={indicators[place]}")
        for user in users:
            user.page.locator(".st-key-foot").wait_for()
            hosts |= user.hosts
        add(f"Server memory, {USERS} users at once", server.memory_info().rss / 1e9, 1, "GB")
        browser.close()

    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"Chromium without graphics card, 1440 × 900; release {Path(paths.releases() / 'stable').resolve().name}")
    print(f"First visit of a cold server: {cold:.2f} s\n")
    width = max(len(row[0]) for row in rows)
    for name, value, limit, within in rows:
        print(f"{name:<{width}}  {value:>10}  limit {limit:>7}  {'ok' if within else 'OVER'}")
    outside = hosts - {"localhost", ""}
    print(f"\nHosts asked: {', '.join(sorted(hosts - {''}))}")
    return 0 if all(row[3] for row in rows) and not outside else 1


if __name__ == "__main__":
    sys.exit(main())
