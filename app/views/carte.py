"""Carte: where, how much, how sure? Controls, map, legend, ranking, download."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import pandas as pd
import streamlit as st

from app import export, maps, ranking, sentences, session, state
from app.data import Context, Indicator, Release
from app.formats import DATE_UNIT, Measure, long_date, number
from app.i18n import Words
from app.state import Choice

MAP_HEIGHTS: Final = {True: maps.NARROW_SIZE[1], False: maps.WIDE_SIZE[1]}


def show(release: Release, chosen: Choice, words: Words) -> None:
    """The whole view."""
    catalogue = release.catalogue
    context = catalogue.contexts[chosen.context]
    indicator = catalogue.indicators[chosen.indicator]
    measure: Measure = "level" if context.is_reference else chosen.measure
    with st.container(key="choices"):
        controls(release, chosen, words, context)
    folder = str(release.folder)
    selection = (chosen.indicator, chosen.dataset, chosen.context)
    values = session.table(folder, chosen.kind, chosen.caisse, *selection)
    narrow = session.narrow()
    with st.container(key="body"):
        left, right = st.columns([1.75, 1], gap="medium")
    with left, st.container(key="map"):
        title(release, chosen, words, indicator, context, measure)
        if values["q50"].notna().any():
            chart(release, chosen, words, indicator, context, measure, narrow)
        else:
            nothing(values, words)
        notes(release, chosen, words, indicator, values)
    with right, st.container(key="panel"):
        panel(release, chosen, words, indicator, context, measure, values)


# ---------------------------------------------------------------- controls


def _select(
    words: Words, label: str, field: str, options: Sequence[str], value: str, named: Callable[[str], str]
) -> None:
    key = f"control-{field}"
    st.session_state[key] = value
    st.selectbox(words(label), options, key=key, format_func=named, on_change=session.changer(field, key))


def track_name(track: str, contexts: Sequence[Context], words: Words) -> str:
    """« Niveaux de réchauffement », or « Scénario RCP4.5 » from the labels of the scenario's contexts."""
    if f"tracks.{track}" in words.texts:
        return words(f"tracks.{track}")
    label = next(words.own(c.label_fr, c.label_en) for c in contexts if c.track == track)
    return words("tracks.scenario", name=label.split(words("contexts.separator"))[0])


def stop_name(context: Context, words: Words) -> str:
    """A stop on the slider: its label without what the slider's own title says."""
    if context.is_reference:
        return words("contexts.reference")
    label = words.own(context.label_fr, context.label_en).removeprefix(words("contexts.warming_prefix"))
    return label.split(words("contexts.separator"))[-1]


