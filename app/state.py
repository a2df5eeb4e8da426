"""What the reader has chosen, in the address bar and back. Pure: no Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, get_args

from app.data import Catalogue, Context
from app.formats import Measure
from app.i18n import LANGUAGES, Lang

MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
FIRST_KIND: Final = "departement"
FIRST_INDICATOR: Final = "tx35"
FIRST_CONTEXT: Final = "rwl40"


@dataclass(frozen=True)
class Choice:
    """The state of the page. ``caisse`` None is all of France; ``track`` says which slider the context stands on."""

    lang: Lang
    kind: str
    caisse: str | None
    indicator: str
    dataset: str
    track: str
    context: str
    measure: Measure


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
    """The nearest choice that exists: an indicator's dataset, its tracks, its contexts.

    No caisse where it means nothing.
    """
    datasets = catalogue.datasets_of(choice.indicator)
    dataset = choice.dataset if choice.dataset in datasets else datasets[0]
    contexts = catalogue.contexts_of(dataset, choice.indicator)
    offered = tracks(contexts)
    track = choice.track if choice.track in offered else offered[0]
    stops = on_track(contexts, track)
    context = choice.context if choice.context in {c.id for c in stops} else stops[-1].id
    caisse = choice.caisse if choice.kind in catalogue.filtered_kinds else None
    return replace(choice, dataset=dataset, track=track, context=context, caisse=caisse)


def default(catalogue: Catalogue) -> Choice:
    """The first view: very hot days by département at +4 °C, or what comes nearest."""
    indicators = [i for theme in catalogue.themes() for i in catalogue.of_theme(theme)]
    blank = Choice(
        lang=LANGUAGES[0],
        kind=FIRST_KIND if FIRST_KIND in catalogue.kinds else catalogue.kinds[0],
        caisse=None,
        indicator=FIRST_INDICATOR if FIRST_INDICATOR in indicators else indicators[0],
        dataset="",
        track="",
        context=FIRST_CONTEXT,
        measure=MEASURES[0],
    )
    return settle(blank, catalogue)


def from_params(params: Mapping[str, str], catalogue: Catalogue) -> tuple[Choice, list[Rejected]]:
    """The choice that an address describes, and what in it does not exist. Names that are not ours are left alone."""
    choice = default(catalogue)
    rejected: list[Rejected] = []

    def accept(name: str, valid: bool) -> bool:
        if name not in params:
            return False
        if not valid:
            rejected.append(Rejected(name, params[name]))
        return valid

    for lang in LANGUAGES:
        if params.get("lang") == lang:
            choice = replace(choice, lang=lang)
    accept("lang", params.get("lang") in LANGUAGES)
    for measure in MEASURES:
        if params.get("measure") == measure:
            choice = replace(choice, measure=measure)
    accept("measure", params.get("measure") in MEASURES)
    if accept("kind", params.get("kind") in catalogue.kinds):
        choice = replace(choice, kind=params["kind"])
    if accept("indicator", bool(catalogue.datasets_of(params.get("indicator", "")))):
        choice = replace(choice, indicator=params["indicator"])
    choice = settle(choice, catalogue)
    if accept("dataset", params.get("dataset") in catalogue.datasets_of(choice.indicator)):
        choice = settle(replace(choice, dataset=params["dataset"]), catalogue)
    contexts = {c.id: c for c in catalogue.contexts_of(choice.dataset, choice.indicator)}
    if accept("track", params.get("track") in tracks(list(contexts.values()))):
        choice = settle(replace(choice, track=params["track"]), catalogue)
    if accept("context", params.get("context") in contexts):
        context = contexts[params["context"]]
        track = choice.track if context.is_reference else context.track
        choice = replace(choice, context=context.id, track=track)
    caisse = params.get("caisse", "")
    if accept("caisse", caisse in catalogue.caisses and choice.kind in catalogue.filtered_kinds):
        choice = replace(choice, caisse=caisse)
    return choice, rejected


def to_params(choice: Choice) -> dict[str, str]:
    """The address of a choice: every part of it, so that a link says the same after a default changes."""
    return {name: value for name, value in vars(choice).items() if value is not None}
