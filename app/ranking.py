"""The panel beside the map as objects: legend rows and the ranked table. Pure: never calls Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from itertools import pairwise
from typing import Any, Final, Literal, get_args

import pandas as pd
from pandas.io.formats.style import Styler

from app import maps
from app.data import Indicator
from app.formats import Measure, bare, compact, day_of_year, is_date, number, unit_form
from app.i18n import Words
from app.maps import LegendRow
from app.sentences import agreement, columns, interval, named, value

Order = Literal["highest", "lowest"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
ROWS_SHOWN: Final = 500
AMOUNT: Final = "amount"  # the unit of a portfolio


# ---------------------------------------------------------------- legend


def _bound(value: float, indicator: Indicator, measure: Measure, words: Words) -> str:
    """A class bound as the catalogue gives it: no rounding, no zeros added."""
    if is_date(indicator.unit, measure):
        return day_of_year(value, words, indicator.unit)
    if indicator.unit == AMOUNT:
        return compact(value, words)
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


def frame(
    shown: pd.DataFrame, medians: pd.DataFrame, indicator: Indicator, measure: Measure, words: Words
) -> pd.DataFrame:
    """The table as it is read: names, median, bounds, change, line over contexts, class, agreement, simulations.

    Cells keep their number, so that they sort. ``medians`` has one column per context, by territory_id.
    """
    low, median, high = columns(measure)
    rows = shown.to_dict("records")
    scale, texts = maps.scale(indicator, measure), class_texts(indicator, measure, words)
    other: Measure = "change" if measure == "level" else "level"
    lines = medians.reindex(shown["territory_id"]).to_numpy(dtype=float)
    table: dict[str, Sequence[Any] | pd.Series] = {
        "name": [named(row) for row in rows],
        measure: shown[median],
        "low": shown[low],
        "high": shown[high],
        other: shown[columns(other)[1]],
        "line": [[value for value in line if value == value] for line in lines.tolist()],
        "class": [texts[scale.place(row[median])] for row in rows],
        "agreement": [agreement(row, indicator, words) for row in rows],
        "runs": shown["n_runs"],
    }
    if shown["n_runs"].max() == 1:
        for name in ("low", "high", "agreement"):
            del table[name]
    if shown[columns("change")[1]].isna().all():
        for name in {"change", "agreement"} & table.keys():
            del table[name]
    data = {words(f"table.{name}"): list(values) for name, values in table.items()}
    return pd.DataFrame(data)


def styled(table: pd.DataFrame, indicator: Indicator, measure: Measure, words: Words) -> Styler:
    """``frame`` with its numbers in the reader's words."""

    def written(kind: Measure, value: float) -> str:
        return "" if pd.isna(value) else bare(value, indicator.unit, indicator.decimals, kind, words)

    kinds: dict[str, Measure] = {"level": "level", "change": "change", "low": measure, "high": measure}
    formats: dict[Any, str | Callable[[Any], str] | None] = {
        words(f"table.{name}"): partial(written, kind)
        for name, kind in kinds.items()
        if words(f"table.{name}") in table.columns
    }
    return table.style.format(formats)