def controls(release: Release, chosen: Choice, words: Words, context: Context) -> None:
    """One line of choices. Datasets and pathways only appear where there is more than one."""
    catalogue = release.catalogue
    indicator = catalogue.indicators[chosen.indicator]
    datasets = catalogue.datasets_of(chosen.indicator)
    contexts = catalogue.contexts_of(chosen.dataset, chosen.indicator)
    tracks = state.tracks(contexts)
    stops = state.on_track(contexts, chosen.track)
    kinds, banks, themes, indicators, slider, toggle = st.columns(
        [1.15, 1.0, 1.15, 1.5, 2.8, 1.1], vertical_alignment="top"
    )
    with kinds:
        _select(words, "controls.kind", "kind", catalogue.kinds, chosen.kind, lambda kind: words(f"kinds.{kind}"))
    with banks:
        filtered = chosen.kind in catalogue.filtered_kinds
        st.session_state["control-caisse"] = chosen.caisse or session.ALL
        st.selectbox(
            words("controls.caisse"),
            [session.ALL, *catalogue.caisses],
            key="control-caisse",
            format_func=lambda bank: catalogue.caisses.get(bank, words("controls.all_caisses")),
            on_change=session.changer("caisse", "control-caisse"),
            disabled=not filtered,
            help=None if filtered else words("controls.caisse_unused"),
        )
    with themes:
        _select(
            words,
            "controls.theme",
            "theme",
            catalogue.themes(),
            indicator.theme,
            lambda theme: words(f"themes.{theme}"),
        )
    with indicators:
        named = catalogue.indicators
        _select(
            words,
            "controls.indicator",
            "indicator",
            catalogue.of_theme(indicator.theme),
            chosen.indicator,
            lambda one: words.own(named[one].label_fr, named[one].label_en),
        )
        if len(datasets) > 1:
            known = catalogue.datasets
            _select(
                words,
                "controls.dataset",
                "dataset",
                datasets,
                chosen.dataset,
                lambda one: words.own(known[one].title_fr, known[one].title_en),
            )
    with slider:
        axis = "emission" if f"tracks.{chosen.track}" not in words.texts else chosen.track
        st.session_state["control-context"] = chosen.context
        st.segmented_control(
            words(f"controls.{axis}"),
            [stop.id for stop in stops],
            key="control-context",
            format_func=lambda one: stop_name(catalogue.contexts[one], words),
            on_change=session.changer("context", "control-context"),
        )
        if len(tracks) > 1:
            _select(
                words,
                "controls.track",
                "track",
                tracks,
                chosen.track,
                lambda one: track_name(one, contexts, words),
            )
    with toggle:
        st.session_state["control-measure"] = "level" if context.is_reference else chosen.measure
        st.segmented_control(
            words("controls.measure"),
            state.MEASURES,
            key="control-measure",
            format_func=lambda one: words(f"measures.{one}"),
            on_change=session.changer("measure", "control-measure"),
            disabled=context.is_reference,
            help=words("controls.measure_unused") if context.is_reference else None,
        )


# ---------------------------------------------------------------- map


def title(
    release: Release, chosen: Choice, words: Words, indicator: Indicator, context: Context, measure: Measure
) -> None:
    """What is mapped, and the figure for the whole of France and of the caisse."""
    label = words.own(indicator.label_fr, indicator.label_en)
    st.subheader(words(f"map.{measure}_of", indicator=label), anchor=False)
    facts = [words.own(context.label_fr, context.label_en)]
    folder = str(release.folder)
    selection = (chosen.indicator, chosen.dataset, chosen.context)
    wholes = [session.table(folder, "country", None, *selection)]
    if chosen.caisse:
        wholes.append(session.table(folder, "caisse", chosen.caisse, *selection))
    for row in pd.concat(wholes).to_dict("records"):
        if sentences.missing(row["reason"]):
            facts.append(
                words(
                    "map.france",
                    name=row["name"],
                    value=sentences.with_interval(row, indicator, measure, words),
                )
            )
    st.caption(" · ".join(facts))


def chart(
    release: Release,
    chosen: Choice,
    words: Words,
    indicator: Indicator,
    context: Context,
    measure: Measure,
    narrow: bool,
) -> None:
    """The map itself."""
    folder, theme = str(release.folder), session.theme()
    shapes = session.geometry(folder, chosen.kind, chosen.caisse)
    if shapes.bounds is None:
        st.info(words("map.nothing_drawn"))
        return
    picture = _picture(release, chosen, measure)
    ground = session.ground(folder)
    deck = maps.deck(
        session.served(picture.geojson, "map-values"),
        session.served(ground, "map-ground") if ground else None,
        shapes.bounds,
        len(shapes.ids),
        theme,
        narrow,
    )
    label = words.own(indicator.label_fr, indicator.label_en)
    alt = words("map.alt", indicator=label, context=words.own(context.label_fr, context.label_en))
    st.pydeck_chart(deck, height=MAP_HEIGHTS[narrow], alt=alt)


def _picture(release: Release, chosen: Choice, measure: Measure) -> session.Picture:
    return session.picture(
        str(release.folder),
        chosen.kind,
        chosen.caisse,
        chosen.indicator,
        chosen.dataset,
        chosen.context,
        measure,
        chosen.lang,
        session.theme(),
    )


