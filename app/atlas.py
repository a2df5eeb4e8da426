"""What the map component is given: panes, words, paints, picture. Pure: never calls Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app import data, maps, packs, sentences
from app.data import Indicator
from app.formats import DATE_STARTS, Measure, unit_form
from app.i18n import Words

COMPONENT: Final = Path(__file__).resolve().parent / "component"
PaneMeasure = Measure | Literal["amount", "class", "difference"]


def script() -> str:
    """The component's JavaScript as one module: numbers and sentences, then the map."""
    return "".join((COMPONENT / name).read_text(encoding="utf-8") for name in ("speak.js", "map.js"))


def style() -> str:
    """The component's style sheet."""
    return (COMPONENT / "map.css").read_text(encoding="utf-8")


def spoken(words: Words) -> dict[str, Any]:
    """The words that the component says itself."""
    said = words.texts
    return {
        "lang": words.lang,
        "months": [said[f"months.{month}"] for month in range(1, 13)],
        "dateFirst": said["dates.first"],
        "dateOther": said["dates.other"],
        "simulation": said["sentences.simulation"],
        "simulations": said["sentences.simulations"],
        "between": said["sentences.between"],
        "betweenDates": said["sentences.between_dates"],
        "change": said["sentences.change"],
        "reference": said["sentences.reference"],
        "agreement": said["sentences.agreement"],
        "amountUp": said["sentences.amount_up"],
        "amountDown": said["sentences.amount_down"],
        "dateUp": said["sentences.date_up"],
        "dateDown": said["sentences.date_down"],
        "diverge": said["sentences.diverge"],
        "agreementMin": maps.AGREEMENT_MIN,
        "limits": [said[f"sentences.{note}"] for note in sentences.NOTES],
        "reasons": {key.removeprefix("reasons."): text for key, text in said.items() if key.startswith("reasons.")},
        **{name: said[f"map.{name}"] for name in ("search", "loading", "failed", "nothing", "in", "out", "whole")},
        "picture": said["map.picture"],
        "noMatch": said["map.no_match"],
    }


def pane(
    values: str, indicator: Indicator, measure: PaneMeasure, scale: maps.Scale, title: str, alt: str, words: Words
) -> dict[str, Any]:
    """One map of the component. ``values`` is the address of its pack; a title is shown where there are several."""
    forms = ("level", "level_one", "change", "change_one")
    return {
        "title": title,
        "alt": alt,
        "values": values,
        "measure": measure,
        "breaks": scale.breaks,
        "colours": scale.colours,
        "unit": indicator.unit,
        "dateStart": start.isoformat() if (start := DATE_STARTS.get(indicator.unit)) else None,
        "decimals": indicator.decimals,
        "units": {form: unit_form(indicator.unit, form, words) for form in forms},
    }


VALUE_COLUMNS: Final = ("ref_q50", "q05", "q50", "q95", "delta_q05", "delta_q50", "delta_q95", "agreement")


def values(places: pd.DataFrame, figures: pd.DataFrame) -> bytes:
    """The pack of one choice: values, runs, reasons and notes, in the order of the places."""
    table = places[["geometry_method", "area_km2"]].join(figures[["n_cells", "method", "resolution_km"]])
    return packs.values_pack(
        {name: figures[name].to_numpy() for name in VALUE_COLUMNS},
        figures["n_runs"].to_numpy(),
        data.reasons(places, figures, figures["q50"].isna()),
        sentences.limit_bits(table),
    )


def difference(places: pd.DataFrame, figures: pd.DataFrame, medians: NDArray[np.float32]) -> bytes:
    """The pack of a difference map: its medians stand as ``delta_q50``."""
    return packs.values_pack(
        {"q50": medians, "delta_q50": medians},
        figures["n_runs"].to_numpy(),
        data.reasons(places, figures, pd.Series(np.isnan(medians))),
        np.zeros(len(medians), dtype=np.uint8),
    )


def in_classes(medians: NDArray[np.float64], scale: maps.Scale) -> list[int]:
    """How many values stand in each class."""
    places = np.searchsorted(np.array(scale.breaks), medians[~np.isnan(medians)], side="right")
    return [int(count) for count in np.bincount(places, minlength=len(scale.colours))]


def counted(values: pd.DataFrame, measure: Measure, scale: maps.Scale) -> tuple[list[int], dict[str, int], int]:
    """How many territories stand in each class, have no value by reason, and have runs that diverge."""
    valued = values[values["reason"].isna()]
    medians = valued[sentences.columns(measure)[1]].to_numpy(dtype=float)
    counts = in_classes(medians, scale)
    missing = {str(reason): int(count) for reason, count in values["reason"].value_counts().items() if count}
    divergent = (valued["agreement"] < maps.AGREEMENT_MIN) & (valued["n_runs"] > 1)
    return counts, missing, int(divergent.sum())


def picture(title: str, legend_title: str, legend: Sequence[maps.LegendRow], source: Sequence[str], file: str) -> Any:
    """What stands around the map in the PNG that it saves."""
    rows = [[row.colour, row.text, row.pattern == "stripes"] for row in legend]
    return {"title": title, "legendTitle": legend_title, "legend": rows, "source": list(source), "file": file}
