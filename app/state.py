"""What the reader has chosen, in the address bar and back. Pure: no Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from app.data import Catalogue, Context
from app.formats import Measure
from app.i18n import LANGUAGES, Lang

View = Literal["carte", "territoire", "comparer", "classement", "portefeuille", "methode"]
Pair = Literal["contexts", "territories"]
PAIRS: Final[tuple[Pair, ...]] = get_args(Pair)
VIEWS: Final[tuple[View, ...]] = get_args(View)
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
FIRST_KIND: Final = "departement"
FIRST_INDICATOR: Final = "tx35"
FIRST_CONTEXT: Final = "rwl40"


@dataclass(frozen=True)
class Choice:
    """The state of the page.

    ``caisse`` None is all of France; ``track`` says which slider the context stands on; ``against`` is the context that
    Comparer sets beside it; ``territory`` and ``other`` are the territories of the sheet and of the comparison.
    """

    view: View
    lang: Lang
    kind: str
    caisse: str | None
    indicator: str
    dataset: str
    weighting: str
    track: str
    context: str
    against: str
    measure: Measure
    pair: Pair = "contexts"  # what Comparer sets side by side
    territory: str | None = None
    other: str | None = None


@dataclass(frozen=True)
class Rejected:
    """A value of the address that does not exist here; the default was taken."""

    name: str
    value: str


def tracks(contexts: list[Context]) -> list[str]:
    """The sliders that a dataset's contexts make, the reference apart: warming levels first, then scenarios."""
    found: dict[str, None] = {c.track: None for c in contexts if not c.is_reference}
    return list(found) or ["reference"]


def on_track(contexts: list[Context], track: str) -> list[Context]:
    """The stops of one slider: the reference, then the track's contexts."""
    return [c for c in contexts if c.is_reference or c.track == track]


def settle(choice: Choice, catalogue: Catalogue) -> Choice:
    """The nearest choice that exists: an indicator's dataset, its weighting, its tracks, its contexts.

    No caisse where it means nothing.
    """
    datasets = catalogue.datasets_of(choice.indicator)
    dataset = choice.dataset if choice.dataset in datasets else datasets[0]
    weightings = catalogue.weightings_of(dataset, choice.indicator)
    weighting = choice.weighting if choice.weighting in weightings else weightings[0]
    contexts = catalogue.contexts_of(dataset, choice.indicator)
    offered = tracks(contexts)
    track = choice.track if choice.track in offered else offered[0]
    stops = on_track(contexts, track)
    known = {c.id for c in stops}
    context = choice.context if choice.context in known else stops[-1].id
    against = choice.against if choice.against in known else stops[0].id
    caisse = choice.caisse if choice.kind in catalogue.filtered_kinds else None
    return replace(
        choice, dataset=dataset, weighting=weighting, track=track, context=context, against=against, caisse=caisse
    )


def of_kind(choice: Choice, catalogue: Catalogue) -> Choice:
    """The choice with an indicator that its kind of territory has: the same, else the first of its theme, else any."""
    if (choice.kind, choice.indicator) in catalogue.studied:
        return choice
    theme = catalogue.indicators[choice.indicator].theme
    candidates = catalogue.of_theme(theme) + [i for other in catalogue.themes() for i in catalogue.of_theme(other)]
    for indicator in candidates:
        if (choice.kind, indicator) in catalogue.studied:
            return replace(choice, indicator=indicator)
    return choice


def of_indicator(choice: Choice, catalogue: Catalogue) -> Choice:
    """The choice with a kind of territory that has its indicator."""
    kinds = catalogue.kinds_of(choice.indicator)
    return choice if choice.kind in kinds else replace(choice, kind=kinds[0])


def default(catalogue: Catalogue) -> Choice:
    """The first view: very hot days by département at +4 °C, or what comes nearest."""
    indicators = [i for theme in catalogue.themes() for i in catalogue.of_theme(theme)]
    blank = Choice(
        view=VIEWS[0],
        lang=LANGUAGES[0],
        kind=FIRST_KIND if FIRST_KIND in catalogue.kinds else catalogue.kinds[0],
        caisse=None,
        indicator=FIRST_INDICATOR if FIRST_INDICATOR in indicators else indicators[0],
        dataset="",
        weighting="",
        track="",
        context=FIRST_CONTEXT,
        against="",
        measure=MEASURES[0],
    )
    return settle(blank, catalogue)


def from_params(params: Mapping[str, str], catalogue: Catalogue) -> tuple[Choice, list[Rejected]]:
    """The choice that an address describes, and what in it does not exist. Names that are not ours are left alone.

    Whether a territory exists is not known here: ``territory`` and ``other`` are taken as they are.
    """
    choice = default(catalogue)
    rejected: list[Rejected] = []

    def accept(name: str, valid: bool) -> bool:
        if name not in params:
            return False
        if not valid:
            rejected.append(Rejected(name, params[name]))
        return valid

    for view in VIEWS:
        if params.get("view") == view:
            choice = replace(choice, view=view)
    accept("view", params.get("view") in VIEWS)
    for lang in LANGUAGES:
        if params.get("lang") == lang:
            choice = replace(choice, lang=lang)
    accept("lang", params.get("lang") in LANGUAGES)
    for measure in MEASURES:
        if params.get("measure") == measure:
            choice = replace(choice, measure=measure)
    accept("measure", params.get("measure") in MEASURES)
    for pair in PAIRS:
        if params.get("pair") == pair:
            choice = replace(choice, pair=pair)
    accept("pair", params.get("pair") in PAIRS)
    if accept("kind", params.get("kind") in catalogue.kinds):
        choice = replace(choice, kind=params["kind"])
    if accept("indicator", bool(catalogue.datasets_of(params.get("indicator", "")))):
        choice = replace(choice, indicator=params["indicator"])
    choice = settle(choice, catalogue)
    if accept("dataset", params.get("dataset") in catalogue.datasets_of(choice.indicator)):
        choice = settle(replace(choice, dataset=params["dataset"]), catalogue)
    if accept("weighting", params.get("weighting") in catalogue.weightings_of(choice.dataset, choice.indicator)):
        choice = replace(choice, weighting=params["weighting"])
    contexts = {c.id: c for c in catalogue.contexts_of(choice.dataset, choice.indicator)}
    if accept("track", params.get("track") in tracks(list(contexts.values()))):
        choice = settle(replace(choice, track=params["track"]), catalogue)
    if accept("context", params.get("context") in contexts):
        context = contexts[params["context"]]
        track = choice.track if context.is_reference else context.track
        choice = settle(replace(choice, context=context.id, track=track), catalogue)
    stops = {c.id for c in on_track(list(contexts.values()), choice.track)}
    if accept("against", params.get("against") in stops):
        choice = replace(choice, against=params["against"])
    caisse = params.get("caisse", "")
    if accept("caisse", caisse in catalogue.caisses and choice.kind in catalogue.filtered_kinds):
        choice = replace(choice, caisse=caisse)
    return replace(choice, territory=params.get("territory"), other=params.get("other")), rejected


def to_params(choice: Choice) -> dict[str, str]:
    """The address of a choice: every part of it, so that a link says the same after a default changes."""
    return {name: value for name, value in vars(choice).items() if value is not None}
