"""Small drawings as SVG text: bars with their interval, a distribution, a line with its band, stripes. Pure.

Light enough to come with the page, and drawn alike in the PDF. Every text is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.maps import Colour, Theme

INK: Final = "currentColor"
FAINT: Final = "rgba(128,128,128,.35)"
INKS: Final[Mapping[Theme, str]] = {"light": "#23262b", "dark": "#eceff3"}
FONT: Final = "system-ui, Segoe UI, Roboto, Helvetica Neue, Arial, DejaVu Sans, sans-serif"


def _css(colour: Colour) -> str:
    return "rgb({},{},{})".format(*colour)


@dataclass(frozen=True)
class Drawing:
    """An SVG and the words that stand for it. Its ink is ``currentColor``: who shows it gives the colour."""

    width: int
    height: int
    label: str
    body: str

    def svg(self, ink: str) -> str:
        """The SVG in that ink."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
            f'height="{self.height}" color="{ink}" font-family="{FONT}" font-size="12" fill="{INK}">{self.body}</svg>'
        )

    def html(self, theme: Theme) -> str:
        """An image for the page, with its words for those who do not see it."""
        coded = base64.b64encode(self.svg(INKS[theme]).encode()).decode()
        return (
            f'<img class="chart" src="data:image/svg+xml;base64,{coded}" width="{self.width}" height="{self.height}" '
            f'alt="{escape(self.label, quote=True)}">'
        )


def _svg(width: int, height: int, label: str, body: Sequence[str]) -> Drawing:
    return Drawing(width, height, label, "".join(body))


@dataclass(frozen=True)
class Bar:
    """One line of ``bars``: its name, median, bounds (equal to the median for a single run) and figure in words."""

    name: str
    value: float
    low: float
    high: float
    said: str
    colour: Colour


def bars(rows: Sequence[Bar], label: str, width: int = 420) -> Drawing:
    """Horizontal bars from zero (from the lowest bound for values far from it), with the interval as a line."""
    lows = [min(row.low, row.value, 0.0) for row in rows]
    highs = [max(row.high, row.value, 0.0) for row in rows]
    least, most = min(lows), max(highs)
    span = (most - least) or 1.0
    body: list[str] = []

    def x(value: float) -> float:
        return round((value - least) / span * (width - 8) + 4, 1)

    for place, row in enumerate(rows):
        top = place * 44
        body.append(f'<text x="2" y="{top + 13}">{escape(row.name)}</text>')
        body.append(
            f'<text x="{width - 2}" y="{top + 13}" text-anchor="end" font-weight="600">{escape(row.said)}</text>'
        )
        left, right = sorted((x(0.0), x(row.value)))
        body.append(
            f'<rect x="{left}" y="{top + 19}" width="{max(right - left, 1.5)}" height="12" rx="1.5" '
            f'fill="{_css(row.colour)}" stroke="{FAINT}"/>'
        )
        if row.high > row.low:
            low, high = x(row.low), x(row.high)
            body.append(
                f'<path d="M{low} {top + 25}H{high}M{low} {top + 21}v8M{high} {top + 21}v8" '
                f'stroke="{INK}" fill="none"/>'
            )
    return _svg(width, len(rows) * 44 - 8, label, body)


def distribution(
    values: NDArray[np.float64],
    breaks: Sequence[float],
    colours: Sequence[Colour],
    chosen: float | None,
    ends: tuple[str, str],
    label: str,
    width: int = 420,
) -> Drawing:
    """How many territories have which value, coloured by class, with the chosen territory marked."""
    height, bins = 74, 48
    least, most = float(values.min()), float(values.max())
    if most <= least:
        most = least + 1.0
    counts, edges = np.histogram(values, bins=bins, range=(least, most))
    wide = (width - 8) / bins
    places = np.searchsorted(np.asarray(breaks), (edges[:-1] + edges[1:]) / 2, side="right")
    body = []
    for at, (count, place) in enumerate(zip(counts, places, strict=True)):
        high = round(float(count) / float(counts.max()) * (height - 18), 1)
        if count:
            body.append(
                f'<rect x="{4 + at * wide:.1f}" y="{height - high}" width="{wide - 0.8:.1f}" height="{max(high, 1)}" '
                f'fill="{_css(colours[int(place)])}" stroke="{FAINT}" stroke-width=".5"/>'
            )
    body.append(f'<path d="M4 {height}H{width - 4}" stroke="{FAINT}"/>')
    if chosen is not None:
        x = round(4 + (chosen - least) / (most - least) * (width - 8), 1)
        body.append(f'<path d="M{x} 10V{height}" stroke="{INK}" stroke-width="1.6"/>')
        body.append(f'<path d="M{x - 5} 3h10l-5 8z"/>')
    body.append(f'<text x="4" y="{height + 15}" font-size="11">{escape(ends[0])}</text>')
    body.append(f'<text x="{width - 4}" y="{height + 15}" font-size="11" text-anchor="end">{escape(ends[1])}</text>')
    return _svg(width, height + 20, label, body)


