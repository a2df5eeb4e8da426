"""What is said of one territory: interval, change, agreement, limits. Pure text, in the words of the reader."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.data import Context, Indicator
from app.formats import Measure, bare, is_date, quantity
from app.i18n import Words
from app.maps import AGREEMENT_MIN

# The notes of ``limits``, in the order of their bits.
NOTES: Final = ("approximate", "nearest_cell", "resolution")

Row = Mapping[Any, Any]  # a row of Release.values, by column


def missing(value: object) -> bool:
    """None, NaN or NA: pandas gives any of them for an absent value."""
    return value is None or value is pd.NA or (isinstance(value, float) and isnan(value))


def named(row: Row) -> str:
    """The territory's name, with its département where names come twice: « Marmagne (71) »."""
    return str(row["name"]) if missing(row["departement_code"]) else f"{row['name']} ({row['departement_code']})"


def context_name(context: Context, words: Words) -> str:
    """« +4 °C (2100) », « RCP8.5 · 2021-2050 »: a context's label without what is said around it."""
    if context.is_reference:
        return words("contexts.reference")
    return words.own(context.label_fr, context.label_en).removeprefix(words("contexts.warming_prefix"))


def stop_name(context: Context, words: Words) -> str:
    """A stop on the slider: the name without the scenario, which the slider's own title says."""
    return context_name(context, words).split(words("contexts.separator"))[-1]


def columns(measure: Measure) -> tuple[str, str, str]:
    """The columns that hold the low bound, the median and the high bound of a measure."""
    return ("q05", "q50", "q95") if measure == "level" else ("delta_q05", "delta_q50", "delta_q95")


def simulations(count: int, words: Words) -> str:
    """« 17 simulations », « 1 simulation »."""
    return words("sentences.simulation" if count == 1 else "sentences.simulations", count=count)


def interval(row: Row, indicator: Indicator, measure: Measure, words: Words) -> str:
    """« entre 15 et 28 », for 5 % and 95 % of the simulations; said after a figure that carries the unit."""
    low_column, _, high_column = columns(measure)
    low, high = row[low_column], row[high_column]
    parts = [bare(value, indicator.unit, indicator.decimals, measure, words) for value in (low, high)]
    return words(
        "sentences.between_dates" if is_date(indicator.unit, measure) else "sentences.between",
        low=parts[0],
        high=parts[1],
    )


def median_words(median: float, indicator: Indicator, measure: Measure, words: Words) -> str:
    """A median with its unit."""
    return quantity(median, indicator.unit, indicator.decimals, measure, words)


def value(row: Row, indicator: Indicator, measure: Measure, words: Words) -> str:
    """The median, with its unit."""
    return quantity(row[columns(measure)[1]], indicator.unit, indicator.decimals, measure, words)


def diverges(row: Row) -> bool:
    """Whether fewer than four simulations in five agree on the direction of the change.

    A single run agrees with itself.
    """
    return not missing(row["agreement"]) and row["n_runs"] > 1 and row["agreement"] < AGREEMENT_MIN


def agreement(row: Row, indicator: Indicator, words: Words) -> str:
    """« 16 simulations sur 17 en hausse »; empty where there is no change to agree on, or a single run."""
    if missing(row["agreement"]) or row["n_runs"] < 2:
        return ""
    count = round(row["agreement"] * row["n_runs"])
    way = "date" if is_date(indicator.unit, "level") else "amount"
    direction = words(f"sentences.{way}_{'up' if row['delta_q50'] > 0 else 'down'}")
    return words("sentences.agreement", count=count, runs=int(row["n_runs"]), direction=direction)


def limit_bits(table: pd.DataFrame) -> NDArray[np.uint8]:
    """What a reader must know before quoting each figure of ``joined``: one bit per note of NOTES.

    Outline approximate; no cell on the territory, so the nearest one's value; smaller than one cell of the data.
    """
    approximate = (table["geometry_method"] == "approximate").to_numpy(dtype=bool, na_value=False)
    celled = table["n_cells"].to_numpy() > 0
    nearest = celled & (table["method"].astype("str") == "nearest_cell").to_numpy(dtype=bool, na_value=False)
    cell_km2 = table["resolution_km"].to_numpy(dtype=float) ** 2
    small = table["area_km2"].to_numpy(dtype=float, na_value=np.nan) < cell_km2
    coarse = celled & ~nearest & ((table["n_cells"].to_numpy() <= 1) | small)
    bits: NDArray[np.uint8] = np.uint8(1) * approximate + np.uint8(2) * nearest + np.uint8(4) * coarse
    return bits


def limits(row: Row, words: Words) -> list[str]:
    """The notes of one territory in words."""
    (bits,) = limit_bits(pd.DataFrame([dict(row)]))
    return [words(f"sentences.{note}") for bit, note in enumerate(NOTES) if bits & (1 << bit)]


def hover(row: Row, indicator: Indicator, measure: Measure, words: Words) -> str:
    """The lines under the territory's name. What is mapped comes first, the rest after."""
    if not missing(row["reason"]):
        return "\n".join([words.known("reasons", row["reason"]), *limits(row, words)])
    runs = int(row["n_runs"])
    level = value(row, indicator, "level", words)
    lines = []
    if runs > 1:
        level = f"{level}, {interval(row, indicator, 'level', words)} ({simulations(runs, words)})"
    else:
        level = f"{level} ({simulations(runs, words)})"
    lines.append(level)
    if not missing(row["delta_q50"]):
        change = words("sentences.change", change=value(row, indicator, "change", words))
        if runs > 1:
            change = f"{change}, {interval(row, indicator, 'change', words)}"
        lines.append(change)
        if measure == "change":
            lines.reverse()
        lines.append(
            words(
                "sentences.reference",
                value=quantity(row["ref_q50"], indicator.unit, indicator.decimals, "level", words),
            )
        )
        if said := agreement(row, indicator, words):
            lines.append(said)
        if diverges(row):
            lines.append(words("sentences.diverge"))
    return "\n".join([*lines, *limits(row, words)])


def with_interval(row: Row, indicator: Indicator, measure: Measure, words: Words) -> str:
    """« 22 jours/an, entre 15 et 28 »; the median alone for a single run."""
    said = value(row, indicator, measure, words)
    return f"{said}, {interval(row, indicator, measure, words)}" if row["n_runs"] > 1 else said
