"""What a test may need from outside the project, asked for in one place.

``CLIMART_REAL_DATA`` names the folder of real files. ``CLIMART_REQUIRE`` (such as ``browser,real_data``) turns a
missing prerequisite from a skip into a failure: ``.ci/run`` sets it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def require(name: str, available: bool, reason: str) -> None:
    """Go on if ``available``; else skip the test with ``reason``, or fail it if CLIMART_REQUIRE lists ``name``."""
    if available:
        return
    if name in os.environ.get("CLIMART_REQUIRE", "").split(","):
        pytest.fail(f"{name} is required here (CLIMART_REQUIRE): {reason}")
    pytest.skip(reason)


def real_data() -> Path:
    """The folder of real files (see data/README.md)."""
    named = os.environ.get("CLIMART_REAL_DATA", "")
    folder = Path(named)
    require(
        "real_data",
        bool(named) and folder.is_dir(),
        "CLIMART_REAL_DATA does not name the folder of real files",
    )
    return folder.resolve()
