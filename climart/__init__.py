"""Climart: an open climate-risk data mart for France.

For modellers: ``from climart import Mart, join``. Both are loaded when they are first asked for, so that the rooms may
import ``climart.paths`` and its like without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mart.client import Mart
    from mart.join import Joined, join

__all__ = ["Joined", "Mart", "join"]


def __getattr__(name: str) -> Any:
    if name == "Mart":
        from mart import client

        return client.Mart
    if name in ("Joined", "join"):
        from mart import join as joining

        return getattr(joining, name)
    raise AttributeError(f"module 'climart' has no attribute {name!r}")
