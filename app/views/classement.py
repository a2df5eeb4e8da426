"""Classement: who is most concerned? A table to sort and filter, with its line over contexts, class and agreement."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import streamlit as st

from app import maps, ranking, sentences, session, state
from app.formats import number
from app.ranking import Order
from app.session import Scene
from app.views import carte

TABLE_HEIGHT: Final = 620
POPULATIONS: Final = (0, 1_000, 5_000, 10_000, 50_000, 100_000)


def show(scene: Scene) -> None:
    """The whole view."""
    words = scene.words
    st.subheader(carte.map_title(scene), anchor=False)
    values = scene.table()
    valued = values[values["reason"].isna() & values[sentences.columns(scene.measure)[1]].notna()]
    if valued.empty:
        carte.nothing(scene, values)
        return
    kept, order = filters(scene, valued)
    counted = words("table.counted", valued=number(len(kept), 0, words), all=number(len(values), 0, words))
    shown = ranking.ranked(kept, scene.measure, order)
    cut = words("table.cut", shown=number(len(shown), 0, words)) if len(shown) < len(kept) else ""
    st.caption(f"{scene.context_label()} · {counted}. {cut}".strip())
    if kept.empty:
        st.info(words("ranking.nothing"))
        return
    table(scene, shown)
    # all the rows that the filters keep
    carte.downloads(scene, kept.sort_values([sentences.columns(scene.measure)[1], "name"], ascending=[False, True]))


def filters(scene: Scene, valued: pd.DataFrame) -> tuple[pd.DataFrame, Order]:
    """The rows that the filters keep, and the order asked for."""
    words = scene.words
    scale = maps.scale(scene.indicator, scene.measure)
    texts = ranking.class_texts(scene.indicator, scene.measure, words)
    column = sentences.columns(scene.measure)[1]
    first, second, third, fourth, fifth = st.columns([1.3, 1.5, 1.6, 1, 1.2], vertical_alignment="bottom")
    order = first.segmented_control(
        words("table.order"),
        ranking.ORDERS,
        default=ranking.ORDERS[0],
        key="ranking-order",
        format_func=lambda one: words(f"ranking.{one}"),
    )
    name = second.text_input(words("ranking.name"), key="ranking-name")
    places = valued[column].map(scale.place)
    classes = third.multiselect(
        words("ranking.classes"),
        sorted(places.unique()),
        key=f"ranking-classes-{scene.chosen.indicator}-{scene.measure}",
        format_func=lambda at: texts[at],
        placeholder=words("ranking.all_classes"),
    )
    least = fourth.selectbox(
        words("ranking.population"),
        POPULATIONS,
        key="ranking-population",
        format_func=lambda count: words("ranking.any") if not count else number(count, 0, words),
    )
    agreed = fifth.checkbox(words("ranking.agreed"), key="ranking-agreed", help=words("ranking.agreed_help"))
    kept = valued
    if name:
        folded = kept["name"].str.normalize("NFKD").str.encode("ascii", "ignore").str.decode("ascii").str.lower()
        asked = pd.Series([name]).str.normalize("NFKD").str.encode("ascii", "ignore").str.decode("ascii").str.lower()[0]
        kept = kept[folded.str.contains(asked, regex=False) | kept["code"].str.startswith(name)]
    if classes:
        kept = kept[places.loc[kept.index].isin(classes)]
    if least:
        kept = kept[kept["population"].fillna(0) >= least]
    if agreed:
        kept = kept[kept["agreement"].isna() | (kept["n_runs"] < 2) | (kept["agreement"] >= maps.AGREEMENT_MIN)]
    return kept, order or ranking.ORDERS[0]


def table(scene: Scene, shown: pd.DataFrame) -> None:
    """The rows, each with its line over the contexts of the track."""
    words, indicator = scene.words, scene.indicator
    contexts = scene.release.catalogue.contexts_of(scene.chosen.dataset, scene.chosen.indicator)
    stops = tuple(stop.id for stop in state.on_track(contexts, scene.chosen.track))
    medians = session.medians(scene.folder, scene.chosen.kind, scene.selection, stops)
    frame = ranking.frame(shown, medians, indicator, scene.measure, words)
    settings: dict[str, Any] = {
        words("table.line"): st.column_config.LineChartColumn(width=110, help=words("table.line_help")),
        words("table.name"): st.column_config.Column(width=190, pinned=True),
        words("table.class"): st.column_config.Column(width=150),
        words("table.agreement"): st.column_config.Column(width=190),
    }
    picked = st.dataframe(
        ranking.styled(frame, indicator, scene.measure, words),
        hide_index=True,
        height=min(TABLE_HEIGHT, 38 + 35 * len(frame)),
        placeholder="",
        key="ranking",
        column_config=settings,
        on_select="rerun",
        selection_mode="single-row",
    )
    rows = picked["selection"]["rows"]
    if rows and rows[0] < len(shown):
        row = shown.iloc[rows[0]]
        st.button(
            words("panel.sheet", name=row["name"]),
            on_click=session.change,
            kwargs={"view": "territoire", "territory": row["territory_id"]},
            key="to-sheet",
        )
    if said := ranking.unit_note(shown, indicator, scene.measure, words):
        st.caption(said)
