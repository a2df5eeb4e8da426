"""What Streamlit keeps for us: the open release, prepared outlines, joined values, the choice and its address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import streamlit as st
from streamlit.runtime import get_instance

from app import data, maps, sentences, state
from app.data import Indicator, Release
from app.formats import Measure
from app.i18n import Lang, words

ALL: Final = "all"
TABLES_KEPT: Final = 60
PICTURES_KEPT: Final = 30


@st.cache_resource(show_spinner=False)
def opened(folder: str) -> Release:
    """The release of a folder, opened once per process."""
    return data.open_release(Path(folder))


def release() -> Release:
    """This session's release: ``stable`` is resolved once, so that a publication in mid-visit changes nothing."""
    if "release" not in st.session_state:
        st.session_state["release"] = str(data.stable_folder())
    return opened(st.session_state["release"])


@st.cache_data(show_spinner=False, max_entries=TABLES_KEPT)
def table(folder: str, kind: str, caisse: str | None, indicator: str, dataset: str, context: str) -> pd.DataFrame:
    """``Release.values``, kept."""
    return opened(folder).values(kind, caisse, indicator, dataset, context)


@st.cache_resource(show_spinner=False, max_entries=TABLES_KEPT)
def geometry(folder: str, kind: str, caisse: str | None) -> maps.Geometry:
    """Outlines prepared once per release, kind and caisse; shared by all sessions."""
    return maps.prepare(opened(folder).outlines(kind, caisse))


@st.cache_resource(show_spinner=False)
def ground(folder: str) -> bytes | None:
    """The départements under and over the values; None if the release draws none."""
    shapes = geometry(folder, "departement", None)
    return maps.plain_collection(shapes) if shapes.ids else None


@dataclass(frozen=True)
class Picture:
    """A map's GeoJSON, and the count of territories per class, without value by reason, and divergent."""

    geojson: bytes
    counts: tuple[int, ...]
    missing: dict[str, int]
    divergent: int


@st.cache_resource(show_spinner=False, max_entries=PICTURES_KEPT)
def picture(
    folder: str,
    kind: str,
    caisse: str | None,
    indicator: str,
    dataset: str,
    context: str,
    measure: Measure,
    lang: Lang,
    theme: maps.Theme,
) -> Picture:
    """The map of one choice, joined to its outlines."""
    shapes = geometry(folder, kind, caisse)
    values = table(folder, kind, caisse, indicator, dataset, context)
    return paint(shapes, values, opened(folder).catalogue.indicators[indicator], measure, lang, theme)


def paint(
    shapes: maps.Geometry,
    values: pd.DataFrame,
    indicator: Indicator,
    measure: Measure,
    lang: Lang,
    theme: maps.Theme,
) -> Picture:
    """Colours, hover texts and counts of ``values``, joined to ``shapes``."""
    scale = maps.scale(indicator, measure)
    median = sentences.columns(measure)[1]
    counts = [0] * len(scale.colours)
    absent: dict[str, int] = {}
    paints: dict[str, maps.Paint] = {}
    divergent = 0
    spoken = words(lang)
    for row in values.to_dict("records"):
        hatched = sentences.diverges(row)
        if sentences.missing(row["reason"]):
            place = scale.place(row[median])
            counts[place] += 1
            colour = scale.colours[place]
            divergent += hatched
        else:
            absent[row["reason"]] = absent.get(row["reason"], 0) + 1
            colour = maps.NO_VALUE[theme]
        if row["drawn"]:
            text = sentences.hover(row, indicator, measure, spoken)
            paints[row["territory_id"]] = maps.Paint(sentences.named(row), text, colour, hatched)
    return Picture(maps.collection(shapes, paints), tuple(counts), absent, divergent)


def served(content: bytes, coordinates: str) -> str:
    """An address on this server, valid for this session only, from which the browser fetches ``content``.

    A map's text travels as a file and not inside the page: the browser parses it natively and keeps it.
    """
    address = get_instance().media_file_mgr.add(content, "application/json", coordinates)
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{address}" if base else address


def theme() -> maps.Theme:
    """The theme that the reader's browser shows; light before it has said so."""
    return "dark" if st.context.theme.type == "dark" else "light"


# Says whether the page is narrow, so that the map starts with the whole territory in view. Nothing is drawn.
_VIEWPORT_JS: Final = """
export default function ({ setStateValue }) {
  const narrow = window.innerWidth < 640;
  if (narrow) setStateValue("narrow", true);
}
"""


def narrow() -> bool:
    """Whether the reader's page is narrow (below 640 pixels). False until the browser has answered."""
    viewport = st.components.v2.component("climart.viewport", js=_VIEWPORT_JS)
    answer = viewport(key="viewport", default={"narrow": False}, on_narrow_change=lambda: None)
    return bool(answer.narrow)


# ---------------------------------------------------------------- the choice and its address


def choice(opened_release: Release) -> tuple[state.Choice, list[state.Rejected]]:
    """The reader's choice. The address decides at the first visit and whenever it was changed from outside."""
    address = dict(st.query_params)
    if "choice" not in st.session_state or address != st.session_state["address"]:
        chosen, rejected = state.from_params(address, opened_release.catalogue)
        st.session_state["choice"] = chosen
        st.session_state["rejected"] = rejected
    chosen = st.session_state["choice"]
    write_address(chosen)
    return chosen, st.session_state["rejected"]


def write_address(chosen: state.Choice) -> None:
    """Put the choice into the address bar, so that a link reopens this view."""
    params = state.to_params(chosen)
    if dict(st.query_params) != params:
        st.query_params.from_dict(params)
    st.session_state["address"] = params


def changer(field: str, key: str) -> Callable[[], None]:
    """What a control does when the reader moves it: sets one field, settles the others, forgets old refusals."""

    def change() -> None:
        old: state.Choice = st.session_state["choice"]
        catalogue = release().catalogue
        value: Any = st.session_state[key]
        if value is None:  # a second press on the chosen stop: nothing changes
            return
        update: dict[str, Any] = {field: None if value == ALL else value}
        if field == "theme":
            update = {"indicator": catalogue.of_theme(value)[0]}
        chosen = state.settle(replace(old, **update), catalogue)
        st.session_state["choice"] = chosen
        st.session_state["rejected"] = []
        write_address(chosen)

    return change
