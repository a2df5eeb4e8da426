"""The map as objects: classes, colours, legend, GeoJSON, deck. Pure: never calls Streamlit, never asks the network.

Geometry is prepared once (``prepare``) as ready GeoJSON text; a change of indicator only joins values to it.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import asinh, log2, pi, radians, tan
from typing import Final, Literal

import pydeck
import shapely

from app.data import Indicator
from app.formats import DATE_UNIT, Measure

Colour = tuple[int, int, int]
Theme = Literal["light", "dark"]

# Anchors of the sequential ramps, from the lowest class to the highest. Lightness goes one way only, so they hold in
# grey print and with a colour-vision deficiency. Source of heat, rain, drought, fire: ColorBrewer (Brewer 2003).
RAMPS: Final[Mapping[str, tuple[str, ...]]] = {
    "heat": ("#ffffcc", "#ffeda0", "#fed976", "#feb24c", "#fd8d3c", "#fc4e2a", "#e31a1c", "#bd0026", "#800026"),
    "fire": ("#fff7ec", "#fee8c8", "#fdd49e", "#fdbb84", "#fc8d59", "#ef6548", "#d7301f", "#b30000", "#7f0000"),
    "rain": ("#e6f1fa", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b"),
    "drought": ("#fff7dc", "#fee9a9", "#fec44f", "#fe9929", "#ec7014", "#cc4c02", "#993404", "#662506"),
    "snow": ("#0b2a5b", "#1f4e8c", "#3f78b5", "#6fa3d0", "#a3c8e4", "#d3e5f3", "#ffffff"),
    "vine": ("#eaf5c9", "#c0e09a", "#87c08c", "#5f9f9f", "#5f78b0", "#6a4fa0", "#4a2480", "#2d0a52"),
    "score": ("#f2f0f7", "#cbc9e2", "#9e9ac8", "#756bb1", "#54278f"),
}
# The two arms of the diverging scale, from beside zero outwards (ColorBrewer RdBu).
COOL_ARM: Final = ("#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061")
WARM_ARM: Final = ("#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f")
NEUTRAL: Final[Colour] = (242, 242, 240)
NO_VALUE: Final[Mapping[Theme, Colour]] = {"light": (200, 202, 205), "dark": (88, 91, 96)}
GROUND: Final[Mapping[Theme, Colour]] = {"light": (236, 238, 240), "dark": (38, 41, 47)}
HATCH: Final[Mapping[Theme, Colour]] = {"light": (120, 125, 130), "dark": (28, 30, 34)}  # seen between stripes
BORDER: Final[Mapping[Theme, tuple[int, int, int, int]]] = {"light": (70, 75, 80, 150), "dark": (20, 22, 26, 190)}
TOOLTIP: Final[Mapping[Theme, Mapping[str, str]]] = {
    "light": {"backgroundColor": "#ffffff", "color": "#1c1f23", "border": "1px solid #b9bec5"},
    "dark": {"backgroundColor": "#1d2026", "color": "#f0f2f5", "border": "1px solid #565c66"},
}
# More is cooler or wetter for these ramps; for the others more is hotter or drier.
COOL_RAMPS: Final = frozenset({"rain", "snow"})
MIDSUMMER_DAY: Final = 182

AGREEMENT_MIN: Final = 0.8  # AR6 simple approach: four runs in five of the same sign
HATCH_PERIOD: Final = 10  # pixels across one stripe and its gap, of which 4 are gap
HATCH_PIXELS: Final = 20

# Outlines: degrees of simplification when all communes are drawn at once, and decimals kept (3: about 100 m).
MANY: Final = 5000
MANY_TOLERANCE: Final = 0.006
MANY_DECIMALS: Final = 3
FEW_DECIMALS: Final = 4

TILE: Final = 512  # pixels of the world at zoom 0 in deck.gl
MARGIN: Final = 0.94
NARROW_SIZE: Final = (358, 400)  # width and height of the map, pixels
WIDE_SIZE: Final = (840, 640)
FARTHEST: Final = 3.0
NEAREST: Final = 9.5


# ---------------------------------------------------------------- classes and colours


@dataclass(frozen=True)
class Scale:
    """Class bounds and one colour per class: ``len(colours) == len(breaks) + 1``.

    A bound belongs to the class above.
    """

    breaks: tuple[float, ...]
    colours: tuple[Colour, ...]

    def place(self, value: float) -> int:
        """The class of a value, from 0."""
        return bisect_right(self.breaks, value)


def _rgb(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def spread(anchors: Sequence[str], count: int) -> tuple[Colour, ...]:
    """``count`` colours evenly placed along the anchors, ends included (linear in RGB)."""
    colours = []
    for step in range(count):
        position = step * (len(anchors) - 1) / max(count - 1, 1)
        low = min(int(position), len(anchors) - 2)
        share = position - low
        pairs = zip(_rgb(anchors[low]), _rgb(anchors[low + 1]), strict=True)
        red, green, blue = (round(a + (b - a) * share) for a, b in pairs)
        colours.append((red, green, blue))
    return tuple(colours)


def more_is_warm(indicator: Indicator) -> bool:
    """Whether an increase means hotter or drier (red-brown), else cooler or wetter (blue).

    A date in the year comes later in a cool climate (growth, last frost), but for the first frost of autumn.
    """
    if indicator.unit == DATE_UNIT:
        return indicator.hazard == "frost" and indicator.bound_lo >= MIDSUMMER_DAY
    return indicator.ramp not in COOL_RAMPS


def scale(indicator: Indicator, measure: Measure) -> Scale:
    """The fixed classes of an indicator, the same for every context and territory."""
    if measure == "level":
        return Scale(indicator.breaks, spread(RAMPS[indicator.ramp], len(indicator.breaks) + 1))
    bounds = indicator.change_breaks
    cool, warm = spread(COOL_ARM, len(bounds)), spread(WARM_ARM, len(bounds))
    below, above = (cool, warm) if more_is_warm(indicator) else (warm, cool)
    breaks = tuple(-bound for bound in reversed(bounds)) + bounds
    return Scale(breaks, (*reversed(below), NEUTRAL, *above))


# ---------------------------------------------------------------- geometry


@dataclass(frozen=True)
class Geometry:
    """Outlines of one kind and caisse, ready to be joined to values. ``texts`` are GeoJSON geometries."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    bounds: tuple[float, float, float, float] | None  # west, south, east, north; None if nothing is drawn


