"""Méthode et données: can I trust it? Dictionary, which figure for which use, validation, release and downloads."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import streamlit as st

from app import export
from app.data import DATABASE, EXPOSURE, SCORE, Dataset, Indicator
from app.formats import long_date, number, unit_form
from app.i18n import Words
from app.portfolio import folded
from app.session import Scene
from app.views import frame
from climart import paths

TABS: Final = ("dictionary", "uses", "validation", "release")
VALIDATION: Final = paths.PROJECT / "docs" / "methods" / "validation.md"  # written by `make docs`
SHOWN: Final = 40
USES: Final = ("horizon", "scenario", "measure", "interval", "territory", "datasets")


def show(scene: Scene) -> None:
    """The whole view."""
    words = scene.words
    tabs = st.tabs([words(f"method.tabs.{name}") for name in TABS])
    for tab, draw in zip(tabs, (dictionary, uses, validation, release), strict=True):
        with tab:
            draw(scene)


# ---------------------------------------------------------------- dictionary


def dictionary(scene: Scene) -> None:
    """Indicators, then tables and columns, by what is typed."""
    words, catalogue = scene.words, scene.release.catalogue
    asked = folded(st.text_input(words("method.search"), key="method-search", placeholder=words("method.placeholder")))
    sources: dict[str, list[dict[str, Any]]] = {}
    for row in scene.release.sources():
        sources.setdefault(row["indicator_id"], []).append(row)
    found = [one for one in catalogue.indicators.values() if _holds(one, asked, scene)]
    st.caption(words("method.indicators", count=number(len(found), 0, words)))
    if found:
        st.html("".join(_entry(one, scene, sources.get(one.id, [])) for one in found[:SHOWN]))
    if len(found) > SHOWN:
        st.caption(words("method.more", count=number(len(found) - SHOWN, 0, words)))
    rows = [
        row
        for row in scene.release.dictionary()
        if not asked or asked in folded(f"{row['table_name']} {row['column_name']} {row['comment']}")
    ]
    st.markdown(f"**{words('method.columns_title', count=number(len(rows), 0, words))}**")
    names = {name: words(f"method.columns.{name}") for name in ("table_name", "column_name", "data_type", "comment")}
    if rows:
        st.dataframe(
            [{names[name]: row[name] for name in names} for row in rows],
            hide_index=True,
            key="method-columns",
            column_config={names["comment"]: st.column_config.Column(width="large")},
        )


def _holds(one: Indicator, asked: str, scene: Scene) -> bool:
    """Whether an indicator's id, labels, definition, theme or hazard hold what is asked."""
    texts = (one.id, one.label_fr, one.label_en, one.definition_fr, one.definition_en,
             scene.words.known("themes", one.theme), scene.words.known("hazards", one.hazard))  # fmt: skip
    return asked in folded(" ".join(texts))


def _entry(one: Indicator, scene: Scene, sources: list[dict[str, Any]]) -> str:
    """An indicator: definition, unit, theme, hazard, period, reference, datasets. Every text is escaped."""
    words, catalogue = scene.words, scene.release.catalogue
    datasets = catalogue.datasets_of(one.id)
    titles = [words.own(catalogue.datasets[name].title_fr, catalogue.datasets[name].title_en) for name in datasets]
    checked = words("method.verified" if one.verified else "method.unverified")
    facts = [
        (words("method.unit"), unit_form(one.unit, "export", words)),
        (words("method.theme"), f"{words.known('themes', one.theme)}, {words.known('hazards', one.hazard)}"),
        (words("method.window"), words.known("windows", one.window)),
        (words("method.reference"), f"{one.reference} ({checked})"),
        (words("method.datasets"), " · ".join(titles) if titles else words("method.no_values")),
        (words("method.codes"), " · ".join(f"{row['codes']} ({row['dataset_id']})" for row in sources)),
        (words("method.notice"), words.own(one.notice_fr, one.notice_en)),
    ]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts if text and text != "-")
    label = escape(words.own(one.label_fr, one.label_en))
    definition = escape(words.own(one.definition_fr, one.definition_en))
    title = f"<h4>{label} <code>{escape(one.id)}</code></h4>"
    return f'<section class="entry">{title}<p>{definition}</p><dl>{rows}</dl></section>'


# ---------------------------------------------------------------- uses, validation


def uses(scene: Scene) -> None:
    """Which figure for which use."""
    words = scene.words
    for use in USES:
        st.markdown(f"**{words(f'method.uses.{use}.title')}**")
        st.markdown(words(f"method.uses.{use}.text"))


def validation(scene: Scene) -> None:
    """What was compared with observations or published figures, misses included; datasets and their status."""
    words = scene.words
    if VALIDATION.is_file():
        st.caption(words("method.validation"))
        with st.expander(words("method.validation_open")):
            st.markdown(VALIDATION.read_text(encoding="utf-8"))
    else:
        st.info(words("method.no_validation"))
    st.markdown(f"**{words('method.status')}**")
    lines = []
    for dataset in scene.release.catalogue.datasets.values():
        status = words.known("status", dataset.validation_status)
        title = words.own(dataset.title_fr, dataset.title_en)
        notice = words.own(dataset.notice_fr, dataset.notice_en)
        lines.append(
            f"<tr><th scope=row>{escape(title)}<br><small>{escape(dataset.id)}</small></th>"
            f"<td>{escape(status)}</td><td>{escape(notice)}</td></tr>"
        )
    st.html(f'<table class="figures texts"><tbody>{"".join(lines)}</tbody></table>')
    unverified = [i for i in scene.release.catalogue.indicators.values() if not i.verified]
    if unverified:
        names = " · ".join(words.own(one.label_fr, one.label_en) for one in unverified)
        st.caption(words("method.unverified_list", names=names))


