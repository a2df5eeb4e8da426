"""Territoire: what should I say about this place? Its themes, its simulations, its neighbours, its past, the limits."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

import streamlit as st

from app import charts, figures, maps, report, sentences, session, sheets
from app.export import XLSX
from app.formats import number
from app.sentences import stop_name
from app.session import Scene
from app.views import finder

NEIGHBOURS: Final = 6


def show(scene: Scene) -> None:
    """The whole view."""
    words = scene.words
    finder.find(scene, "territory", words("finder.label"))
    place = scene.release.territory(scene.chosen.territory) if scene.chosen.territory else None
    if place is None:
        st.info(words("sheet.choose"))
        return
    sheet = session.sheet(scene, place)
    st.subheader(sentences.named(place), anchor=False)
    st.caption(sheets.parents(place, words))
    downloads(scene, sheet)
    with st.container(key="sheet"):
        left, right = st.columns([1.75, 1], gap="large")
    with left:
        for theme in sheet.themes:
            st.html(theme_html(theme, scene))
        runs(scene, place, sheet)
        others(scene, sheet)
    with right:
        neighbours(scene, place)
        past(scene, sheet)
        st.markdown(f"**{words('sheet.limits')}**")
        for line in sheet.limits:
            st.caption(line)
        with st.expander(words("sheet.how")):
            st.markdown(words("sheet.how_text"))


def downloads(scene: Scene, sheet: report.Sheet) -> None:
    """The sheet as PDF and XLSX, made when asked for."""
    words = scene.words
    with st.container(horizontal=True):
        st.download_button(
            words("sheet.pdf"),
            lambda: report.pdf(sheet),
            file_name=f"{sheet.stem}.pdf",
            mime="application/pdf",
            on_click="ignore",
            key="sheet-pdf",
        )
        st.download_button(
            words("sheet.xlsx"),
            lambda: report.xlsx(sheet),
            file_name=f"{sheet.stem}.xlsx",
            mime=XLSX,
            on_click="ignore",
            key="sheet-xlsx",
        )


def theme_html(theme: sheets.Theme, scene: Scene) -> str:
    """A theme: its sentence, then its figures over the contexts, each with its small line. Every text is escaped."""
    words = scene.words
    if theme.missing:
        return (
            f'<section class="theme"><h4>{escape(theme.name)}</h4>'
            f'<p class="absent">{escape(theme.missing)}</p></section>'
        )
    lines = [f"<p>{escape(theme.figures[0].sentence)}</p>"] if theme.figures[0].sentence else []
    tables: dict[tuple[str, ...], list[str]] = {}
    for one in theme.figures:
        head = tuple(stop_name(stop, words) for stop in one.stops)
        tables.setdefault(head, []).append(_figure_row(one, words))
    for head, rows in tables.items():
        titles = "".join(f"<th>{escape(title)}</th>" for title in head)
        lines.append(
            f'<div class="wide"><table class="figures"><thead><tr><th></th>{titles}<th></th></tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>"
        )
    return f'<section class="theme"><h4>{escape(theme.name)}</h4>{"".join(lines)}</section>'


def _figure_row(one: sheets.Figure, words: Any) -> str:
    cells = []
    for cell in one.cells:
        if cell is None:
            cells.append(f'<td class="absent">{escape(one.reason or words("reasons.not_studied"))}</td>')
        else:
            cells.append(f"<td><b>{escape(cell[0])}</b><br><small>{escape(cell[1])}</small></td>")
    medians = one.series("q50")
    label = f"{one.label}: {', '.join(cell[0] if cell else '-' for cell in one.cells)}"
    drawing = charts.band(medians, one.series("q05"), one.series("q95"), label, sheets.scale_colour(one))
    unit = f"<br><small>{escape(one.unit)}</small>" if one.unit else ""
    return (
        f"<tr><th scope=row>{escape(one.label)}{unit}</th>{''.join(cells)}<td>{drawing.html(session.theme())}</td></tr>"
    )


def runs(scene: Scene, place: dict[str, Any], sheet: report.Sheet) -> None:
    """The simulations of the chosen indicator: dots, and stripes in the colours of the map."""
    words = scene.words
    groups = session.runs(scene, place)
    st.markdown(f"**{words('sheet.runs', indicator=scene.label)}**")
    if not groups or sheet.stripes is None:
        st.caption(words("sheet.no_runs"))
        return
    figure = figures.runs_strip(groups, scene.indicator, words, session.theme())
    st.plotly_chart(figure, key="runs", config={"displayModeBar": False, "locale": words.lang})
    st.html(sheet.stripes.html(session.theme()))
    st.caption(words("sheet.stripes"))


def others(scene: Scene, sheet: report.Sheet) -> None:
    """Other producers' figures, under their own names: never mixed with ours."""
    if not sheet.listings:
        return
    st.markdown(f"**{scene.words('sheet.others')}**")
    for listing in sheet.listings:
        with st.expander(listing.title):
            st.html(listing_html(listing))
            for note in listing.notes:
                st.caption(note)


