"""Text that a spreadsheet shows and never runs. Imports nothing of ours."""

from __future__ import annotations

from typing import Final

# A cell that starts with one of these is run as a formula by spreadsheets.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def harmless(text: str) -> str:
    """Text that a spreadsheet shows and never runs."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
