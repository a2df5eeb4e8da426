"""What the hover says."""

from __future__ import annotations

from typing import Any

import pytest

from app import sentences
from app.data import Indicator, Release, Selection, joined
from app.i18n import words

FR, EN = words("fr"), words("en")


def row(release: Release, kind: str, indicator: str, code: str, context: str = "rwl40", dataset: str = "tracc") -> Any:
    figures = release.figures(kind, Selection(indicator, dataset, context))
    values = joined(release.places(kind), figures, None).to_dict("records")
    return next(one for one in values if one["code"] == code)


def plain(text: str) -> list[str]:
    return text.replace("\u00a0", " ").split("\n")


def test_level_with_interval_change_reference_and_agreement(release: Release, tx35: Indicator) -> None:
    assert plain(sentences.hover(row(release, "departement", "tx35", "02"), tx35, "level", FR)) == [
        "6 jours/an, entre 4 et 9 (17 simulations)",
        "évolution : +6 jours/an, entre +4 et +9",
        "référence 1976-2005 : < 1 jour/an",
        "16 simulations sur 17 en hausse",
    ]


def test_the_change_comes_first_where_it_is_mapped(release: Release, rr_jja: Indicator) -> None:
    lines = plain(sentences.hover(row(release, "departement", "rr_jja", "01"), rr_jja, "change", FR))
    assert lines[:2] == ["évolution : −50 mm, entre −52 et −47", "150 mm, entre 150 et 150 (17 simulations)"]
    assert "16 simulations sur 17 en baisse" in lines


def test_divergent_simulations_are_said(release: Release, rr_jja: Indicator) -> None:
    one = row(release, "departement", "rr_jja", "02")
    assert sentences.diverges(one)
    assert plain(sentences.hover(one, rr_jja, "level", FR))[-2:] == [
        "9 simulations sur 17 en hausse",
        "les simulations divergent",
    ]


def test_no_direction_where_the_median_change_is_zero(release: Release, rr_jja: Indicator) -> None:
    one = row(release, "departement", "rr_jja", "03")
    assert not sentences.diverges(one)
    assert sentences.agreement(one, rr_jja, FR) == ""


def test_the_reference_has_no_change(release: Release, tx35: Indicator) -> None:
    lines = plain(sentences.hover(row(release, "departement", "tx35", "01", "ref"), tx35, "level", FR))
    assert lines == ["1 jour/an, entre 0 et 4 (17 simulations)"]


def test_a_single_run_has_no_interval_and_no_agreement(release: Release, tx35: Indicator) -> None:
    one = row(release, "departement", "tx35", "01", "rcp45_h1", "drias_2020")
    assert plain(sentences.hover(one, tx35, "level", FR)) == [
        "3 jours/an (1 simulation)",
        "évolution : +2 jours/an",
        "référence 1976-2005 : 1 jour/an",
    ]


def test_dates(release: Release, last_frost: Indicator) -> None:
    lines = plain(sentences.hover(row(release, "departement", "last_frost_doy", "01"), last_frost, "level", FR))
    assert lines[0] == "31 mars, entre le 29 mars et le 3 avril (17 simulations)"
    assert lines[-1] == "17 simulations sur 17 plus tôt"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("01001", ["plus petit qu'une maille des données"]),  # one cell
        ("01002", ["contour approché", "plus petit qu'une maille des données"]),
        ("03002", ["non étudié (contour inconnu)"]),
    ],
)
def test_limits_are_said(release: Release, tx35: Indicator, code: str, said: list[str]) -> None:
    lines = plain(sentences.hover(row(release, "commune", "tx35", code), tx35, "level", FR))
    assert lines[-len(said) :] == said


def test_outside_the_grid_is_a_reason_and_never_a_zero(release: Release, tx35: Indicator) -> None:
    text = sentences.hover(row(release, "departement", "tx35", "971"), tx35, "level", EN)
    assert text == "outside the grid (data cover metropolitan France)"


def test_a_name_that_comes_twice_carries_its_departement(release: Release) -> None:
    assert sentences.named(row(release, "commune", "tx35", "01001")) == "Bourg (01)"
    assert sentences.named(row(release, "departement", "tx35", "01")) == "Ain"