def listing_html(listing: sheets.Listing) -> str:
    """A table of texts. Every text is escaped."""
    heads = "".join(f"<th>{escape(head)}</th>" for head in listing.heads)
    rows = "".join(
        f"<tr><th scope=row>{escape(row[0])}</th>{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>"
        for row in listing.rows
    )
    return (
        f'<div class="wide"><table class="figures"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def neighbours(scene: Scene, place: dict[str, Any]) -> None:
    """The place among the territories of its kind, and the nearest ones."""
    words, indicator = scene.words, scene.indicator
    table = scene.table(place["kind"])
    st.markdown(f"**{words('sheet.standing', indicator=scene.label)}**")
    st.caption(scene.context_label())
    standings = sheets.standings(table, place, scene.measure, words)
    if not standings:
        st.caption(words("sheet.no_standing"))
        return
    column = sentences.columns(scene.measure)[1]
    row = table[table["territory_id"] == place["territory_id"]].to_dict("records")[0]
    scale = maps.scale(indicator, scene.measure)
    for one in standings[:1] + standings[-1:] if len(standings) > 1 else standings:
        said = words("sheet.rank", rank=number(one.rank, 0, words), count=number(one.count, 0, words), group=one.group)
        ends = [
            sentences.median_words(v, indicator, scene.measure, words) for v in (one.values.min(), one.values.max())
        ]
        values = one.values if len(one.values) < 400 else one.values[:: len(one.values) // 400]
        colour = scale.colours[scale.place(row[column])]
        st.caption(said)
        st.html(charts.ticks(values, row[column], (ends[0], ends[1]), said, colour).html(session.theme()))
    around = sheets.nearest(table, place["territory_id"], NEIGHBOURS)
    rows = [row, *around.to_dict("records")]
    low, median, high = sentences.columns(scene.measure)
    bars = [
        charts.Bar(
            sentences.named(one),
            one[median],
            one[low],
            one[high],
            sentences.with_interval(one, indicator, scene.measure, words),
            scale.colours[scale.place(one[median])],
        )
        for one in rows
        if not sentences.missing(one[median])
    ]
    if len(bars) > 1:
        st.caption(words("sheet.nearest"))
        st.html(charts.bars(bars, words("sheet.nearest_alt", name=place["name"])).html(session.theme()))


def past(scene: Scene, sheet: report.Sheet) -> None:
    """Past events and exposure, with their dates; that the release has none is said."""
    words = scene.words
    st.markdown(f"**{words('sheet.past')}**")
    if sheet.facts is None:
        st.caption(words("sheet.no_past"))
        return
    known = [fact for fact in sheet.facts if fact.known]
    st.html(_facts_html([fact for fact in known if fact.key]) if known else f"<p>{words('sheet.no_fact')}</p>")
    if rest := [fact for fact in known if not fact.key]:
        with st.expander(words("sheet.other_facts", count=number(len(rest), 0, words))):
            st.html(_facts_html(rest))
    if unknown := [fact.label for fact in sheet.facts if fact.missed]:
        st.caption(words("sheet.not_studied", names=", ".join(unknown)))


def _facts_html(facts: Sequence[sheets.Fact]) -> str:
    rows = "".join(
        f'<tr title="{escape(fact.definition, quote=True)}"><th scope=row>{escape(fact.label)}'
        f"<br><small>{escape(fact.dated)}</small></th><td><b>{escape(fact.value)}</b></td></tr>"
        for fact in facts
    )
    return f'<table class="figures past"><tbody>{rows}</tbody></table>'
