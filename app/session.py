"""What Streamlit keeps for us: the open release, packed outlines and values, the choice and its address.

Every cache is bounded: what ten readers look at stays well under a gigabyte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.runtime import get_instance

from app import atlas, charts, data, export, maps, packs, portfolio, ranking, report, sentences, sheets, state
from app.data import Classification, Context, Dataset, Indicator, Release, Selection
from app.formats import Measure, long_date, number
from app.i18n import Words, words
from app.sentences import Row

ALL: Final = "all"
# What the reader asked for stays asked for when an indicator does not have it, and is taken again by the next that has.
STICKY: Final = ("dataset", "track", "context")
FIGURES_KEPT: Final = 30  # 2 MB each for all communes
PACKS_KEPT: Final = 30  # 1 MB
KINDS_KEPT: Final = 12  # 6 MB of places and 2 MB of outlines for communes


@st.cache_resource(show_spinner=False)
def opened(folder: str) -> Release:
    """The release of a folder, opened once per process."""
    return data.open_release(Path(folder))


def release() -> Release:
    """This session's release: ``stable`` is resolved once, so that a publication in mid-visit changes nothing."""
    if "release" not in st.session_state:
        st.session_state["release"] = str(data.stable_folder())
    return opened(st.session_state["release"])


# ---------------------------------------------------------------- data, kept for all sessions


@st.cache_resource(show_spinner=False, max_entries=KINDS_KEPT)
def places(folder: str, kind: str) -> pd.DataFrame:
    """``Release.places``, kept. Shared by all sessions: never changed in place."""
    return opened(folder).places(kind)


@st.cache_resource(show_spinner=False, max_entries=FIGURES_KEPT)
def figures(folder: str, kind: str, selection: Selection) -> pd.DataFrame:
    """``Release.figures``, kept. Shared by all sessions: never changed in place."""
    return opened(folder).figures(kind, selection)


def table(folder: str, kind: str, caisse: str | None, selection: Selection) -> pd.DataFrame:
    """``data.joined`` of what is kept."""
    return data.joined(places(folder, kind), figures(folder, kind, selection), caisse)


@st.cache_resource(show_spinner=False, max_entries=KINDS_KEPT)
def shapes(folder: str, kind: str) -> bytes | None:
    """The outlines of a kind as the map reads them; None if nothing of it can be drawn."""
    rows = places(folder, kind)
    return packs.shapes_pack(
        packs.Places(
            ids=rows["territory_id"].tolist(),
            names=rows["name"].tolist(),
            codes=rows["code"].tolist(),
            parents=[None if pd.isna(code) else code for code in rows["departement_code"]],
            banks=[
                row if kind == "caisse" else None if pd.isna(bank) else bank
                for row, bank in zip(rows["territory_id"], rows["caisse_id"], strict=True)
            ],
            outlines=opened(folder).outlines(kind),
        )
    )


@st.cache_resource(show_spinner=False, max_entries=PACKS_KEPT)
def values(folder: str, kind: str, selection: Selection) -> bytes:
    """The values of one choice as the map reads them."""
    return atlas.values(places(folder, kind), figures(folder, kind, selection))


@st.cache_resource(show_spinner=False, max_entries=PACKS_KEPT)
def classes(folder: str, kind: str, selection: Selection) -> pd.DataFrame:
    """``Release.classes``, kept. Shared by all sessions: never changed in place."""
    return opened(folder).classes(kind, selection)


@st.cache_resource(show_spinner=False, max_entries=PACKS_KEPT)
def class_values(folder: str, kind: str, selection: Selection) -> bytes:
    """The classes of one choice as the map reads them."""
    return atlas.classes(places(folder, kind), figures(folder, kind, selection), classes(folder, kind, selection))


@st.cache_resource(show_spinner=False, max_entries=FIGURES_KEPT)
def difference(folder: str, kind: str, first: Selection, second: Selection) -> NDArray[np.float32]:
    """``Release.paired_difference``, kept."""
    return opened(folder).paired_difference(kind, first, second)


