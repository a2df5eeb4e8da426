"""Portefeuille: what does my book hold? First what was understood of the file, then what is exposed."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from app import atlas, export, maps, packs, portfolio, ranking, sentences, session, sheets
from app.data import SCORE, Indicator, Selection, axis_of
from app.formats import compact, number, unit_form
from app.portfolio import Book, Refused, Role
from app.session import Scene
from app.views import mapped

COMMUNES: Final = "commune"
SHOWN_UNMATCHED: Final = 200
EXPORTED_UNMATCHED: Final = 10_000
TOP: Final = 15
UPPER_CLASSES: Final = 2  # of an indicator's classes, those that count as exposed in the acute and chronic split


def show(scene: Scene) -> None:
    """The whole view."""
    words = scene.words
    st.caption(words("portfolio.memory"))
    file = st.file_uploader(words("portfolio.file"), type=["csv", "txt", "xlsx"], key="portfolio-file")
    with st.expander(words("portfolio.format")):
        st.markdown(words("portfolio.format_text"))
    if file is None:
        return
    try:
        table = _table(file.file_id, file.name, file.getvalue())
        chosen = columns(scene, table, file.file_id)
        book = _book(scene, table, chosen, file.file_id)
    except Refused as refused:
        st.error(words(f"portfolio.refused.{refused.key}", **refused.values))
        return
    understood(scene, table, book)
    if book.total > 0:
        exposure(scene, book)


def _table(file_id: str, name: str, content: bytes) -> pd.DataFrame:
    """The file's table, read once per upload and kept in this session only."""
    kept = st.session_state.get("portfolio-table")
    if kept is None or kept[0] != file_id:
        st.session_state.pop("portfolio-book", None)
        kept = (file_id, portfolio.read(name, content))
        st.session_state["portfolio-table"] = kept
    table: pd.DataFrame = kept[1]
    return table


def _book(scene: Scene, table: pd.DataFrame, chosen: dict[Role, str | None], file_id: str) -> Book:
    key = (file_id, *chosen.values())
    kept = st.session_state.get("portfolio-book")
    if kept is None or kept[0] != key:
        kept = (key, portfolio.match(table, chosen, session.directory(scene.folder)))
        st.session_state["portfolio-book"] = kept
    book: Book = kept[1]
    return book


# ---------------------------------------------------------------- what was understood


def columns(scene: Scene, table: pd.DataFrame, file_id: str) -> dict[Role, str | None]:
    """How the columns were understood; the reader may correct it."""
    words = scene.words
    st.markdown(f"**{words('portfolio.columns')}**")
    guessed = portfolio.roles(table)
    options = [None, *table.columns]
    chosen: dict[Role, str | None] = {}
    for column, role in zip(st.columns(len(portfolio.ROLES)), portfolio.ROLES, strict=True):
        chosen[role] = column.selectbox(
            words(f"portfolio.roles.{role}"),
            options,
            index=options.index(guessed[role]),
            key=f"portfolio-{role}-{file_id}",
            format_func=lambda name: words("portfolio.no_column") if name is None else name,
        )
    return chosen


def understood(scene: Scene, table: pd.DataFrame, book: Book) -> None:
    """Matched and unmatched lines by cause, with their amounts, before any result."""
    words = scene.words
    causes = portfolio.by_cause(book)
    rows = "".join(
        f'<tr><th scope="row">{escape(words(f"portfolio.causes.{row.cause}"))}</th>'
        f"<td>{number(row.lines, 0, words)}</td><td>{number(row.amount, 0, words)}</td></tr>"
        for row in causes
    )
    heads = "".join(f"<th>{escape(words(f'portfolio.{name}'))}</th>" for name in ("lines", "amount"))
    total = (
        f'<tr class="total"><th scope="row">{escape(words("portfolio.total"))}</th>'
        f"<td>{number(len(table), 0, words)}</td>"
        f"<td>{number(sum(row.amount for row in causes), 0, words)}</td></tr>"
    )
    st.html(
        f'<div class="wide"><table class="figures narrow"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{rows}{total}</tbody></table></div>"
    )
    if book.swapped:
        st.caption(words("portfolio.swapped", count=number(book.swapped, 0, words)))
    left_out = ~book.taken
    if left_out.any():
        with st.expander(words("portfolio.unmatched", count=number(int(left_out.sum()), 0, words))):
            sample = table[left_out].head(SHOWN_UNMATCHED)
            why = [words(f"portfolio.causes.{cause}") for cause in book.causes[left_out][:SHOWN_UNMATCHED]]
            st.dataframe(sample.assign(**{words("portfolio.cause"): why}), hide_index=False, key="portfolio-unmatched")
            if left_out.sum() > SHOWN_UNMATCHED:
                st.caption(words("portfolio.unmatched_cut", count=SHOWN_UNMATCHED))
    if book.total == 0:
        st.info(words("portfolio.nothing"))


