"""The sheet of a territory as a PDF and as a workbook. Pure: never calls Streamlit.

Every text goes to typst as data (``sys.inputs``), never as markup: a name can neither style nor run anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import shapely
import typst
from numpy.typing import NDArray

from app import charts, export, sheets
from app.data import Dataset
from app.formats import unit_form
from app.i18n import Words
from app.maps import Colour
from app.packs import projected
from app.sentences import Row, missing, stop_name

TEMPLATE: Final = Path(__file__).resolve().parent / "sheet.typ"
INK: Final = "#23262b"
GROUND: Final = "#eceef0"
CHOSEN: Final = "#143ca0"
FACTS_PRINTED: Final = 14
INSET: Final = 260  # points across
INSET_STEPS: Final = 600  # of the grid on which the inset is drawn


@dataclass(frozen=True)
class Sheet:
    """All that the three prints of a sheet say. ``inset`` makes the map when it is asked for."""

    title: str
    parents: str
    stem: str
    themes: tuple[sheets.Theme, ...]
    standings: tuple[str, ...]
    facts: tuple[sheets.Fact, ...] | None
    listings: tuple[sheets.Listing, ...]  # other producers' figures: on the page and in the workbook
    limits: tuple[str, ...]
    source: tuple[str, ...]
    inset: Callable[[], str | None]
    inset_caption: str
    inset_legend: tuple[tuple[Colour, str], ...]  # colour and words of each class, from the highest
    stripes: charts.Drawing | None
    stripes_title: str
    datasets: Mapping[str, Dataset]
    version: str
    words: Words


def pdf(sheet: Sheet) -> bytes:
    """Two pages, A4, fonts embedded."""
    words = sheet.words
    data = {
        "lang": words.lang,
        "title": sheet.title,
        "parents": sheet.parents,
        "inset": sheet.inset(),
        "insetCaption": sheet.inset_caption,
        "insetLegend": [{"colour": list(colour), "text": text} for colour, text in sheet.inset_legend],
        "stripes": None if sheet.stripes is None else sheet.stripes.svg(INK),
        "stripesTitle": sheet.stripes_title,
        "themes": [_theme(theme, words) for theme in sheet.themes],
        "standings": list(sheet.standings),
        "facts": None
        if sheet.facts is None
        else [{"label": fact.label, "value": fact.value, "dated": fact.dated} for fact in _printed(sheet.facts)],
        "factsNote": _facts_note(sheet),
        "limits": list(sheet.limits),
        "source": [line for line in sheet.source if line not in sheet.limits],
        "version": sheet.version,
        "words": {
            key: words(f"sheet.{key}")
            for key in (
                "standing_title",
                "past",
                "no_past",
                "no_fact",
                "limits",
                "sources",
                "how",
                "how_text",
                "foot",
                "stripes",
            )
        },
    }
    return bytes(typst.compile(str(TEMPLATE), sys_inputs={"data": json.dumps(data, ensure_ascii=False)}))


def _printed(facts: Sequence[sheets.Fact]) -> list[sheets.Fact]:
    """The facts that fit on the page: the key ones."""
    return [fact for fact in facts if fact.key][:FACTS_PRINTED]


def _facts_note(sheet: Sheet) -> str:
    """What the printed table leaves out: measures beyond the page, measures not studied here."""
    facts, words = sheet.facts or (), sheet.words
    unknown = [fact.label for fact in facts if fact.missed]
    beyond = sum(fact.known for fact in facts) - len(_printed(facts))
    said = [words("sheet.more_facts", count=beyond)] if beyond > 0 else []
    said += [words("sheet.not_studied", names=", ".join(unknown))] if unknown else []
    return " ".join(said)


def _theme(theme: sheets.Theme, words: Words) -> dict[str, object]:
    figures = []
    for one in theme.figures:
        band = charts.band(one.series("q50"), one.series("q05"), one.series("q95"), one.label, sheets.scale_colour(one))
        heads = [stop_name(stop, words) for stop in one.stops]
        figures.append(
            {
                "label": one.label,
                "unit": one.unit,
                "heads": heads,
                "cells": [
                    list(cell) if cell else [one.reason or words("reasons.not_studied"), ""] for cell in one.cells
                ],
                "band": band.svg(INK) if not one.reason else None,
            }
        )
    sentence = theme.figures[0].sentence if theme.figures and not theme.missing else ""
    return {"name": theme.name, "sentence": sentence, "missing": theme.missing, "figures": figures}


# ---------------------------------------------------------------- inset


def inset_svg(
    outlines: Sequence[tuple[str, bytes]], colours: Mapping[str, Colour], chosen: str, around: Sequence[bytes] = ()
) -> str | None:
    """A small map: territories in their colours over the ground ``around``, the chosen one outlined."""
    if chosen not in {name for name, _ in outlines}:
        return None
    shapes = projected(shapely.from_wkb([wkb for _, wkb in outlines]))
    ground = projected(shapely.from_wkb(list(around))) if around else np.array([])
    west, south, east, north = shapely.total_bounds(np.concatenate([shapes, ground]))
    step = max(east - west, north - south) / INSET_STEPS
    width, height = (east - west) / step, (north - south) / step

    def path(shape: object) -> str:
        rings = shapely.get_rings(shapely.get_parts(np.array([shape])))
        return "".join(_ring(shapely.get_coordinates(ring), west, north, step) for ring in rings)

    body = [f'<path d="{path(shape)}" fill="{GROUND}" stroke="#fff" stroke-width="1"/>' for shape in ground]
    for (name, _), shape in zip(outlines, shapes, strict=True):
        fill = "rgb({},{},{})".format(*colours[name]) if name in colours else GROUND
        body.append(f'<path d="{path(shape)}" fill="{fill}" fill-rule="evenodd" stroke="#fff" stroke-width=".4"/>')
    mine = next(shape for (name, _), shape in zip(outlines, shapes, strict=True) if name == chosen)
    body.append(f'<path d="{path(mine)}" fill="none" stroke="{CHOSEN}" stroke-width="5" stroke-linejoin="round"/>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-4 -4 {width + 8:.0f} {height + 8:.0f}" '
        f'width="{INSET}" height="{INSET * (height + 8) / (width + 8):.0f}">{"".join(body)}</svg>'
    )


def _ring(points: NDArray[np.float64], west: float, north: float, step: float) -> str:
    grid = np.column_stack([np.rint((points[:, 0] - west) / step), np.rint((north - points[:, 1]) / step)]).astype(int)
    moved = np.append(True, (np.diff(grid, axis=0) != 0).any(axis=1))
    return "M" + "L".join(f"{x} {y}" for x, y in grid[moved]) + "Z"


# ---------------------------------------------------------------- workbook


def xlsx(sheet: Sheet) -> bytes:
    """One sheet per theme, one of past and exposure, one of limits, and the source."""
    words = sheet.words
    heads = [words(f"sheet.columns.{name}") for name in ("indicator", "id", "unit", "dataset", "context")]
    heads += [words(f"export.columns.{name}") for name in ("q50", "q05", "q95", "delta_q50", "delta_q05", "delta_q95")]
    heads += [words(f"export.columns.{name}") for name in ("agreement", "n_runs", "reason")]
    pages = []
    for theme in sheet.themes:
        rows: list[list[export.Cell]] = []
        for one in theme.figures:
            decimals = one.indicator.decimals + export.SPARE_DECIMALS
            for stop, row in zip(one.stops, one.rows, strict=True):
                first: list[export.Cell] = [
                    one.label,
                    one.indicator.id,
                    unit_form(one.indicator.unit, "export", words),
                    words.own(sheet.datasets[one.dataset].title_fr, sheet.datasets[one.dataset].title_en),
                    words.own(stop.label_fr, stop.label_en),
                ]
                rows.append(first + _numbers(row, decimals, one.reason or words("reasons.not_studied")))
        if theme.missing:
            rows.append([theme.missing])
        pages.append(export.Sheet(theme.name, heads, rows))
    if sheet.facts is not None:
        facts: list[list[export.Cell]] = [[fact.label, fact.value, fact.dated, fact.definition] for fact in sheet.facts]
        columns = [words(f"sheet.columns.{name}") for name in ("measure", "value", "dated", "definition")]
        pages.append(export.Sheet(words("sheet.past"), columns, facts))
    if sheet.listings:
        lines: list[list[export.Cell]] = []
        for listing in sheet.listings:
            table: list[list[export.Cell]] = [list(row) for row in (listing.heads, *listing.rows)]
            notes: list[list[export.Cell]] = [[note] for note in listing.notes]
            lines += [[listing.title], *table, *notes, []]
        pages.append(export.Sheet(words("sheet.others"), [words("sheet.others")], lines))
    pages.append(export.Sheet(words("sheet.limits"), [words("sheet.limits")], rows=[[line] for line in sheet.limits]))
    return export.xlsx_bytes(pages, words, [sheet.title, sheet.parents, *sheet.source])


def _numbers(row: Row | None, decimals: int, reason: str) -> list[export.Cell]:
    if row is None:
        return [None, None, None, None, None, None, None, None, reason]
    cells: list[export.Cell] = []
    for name in ("q50", "q05", "q95", "delta_q50", "delta_q05", "delta_q95"):
        cells.append(None if missing(row[name]) else round(float(row[name]), decimals))
    agreed = row["agreement"]
    cells.append(None if missing(agreed) else round(float(agreed), 3))
    return [*cells, int(row["n_runs"]), None]
