"""Comparer: two contexts on linked maps with their difference, or two territories on one scale."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from app import atlas, charts, export, maps, ranking, sentences, session, sheets, state
from app.data import axis_of
from app.formats import quantity
from app.session import Scene
from app.views import finder, mapped
from app.views.frame import select

MAP_HEIGHT: Final = 460


def show(scene: Scene) -> None:
    """The whole view."""
    words = scene.words
    st.session_state["control-pair"] = scene.chosen.pair
    st.segmented_control(
        words("compare.what"),
        state.PAIRS,
        key="control-pair",
        format_func=lambda one: words(f"compare.{one}"),
        on_change=session.changer("pair", "control-pair"),
        label_visibility="collapsed",
    )
    if scene.chosen.pair == "contexts":
        contexts(scene)
    else:
        territories(scene)


# ---------------------------------------------------------------- two contexts


def contexts(scene: Scene) -> None:
    """Two maps and their difference, then the indicators whose class changes."""
    words, chosen, catalogue = scene.words, scene.chosen, scene.release.catalogue
    stops = state.on_track(catalogue.contexts_of(chosen.dataset, chosen.indicator), chosen.track)
    labels = {stop.id: sentences.context_name(stop, words) for stop in stops}
    left, right, _ = st.columns([1, 1, 1.6])
    with left:
        select(words, "compare.first", "against", list(labels), chosen.against, lambda one: labels[one])
    with right:
        select(words, "compare.second", "context", list(labels), chosen.context, lambda one: labels[one])
    if chosen.against == chosen.context:
        st.info(words("compare.same"))
        return
    first, second = scene.table(context=chosen.against), scene.table(context=chosen.context)
    if not (first["q50"].notna().any() and second["q50"].notna().any()):
        st.info(words("states.no_values"))
        st.text(words("states.no_values_do"))
        return
    if not scene.release.has_runs:
        st.info(words("compare.no_runs"))
        return
    difference = session.difference(scene.folder, chosen.kind, scene.at(chosen.against), scene.at(chosen.context))
    draw(scene, labels, difference)
    with st.container(key="compare-legends"):
        legends(scene, first, second, difference)
    changes(scene, labels)


def draw(scene: Scene, labels: dict[str, str], difference: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    """Three panes that move together."""
    words, chosen, indicator = scene.words, scene.chosen, scene.indicator
    level, change = maps.scale(indicator, "level"), maps.scale(indicator, "change")
    panes = []
    for context in (chosen.against, chosen.context):
        address = session.served(session.values(scene.folder, chosen.kind, scene.at(context)), f"map-{context}")
        alt = words("map.alt", indicator=scene.label, context=labels[context])
        panes.append(atlas.pane(address, indicator, "level", level, labels[context], alt, words))
    figures = session.figures(scene.folder, chosen.kind, scene.selection)
    pack = atlas.difference(session.places(scene.folder, chosen.kind), figures, difference)
    title = words("compare.difference", first=labels[chosen.against], second=labels[chosen.context])
    panes.append(
        atlas.pane(session.served(pack, "map-difference"), indicator, "difference", change, title, title, words)
    )
    picture = atlas.picture(
        f"{scene.label} · {title}",
        ranking.legend_title(indicator, "level", words),
        ranking.legend(indicator, "level", [0] * len(level.colours), {}, 0, session.theme(), words),
        export.source_lines(scene.source),
        f"climart_{chosen.indicator}_{chosen.against}_{chosen.context}_{chosen.kind}.png",
    )
    parts = (chosen.kind, chosen.caisse or "", chosen.indicator, chosen.dataset, chosen.weighting, chosen.against,
             chosen.context, chosen.lang, session.theme())  # fmt: skip
    mapped.show(scene, panes, picture, "/".join(parts), "map-compare", MAP_HEIGHT)


def legends(
    scene: Scene, first: pd.DataFrame, second: pd.DataFrame, difference: np.ndarray[Any, np.dtype[np.float32]]
) -> None:
    """The scale that both maps share, with the count of each, and that of the difference."""
    words, indicator, theme = scene.words, scene.indicator, session.theme()
    level, change = maps.scale(indicator, "level"), maps.scale(indicator, "change")
    columns = st.columns(3)
    for column, values in zip(columns, (first, second), strict=False):
        counts, missing, divergent = atlas.counted(values, "level", level)
        rows = ranking.legend(indicator, "level", counts, missing, divergent, theme, words)
        title = ranking.legend_title(indicator, "level", words)
        column.html(maps.legend_html(title, rows, words("legend.count"), theme))
    places = session.places(scene.folder, scene.chosen.kind)
    table = places.assign(
        q50=difference, delta_q50=difference, agreement=np.nan, n_runs=1, reason=None, n_cells=0, resolution_km=np.nan
    )
    table["reason"] = pd.Series(["not_studied"] * len(table), dtype="str").where(np.isnan(difference), None)
    if scene.chosen.caisse:
        table = table[(table["caisse_id"] == scene.chosen.caisse) | (table["territory_id"] == scene.chosen.caisse)]
    counts, missing, _ = atlas.counted(table, "change", change)
    rows = ranking.legend(indicator, "change", counts, missing, 0, theme, words)
    title = ranking.legend_title(indicator, "change", words)
    columns[2].html(maps.legend_html(title, rows, words("legend.count"), theme))
    st.caption(words("compare.paired"))


def changes(scene: Scene, labels: dict[str, str]) -> None:
    """The indicators whose class is not the same in both contexts, for the chosen territory, else for France."""
    words, chosen, catalogue = scene.words, scene.chosen, scene.release.catalogue
    place = scene.release.territory(chosen.territory or "country:FR")
    if place is None:
        return
    values = scene.release.sheet(str(place["territory_id"]), axis_of(chosen.track))
    values = values[(values["dataset_id"] == chosen.dataset) & values["q50"].notna()]
    rows = []
    for indicator in catalogue.indicators.values():
        mine = values[values["indicator_id"] == indicator.id].drop_duplicates("context_id")
        known = dict(zip(mine["context_id"], mine["q50"].astype(float), strict=True))
        if not {chosen.against, chosen.context} <= known.keys():
            continue
        medians = [known[chosen.against], known[chosen.context]]
        scale = maps.scale(indicator, "level")
        classes = [scale.place(value) for value in medians]
        if classes[0] != classes[1]:
            texts = ranking.class_texts(indicator, "level", words)
            said = [quantity(value, indicator.unit, indicator.decimals, "level", words) for value in medians]
            cells = "".join(
                f'<td><span class="swatch" style="background:rgb{scale.colours[at]}"></span></td>'
                f"<td><b>{escape(value)}</b><br><small>{escape(texts[at])}</small></td>"
                for at, value in zip(classes, said, strict=True)
            )
            label = words.own(indicator.label_fr, indicator.label_en)
            rows.append(f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>')
    st.markdown(f"**{words('compare.changes', name=sentences.named(place))}**")
    if not rows:
        st.caption(words("compare.no_change"))
        return
    heads = "".join(f'<th colspan="2">{escape(labels[one])}</th>' for one in (chosen.against, chosen.context))
    st.html(
        f'<div class="wide"><table class="figures"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


# ---------------------------------------------------------------- two territories


def territories(scene: Scene) -> None:
    """Two territories: the figures of each theme as bars on one scale."""
    words, chosen = scene.words, scene.chosen
    left, right = st.columns(2)
    with left:
        finder.find(scene, "territory", words("compare.territory_first"))
    with right:
        finder.find(scene, "other", words("compare.territory_second"))
    places = [scene.release.territory(one) for one in (chosen.territory, chosen.other) if one]
    if len(places) < 2 or None in places:
        st.info(words("compare.choose_two"))
        return
    pair = [place for place in places if place is not None]
    names = [sentences.named(place) for place in pair]
    st.subheader(words("compare.versus", first=names[0], second=names[1]), anchor=False)
    values = [scene.release.sheet(str(place["territory_id"]), axis_of(chosen.track)) for place in pair]
    themes = [
        sheets.themes(one, scene.release.catalogue, chosen.dataset, chosen.track, words) for one in values
    ]  # fmt: skip
    columns = st.columns(2, gap="large")
    for place, (one, other) in enumerate(zip(*themes, strict=True)):
        with columns[place % 2]:
            st.markdown(f"**{one.name}**")
            drawn = False
            for mine, theirs in _pairs(one, other):
                bars = [_bar(scene, name, figure) for name, figure in zip(names, (mine, theirs), strict=True)]
                shown = [bar for bar in bars if bar is not None]
                if len(shown) == 2:
                    drawn = True
                    stop = sentences.context_name(mine.stops[-1], words)
                    st.caption(f"{mine.label} · {stop}")
                    alt = words("compare.bars_alt", indicator=mine.label, first=names[0], second=names[1])
                    st.html(charts.bars(shown, alt, 520).html(session.theme()))
            if not drawn:
                st.caption(one.missing or other.missing or words("compare.no_common"))


def _pairs(one: sheets.Theme, other: sheets.Theme) -> list[tuple[sheets.Figure, sheets.Figure]]:
    """Figures of the same indicator and dataset in both."""
    theirs = {(figure.indicator.id, figure.dataset): figure for figure in other.figures}
    return [
        (figure, theirs[figure.indicator.id, figure.dataset])
        for figure in one.figures
        if (figure.indicator.id, figure.dataset) in theirs
    ]


def _bar(scene: Scene, name: str, figure: sheets.Figure) -> charts.Bar | None:
    """The last context of a figure as a bar."""
    row = figure.rows[-1] if figure.rows else None
    if row is None:
        return None
    scale = maps.scale(figure.indicator, "level")
    said = sentences.with_interval(row, figure.indicator, "level", scene.words)
    return charts.Bar(name, row["q50"], row["q05"], row["q95"], said, scale.colours[scale.place(row["q50"])])
