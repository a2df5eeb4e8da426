"""The address and the choice: there and back, and what does not exist."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import state
from app.data import Release
from app.state import Rejected


def test_the_first_view_is_by_warming_level(release: Release) -> None:
    choice = state.default(release.catalogue)
    assert (choice.lang, choice.kind, choice.caisse) == ("fr", "departement", None)
    assert (choice.indicator, choice.dataset, choice.context, choice.measure) == ("tx35", "tracc", "rwl40", "level")


def test_an_address_says_the_same_view_again(release: Release) -> None:
    start = state.default(release.catalogue)
    for choice in (
        replace(start, lang="en", kind="commune", caisse="caisse:est", measure="change", context="rwl20"),
        replace(start, dataset="drias_2020", track="rcp85", context="rcp85_h1"),
        replace(start, dataset="drias_2020", track="rcp85", context="ref"),
    ):
        assert state.from_params(state.to_params(choice), release.catalogue) == (choice, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lang", "de"),
        ("kind", "canton"),
        ("caisse", "caisse:nulle-part"),
        ("indicator", "tx99"),
        ("dataset", "autre"),
        ("track", "rcp26"),
        ("context", "rwl99"),
        ("context", "rcp85_h1"),  # of another dataset
        ("measure", "class"),
    ],
)
def test_a_wrong_value_falls_back_and_is_said(release: Release, name: str, value: str) -> None:
    choice, rejected = state.from_params({name: value}, release.catalogue)
    assert choice == state.default(release.catalogue)
    assert rejected == [Rejected(name, value)]


def test_a_caisse_means_nothing_for_regions_or_the_country(release: Release) -> None:
    choice, rejected = state.from_params({"kind": "country", "caisse": "caisse:est"}, release.catalogue)
    assert choice.caisse is None
    assert rejected == [Rejected("caisse", "caisse:est")]


def test_warming_levels_and_scenarios_never_share_a_slider(release: Release) -> None:
    contexts = list(release.catalogue.contexts.values())
    assert state.tracks(contexts) == ["warming_level", "rcp45", "rcp85"]
    for track in state.tracks(contexts):
        axes = {c.axis for c in state.on_track(contexts, track)}
        assert len(axes - {"reference"}) == 1


def test_another_indicator_keeps_what_it_can(release: Release) -> None:
    start = replace(state.default(release.catalogue), dataset="drias_2020", track="rcp85", context="rcp85_h1")
    moved = state.settle(replace(start, indicator="rr_jja"), release.catalogue)
    assert (moved.dataset, moved.track, moved.context) == ("tracc", "warming_level", "rwl40")
    kept = state.settle(replace(start, track="rcp45"), release.catalogue)
    assert (kept.dataset, kept.context) == ("drias_2020", "rcp45_h1")


@given(
    params=st.dictionaries(
        st.sampled_from(["lang", "kind", "caisse", "indicator", "dataset", "track", "context", "measure", "autre"]),
        st.one_of(
            st.text("aé= <0", max_size=8),
            st.sampled_from(["fr", "en", "commune", "country", "caisse:est", "tx35", "rr_jja", "tracc", "drias_2020",
                             "warming_level", "rcp45", "ref", "rwl20", "rcp85_h1", "level", "change"]),
        ),
    )
)  # fmt: skip
def test_any_address_gives_a_choice_that_exists(release: Release, params: dict[str, str]) -> None:
    choice, rejected = state.from_params(params, release.catalogue)
    assert (choice.dataset, choice.indicator, choice.context, choice.weighting) in release.catalogue.offered
    assert state.settle(choice, release.catalogue) == choice
    assert {one.name for one in rejected} <= params.keys() - {"autre"}
    assert state.from_params(state.to_params(choice), release.catalogue) == (choice, [])