def band(
    medians: Sequence[float | None], lows: Sequence[float | None], highs: Sequence[float | None], label: str,
    colour: Colour, width: int = 132, height: int = 34,
) -> Drawing:  # fmt: skip
    """The small line of an indicator over contexts, with its band. None leaves a gap at its place."""
    known = [
        (place, m, low if low is not None else m, high if high is not None else m)
        for place, (m, low, high) in enumerate(zip(medians, lows, highs, strict=True))
        if m is not None
    ]
    if not known:
        return _svg(width, height, label, [])
    least, most = min(low for *_, low, _ in known), max(high for *_, high in known)
    span = (most - least) or 1.0
    last = max(len(medians) - 1, 1)

    def at(place: int, value: float) -> str:
        return f"{6 + place / last * (width - 12):.1f} {height - 5 - (value - least) / span * (height - 10):.1f}"

    area = " ".join([at(p, high) for p, _, _, high in known] + [at(p, low) for p, _, low, _ in reversed(known)])
    line = " ".join(at(p, m) for p, m, _, _ in known)
    dots = "".join(
        '<circle cx="{}" cy="{}" r="2.4"/>'.format(*at(p, m).split()) for p, m, _, _ in (known[0], known[-1])
    )
    body = [
        f'<polygon points="{area}" fill="{_css(colour)}" opacity=".55"/>',
        f'<polyline points="{line}" fill="none" stroke="{INK}" stroke-width="1.6"/>',
        dots,
    ]
    return _svg(width, height, label, body)


def stripes(
    groups: Sequence[tuple[str, Sequence[float]]], breaks: Sequence[float], colours: Sequence[Colour], label: str,
    width: int = 860,
) -> Drawing:  # fmt: skip
    """One stripe per simulation, from the lowest to the highest, grouped by context, in the colours of the map."""
    height, gap = 64, 10
    total = sum(len(values) for _, values in groups) or 1
    wide = (width - gap * (len(groups) - 1)) / total
    body: list[str] = []
    x = 0.0
    for name, values in groups:
        for value in sorted(values):
            colour = colours[int(np.searchsorted(np.asarray(breaks), value, side="right"))]
            body.append(f'<rect x="{x:.1f}" y="0" width="{wide + 0.3:.2f}" height="{height}" fill="{_css(colour)}"/>')
            x += wide
        left = x - wide * len(values)
        body.append(f'<text x="{left:.1f}" y="{height + 16}">{escape(name)}</text>')
        x += gap
    return _svg(width, height + 22, label, body)


def ticks(
    values: NDArray[np.float64], chosen: float, ends: tuple[str, str], label: str, colour: Colour, width: int = 420
) -> Drawing:
    """Each territory as a tick on one line, the chosen one marked."""
    least, most = min(float(values.min()), chosen), max(float(values.max()), chosen)
    span = (most - least) or 1.0

    def x(value: float) -> str:
        return f"{6 + (value - least) / span * (width - 12):.1f}"

    marks = "".join(f"M{x(float(value))} 14v18" for value in values)
    at = x(chosen)
    body = [
        f'<path d="M6 23H{width - 6}" stroke="{FAINT}"/>',
        f'<path d="{marks}" stroke="{_css(colour)}" stroke-width="1.4" opacity=".75"/>',
        f'<path d="M{at} 8v28" stroke="{INK}" stroke-width="2.4"/>',
        f'<text x="4" y="50" font-size="11">{escape(ends[0])}</text>',
        f'<text x="{width - 4}" y="50" font-size="11" text-anchor="end">{escape(ends[1])}</text>',
    ]
    return _svg(width, 54, label, body)
