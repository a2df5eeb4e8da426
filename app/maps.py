"""The map as objects: classes, colours, legend. Pure: never calls Streamlit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final, Literal

from app.data import Indicator
from app.formats import Measure, is_date

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
    "score_better": ("#54278f", "#756bb1", "#9e9ac8", "#cbc9e2", "#f2f0f7"),  # dark is worse there too
}
# The two arms of the diverging scale, from beside zero outwards (ColorBrewer RdBu).
COOL_ARM: Final = ("#d1e5f0", "#92c5de", "#4393c3", "#2166ac", "#053061")
WARM_ARM: Final = ("#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f")
NEUTRAL: Final[Colour] = (242, 242, 240)
NO_VALUE: Final[Mapping[Theme, Colour]] = {"light": (206, 208, 211), "dark": (84, 87, 92)}
DOT: Final[Mapping[Theme, Colour]] = {"light": (150, 153, 158), "dark": (128, 132, 138)}  # on what has no value
HATCH: Final[Mapping[Theme, Colour]] = {"light": (120, 125, 130), "dark": (28, 30, 34)}  # stripes where runs diverge
# What else the map component draws with, as CSS colours.
PAINTS: Final[Mapping[Theme, Mapping[str, tuple[float, ...]]]] = {
    "light": {
        "ground": (236, 238, 240), "line": (90, 95, 100, 0.45), "border": (60, 65, 70, 0.65),
        "hover": (25, 28, 32), "halo": (255, 255, 255), "chosen": (20, 60, 160),
    },
    "dark": {
        "ground": (38, 41, 47), "line": (20, 22, 26, 0.5), "border": (10, 12, 16, 0.8),
        "hover": (255, 255, 255), "halo": (15, 18, 22), "chosen": (120, 200, 255),
    },
}  # fmt: skip
# More is cooler or wetter for these ramps; for the others more is hotter or drier.
COOL_RAMPS: Final = frozenset({"rain", "snow"})
MIDSUMMER_DAY: Final = 182

AGREEMENT_MIN: Final = 0.8  # AR6 simple approach: four runs in five of the same sign
HEIGHT: Final = 640  # pixels, on a wide page


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
    if is_date(indicator.unit, "level"):
        return indicator.hazard == "frost" and indicator.bound_lo >= MIDSUMMER_DAY
    return indicator.ramp not in COOL_RAMPS


def paints(theme: Theme) -> dict[str, Any]:
    """The colours of the map's own parts, as the component reads them."""
    return {**PAINTS[theme], "absent": NO_VALUE[theme], "dot": DOT[theme], "hatch": HATCH[theme]}


def class_colours(indicator: Indicator, count: int) -> tuple[Colour, ...]:
    """A colour per class of an indicator, from the first. The last class of every score is the most exposed."""
    return spread(RAMPS["score" if indicator.ramp == "score_better" else indicator.ramp], count)


def scale(indicator: Indicator, measure: Measure) -> Scale:
    """The fixed classes of an indicator, the same for every context and territory."""
    if measure == "level":
        return Scale(indicator.breaks, spread(RAMPS[indicator.ramp], len(indicator.breaks) + 1))
    bounds = indicator.change_breaks
    cool, warm = spread(COOL_ARM, len(bounds)), spread(WARM_ARM, len(bounds))
    below, above = (cool, warm) if more_is_warm(indicator) else (warm, cool)
    breaks = tuple(-bound for bound in reversed(bounds)) + bounds
    return Scale(breaks, (*reversed(below), NEUTRAL, *above))


# ---------------------------------------------------------------- legend


@dataclass(frozen=True)
class LegendRow:
    """One line: a swatch, its words, how many territories. ``pattern``: stripes (runs diverge), dots (no value)."""

    colour: Colour
    text: str
    count: str
    pattern: Literal["", "stripes", "dots"] = ""


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
        plain = "rgb({},{},{})".format(*row.colour)
        stripes = f"repeating-linear-gradient(135deg, {plain} 0 5px, rgb{HATCH[theme]} 5px 8px)"
        dots = f"radial-gradient(rgb{DOT[theme]} 1px, transparent 1.4px) 0 0 / 5px 5px, {plain}"
        paint = {"": plain, "stripes": stripes, "dots": dots}[row.pattern]
        lines.append(
            f'<tr><td><span class="swatch" style="background:{paint}"></span></td>'
            f'<td>{escape(row.text)}</td><td class="count">{escape(row.count)}</td></tr>'
        )
    head = f'<caption>{escape(title)}</caption><thead><tr><th colspan="2"></th><th>{escape(label)}</th></tr></thead>'
    return f'<table class="legend">{head}<tbody>{"".join(lines)}</tbody></table>'