# ---------------------------------------------------------------- what is exposed


@dataclass(frozen=True)
class Exposed:
    """The amounts of one indicator by class and context. ``classes`` has one array of communes per context."""

    indicator: Indicator
    selection: Selection
    stops: tuple[str, ...]
    names: tuple[str, ...]
    texts: tuple[str, ...]
    colours: tuple[maps.Colour, ...]
    sums: NDArray[np.float64]  # class × context
    absent: NDArray[np.float64]  # per context
    classes: tuple[NDArray[np.int64], ...]

    @property
    def is_studied(self) -> bool:
        """Whether any amount is in a class."""
        return bool(self.sums.any())


def representatives(scene: Scene) -> list[str]:
    """One per hazard: its score where there are scores, else one of the sheet's first figures, else any indicator."""
    catalogue = scene.release.catalogue
    offered = [one for theme in catalogue.themes() for one in catalogue.of_theme(theme)]
    offered = [one for one in offered if (COMMUNES, one) in catalogue.studied]
    scores = [one for one in offered if one.startswith(SCORE) and catalogue.indicators[one].worse]
    if scores:
        return scores
    first = [one for ids in sheets.HEADLINES.values() for one in ids]
    ordered = [one for one in first if one in offered] + [one for one in offered if one not in first]
    hazards: dict[str, str] = {}
    for one in ordered:
        hazards.setdefault(catalogue.indicators[one].hazard, one)
    return list(hazards.values())


def exposure(scene: Scene, book: Book) -> None:
    """Amounts by hazard, class and context; where they are; acute and chronic; export."""
    words, catalogue = scene.words, scene.release.catalogue
    places = session.places(scene.folder, COMMUNES)
    held = portfolio.per_commune(book, len(places))
    offered = [one for theme in catalogue.themes() for one in catalogue.of_theme(theme)]
    st.markdown(f"### {words('portfolio.by_hazard')}")
    asked = st.multiselect(
        words("portfolio.indicators"),
        offered,
        default=representatives(scene),
        key="portfolio-indicators",
        format_func=lambda one: words.own(catalogue.indicators[one].label_fr, catalogue.indicators[one].label_en),
    )
    exposed = [_exposed(scene, one, held) for one in asked]
    placed = [one for one in exposed if one.is_studied]
    grid = st.columns(2, gap="large")
    for at, one in enumerate(placed):
        with grid[at % 2]:
            st.html(heat_html(scene, one, book.total))
    if absent := [words.own(i.label_fr, i.label_en) for i in (one.indicator for one in exposed if one not in placed)]:
        st.caption(words("portfolio.not_studied", names=", ".join(absent)))
    scored = any(one.indicator.id.startswith(SCORE) for one in exposed)
    st.caption(words("portfolio.scores_note" if scored else "portfolio.classes_note"))
    split(scene, exposed, held)
    where(scene, held, places)
    downloads(scene, book, exposed, held, places)