def prepare(outlines: Sequence[tuple[str, bytes]]) -> Geometry:
    """GeoJSON text of each outline (WKB, WGS 84), rounded.

    Many outlines are also simplified, all together, so that borders stay shared.
    """
    if not outlines:
        return Geometry((), (), None)
    shapes = shapely.from_wkb([wkb for _, wkb in outlines])
    decimals = FEW_DECIMALS
    if len(shapes) > MANY:
        shapes = shapely.coverage_simplify(shapes, MANY_TOLERANCE)
        decimals = MANY_DECIMALS
    shapes = shapely.set_precision(shapes, 10.0**-decimals, mode="pointwise")
    west, south, east, north = (float(side) for side in shapely.total_bounds(shapes))
    texts = tuple(str(text) for text in shapely.to_geojson(shapes))
    return Geometry(tuple(name for name, _ in outlines), texts, (west, south, east, north))


@dataclass(frozen=True)
class Paint:
    """How one territory looks and what its hover says. ``hover`` may hold line ends; the browser escapes it."""

    name: str
    hover: str
    colour: Colour
    hatched: bool


def collection(geometry: Geometry, paints: Mapping[str, Paint]) -> bytes:
    """A GeoJSON FeatureCollection: properties n (name), t (hover), c (colour), h (``h`` hatched, ``s`` solid)."""
    features = []
    for territory, text in zip(geometry.ids, geometry.texts, strict=True):
        paint = paints[territory]
        red, green, blue = paint.colour
        features.append(
            f'{{"type":"Feature","geometry":{text},"properties":{{"n":{json.dumps(paint.name, ensure_ascii=False)},'
            f'"t":{json.dumps(paint.hover, ensure_ascii=False)},"c":[{red},{green},{blue}],'
            f'"h":"{"h" if paint.hatched else "s"}"}}}}'
        )
    return f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}'.encode()


def plain_collection(geometry: Geometry) -> bytes:
    """A GeoJSON FeatureCollection without properties: the ground under the values and the borders above."""
    features = [f'{{"type":"Feature","geometry":{text},"properties":{{}}}}' for text in geometry.texts]
    return f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}'.encode()


# ---------------------------------------------------------------- deck


def _mercator(latitude: float) -> float:
    return asinh(tan(radians(latitude))) / pi * 180


def view(bounds: tuple[float, float, float, float], size: tuple[int, int]) -> pydeck.ViewState:
    """The view that shows ``bounds`` (degrees) whole on a map of ``size`` (pixels)."""
    west, south, east, north = bounds
    wide = max(east - west, 0.01)
    high = max(_mercator(north) - _mercator(south), 0.01)
    pixels_per_degree = min(size[0] / wide, size[1] / high) * MARGIN
    zoom = log2(pixels_per_degree * 360 / TILE)
    return pydeck.ViewState(
        longitude=round((west + east) / 2, 4),
        latitude=round((south + north) / 2, 4),
        zoom=round(min(max(zoom, FARTHEST), NEAREST), 2),
        min_zoom=FARTHEST,
        max_zoom=NEAREST + 3,
    )


