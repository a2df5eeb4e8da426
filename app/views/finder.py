"""A search box for territories, on the server: what is typed, then what is meant."""

from __future__ import annotations

import streamlit as st

from app import session
from app.session import Scene


def find(scene: Scene, field: str, label: str) -> None:
    """A text box, then the territories that it finds; choosing one sets ``field`` of the choice."""
    words = scene.words
    left, right = st.columns([1, 1.4], vertical_alignment="bottom")
    with left:
        asked = st.text_input(label, key=f"find-{field}", placeholder=words("finder.placeholder"))
    if not asked:
        return
    found = scene.release.found(asked)
    if not found:
        right.caption(words("finder.none", text=asked))
        return
    names = {
        row["territory_id"]: words(
            "finder.option", name=row["name"], kind=words.known("kind", row["kind"]), code=row["code"]
        )
        for row in found
    }
    key = f"found-{field}-{asked}"

    def chosen() -> None:
        if st.session_state[key]:
            session.change(**{field: st.session_state[key]})

    right.selectbox(
        words("finder.found", count=len(found)),
        list(names),
        index=None,
        key=key,
        format_func=lambda one: names[one],
        placeholder=words("finder.choose"),
        on_change=chosen,
    )
