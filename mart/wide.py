"""The columns of the wide marts, described from the catalogue: what dbt's macro wide_mart makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DATE_UNITS = ("DOY", "d since 1 Aug")


@dataclass(frozen=True)
class Column:
    """A column of a wide mart, with its texts; ``unit`` is empty where the column has none."""

    name: str
    data_type: str
    description_fr: str
    description_en: str
    unit: str


def columns(catalogue: Iterable[Mapping[str, str]], shape: Iterable[Mapping[str, str | None]]) -> list[Column]:
    """The columns of the indicators of ``catalogue`` (rows of the seed indicators), in its order.

    ``shape``: the rows of the seed wide_columns, one per column that every indicator has.
    """
    shape = list(shape)
    return [_column(indicator, measure) for indicator in catalogue for measure in shape]


def _column(indicator: Mapping[str, str], measure: Mapping[str, str | None]) -> Column:
    unit = indicator["unit"] if measure["measure"] != "reason" else ""
    if unit in DATE_UNITS and measure["measure"] == "delta_q50":
        unit = "d"  # the difference between two dates
    shown = f" [{unit}]" if unit else ""
    return Column(
        name=indicator["indicator_id"] + (measure["suffix"] or ""),
        data_type=str(measure["data_type"]),
        description_fr=f"{indicator['label_fr']}{shown} : {measure['label_fr']}",
        description_en=f"{indicator['label_en']}{shown}: {measure['label_en']}",
        unit=unit,
    )