# ---------------------------------------------------------------- release


def release(scene: Scene) -> None:
    """The release: version, date, datasets, licences, tables; queries to paste; the catalogue as a file."""
    words, opened = scene.words, scene.release
    about = opened.about()
    published = long_date(opened.published_at.date(), words)
    st.markdown(f"**{words('foot.release', version=opened.version, date=published)}**")
    if commit := about.get("code_commit"):
        st.caption(words("method.commit", commit=str(commit)[:12]))
    rows = "".join(
        f"<tr><th scope=row>{escape(words.own(one.title_fr, one.title_en))}</th><td>{escape(one.licence)}</td>"
        f"<td>{escape(one.citation)}{_fetched(one, words)}</td></tr>"
        for one in opened.catalogue.datasets.values()
    )
    st.html(f'<table class="figures texts"><tbody>{rows}</tbody></table>')
    counts = about.get("row_counts", {})
    if counts:
        lines = "".join(
            f"<tr><th scope=row><code>{escape(str(name))}</code></th><td>{number(count, 0, words)}</td></tr>"
            for name, count in sorted(counts.items())
        )
        caption = f"<caption>{escape(words('method.rows'))}</caption>"
        st.html(f'<table class="figures narrow">{caption}<tbody>{lines}</tbody></table>')
    st.markdown(f"**{words('method.queries')}**")
    st.caption(words("method.queries_text", path=f"releases/{opened.version}/{DATABASE}"))
    for language, code in _queries(scene).items():
        st.caption(words(f"method.languages.{language}"))
        st.code(code, language=language)
    st.caption(words("method.excel"))
    st.download_button(
        words("method.catalogue"),
        lambda: _catalogue_csv(scene),
        file_name=f"climart_indicators_{opened.version}.csv",
        mime="text/csv",
        on_click="ignore",
        key="method-catalogue",
    )


def _fetched(dataset: Dataset, words: Words) -> str:
    """When the files of a dataset came, and whether they are the last good ones; escaped."""
    said = []
    if dataset.fetched_on:
        said.append(words("method.fetched", date=long_date(dataset.fetched_on, words)))
    if dataset.is_stale:
        said.append(frame.stale(dataset, words))
    return "".join(f"<br><small>{escape(one)}</small>" for one in said)


def _queries(scene: Scene) -> dict[str, str]:
    """The query of what is chosen now, by language."""
    sql = _sql(scene)
    python = f'mart = duckdb.connect("{DATABASE}", read_only=True)\nframe = mart.sql("""\n{sql}""").df()'
    r = f'mart <- dbConnect(duckdb(), "{DATABASE}", read_only = TRUE)\nframe <- dbGetQuery(mart, "\n{sql}")'
    return {"sql": sql, "python": f"import duckdb\n\n{python}", "r": f"library(duckdb)\n\n{r}"}


def _sql(scene: Scene) -> str:
    """The query of what is chosen now."""
    chosen = scene.chosen
    name = chosen.indicator.partition(":")[2]
    from_territories = "inner join dim_territory using (territory_id)"
    if chosen.indicator.startswith(SCORE):
        return (
            "select territory_id, name, score, q05, q95, class, class_confidence, coverage, fct_score.reason\n"
            f"from fct_score\n{from_territories}\n"
            f"where kind = '{chosen.kind}' and score_id = '{name}' and mode = '{chosen.weighting}'\n"
            f"    and dataset_id = '{chosen.dataset}' and context_id = '{chosen.context}'\n"
            f"    and axis = '{scene.selection.axis}'\norder by score desc\n"
        )
    if chosen.indicator.startswith(EXPOSURE):
        return (
            "select territory_id, name, value, state, date_start, date_end, fct_exposure.reason\n"
            f"from fct_exposure\n{from_territories}\n"
            f"where kind = '{chosen.kind}' and measure_id = '{name}' and dataset_id = '{chosen.dataset}'\n"
            "    and return_period is null\norder by value desc\n"
        )
    return (
        "select territory_id, name, q50, q05, q95, n_runs, agreement, fct_indicator.reason\n"
        f"from fct_indicator\n{from_territories}\n"
        f"where kind = '{chosen.kind}' and indicator_id = '{chosen.indicator}'\n"
        f"    and dataset_id = '{chosen.dataset}' and context_id = '{chosen.context}'\n"
        f"    and weighting = '{chosen.weighting}'\norder by q50 desc\n"
    )


def _catalogue_csv(scene: Scene) -> bytes:
    words, catalogue = scene.words, scene.release.catalogue
    heads = [words(f"method.{name}") for name in ("id", "label", "definition", "unit", "theme", "hazard", "reference")]
    rows: list[list[export.Cell]] = [
        [
            one.id,
            words.own(one.label_fr, one.label_en),
            words.own(one.definition_fr, one.definition_en),
            unit_form(one.unit, "export", words),
            words.known("themes", one.theme),
            words.known("hazards", one.hazard),
            one.reference,
        ]
        for one in catalogue.indicators.values()
    ]
    source = [
        line
        for dataset in catalogue.datasets.values()
        for line in export.dataset_lines(dataset, scene.release.version, scene.release.published_at.date(), words)
    ]
    return export.csv_bytes(list(dict.fromkeys(source)), heads, rows, words)
