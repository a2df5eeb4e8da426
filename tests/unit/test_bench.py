"""Benches are run by hand: that they still run is tested, never how fast."""

from __future__ import annotations

from bench import states


def test_the_cost_of_every_state_is_still_measured() -> None:
    """One cell, 36 years from 1971: the reference period is whole. A row per series, one for the features, the sum."""
    rows = [line for line in states.page(1, 36).splitlines() if line.startswith("| ")]
    named = " ".join(rows)
    assert all(state in named for state in ("fwi", "grass_growth", "chill_portions", "swi_bucket", "snowmaking_hours"))
    assert rows[-1].startswith("| **all**") and len(rows) > 30
