"""One server and one Chromium for all browser tests: the real app on the tiny release, as a demonstration."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from app.data import Release, open_release
from climart import paths
from tests.app.conftest import write_release
from tests.support import require

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
PATIENCE_MS = 60_000


@contextmanager
def serving(root: Path, **environment: str) -> Iterator[str]:
    """The app on a data root and a free port; its address."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app/streamlit_app.py"]
    server = subprocess.Popen(
        [*command, "--server.port", str(port), "--server.address", "localhost"],
        cwd=paths.PROJECT,
        env={**os.environ, "CLIMART_DATA": str(root), "PYTHONPATH": str(paths.PROJECT), **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield _answering(f"http://localhost:{port}", server)
    finally:
        server.terminate()
        server.wait(timeout=20)


def _answering(url: str, server: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        assert server.poll() is None, "the dashboard stopped while starting"
        try:
            with urlopen(f"{url}/_stcore/health") as answer:
                if answer.status == 200:
                    return url
        except OSError:
            time.sleep(0.1)
    pytest.fail("the dashboard did not answer within a minute")


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root of the tiny release."""
    require("browser", CHROMIUM.exists(), f"{CHROMIUM} is not installed")
    return write_release(tmp_path_factory.mktemp("browser"), synthetic=True)


@pytest.fixture(scope="session")
def address(root: Path) -> Iterator[str]:
    """The app on the tiny release."""
    with serving(root) as url:
        yield url


@pytest.fixture(scope="session")
def release(root: Path) -> Iterator[Release]:
    """What the app reads."""
    opened = open_release((root / "releases" / "stable").resolve())
    yield opened
    opened.connection.close()


@pytest.fixture(scope="session")
def chromium(address: str) -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
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
    opened.on("request", lambda request: requests.append(request.url))
    yield opened
    opened.close()