@st.cache_resource(show_spinner=False, max_entries=FIGURES_KEPT)
def medians(folder: str, kind: str, selection: Selection, contexts: tuple[str, ...]) -> pd.DataFrame:
    """The medians of several contexts, one column each, by territory_id. Shared by all sessions."""
    table = opened(folder).medians(kind, selection)
    wide = table.pivot(index="territory_id", columns="context_id", values="q50")
    return wide.reindex(columns=list(contexts)).astype("float32")


@st.cache_resource(show_spinner=False, max_entries=1)
def directory(folder: str) -> portfolio.Directory:
    """The communes that portfolios are matched to. Shared by all sessions."""
    rows = places(folder, "commune")
    release_of = opened(folder)
    return portfolio.directory(rows["code"].tolist(), release_of.outlines("commune"), release_of.former_codes())


def served(content: bytes, coordinates: str) -> str:
    """An address on this server, given to this session only, from which the browser fetches ``content``.

    Outlines and values travel as files and not inside the page, so that the browser keeps them. The address is a hash
    of a content with a secret of this process in it (``packs.SALT``): it cannot be guessed, and it is only handed out
    after the sign-in where there is one.
    """
    address = get_instance().media_file_mgr.add(content, "application/gzip", coordinates)
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}{address}" if base else address


def theme() -> maps.Theme:
    """The theme that the reader's browser shows; light before it has said so."""
    return "dark" if st.context.theme.type == "dark" else "light"


# ---------------------------------------------------------------- the choice and its address


@dataclass(frozen=True)
class Scene:
    """What every view is given: the release, the choice and what it names, in the reader's words."""

    release: Release
    chosen: state.Choice
    words: Words

    @property
    def folder(self) -> str:
        return str(self.release.folder)

    @property
    def indicator(self) -> Indicator:
        return self.release.catalogue.indicators[self.chosen.indicator]

    @property
    def dataset(self) -> Dataset:
        return self.release.catalogue.datasets[self.chosen.dataset]

    @property
    def context(self) -> Context:
        return self.release.catalogue.contexts[self.chosen.context]

    @property
    def measure(self) -> Measure:
        """The figure behind what is shown: at the reference there is no change, and a class is one of levels."""
        known = self.context.has_change and self.indicator.changes
        return "change" if known and self.chosen.measure == "change" else "level"

    @property
    def classification(self) -> Classification | None:
        """The classes that are shown in place of figures, where the reader asked for them."""
        asked = self.chosen.measure == "class"
        return self.release.catalogue.classifications.get(self.chosen.indicator) if asked else None

    @property
    def selection(self) -> Selection:
        return self.at(self.chosen.context)

    def at(self, context: str) -> Selection:
        """The chosen indicator in another context."""
        chosen = self.chosen
        return Selection(chosen.indicator, chosen.dataset, context, chosen.weighting, data.axis_of(chosen.track))

    def table(self, kind: str | None = None, caisse: str | None = None, context: str | None = None) -> pd.DataFrame:
        """The values of a kind; by default of the chosen kind and caisse."""
        bank = self.chosen.caisse if kind is None else caisse
        return table(self.folder, kind or self.chosen.kind, bank, self.at(context or self.chosen.context))

    @property
    def source(self) -> export.Source:
        """What the exports say of what is shown."""
        return export.Source(
            self.indicator,
            self.context,
            self.dataset,
            self.chosen.weighting,
            self.release.version,
            self.release.published_at.date(),
            self.words,
        )

    @property
    def file_stem(self) -> str:
        """The name of an exported file, without its ending."""
        chosen = self.chosen
        place = chosen.caisse.removeprefix("caisse:") if chosen.caisse else "france"
        return f"climart_{chosen.indicator}_{chosen.context}_{chosen.kind}_{place}"

    @property
    def label(self) -> str:
        """The indicator's name."""
        return self.words.own(self.indicator.label_fr, self.indicator.label_en)

    def context_label(self, context: str | None = None) -> str:
        found = self.release.catalogue.contexts[context or self.chosen.context]
        return self.words.own(found.label_fr, found.label_en)


