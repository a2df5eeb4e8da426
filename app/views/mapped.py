"""The map component in the page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import streamlit as st

from app import atlas, maps, session
from app.session import Scene

NAME: Final = "climart.map"


@lru_cache
def _sources() -> tuple[str, str]:
    return atlas.script(), atlas.style()


def picked(key: str) -> None:
    """The reader clicked a territory: it becomes the chosen one."""
    if found := st.session_state[key].picked:
        session.change(territory=found)


def show(
    scene: Scene,
    panes: Sequence[dict[str, Any]],
    picture: dict[str, Any],
    stamp: str,
    key: str,
    height: int = maps.HEIGHT,
    kind: str | None = None,
) -> None:
    """The map, or the words that say why there is none. ``stamp`` names what is drawn, for tests and measures."""
    shapes = session.shapes(scene.folder, kind or scene.chosen.kind)
    if shapes is None:
        st.info(scene.words("map.nothing"))
        return
    ground = session.shapes(scene.folder, "departement")
    script, style = _sources()
    st.components.v2.component(NAME, js=script, css=style)(
        key=key,
        data={
            "stamp": stamp,
            "height": height,
            "shapes": session.served(shapes, f"{key}-shapes"),
            "ground": session.served(ground, f"{key}-ground") if ground else None,
            "filter": scene.chosen.caisse if kind is None else None,
            "selected": scene.chosen.territory,
            "panes": list(panes),
            "paints": maps.paints(session.theme()),
            "words": atlas.spoken(scene.words),
            "picture": picture,
        },
        on_picked_change=lambda: picked(key),
    )