def _exposed(scene: Scene, name: str, held: NDArray[np.float64]) -> Exposed:
    catalogue, words = scene.release.catalogue, scene.words
    indicator = catalogue.indicators[name]
    datasets = catalogue.datasets_of(name)
    dataset = scene.chosen.dataset if scene.chosen.dataset in datasets else datasets[0]
    weighting = catalogue.weightings_of(dataset, name)[0]
    contexts = sheets.stops(catalogue.contexts_of(dataset, name), scene.chosen.track)
    axis = axis_of(contexts[-1].track)
    classification = catalogue.classifications.get(name) if name.startswith(SCORE) else None
    scale = maps.scale(indicator, "level")
    texts = ranking.class_texts(indicator, "level", words)
    if classification:
        texts = [words.own(*label) for label in classification.labels]
    sums, absent, classes = [], [], []
    for context in contexts:
        selection = Selection(name, dataset, context.id, weighting, axis)
        if classification:
            placed = session.classes(scene.folder, COMMUNES, selection)["category"].to_numpy(dtype=np.int64)
        else:
            figures = session.figures(scene.folder, COMMUNES, selection)
            medians = figures["q50"].to_numpy(dtype=float)
            known = np.searchsorted(np.array(scale.breaks), np.nan_to_num(medians), side="right")
            placed = np.where(np.isnan(medians), portfolio.NOT_STUDIED, known)
        amounts, without = portfolio.by_class(held, placed, len(scale.colours))
        sums.append(amounts)
        absent.append(without)
        classes.append(placed)
    return Exposed(
        indicator,
        Selection(name, dataset, contexts[-1].id, weighting, axis),
        tuple(context.id for context in contexts),
        tuple(sentences.stop_name(context, words) for context in contexts),
        tuple(texts),
        maps.class_colours(indicator, len(texts)) if classification else scale.colours,
        np.array(sums).T,
        np.array(absent),
        tuple(classes),
    )


