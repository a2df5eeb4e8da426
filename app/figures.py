"""Plotly figures. Pure: never calls Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from app.data import Indicator
from app.formats import bare, is_date, unit_form
from app.i18n import Words
from app.maps import Theme

ACCENT: Mapping[Theme, str] = {"light": "#1f5f8b", "dark": "#7db8e0"}
INK: Mapping[Theme, str] = {"light": "#23262b", "dark": "#eceff3"}
ROW_HEIGHT = 52


def runs_strip(
    groups: Sequence[tuple[str, Sequence[float]]], indicator: Indicator, words: Words, theme: Theme
) -> go.Figure:
    """One dot per simulation, one line per context, the median as a bar. Contexts go down the page in their order."""
    figure = go.Figure()
    unit = unit_form(indicator.unit, "level", words)
    for place, (_, values) in enumerate(groups):
        ordered = sorted(values)
        middle = len(ordered) // 2
        median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
        texts = [f"{bare(v, indicator.unit, indicator.decimals, 'level', words)} {unit}".strip() for v in ordered]
        figure.add_scatter(
            x=ordered,
            y=[place] * len(ordered),
            mode="markers",
            marker={"size": 11, "color": ACCENT[theme], "opacity": 0.55, "line": {"width": 0}},
            text=texts,
            hovertemplate="%{text}<extra></extra>",
            showlegend=False,
        )
        figure.add_scatter(
            x=[median, median],
            y=[place - 0.28, place + 0.28],
            mode="lines",
            line={"color": INK[theme], "width": 2.5},
            hoverinfo="skip",
            showlegend=False,
        )
    figure.update_layout(
        height=ROW_HEIGHT * len(groups) + 60,
        margin={"l": 8, "r": 8, "t": 8, "b": 36},
        font={"size": 13},
        yaxis={
            "tickvals": list(range(len(groups))),
            "ticktext": [name for name, _ in groups],
            "autorange": "reversed",
            "zeroline": False,
            "showgrid": False,
        },
        xaxis={"title": unit, "zeroline": False, **_date_ticks(groups, indicator, words)},
    )
    return figure


def _date_ticks(groups: Sequence[tuple[str, Sequence[float]]], indicator: Indicator, words: Words) -> dict[str, object]:
    """Dates in place of days of the year."""
    if not is_date(indicator.unit, "level"):
        return {"tickformat": ",.1~f", "separatethousands": True}
    values = [value for _, each in groups for value in each]
    if not values:
        return {}
    least, most = min(values), max(values)
    ticks = [least + (most - least) * step / 4 for step in range(5)]
    return {
        "tickvals": ticks,
        "ticktext": [bare(value, indicator.unit, indicator.decimals, "level", words) for value in ticks],
    }