def _by_reason(values: pd.DataFrame) -> dict[str, int]:
    return {str(reason): int(count) for reason, count in values["reason"].dropna().value_counts().items()}


def nothing(values: pd.DataFrame, words: Words) -> None:
    """No territory has a value: why, and what to do."""
    st.info(words("states.no_values"))
    for reason, count in _by_reason(values).items():
        st.text(words("states.no_values_why", reason=words(f"reasons.{reason}"), count=number(count, 0, words)))
    st.text(words("states.no_values_do"))


def notes(release: Release, chosen: Choice, words: Words, indicator: Indicator, values: pd.DataFrame) -> None:
    """The definition, what the map leaves out, and banks that share a département."""
    said = [words.own(indicator.definition_fr, indicator.definition_en)]
    if notice := words.own(indicator.notice_fr, indicator.notice_en):
        said.insert(0, notice)
    if not indicator.verified:
        said.append(words("map.unverified"))
    undrawn = values[~values["drawn"]] if values["q50"].notna().any() else values.head(0)
    for reason, count in _by_reason(undrawn).items():
        said.append(words("map.undrawn", count=number(count, 0, words), reason=words(f"reasons.{reason}")))
    if chosen.caisse and (shared := release.shared_departements(chosen.caisse)):
        said.append(words("map.shared", names=", ".join(shared)))
    for one in said:
        st.caption(one)


# ---------------------------------------------------------------- panel


def panel(
    release: Release,
    chosen: Choice,
    words: Words,
    indicator: Indicator,
    context: Context,
    measure: Measure,
    values: pd.DataFrame,
) -> None:
    """Legend with counts, ranking, download."""
    picture = _picture(release, chosen, measure)
    rows = ranking.legend(
        indicator, measure, picture.counts, picture.missing, picture.divergent, session.theme(), words
    )
    st.html(
        maps.legend_html(ranking.legend_title(indicator, measure, words), rows, words("legend.count"), session.theme())
    )
    valued = values[values["reason"].isna()]
    if not valued.empty:
        table(valued, len(values), words, indicator, measure)
    dataset = release.catalogue.datasets[chosen.dataset]
    published = long_date(release.published_at.date(), words)
    source = export.source_lines(indicator, context, dataset, release.version, published, words)
    place = chosen.caisse.removeprefix("caisse:") if chosen.caisse else "france"
    st.download_button(
        words("table.download"),
        lambda: export.table_csv(values, indicator, source, words),
        file_name=f"climart_{chosen.indicator}_{chosen.context}_{chosen.kind}_{place}.csv",
        mime="text/csv",
        on_click="ignore",
    )


def table(valued: pd.DataFrame, total: int, words: Words, indicator: Indicator, measure: Measure) -> None:
    """The ranked table, and how many territories it counts."""
    st.markdown(f"**{words('table.title')}**")
    asked = st.segmented_control(
        words("table.order"),
        ranking.ORDERS,
        key="control-order",
        format_func=lambda one: ranking.order_name(one, indicator, measure, words),
        default=ranking.ORDERS[0],
        label_visibility="collapsed",
    )
    order = asked or ranking.ORDERS[0]
    ranked = ranking.ranked(valued, measure, order)
    counted = words("table.counted", valued=number(len(valued), 0, words), all=number(total, 0, words))
    cut = words("table.cut", shown=len(ranked)) if len(ranked) < len(valued) else ""
    st.caption(f"{counted}. {cut}".strip())
    st.dataframe(
        ranking.styled(ranked, indicator, measure, words),
        hide_index=True,
        height=ranking.TABLE_HEIGHT,
        placeholder="",
        key="ranking",
        column_config={name: st.column_config.Column(width=size) for name, size in ranking.widths(words).items()},
    )
    single = ranked["n_runs"].max() == 1
    unit = words("table.unit_date") if indicator.unit == DATE_UNIT and measure == "level" else None
    unit = unit or words(f"units.{indicator.unit}.{measure}")
    st.caption(words("table.unit_one" if single else "table.unit", unit=unit))