def heat_html(scene: Scene, one: Exposed, total: float) -> str:
    """Classes down, contexts across; each cell its amount and share, filled by its share. Every text is escaped."""
    words = scene.words
    heads = "".join(f"<th>{escape(name)}</th>" for name in one.names)
    rows = []
    lines = [*reversed(list(zip(one.texts, one.colours, one.sums, strict=True)))]
    if one.absent.any():
        lines.append((words("reasons.not_studied"), maps.NO_VALUE[session.theme()], one.absent))
    for text, colour, amounts in lines:
        cells = []
        for amount in amounts:
            share = amount / total if total else 0.0
            percent = number(100 * share, 0, words) if share >= 0.005 or share == 0 else f"<\u00a0{number(1, 0, words)}"
            fill = f"rgba({31},{95},{139},{0.62 * share:.2f})"
            said = f"{compact(amount, words)}<br><small>{percent}\u00a0%</small>" if amount else "–"
            cells.append(f'<td style="background:{fill}">{said}</td>')
        swatch = '<span class="swatch" style="background:rgb({},{},{})"></span>'.format(*colour)
        rows.append(f'<tr><th scope="row">{swatch}{escape(text)}</th>{"".join(cells)}</tr>')
    label = words.own(one.indicator.label_fr, one.indicator.label_en)
    title = f"<b>{escape(label)}</b>"
    if not one.indicator.id.startswith(SCORE):  # a score is named by its hazard, and has no unit
        unit = unit_form(one.indicator.unit, "level", words)
        hazard = escape(words.known("hazards", one.indicator.hazard))
        title = f"<b>{escape(f'{label}, {unit}' if unit else label)}</b> · {hazard}"
    return (
        f'<div class="wide"><table class="figures heat"><caption>{title}</caption>'
        f"<thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def split(scene: Scene, exposed: list[Exposed], held: NDArray[np.float64]) -> None:
    """Amounts in the upper classes of at least one acute, or chronic, hazard: never summed twice."""
    words = scene.words
    contexts = [context for one in exposed for context in zip(one.stops, one.names, strict=True)]
    names = dict(contexts)
    rows = []
    for nature in ("acute", "chronic", "any"):
        mine = [one for one in exposed if nature in ("any", one.indicator.acute_chronic)]
        if not mine:
            continue
        cells = []
        for stop in names:
            flags = [
                one.classes[one.stops.index(stop)] >= len(one.colours) - UPPER_CLASSES
                for one in mine
                if stop in one.stops
            ]
            amount = portfolio.in_any(held, flags)
            share = number(100 * amount / held.sum(), 0, words)
            cells.append(f"<td>{compact(amount, words)}<br><small>{share}\u00a0%</small></td>")
        rows.append(f'<tr><th scope="row">{escape(words(f"portfolio.nature.{nature}"))}</th>{"".join(cells)}</tr>')
    if not rows:
        return
    st.markdown(f"**{words('portfolio.split')}**")
    heads = "".join(f"<th>{escape(name)}</th>" for name in names.values())
    st.html(
        f'<div class="wide"><table class="figures narrow"><thead><tr><th></th>{heads}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    st.caption(words("portfolio.split_note", count=UPPER_CLASSES))


PARENTS: Final = {
    "epci": "epci_id",
    "departement": "departement_id",
    "region": "region_id",
    "caisse": "caisse_id",
    COMMUNES: "territory_id",
}


def gathered(kind: str, held: NDArray[np.float64], places: pd.DataFrame) -> pd.Series:
    """Amounts by territory_id of a kind."""
    sums = pd.Series(held).groupby(places[PARENTS[kind]].to_numpy()).sum()
    return sums[sums > 0].sort_values(ascending=False)


def where(scene: Scene, held: NDArray[np.float64], places: pd.DataFrame) -> None:
    """The concentration map, and the territories that hold most."""
    words, theme = scene.words, session.theme()
    kind = scene.chosen.kind if scene.chosen.kind in PARENTS else "departement"
    sums = gathered(kind, held, places)
    shown = session.places(scene.folder, kind)
    amounts = sums.reindex(shown["territory_id"]).to_numpy(dtype=float)
    st.markdown(f"### {words('portfolio.where', kinds=words.known('kinds', kind))}")
    breaks = _round_breaks(amounts[~np.isnan(amounts)])
    colours = maps.spread(maps.RAMPS["score"], len(breaks) + 1)
    title = words("portfolio.amount")
    indicator = Indicator(
        "amount", title, title, "", "", "amount", 0, "score", 0, tuple(breaks), (), "", "", True
    )  # fmt: skip
    scale = maps.Scale(tuple(breaks), colours)
    absent = pd.Series(np.isnan(amounts))
    pack = packs.values_pack(
        {"q50": amounts.astype(np.float32), "delta_q50": np.full(len(amounts), np.nan, dtype=np.float32)},
        np.ones(len(amounts)),
        pd.Series(["nothing_held"] * len(amounts), dtype="str").where(absent, None),
        np.zeros(len(amounts), dtype=np.uint8),
    )
    alt = words("portfolio.map_alt")
    pane = atlas.pane(session.served(pack, "map-portfolio"), indicator, "amount", scale, "", alt, words)
    legend = ranking.legend(
        indicator, "level", atlas.in_classes(amounts, scale), {"nothing_held": int(absent.sum())}, 0, theme, words
    )
    left, right = st.columns([1.6, 1], gap="medium")
    with left:
        picture = atlas.picture(
            words("portfolio.map_alt"), words("portfolio.amount"), legend, [], "climart_portfolio.png"
        )
        stamp = f"portfolio/{kind}/{scene.chosen.lang}/{theme}/{float(np.nansum(amounts)):.0f}"
        mapped.show(scene, [pane], picture, stamp, "map-portfolio", 480, kind=kind)
    with right:
        st.html(maps.legend_html(words("portfolio.amount"), legend, words("legend.count"), theme))
        names = dict(zip(shown["territory_id"], shown.to_dict("records"), strict=True))
        rows = "".join(
            f'<tr><th scope="row">{escape(sentences.named(names[name]))}</th><td>{compact(amount, words)}</td>'
            f"<td><small>{number(100 * amount / held.sum(), 1, words)}\u00a0%</small></td></tr>"
            for name, amount in sums.head(TOP).items()
            if name in names
        )
        st.html(
            f'<table class="figures"><caption>{escape(words("portfolio.top"))}</caption><tbody>{rows}</tbody></table>'
        )


def _round_breaks(amounts: NDArray[np.float64]) -> list[float]:
    """Five bounds that a person would say, from the quantiles of what is held."""
    if not len(amounts):
        return [1.0]
    found: list[float] = []
    for share in (0.2, 0.4, 0.6, 0.8, 0.95):
        value = float(np.quantile(amounts, share))
        if value > 0:
            unit = 10.0 ** np.floor(np.log10(value))
            found.append(float(np.round(value / unit) * unit))
    return sorted(set(found)) or [1.0]


def downloads(
    scene: Scene, book: Book, exposed: list[Exposed], held: NDArray[np.float64], places: pd.DataFrame
) -> None:
    """The result as a workbook and as CSV, made in memory."""
    words = scene.words
    with st.container(horizontal=True):
        st.download_button(
            words("portfolio.xlsx"),
            lambda: export.xlsx_bytes(_sheets(scene, book, exposed, held, places), words, _source(scene, exposed)),
            file_name="climart_portfolio.xlsx",
            mime=export.XLSX,
            on_click="ignore",
            key="portfolio-xlsx",
        )
        st.download_button(
            words("portfolio.csv"),
            lambda: _csv(scene, exposed),
            file_name="climart_portfolio.csv",
            mime="text/csv",
            on_click="ignore",
            key="portfolio-csv",
        )


def _source(scene: Scene, exposed: list[Exposed]) -> list[str]:
    catalogue = scene.release.catalogue
    lines = [scene.words("portfolio.memory"), scene.words("portfolio.classes_note")]
    for dataset in dict.fromkeys(one.selection.dataset for one in exposed):
        published = scene.release.published_at.date()
        lines += export.dataset_lines(catalogue.datasets[dataset], scene.release.version, published, scene.words)
    return lines


def _class_rows(scene: Scene, exposed: list[Exposed]) -> tuple[list[str], list[list[export.Cell]]]:
    words = scene.words
    heads = ["indicator", "hazard", "nature_column", "context", "class", "amount"]
    rows: list[list[export.Cell]] = []
    for one in exposed:
        label = words.own(one.indicator.label_fr, one.indicator.label_en)
        hazard = words.known("hazards", one.indicator.hazard)
        nature = words.texts.get(f"portfolio.nature.{one.indicator.acute_chronic}", one.indicator.acute_chronic)
        for at, name in enumerate(one.names):
            for text, amounts in zip(one.texts, one.sums, strict=True):
                rows.append([label, hazard, nature, name, text, round(float(amounts[at]), 2)])
            rows.append([label, hazard, nature, name, words("reasons.not_studied"), round(float(one.absent[at]), 2)])
    return [words(f"portfolio.{name}") for name in heads], rows


def _csv(scene: Scene, exposed: list[Exposed]) -> bytes:
    heads, rows = _class_rows(scene, exposed)
    return export.csv_bytes(_source(scene, exposed), heads, rows, scene.words)


def _sheets(
    scene: Scene, book: Book, exposed: list[Exposed], held: NDArray[np.float64], places: pd.DataFrame
) -> list[export.Sheet]:
    words = scene.words
    causes: list[list[export.Cell]] = [
        [words(f"portfolio.causes.{row.cause}"), row.lines, round(row.amount, 2)] for row in portfolio.by_cause(book)
    ]
    heads, rows = _class_rows(scene, exposed)
    names = places.set_index("territory_id")[["code", "name"]].to_dict("index")
    top: list[list[export.Cell]] = [
        [str(names[name]["code"]), str(names[name]["name"]), round(float(amount), 2)]
        for name, amount in gathered(COMMUNES, held, places).items()
    ]
    out = np.flatnonzero(~book.taken)[:EXPORTED_UNMATCHED]
    unmatched: list[list[export.Cell]] = [
        [int(line) + 2, str(book.labels.iloc[line]), words(f"portfolio.causes.{book.causes[line]}")] for line in out
    ]
    lines = [words(f"portfolio.{name}") for name in ("cause", "lines", "amount")]
    left = [words(f"portfolio.{name}") for name in ("line", "label", "cause")]
    held_by = [words(f"portfolio.{name}") for name in ("code", "name", "amount")]
    return [
        export.Sheet(words("portfolio.sheet_lines"), lines, causes),
        export.Sheet(words("portfolio.by_hazard"), heads, rows),
        export.Sheet(words("kinds.commune"), held_by, top),
        export.Sheet(words("portfolio.sheet_unmatched"), left, unmatched),
    ]
