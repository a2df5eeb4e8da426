"""Carte: where, how much, how sure? Map, legend, the chosen territory among the others, ends, downloads."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import streamlit as st

from app import atlas, charts, data, export, maps, ranking, sentences, session
from app.formats import number
from app.session import Scene
from app.views import mapped

ENDS_SHOWN: Final = 5  # highest and lowest


def show(scene: Scene) -> None:
    """The whole view."""
    values = scene.table()
    scale = maps.scale(scene.indicator, scene.measure)
    legend = legend_rows(scene, values, scale)
    with st.container(key="body"):
        left, right = st.columns([1.75, 1], gap="medium")
    with left, st.container(key="map"):
        title(scene)
        if values["q50"].notna().any():
            chart(scene, scale, legend)
        else:
            nothing(scene, values)
        notes(scene, values)
    with right, st.container(key="panel"):
        panel(scene, values, scale, legend)


def legend_rows(scene: Scene, values: pd.DataFrame, scale: maps.Scale) -> list[maps.LegendRow]:
    """The legend of what is shown: figures, or classes."""
    theme, words = session.theme(), scene.words
    if scene.classification is None:
        counts, missing, divergent = atlas.counted(values, scene.measure, scale)
        return ranking.legend(scene.indicator, scene.measure, counts, missing, divergent, theme, words)
    found = session.classes(scene.folder, scene.chosen.kind, scene.selection)
    places = session.places(scene.folder, scene.chosen.kind)
    mine = places["territory_id"].isin(values["territory_id"])
    why = data.reasons(places, found, found["category"] < 0)
    labels = [words.own(*label) for label in scene.classification.labels]
    colours = maps.class_colours(scene.indicator, len(labels))
    return ranking.class_legend(labels, colours, found["category"][mine], why[mine], theme, words)


# ---------------------------------------------------------------- map


def map_title(scene: Scene) -> str:
    """« Jours très chauds : évolution depuis 1976-2005 »."""
    shown = "class" if scene.classification else scene.measure
    return scene.words(f"map.{shown}_of", indicator=scene.label)


def heading(scene: Scene) -> str:
    """The title of the legend."""
    if scene.classification:
        return scene.words("legend.class")
    return ranking.legend_title(scene.indicator, scene.measure, scene.words)


def title(scene: Scene) -> None:
    """What is mapped, and the figure for the whole of France and of the caisse."""
    words = scene.words
    st.subheader(map_title(scene), anchor=False)
    facts = [scene.context_label()]
    wholes = [scene.table("country")]
    if scene.chosen.caisse:
        wholes.append(scene.table("caisse", scene.chosen.caisse))
    for row in pd.concat(wholes).to_dict("records"):
        if sentences.missing(row["reason"]):
            said = sentences.with_interval(row, scene.indicator, scene.measure, words)
            facts.append(words("map.france", name=row["name"], value=said))
    st.caption(" · ".join(facts))


def chart(scene: Scene, scale: maps.Scale, legend: list[maps.LegendRow]) -> None:
    """The map itself."""
    words, chosen = scene.words, scene.chosen
    alt = words("map.alt", indicator=scene.label, context=scene.context_label())
    if scene.classification is None:
        address = session.served(session.values(scene.folder, chosen.kind, scene.selection), "map-values")
        pane = atlas.pane(address, scene.indicator, scene.measure, scale, "", alt, words)
    else:
        address = session.served(session.class_values(scene.folder, chosen.kind, scene.selection), "map-values")
        labels = [words.own(*label) for label in scene.classification.labels]
        classes = maps.Scale((), maps.class_colours(scene.indicator, len(labels)))
        pane = atlas.pane(address, scene.indicator, "class", classes, "", alt, words, labels)
    picture = atlas.picture(
        f"{map_title(scene)} · {scene.context_label()}",
        heading(scene),
        legend,
        export.source_lines(scene.source),
        f"{scene.file_stem}.png",
    )
    parts = (chosen.kind, chosen.caisse or "", chosen.indicator, chosen.dataset, chosen.weighting, chosen.context,
             pane["measure"], chosen.lang, session.theme())  # fmt: skip
    mapped.show(scene, [pane], picture, "/".join(parts), "map-carte")


def nothing(scene: Scene, values: pd.DataFrame) -> None:
    """No territory has a value: why, and what to do."""
    words = scene.words
    st.info(words("states.no_values"))
    for reason, count in values["reason"].value_counts().items():
        st.text(
            words("states.no_values_why", reason=words.known("reasons", str(reason)), count=number(count, 0, words))
        )
    st.text(words("states.no_values_do"))
    with st.container(horizontal=True):
        for kind, count in scene.release.kinds_with_values(scene.selection).items():
            if kind != scene.chosen.kind:
                st.button(
                    words("states.take_kind", kind=words.known("kinds", kind), count=number(count, 0, words)),
                    on_click=session.change,
                    kwargs={"kind": kind},
                    key=f"take-{kind}",
                )


def notes(scene: Scene, values: pd.DataFrame) -> None:
    """The definition, what the map leaves out, and banks that share a département."""
    words, indicator = scene.words, scene.indicator
    said = [words.own(indicator.definition_fr, indicator.definition_en)]
    if notice := words.own(indicator.notice_fr, indicator.notice_en):
        said.insert(0, notice)
    if not indicator.verified:
        said.append(words("map.unverified"))
    undrawn = values[~values["drawn"]] if values["q50"].notna().any() else values.head(0)
    for reason, count in undrawn["reason"].value_counts().items():
        said.append(words("map.undrawn", count=number(count, 0, words), reason=words.known("reasons", str(reason))))
    if scene.chosen.caisse and (shared := scene.release.shared_departements(scene.chosen.caisse)):
        said.append(words("map.shared", names=", ".join(shared)))
    for one in dict.fromkeys(said):
        st.caption(one)


# ---------------------------------------------------------------- panel


def panel(scene: Scene, values: pd.DataFrame, scale: maps.Scale, legend: list[maps.LegendRow]) -> None:
    """Legend with counts, the chosen territory, the distribution, highest and lowest, downloads."""
    words = scene.words
    st.html(maps.legend_html(heading(scene), legend, words("legend.count"), session.theme()))
    valued = values[values["reason"].isna() & values[sentences.columns(scene.measure)[1]].notna()]
    if not valued.empty:
        selected(scene, scale)
        spread(scene, valued, scale)
        ends(scene, valued, len(values))
    downloads(scene, values)


def selected(scene: Scene, scale: maps.Scale) -> None:
    """The chosen territory beside its caisse and France, with a way to its sheet."""
    words, chosen = scene.words, scene.chosen
    place = scene.release.territory(chosen.territory) if chosen.territory else None
    if place is None:
        st.caption(words("panel.choose"))
        return
    wanted = [(place["kind"], place["territory_id"])]
    if place["caisse_id"]:
        wanted.append(("caisse", place["caisse_id"]))
    wanted.append(("country", "country:FR"))
    rows = []
    for kind, territory in dict(wanted).items():
        table = scene.table(kind)
        rows += table[table["territory_id"] == territory].to_dict("records")
    st.markdown(f"**{sentences.named(rows[0])}**")
    bars = []
    low, median, high = sentences.columns(scene.measure)
    for row in rows:
        if sentences.missing(row["reason"]) and not sentences.missing(row[median]):
            said = sentences.with_interval(row, scene.indicator, scene.measure, words)
            colour = scale.colours[scale.place(row[median])]
            bars.append(charts.Bar(row["name"], row[median], row[low], row[high], said, colour))
    if bars:
        drawing = charts.bars(bars, words("panel.bars_alt", name=rows[0]["name"], indicator=scene.label))
        st.html(drawing.html(session.theme()))
    lines = sentences.hover(rows[0], scene.indicator, scene.measure, words).splitlines()
    st.caption(" · ".join(lines[1:] if bars else lines))
    st.button(
        words("panel.sheet", name=rows[0]["name"]),
        on_click=session.change,
        kwargs={"view": "territoire"},
        key="to-sheet",
    )


def spread(scene: Scene, valued: pd.DataFrame, scale: maps.Scale) -> None:
    """The distribution of the territories, the chosen one marked."""
    words = scene.words
    column = sentences.columns(scene.measure)[1]
    medians = valued[column].to_numpy(dtype=float)
    if len(np.unique(medians)) < 2:
        return
    mine = valued.loc[valued["territory_id"] == scene.chosen.territory, column]
    ends = (medians.min(), medians.max())
    said = [sentences.median_words(value, scene.indicator, scene.measure, words) for value in ends]
    st.markdown(f"**{words('panel.spread', kinds=words(f'kinds.{scene.chosen.kind}'))}**")
    alt = words("panel.spread_alt", indicator=scene.label, low=said[0], high=said[1])
    chosen = float(mine.iloc[0]) if len(mine) else None
    drawing = charts.distribution(medians, scale.breaks, scale.colours, chosen, (said[0], said[1]), alt)
    st.html(drawing.html(session.theme()))


def ends(scene: Scene, valued: pd.DataFrame, total: int) -> None:
    """The five highest and the five lowest."""
    words = scene.words
    counted = words("table.counted", valued=number(len(valued), 0, words), all=number(total, 0, words))
    st.caption(f"{counted}.")
    for order in ranking.ORDERS[: 2 if len(valued) > ENDS_SHOWN else 1]:
        top = ranking.ranked(valued, scene.measure, order).head(ENDS_SHOWN)
        st.html(ranking.ends_html(top, order, scene.indicator, scene.measure, words))
    if said := ranking.unit_note(valued, scene.indicator, scene.measure, words):
        st.caption(said)


def downloads(scene: Scene, values: pd.DataFrame) -> None:
    """The table as CSV and XLSX; the picture is saved from the map itself."""
    words = scene.words
    with st.container(horizontal=True):
        st.download_button(
            words("table.csv"),
            lambda: export.table_csv(values, scene.source),
            file_name=f"{scene.file_stem}.csv",
            mime="text/csv",
            on_click="ignore",
            key="csv",
        )
        st.download_button(
            words("table.xlsx"),
            lambda: export.table_xlsx(values, scene.source),
            file_name=f"{scene.file_stem}.xlsx",
            mime=export.XLSX,
            on_click="ignore",
            key="xlsx",
        )
