"""Every path of the project, from one root. Imports nothing of ours, so every room may import it.

``CLIMART_DATA`` names the data root; its default is ``data/`` in the checkout.
"""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
DBT_PROJECT = PROJECT / "dbt_project"
REFERENCE = PROJECT / "data" / "reference"
SOURCES = PROJECT / "ingest" / "sources"


def data_root() -> Path:
    """The data root: ``CLIMART_DATA``, or ``data/`` in the checkout. Absolute; need not exist yet."""
    return Path(os.environ.get("CLIMART_DATA") or PROJECT / "data").expanduser().resolve()


def raw() -> Path:
    """Files as received."""
    return data_root() / "raw"


def derived() -> Path:
    """Daily files that ``ingest`` made from those received; they can be made again."""
    return data_root() / "derived"


def lake() -> Path:
    """Tidy Parquet, written by ``ingest`` only."""
    return data_root() / "lake"


def warehouse() -> Path:
    """The DuckDB file that dbt writes; nobody but ``mart`` reads it."""
    return data_root() / "warehouse.duckdb"


def releases() -> Path:
    """Immutable releases, and the ``stable`` link."""
    return data_root() / "releases"


def inside(root: Path, *parts: str) -> Path:
    """``root / parts``, resolved. Raises ValueError if the result leaves ``root`` (``..``, absolute parts, links)."""
    base = root.resolve()
    path = base.joinpath(*parts).resolve()
    if path != base and base not in path.parents:
        raise ValueError(f"{'/'.join(parts)!r} leads outside {base}")
    return path