def scene(opened_release: Release) -> tuple[Scene, list[state.Rejected]]:
    """The reader's choice. The address decides at the first visit and whenever it was changed from outside."""
    address = dict(st.query_params)
    if "choice" not in st.session_state or address != st.session_state["address"]:
        chosen, rejected = state.from_params(address, opened_release.catalogue)
        if chosen.territory and opened_release.territory(chosen.territory) is None:
            rejected.append(state.Rejected("territory", chosen.territory))
            chosen = replace(chosen, territory=None)
        if chosen.other and opened_release.territory(chosen.other) is None:
            rejected.append(state.Rejected("other", chosen.other))
            chosen = replace(chosen, other=None)
        st.session_state["choice"] = chosen
        st.session_state["wanted"] = {name: getattr(chosen, name) for name in STICKY}
        st.session_state["rejected"] = rejected
    chosen = st.session_state["choice"]
    write_address(chosen)
    return Scene(opened_release, chosen, words(chosen.lang)), st.session_state["rejected"]


def write_address(chosen: state.Choice) -> None:
    """Put the choice into the address bar, so that a link reopens this view."""
    params = state.to_params(chosen)
    if dict(st.query_params) != params:
        st.query_params.from_dict(params)
    st.session_state["address"] = params


def change(**update: Any) -> None:
    """Set parts of the choice, settle the others, forget old refusals. For callbacks."""
    old: state.Choice = st.session_state["choice"]
    catalogue = release().catalogue
    wanted = st.session_state["wanted"]
    wanted |= {name: update[name] for name in STICKY if name in update}
    chosen = replace(old, **(wanted if "indicator" in update else {}) | update)
    if "kind" in update:
        chosen = state.of_kind(chosen, catalogue)
    if "indicator" in update:
        chosen = state.of_indicator(chosen, catalogue)
    chosen = state.settle(chosen, catalogue)
    st.session_state["choice"] = chosen
    st.session_state["rejected"] = []
    write_address(chosen)


def changer(field: str, key: str) -> Callable[[], None]:
    """What a control does when the reader moves it."""

    def moved() -> None:
        value: Any = st.session_state[key]
        if value is None:  # a second press on the chosen stop: nothing changes
            return
        if field == "theme":
            change(indicator=release().catalogue.of_theme(value)[0])
        else:
            change(**{field: None if value == ALL else value})

    return moved


# ---------------------------------------------------------------- the sheet


