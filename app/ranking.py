"""The panel beside the map as objects: legend rows and the ranked table. Pure: never calls Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any, Final, Literal, get_args

import pandas as pd
from pandas.io.formats.style import Styler

from app import maps
from app.data import Indicator
from app.formats import Measure, bare, day_of_year, is_date, number, unit_form
from app.i18n import Words
from app.maps import LegendRow
from app.sentences import columns, interval, named, value

Order = Literal["highest", "lowest"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
ROWS_SHOWN: Final = 500
TABLE_HEIGHT: Final = 320
NAME_WIDTH: Final = 140
NUMBER_WIDTHS: Final = {"level": 70, "change": 78, "low": 54, "high": 54, "runs": 82}


# ---------------------------------------------------------------- legend


def _bound(value: float, indicator: Indicator, measure: Measure, words: Words) -> str:
    """A class bound as the catalogue gives it: no rounding, no zeros added."""
    if is_date(indicator.unit, measure):
        return day_of_year(value, words, indicator.unit)
    decimals = len(f"{value:g}".partition(".")[2])
    return number(value, decimals, words, signed=measure == "change")


def class_texts(indicator: Indicator, measure: Measure, words: Words) -> list[str]:
    """The words of each class: « moins de 1 », « 1 à 2 », …, « 30 et plus »."""
    breaks = maps.scale(indicator, measure).breaks
    bounds = [_bound(value, indicator, measure, words) for value in breaks]
    if is_date(indicator.unit, measure):
        keys = ("before", "from_to", "from")
    elif measure == "change":
        keys = ("below_change", "between", "above_change")
    else:
        keys = ("below", "between", "above")
    below, between, above = (f"legend.{key}" for key in keys)
    middle = [words(between, low=low, high=high) for low, high in pairwise(bounds)]
    return [words(below, high=bounds[0]), *middle, words(above, low=bounds[-1])]


def legend_title(indicator: Indicator, measure: Measure, words: Words) -> str:
    """« Médiane, jours/an »."""
    if is_date(indicator.unit, measure):
        return words("legend.level_date")
    return words(f"legend.{measure}", unit=unit_form(indicator.unit, measure, words))


def legend(
    indicator: Indicator,
    measure: Measure,
    counts: Sequence[int],
    missing: Mapping[str, int],
    divergent: int,
    theme: maps.Theme,
    words: Words,
) -> list[LegendRow]:
    """Highest class first, then the divergent, then those without value by reason."""
    scale = maps.scale(indicator, measure)
    texts = class_texts(indicator, measure, words)
    neutral = len(scale.breaks) // 2 if measure == "change" else None
    shown = reversed(maps.shown_classes(counts, neutral))
    rows = [LegendRow(scale.colours[place], texts[place], number(counts[place], 0, words)) for place in shown]
    if divergent:
        rows.append(LegendRow(maps.NEUTRAL, words("legend.diverge"), number(divergent, 0, words), pattern="stripes"))
    for why, count in missing.items():
        said = words.known("reasons", why)
        rows.append(LegendRow(maps.NO_VALUE[theme], said, number(count, 0, words), pattern="dots"))
    return rows


# ---------------------------------------------------------------- table


def order_name(order: Order, indicator: Indicator, measure: Measure, words: Words) -> str:
    """« Du plus haut au plus bas »; for dates « Du plus tard au plus tôt »."""
    return words(f"table.{order}_date" if is_date(indicator.unit, measure) else f"table.{order}")


def ranked(valued: pd.DataFrame, measure: Measure, order: Order) -> pd.DataFrame:
    """The first rows by the median of ``measure``, ties by name."""
    median = columns(measure)[1]
    lowest = order == "lowest"
    return valued.sort_values([median, "name"], ascending=[lowest, True]).head(ROWS_SHOWN)


def ends_html(top: pd.DataFrame, order: Order, indicator: Indicator, measure: Measure, words: Words) -> str:
    """The first rows as a small table: name, figure, interval. Every text is escaped."""
    lines = []
    for row in top.to_dict("records"):
        between = interval(row, indicator, measure, words) if row["n_runs"] > 1 else ""
        cells = (named(row), value(row, indicator, measure, words), between)
        name, figure, low_high = (escape(cell) for cell in cells)
        lines.append(f'<tr><td>{name}</td><td class="figure">{figure}</td><td class="count">{low_high}</td></tr>')
    caption = escape(order_name(order, indicator, measure, words))
    return f'<table class="legend ends"><caption>{caption}</caption><tbody>{"".join(lines)}</tbody></table>'


def widths(words: Words) -> dict[str, int]:
    """Pixels of each column by its title, so that the table fits its panel."""
    return {words("table.name"): NAME_WIDTH} | {words(f"table.{key}"): size for key, size in NUMBER_WIDTHS.items()}


def styled(table: pd.DataFrame, indicator: Indicator, measure: Measure, words: Words) -> Styler:
    """The table as it is read: names, median, bounds, change, runs. Cells keep their number, so that they sort."""
    low, median, high = columns(measure)
    single = table["n_runs"].max() == 1
    shown = {"name": "name"}
    shown |= {median: measure}
    if not single:
        shown |= {low: "low", high: "high"}
    other: Measure = "change" if measure == "level" else "level"
    other_median = columns(other)[1]
    if table[other_median].notna().any():
        shown |= {other_median: other}
    shown |= {"n_runs": "runs"}
    names = {column: words(f"table.{key}") for column, key in shown.items()}
    table = table.assign(name=[named(row) for row in table.to_dict("records")])
    frame = table[list(shown)].rename(columns=names).reset_index(drop=True)

    def written(kind: Measure, value: float) -> str:
        return "" if pd.isna(value) else bare(value, indicator.unit, indicator.decimals, kind, words)

    formats: dict[Any, str | Callable[[Any], str] | None] = {}
    for column, name in names.items():
        if column in columns("level"):
            formats[name] = lambda value: written("level", value)
        elif column in columns("change"):
            formats[name] = lambda value: written("change", value)
    return frame.style.format(formats)
