"""What every view stands in: navigation, head, one line of choices, foot. And the page when nothing can be shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import streamlit as st

from app import sentences, session, state
from app.data import SCORE, Context, Dataset
from app.formats import long_date
from app.i18n import LANGUAGES, Words
from app.session import Scene
from app.state import Rejected, View
from app.views import signin

STYLE: Final = Path(__file__).resolve().parent.parent / "style.css"
# The controls that each view uses. What is chosen stays when the view changes.
CONTROLS: Final[dict[View, tuple[str, ...]]] = {
    "carte": ("kind", "caisse", "theme", "indicator", "context", "measure"),
    "territoire": ("theme", "indicator", "context"),
    "comparer": ("kind", "caisse", "theme", "indicator"),
    "classement": ("kind", "caisse", "theme", "indicator", "context", "measure"),
    "portefeuille": ("kind",),
    "methode": (),
}
# Where an indicator is chosen, a second line tells which of its figures: shown where there is more than one to choose.
DETAILS: Final = ("dataset", "weighting", "track")
DETAIL_WIDTH: Final = 300  # pixels
WIDTHS: Final = {"kind": 1.2, "caisse": 1.08, "theme": 1.15, "indicator": 1.75, "context": 3.85, "measure": 2.05}


def style() -> None:
    """The few rules that Streamlit's configuration cannot say."""
    st.html(STYLE)


def navigation(scene: Scene) -> None:
    """The views, and nothing else; the language under them."""
    words = scene.words
    with st.sidebar, st.container(key="navigation"):
        st.markdown(f"### {words('app.name')}")
        for view in state.VIEWS:
            st.button(
                words(f"views.{view}"),
                key=f"view-{view}",
                type="primary" if view == scene.chosen.view else "tertiary",
                on_click=session.change,
                kwargs={"view": view},
                width="stretch",
            )
        signin.out(words)


