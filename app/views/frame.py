"""What every view stands in: head with the language, demonstration banner, foot.

And the page when nothing can be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from app import session
from app.data import Dataset, Release
from app.formats import long_date
from app.i18n import LANGUAGES, Words
from app.state import Choice, Rejected

STYLE: Final = Path(__file__).resolve().parent.parent / "style.css"


def style() -> None:
    """The few rules that Streamlit's configuration cannot say."""
    st.html(STYLE)


def head(chosen: Choice, words: Words, dataset: Dataset, rejected: Sequence[Rejected]) -> None:
    """Name, language switch, demonstration banner, what the address asked for in vain."""
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words('app.name')}**")
        st.session_state["control-lang"] = chosen.lang
        st.segmented_control(
            words("app.language"),
            LANGUAGES,
            key="control-lang",
            format_func=lambda lang: words(f"languages.{lang}"),
            label_visibility="collapsed",
            on_change=session.changer("lang", "control-lang"),
            width="content",
        )
    if dataset.is_synthetic:
        st.warning(words.own(dataset.notice_fr, dataset.notice_en))
    for one in rejected:
        st.info(words("states.rejected", value=one.value, name=words(f"params.{one.name}")))


def foot(release: Release, chosen: Choice, words: Words) -> None:
    """Release, dataset, licence, and what the figures are not."""
    dataset = release.catalogue.datasets[chosen.dataset]
    parts = [
        words("foot.release", version=release.version, date=long_date(release.published_at.date(), words)),
        words.own(dataset.title_fr, dataset.title_en),
        words("foot.licence", licence=dataset.licence),
        words("foot.hazard"),
    ]
    with st.container(key="foot"):
        st.caption(" · ".join(parts))
        if not dataset.is_synthetic:
            st.caption(words.own(dataset.notice_fr, dataset.notice_en))


def no_release(words: Words, folder: str) -> None:
    """Nothing is published yet: what to do."""
    st.subheader(words("states.no_release"))
    st.text(words("states.no_release_do"))
    st.caption(words("states.no_release_where", folder=folder))


def unreadable(words: Words, what: str) -> None:
    """A release is there and fails: which, why, what to do."""
    st.subheader(words("states.unreadable"))
    st.text(words("states.unreadable_do"))
    st.text(words("states.unreadable_what", what=what))
