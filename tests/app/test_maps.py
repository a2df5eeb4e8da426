"""Classes, colours, legend: objects, without Streamlit."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from app import atlas, maps, ranking
from app.data import Indicator, Release
from app.i18n import words
from tests.app.conftest import table

FR = words("fr")


def lightness(colour: maps.Colour) -> float:
    red, green, blue = (channel / 255 for channel in colour)
    return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2


@pytest.mark.parametrize("name", sorted(maps.RAMPS))
@pytest.mark.parametrize("classes", [5, 7, 8])
def test_a_ramp_goes_one_way_in_lightness_so_it_holds_in_grey(name: str, classes: int) -> None:
    steps = [lightness(colour) for colour in maps.spread(maps.RAMPS[name], classes)]
    rising = [b > a for a, b in pairwise(steps)]
    assert all(rising) or not any(rising)


def test_a_bound_belongs_to_the_class_above(tx35: Indicator) -> None:
    scale = maps.scale(tx35, "level")  # 1;2;5;10;20;30
    assert [scale.place(value) for value in (0, 0.99, 1, 29.9, 30, 80)] == [0, 0, 1, 5, 6, 6]
    assert len(scale.colours) == 7


def test_changes_are_symmetric_around_a_neutral_class(tx35: Indicator) -> None:
    scale = maps.scale(tx35, "change")
    assert scale.breaks == (-25, -15, -10, -5, -2, -1, 1, 2, 5, 10, 15, 25)
    assert scale.colours[scale.place(0.0)] == maps.NEUTRAL
    assert len(set(scale.colours)) == 13


@pytest.mark.parametrize(
    ("ramp", "unit", "hazard", "bound_lo", "warm"),
    [
        ("heat", "d/yr", "heat", 0, True),
        ("drought", "d/yr", "drought", 0, True),
        ("rain", "mm", "rain", 0, False),
        ("snow", "d/yr", "cold", 0, False),  # more frost days are cooler
        ("vine", "DOY", "frost", -30, False),  # a later last frost is cooler
        ("vine", "DOY", "frost", 182, True),  # a later first frost is warmer
        ("vine", "DOY", "heat", 10, False),  # a later start of growth is cooler
        ("vine", "°C·d", "heat", 100, True),
    ],
)
def test_blue_is_cooler_or_wetter(
    tx35: Indicator, ramp: str, unit: str, hazard: str, bound_lo: float, warm: bool
) -> None:
    indicator = replace(tx35, ramp=ramp, unit=unit, hazard=hazard, bound_lo=bound_lo)
    red, _, blue = maps.scale(indicator, "change").colours[-1]
    assert (red > blue) == warm


def test_a_legend_escapes_every_text() -> None:
    row = maps.LegendRow((0, 0, 0), "<b>", "1")
    assert "&lt;b&gt;" in maps.legend_html("<i>", [row], "n", "light")
    assert "<i>" not in maps.legend_html("<i>", [row], "n", "light")


def test_counts_and_their_legend(release: Release, rr_jja: Indicator) -> None:
    values = table(release, "departement", "rr_jja")
    counts, missing, divergent = atlas.counted(values, "change", maps.scale(rr_jja, "change"))
    # 01: -50 mm; 02: +5, 9 runs of 17; 03: 0, no direction; 971: outside the grid. Bounds 10;20;30;50.
    assert counts == [0, 1, 0, 0, 2, 0, 0, 0, 0]
    assert (divergent, missing) == (1, {"outside_grid": 1})
    rows = ranking.legend(rr_jja, "change", counts, missing, divergent, "light", FR)
    assert [(row.text, row.count, row.pattern) for row in rows] == [
        ("−10 à +10", "2", ""),
        ("−20 à −10", "0", ""),
        ("−30 à −20", "0", ""),
        ("−50 à −30", "1", ""),
        ("les simulations divergent sur le sens de l'évolution", "1", "stripes"),
        ("hors grille (les données couvrent la métropole)", "1", "dots"),
    ]


def test_legend_words(tx35: Indicator, last_frost: Indicator) -> None:
    assert ranking.class_texts(tx35, "level", FR)[:2] == ["moins de 1", "1 à 2"]
    assert ranking.class_texts(tx35, "level", FR)[-1] == "30 et plus"
    assert ranking.class_texts(last_frost, "level", FR) == [
        "avant le 30 janvier",
        "du 30 janvier au 1er mars",
        "du 1er mars au 31 mars",
        "à partir du 31 mars",
    ]
    assert ranking.legend_title(tx35, "level", FR) == "Médiane, jours/an"