def head(scene: Scene, rejected: Sequence[Rejected]) -> None:
    """Name of the view, language switch, demonstration banner, what the address asked for in vain."""
    words = scene.words
    with st.container(key="head", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{words(f'views.{scene.chosen.view}')}**")
        st.session_state["control-lang"] = scene.chosen.lang
        st.segmented_control(
            words("app.language"),
            LANGUAGES,
            key="control-lang",
            format_func=lambda lang: words(f"languages.{lang}"),
            label_visibility="collapsed",
            on_change=session.changer("lang", "control-lang"),
            width="content",
        )
    if scene.dataset.is_synthetic:
        st.warning(words.own(scene.dataset.notice_fr, scene.dataset.notice_en))
    if scene.dataset.is_stale:
        st.warning(stale(scene.dataset, words))
    for one in rejected:
        st.info(words("states.rejected", value=one.value, name=words(f"params.{one.name}")))


def stale(dataset: Dataset, words: Words) -> str:
    """That a source could not be refreshed: which figures are shown, and why."""
    since = long_date(dataset.fetched_on, words) if dataset.fetched_on else words("states.stale_undated")
    return words("states.stale", date=since, reason=words.known("stale_reasons", dataset.stale_reason))


def foot(scene: Scene) -> None:
    """Release, dataset, licence, and what the figures are not."""
    words, dataset = scene.words, scene.dataset
    parts = [
        words("foot.release", version=scene.release.version, date=long_date(scene.release.published_at.date(), words)),
        words.own(dataset.title_fr, dataset.title_en),
        words("foot.licence", licence=dataset.licence),
        words("foot.hazard"),
    ]
    with st.container(key="foot"):
        st.caption(" · ".join(parts))
        if not dataset.is_synthetic:
            st.caption(words.own(dataset.notice_fr, dataset.notice_en))


# ---------------------------------------------------------------- choices


def select(
    words: Words,
    label: str,
    field: str,
    options: Sequence[str],
    value: str,
    named: Callable[[str], str],
    disabled: bool = False,
    help: str | None = None,
) -> None:
    """A select box that sets one field of the choice."""
    key = f"control-{field}"
    st.session_state[key] = value
    st.selectbox(
        words(label),
        options,
        key=key,
        format_func=named,
        on_change=session.changer(field, key),
        disabled=disabled,
        help=help,
    )


def track_name(track: str, contexts: Sequence[Context], words: Words) -> str:
    """« Niveaux de réchauffement », or « Scénario RCP4.5 » from the labels of the scenario's contexts."""
    if f"tracks.{track}" in words.texts:
        return words(f"tracks.{track}")
    label = next(words.own(c.label_fr, c.label_en) for c in contexts if c.track == track)
    return words("tracks.scenario", name=label.split(words("contexts.separator"))[0])


def weighting_name(scene: Scene, weighting: str) -> str:
    """What the values are weighted by, in the release's words or ours."""
    own = scene.release.catalogue.weighting_labels.get(weighting)
    return scene.words.own(*own) if own else scene.words.known("weightings", weighting)


def choices(scene: Scene) -> None:
    """One line of choices, those that the view uses."""
    shown = CONTROLS[scene.chosen.view]
    if not shown:
        return
    draw = {
        "kind": _kind, "caisse": _caisse, "theme": _theme, "indicator": _indicator, "context": _context,
        "measure": _measure,
    }  # fmt: skip
    widths = [WIDTHS[name] for name in shown]
    if (spare := sum(WIDTHS.values()) - sum(widths)) > 1:
        widths.append(spare)
    with st.container(key="choices"):
        for column, name in zip(st.columns(widths, vertical_alignment="top"), shown, strict=False):
            with column:
                draw[name](scene)
        if "indicator" in shown:
            details(scene)


def details(scene: Scene) -> None:
    """The second line: dataset, weighting, slider, each where there are several."""
    catalogue, chosen = scene.release.catalogue, scene.chosen
    offered = {
        "dataset": catalogue.datasets_of(chosen.indicator),
        "weighting": catalogue.weightings_of(chosen.dataset, chosen.indicator),
        "track": state.tracks(catalogue.contexts_of(chosen.dataset, chosen.indicator)),
    }
    draw = {"dataset": _dataset, "weighting": _weighting, "track": _track}
    asked = [name for name in DETAILS if len(offered[name]) > 1]
    if asked:
        with st.container(key="details", horizontal=True):
            for name in asked:
                with st.container(width=DETAIL_WIDTH):
                    draw[name](scene)


def _kind(scene: Scene) -> None:
    words, catalogue = scene.words, scene.release.catalogue
    select(words, "controls.kind", "kind", catalogue.kinds, scene.chosen.kind, lambda kind: words.known("kinds", kind))


def _caisse(scene: Scene) -> None:
    words, catalogue = scene.words, scene.release.catalogue
    filtered = scene.chosen.kind in catalogue.filtered_kinds
    select(
        words,
        "controls.caisse",
        "caisse",
        [session.ALL, *catalogue.caisses],
        scene.chosen.caisse or session.ALL,
        lambda bank: catalogue.caisses.get(bank, words("controls.all_caisses")),
        disabled=not filtered,
        help=None if filtered else words("controls.caisse_unused"),
    )


def _theme(scene: Scene) -> None:
    words = scene.words
    themes = scene.release.catalogue.themes()
    select(words, "controls.theme", "theme", themes, scene.indicator.theme, lambda theme: words.known("themes", theme))


def _indicator(scene: Scene) -> None:
    words, catalogue, chosen = scene.words, scene.release.catalogue, scene.chosen
    named = catalogue.indicators
    select(
        words,
        "controls.indicator",
        "indicator",
        catalogue.of_theme(scene.indicator.theme),
        chosen.indicator,
        lambda one: words.own(named[one].label_fr, named[one].label_en),
    )


def _dataset(scene: Scene) -> None:
    words, catalogue, chosen = scene.words, scene.release.catalogue, scene.chosen
    known = catalogue.datasets
    select(
        words,
        "controls.dataset",
        "dataset",
        catalogue.datasets_of(chosen.indicator),
        chosen.dataset,
        lambda one: words.own(known[one].title_fr, known[one].title_en),
    )


def _weighting(scene: Scene) -> None:
    words, catalogue, chosen = scene.words, scene.release.catalogue, scene.chosen
    select(
        words,
        "controls.mode" if chosen.indicator.startswith(SCORE) else "controls.weighting",
        "weighting",
        catalogue.weightings_of(chosen.dataset, chosen.indicator),
        chosen.weighting,
        lambda one: weighting_name(scene, one),
    )


def _track(scene: Scene) -> None:
    words, chosen = scene.words, scene.chosen
    contexts = scene.release.catalogue.contexts_of(chosen.dataset, chosen.indicator)
    tracks = state.tracks(contexts)
    select(words, "controls.track", "track", tracks, chosen.track, lambda one: track_name(one, contexts, words))


def _context(scene: Scene) -> None:
    words, catalogue, chosen = scene.words, scene.release.catalogue, scene.chosen
    contexts = catalogue.contexts_of(chosen.dataset, chosen.indicator)
    axis = "emission" if f"tracks.{chosen.track}" not in words.texts else chosen.track
    st.session_state["control-context"] = chosen.context
    st.segmented_control(
        words(f"controls.{axis}"),
        [stop.id for stop in state.on_track(contexts, chosen.track)],
        key="control-context",
        format_func=lambda one: sentences.stop_name(catalogue.contexts[one], words),
        on_change=session.changer("context", "control-context"),
    )


def _measure(scene: Scene) -> None:
    words = scene.words
    offered = state.measures(scene.release.catalogue, scene.chosen.indicator)
    fixed = not scene.context.has_change and len(offered) < 3
    st.session_state["control-measure"] = scene.chosen.measure if scene.classification else scene.measure
    st.segmented_control(
        words("controls.measure"),
        offered,
        key="control-measure",
        format_func=lambda one: words(f"measures.{one}"),
        on_change=session.changer("measure", "control-measure"),
        disabled=fixed,
        help=words("controls.measure_unused") if scene.context.is_reference else None,
    )


# ---------------------------------------------------------------- nothing to show


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