def sheet(seen: Scene, place: Row) -> report.Sheet:
    """The sheet of a territory: what the page, the PDF and the workbook say."""
    spoken, catalogue, chosen = seen.words, seen.release.catalogue, seen.chosen
    territory = str(place["territory_id"])
    values = seen.release.sheet(territory, data.axis_of(chosen.track))
    shown = sheets.themes(values, catalogue, chosen.dataset, chosen.track, spoken)
    figures_shown = [one for theme in shown for one in theme.figures]
    used = {one.dataset: catalogue.datasets[one.dataset] for one in figures_shown} or {chosen.dataset: seen.dataset}
    others = listings(seen, place)
    credited = used | {one.dataset: catalogue.datasets[one.dataset] for one in others}
    rows = [row for one in figures_shown for row in one.rows if row is not None]
    facts = seen.release.exposures(territory)
    standings = [
        spoken(
            "sheet.rank_of",
            indicator=seen.label,
            rank=number(one.rank, 0, spoken),
            count=number(one.count, 0, spoken),
            group=one.group,
        )
        for one in sheets.standings(seen.table(str(place["kind"])), place, seen.measure, spoken)
    ]
    scale = maps.scale(seen.indicator, seen.measure)
    texts = ranking.class_texts(seen.indicator, seen.measure, spoken)
    source = [
        line
        for dataset in credited.values()
        for line in export.dataset_lines(dataset, seen.release.version, seen.release.published_at.date(), spoken)
    ]
    notices = [spoken.own(dataset.notice_fr, dataset.notice_en) for dataset in used.values()]
    return report.Sheet(
        title=sentences.named(place),
        parents=sheets.parents(place, spoken),
        stem=f"climart_{territory.replace(':', '_')}_{chosen.lang}",
        themes=tuple(shown),
        standings=tuple(standings),
        facts=None if facts is None else tuple(sheets.facts(facts, seen.release.published_at.date(), spoken)),
        listings=tuple(others),
        limits=tuple(sheets.limits(place, shown, rows[0] if rows else None, notices, spoken)),
        source=tuple(dict.fromkeys(source)),
        inset=lambda: inset(seen, place),
        inset_caption=f"{seen.label}, {seen.context_label()}",
        inset_legend=tuple(reversed(list(zip(scale.colours, texts, strict=True)))),
        stripes=stripes(seen, place),
        stripes_title=spoken("sheet.runs_stripes", indicator=seen.label),
        version=spoken(
            "foot.release",
            version=seen.release.version,
            date=long_date(seen.release.published_at.date(), spoken),
        ),
        datasets=used,
        words=spoken,
    )


def listings(seen: Scene, place: Row) -> list[sheets.Listing]:
    """Other producers' figures of a territory: ensembles as published; yields, which are known by département."""
    spoken, opened_release = seen.words, seen.release
    rows = opened_release.published(str(place["territory_id"]))
    found = sheets.published(rows, opened_release.catalogue, spoken)
    of_crops = place["departement_id"] or place["territory_id"]
    name = place["departement"] or place["name"]
    of_last_year = opened_release.yields(str(of_crops), sheets.CROPS)
    found += sheets.yields(of_last_year, str(name), opened_release.catalogue, spoken)
    near = opened_release.stations(str(place["territory_id"]), sheets.OF_STATIONS, sheets.STATIONS, sheets.STATIONS_KM)
    return found + sheets.stations(near, opened_release.catalogue, spoken)


def runs(seen: Scene, place: Row) -> list[tuple[str, list[float]]]:
    """The values of each simulation of the chosen indicator, by context, those that are known."""
    found = seen.release.runs(str(place["territory_id"]), seen.selection)
    contexts = seen.release.catalogue.contexts_of(seen.chosen.dataset, seen.chosen.indicator)
    shown = sheets.stops(contexts, seen.chosen.track)
    return [(sentences.stop_name(stop, seen.words), found[stop.id]) for stop in shown if found.get(stop.id)]


def stripes(seen: Scene, place: Row) -> charts.Drawing | None:
    """The simulations of the chosen indicator as stripes; None where they are not known one by one."""
    groups = runs(seen, place)
    scale = maps.scale(seen.indicator, "level")
    alt = seen.words("sheet.stripes_alt", indicator=seen.label)
    return charts.stripes(groups, scale.breaks, scale.colours, alt) if groups else None


def inset(seen: Scene, place: Row) -> str | None:
    """The map of a sheet: the territories of the same kind in its département, else itself over the départements."""
    release, kind, territory = seen.release, str(place["kind"]), str(place["territory_id"])
    scale = maps.scale(seen.indicator, seen.measure)
    column = sentences.columns(seen.measure)[1]
    medians = seen.table(kind).set_index("territory_id")[column].dropna()
    colours = {str(name): scale.colours[scale.place(value)] for name, value in medians.items()}
    if kind != "departement" and place["departement_id"]:
        return report.inset_svg(release.outlines_within(kind, place["departement_id"]), colours, territory)
    outline = release.outline(territory)
    ground = [one for one in release.outlines("departement") if one is not None]
    return None if outline is None else report.inset_svg([(territory, outline)], colours, territory, ground)
