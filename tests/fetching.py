"""Sources and clients for tests of fetching: a patient policy that never really sleeps."""

from __future__ import annotations

from typing import Any

from ingest.fetch.client import Policy
from ingest.registry import Source

HEADER = {
    "id": "some_source",
    "title_fr": "Une source",
    "title_en": "A source",
    "producer": "Producer",
    "licence": "Licence Ouverte 2.0",
    "citation": "Producer, A source",
    "homepage": "",
    "version": "1",
    "cadence": "none",
    "validation_status": "observed",
    "expected_size": {"bytes": None, "basis": "a test"},
    "reader": "missing",
    "reader_missing": "none is needed",
}


def source(*families: dict[str, Any], **fields: Any) -> Source:
    """A source with these families of addresses (or with ``fetch`` as given)."""
    known = [{"evidence": "client_code", "contract": {"format": "csv"}, **family} for family in families]
    return Source.model_validate({**HEADER, "fetch": {"families": known}, **fields})


class Patience:
    """A policy whose waits are noted, not waited."""

    def __init__(self, **fields: Any) -> None:
        self.waits: list[float] = []
        defaults = {"idle_timeout": 5, "header_timeout": 5, "rate_window": 5, "attempts": 4, "jitter": lambda: 1.0}
        self.policy = Policy(**{**defaults, "sleep": self.waits.append, **fields})