def _png(rows: Sequence[Sequence[int]]) -> str:
    """A white picture with the given opacities, as a ``data:`` address."""
    raw = b"".join(b"\0" + b"".join(bytes((255, 255, 255, alpha)) for alpha in row) for row in rows)

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 6, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def hatch_atlas() -> str:
    """Two tiles side by side: solid, and diagonal stripes with gaps through which the layer below shows.

    Each goes on for half a tile on every side, so that a blended edge shows no seam.
    """
    side = 2 * HATCH_PIXELS
    rows = [[255] * side + [0 if (x + y) % HATCH_PERIOD < 4 else 255 for x in range(side)] for y in range(side)]
    return _png(rows)


def _tile(place: int) -> dict[str, int | bool]:
    half = HATCH_PIXELS // 2
    return {
        "x": half + 2 * HATCH_PIXELS * place,
        "y": half,
        "width": HATCH_PIXELS,
        "height": HATCH_PIXELS,
        "mask": True,
    }


def deck(
    values_url: str,
    ground_url: str | None,
    bounds: tuple[float, float, float, float],
    count: int,
    theme: Theme,
    narrow: bool,
) -> pydeck.Deck:
    """The map: ground, what shows through hatching, values, borders of départements.

    ``map_provider=None`` keeps every outside tile away.
    """
    start = view(bounds, NARROW_SIZE if narrow else WIDE_SIZE)
    metres_per_pixel = 40_075_017 / TILE / 2**start.zoom * 0.69  # at 46.5° N
    layers = []
    if ground_url:
        layers.append(
            pydeck.Layer(
                "GeoJsonLayer",
                id="ground",
                data=ground_url,
                get_fill_color=list(GROUND[theme]),
                stroked=False,
                pickable=False,
            )
        )
    if through := values_url if count <= MANY else ground_url:
        layers.append(
            pydeck.Layer(
                "GeoJsonLayer",
                id="hatching",
                data=through,
                get_fill_color=list(HATCH[theme]),
                stroked=False,
                pickable=False,
            )
        )
    layers.append(
        pydeck.Layer(
            "GeoJsonLayer",
            id="values",
            data=values_url,
            get_fill_color="properties.c",
            stroked=count <= MANY,
            get_line_color=[90, 95, 100, 110],
            line_width_units="'pixels'",
            get_line_width=0.6,
            pickable=True,
            auto_highlight=True,
            highlight_color=[20, 20, 20, 90] if theme == "light" else [255, 255, 255, 110],
            extensions=[{"@@type": "FillStyleExtension", "pattern": True}],
            fill_pattern_atlas=f"'{hatch_atlas()}'",
            fill_pattern_mapping={"s": _tile(0), "h": _tile(1)},
            fill_pattern_mask=True,
            get_fill_pattern="properties.h",
            get_fill_pattern_scale=round(metres_per_pixel, 1),
        )
    )
    if ground_url:
        layers.append(
            pydeck.Layer(
                "GeoJsonLayer",
                id="borders",
                data=ground_url,
                filled=False,
                get_line_color=list(BORDER[theme]),
                line_width_units="'pixels'",
                get_line_width=0.8,
                pickable=False,
            )
        )
    style = {
        **TOOLTIP[theme],
        "fontFamily": "inherit",
        "fontSize": "13px",
        "lineHeight": "1.45",
        "padding": "8px 10px",
        "maxWidth": "min(360px, 80vw)",
        "whiteSpace": "pre-line",
        "borderRadius": "4px",
        "zIndex": "10",
    }
    return pydeck.Deck(
        layers=layers,
        initial_view_state=start,
        map_provider=None,
        tooltip={"html": "<b>{n}</b>\n{t}", "style": style},
    )


# ---------------------------------------------------------------- legend


@dataclass(frozen=True)
class LegendRow:
    """One line: a swatch, its words, how many territories. ``hatched`` draws stripes over the colour."""

    colour: Colour
    text: str
    count: str
    hatched: bool = False


def shown_classes(counts: Sequence[int], neutral: int | None) -> range:
    """The classes that a legend lists: all levels; of the changes, those between the lowest and highest that are used.

    ``neutral`` is the class around zero, always listed; None for levels.
    """
    if neutral is None:
        return range(len(counts))
    used = [place for place, count in enumerate(counts) if count] + [neutral]
    return range(min(used), max(used) + 1)


def legend_html(title: str, rows: Sequence[LegendRow], label: str, theme: Theme) -> str:
    """The legend as a small table. Every text is escaped."""
    lines = []
    for row in rows:
        red, green, blue = row.colour
        stripes = f"repeating-linear-gradient(135deg, rgb({red},{green},{blue}) 0 5px, rgb{HATCH[theme]} 5px 8px)"
        paint = stripes if row.hatched else f"rgb({red},{green},{blue})"
        lines.append(
            f'<tr><td><span class="swatch" style="background:{paint}"></span></td>'
            f'<td>{escape(row.text)}</td><td class="count">{escape(row.count)}</td></tr>'
        )
    head = f'<caption>{escape(title)}</caption><thead><tr><th colspan="2"></th><th>{escape(label)}</th></tr></thead>'
    return f'<table class="legend">{head}<tbody>{"".join(lines)}</tbody></table>'
