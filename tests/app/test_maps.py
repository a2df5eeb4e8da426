"""Classes, colours, legend, GeoJSON and deck: objects, without Streamlit."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from itertools import pairwise

import pytest
import shapely

from app import maps, ranking, session
from app.data import Indicator, Release
from app.i18n import words

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


def test_geometry_keeps_shared_borders_and_bounds(release: Release) -> None:
    shapes = maps.prepare(release.outlines("departement", None))
    assert shapes.ids == ("departement:01", "departement:02", "departement:03")  # overseas has no outline
    assert shapes.bounds == (2.0, 46.0, 5.0, 47.0)
    assert maps.prepare([]).bounds is None


def test_many_outlines_are_simplified_together_without_gaps() -> None:
    side = 72  # 5 184 squares
    cells = [
        (f"c{x}-{y}", bytes(shapely.to_wkb(shapely.box(x / 10, y / 10, x / 10 + 0.1, y / 10 + 0.1))))
        for x in range(side)
        for y in range(side)
    ]
    assert len(cells) > maps.MANY
    shapes = [shapely.from_geojson(text) for text in maps.prepare(cells).texts]
    assert shapely.coverage_is_valid(shapes)
    assert sum(shape.area for shape in shapes) == pytest.approx((side / 10) ** 2)


def test_a_name_with_markup_or_quotes_stays_text() -> None:
    shapes = maps.prepare([("a", bytes(shapely.to_wkb(shapely.box(0, 0, 1, 1))))])
    paint = maps.Paint('<script>"x"</script>', "une ligne\nune autre", (1, 2, 3), True)
    feature = json.loads(maps.collection(shapes, {"a": paint}))["features"][0]
    assert feature["properties"] == {"n": '<script>"x"</script>', "t": "une ligne\nune autre", "c": [1, 2, 3], "h": "h"}
    row = maps.LegendRow((0, 0, 0), "<b>", "1")
    assert "&lt;b&gt;" in maps.legend_html("<i>", [row], "n", "light")
    assert "<i>" not in maps.legend_html("<i>", [row], "n", "light")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_deck_names_no_outside_host(theme: maps.Theme) -> None:
    deck = maps.deck("/media/a.json", "/media/b.json", (2, 46, 5, 47), 3, theme, narrow=False)
    text = deck.to_json()
    assert not json.loads(text).get("mapProvider")
    assert "http" not in text
    assert [layer.id for layer in deck.layers] == ["ground", "hatching", "values", "borders"]
    assert [layer.id for layer in maps.deck("/a", None, (2, 46, 5, 47), 3, theme, narrow=False).layers] == [
        "hatching",
        "values",
    ]


@pytest.mark.parametrize("size", [maps.NARROW_SIZE, maps.WIDE_SIZE])
def test_the_view_holds_the_whole_of_france(size: tuple[int, int]) -> None:
    start = maps.view((-5.2, 41.3, 9.6, 51.1), size)
    width = 14.8 * maps.TILE * 2**start.zoom / 360
    assert size[0] * 0.5 < width <= size[0]


def test_the_hatch_is_a_small_picture_of_two_opacities() -> None:
    picture = base64.b64decode(maps.hatch_atlas().removeprefix("data:image/png;base64,"))
    start = picture.index(b"IDAT") + 4
    raw = zlib.decompress(picture[start : picture.index(b"IEND") - 8])
    assert set(raw[4::4][:10]) <= {0, 255}
    assert len(picture) < 2000


def test_counts_of_the_picture_and_its_legend(release: Release, rr_jja: Indicator) -> None:
    values = release.values("departement", None, "rr_jja", "tracc", "rwl40")
    shapes = maps.prepare(release.outlines("departement", None))
    picture = session.paint(shapes, values, rr_jja, "change", "fr", "light")
    # 01: -50 mm; 02: +5, 9 runs of 17; 03: 0, no direction; 971: outside the grid. Bounds 10;20;30;50.
    assert picture.counts == (0, 1, 0, 0, 2, 0, 0, 0, 0)
    assert (picture.divergent, picture.missing) == (1, {"outside_grid": 1})
    rows = ranking.legend(rr_jja, "change", picture.counts, picture.missing, picture.divergent, "light", FR)
    assert [(row.text, row.count, row.hatched) for row in rows] == [
        ("−10 à +10", "2", False),
        ("−20 à −10", "0", False),
        ("−30 à −20", "0", False),
        ("−50 à −30", "1", False),
        ("les simulations divergent sur le sens de l'évolution", "1", True),
        ("hors grille (les données couvrent la métropole)", "1", False),
    ]
    painted = {f["properties"]["n"]: f["properties"] for f in json.loads(picture.geojson)["features"]}
    assert painted["Aisne"]["h"] == "h" and painted["Ain"]["h"] == "s"


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
