"""The sheet of a territory: the figures that matter by theme, its place among others, in words. Pure.

The page, the PDF and the workbook are three prints of the same ``Sheet``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, Final

import numpy as np
import pandas as pd

from app import maps, sentences
from app.data import COMPOSITE, Catalogue, Context, Indicator
from app.formats import Measure, bare, long_date, number, quantity, unit_form, with_unit
from app.i18n import Words
from app.sentences import Row

# The figures of each theme that come first, in this order, where the release has them.
HEADLINES: Final[Mapping[str, tuple[str, ...]]] = {
    "heat": ("tx35", "tr20", "t_mean_jja", "hwd_drias", "tx30"),
    "agriculture": ("p_apr_oct", "huglin", "vine_frost_freq", "last_frost_doy", "grass_yield", "gst200_jan"),
    "rain": ("rx1d", "r20mm", "rr_jja", "rr_djf"),
    "snow": ("snow_reliability", "scd30", "sd_mean", "snow_len"),
    "buildings": ("dry_soil_days", "rga_risk", "fwi40_days", "cooling_dd22"),
    "flood": ("exposure:flood_area_share", "exposure:catnat_n_total"),
}
# What is said first of the past and of what is exposed, in this order, where the release has it.
KEY_FACTS: Final = (
    "catnat_n_total", "catnat_n_flood", "catnat_n_drought", "catnat_last_year", "flood_area_share", "flood_pop_share",
    "flood_dwelling_share", "pprn", "ead_flood", "river_flow_max", "rga_share", "rga_houses", "fires_n", "fires_area",
    "drought_days_alerte_renforcee", "drought_days_crise", "radon_class", "cavities_n", "ground_movements_n",
    "aoc_area_share", "dwellings", "flat_price_p50", "house_price_p50",
)  # fmt: skip
LEGAL_MAPS: Final = ("rga_",)  # measures of maps of which one is in force
FIGURES_PER_THEME: Final = 3
CROPS: Final = 10
STATIONS: Final = 3
STATIONS_KM: Final = 40.0  # beyond, a station says little of the place
OF_STATIONS: Final = ("t_mean", "tx35", "rr_yr")  # what a station's row says, where the release has it
THEMES: Final = ("heat", "agriculture", "rain", "snow", "buildings", "habitability", "scores")


@dataclass(frozen=True)
class Figure:
    """One indicator of the sheet over its contexts. ``cells`` has one text per stop, None where there is no value."""

    indicator: Indicator
    dataset: str
    stops: tuple[Context, ...]
    rows: tuple[Row | None, ...]
    label: str
    unit: str
    cells: tuple[tuple[str, str] | None, ...]  # median and interval
    sentence: str
    reason: str  # why there is no value at all; empty if there is one

    def series(self, column: str) -> list[float | None]:
        """A column over the stops, None where there is no value."""
        return [None if row is None or sentences.missing(row[column]) else float(row[column]) for row in self.rows]


@dataclass(frozen=True)
class Theme:
    """A theme of the sheet: its sentence and figures, or the words that say why it has none."""

    id: str
    name: str
    figures: tuple[Figure, ...]
    missing: str


def stops(contexts: Sequence[Context], track: str) -> list[Context]:
    """The reference, then the stops of a track; of the first track that there is if the asked one is absent."""
    tracks = [c.track for c in contexts if not c.is_reference]
    chosen = track if track in tracks else (tracks[0] if tracks else "")
    return [c for c in contexts if c.is_reference or c.track == chosen]


def figure(
    values: pd.DataFrame, catalogue: Catalogue, indicator: Indicator, dataset: str, track: str, words: Words
) -> Figure:
    """One indicator of a territory, from ``Release.sheet``."""
    contexts = stops(catalogue.contexts_of(dataset, indicator.id), track)
    weighting = catalogue.weightings_of(dataset, indicator.id)[0]
    asked = (values["indicator_id"] == indicator.id) & (values["dataset_id"] == dataset)
    mine = values[asked & (values["weighting"] == weighting)]
    by_context = {str(row["context_id"]): row for row in mine.to_dict("records")}
    rows: list[Row | None] = []
    cells: list[tuple[str, str] | None] = []
    for context in contexts:
        row = by_context.get(context.id)
        if row is None or sentences.missing(row["q50"]):
            rows.append(None)
            cells.append(None)
            continue
        rows.append(row)
        median = bare(row["q50"], indicator.unit, indicator.decimals, "level", words)
        cells.append((median, sentences.interval(row, indicator, "level", words) if row["n_runs"] > 1 else ""))
    known = [row for row in rows if row is not None]
    reasons = [str(row["reason"]) for row in by_context.values() if not sentences.missing(row["reason"])]
    return Figure(
        indicator=indicator,
        dataset=dataset,
        stops=tuple(contexts),
        rows=tuple(rows),
        label=words.own(indicator.label_fr, indicator.label_en),
        unit=unit_form(indicator.unit, "level", words),
        cells=tuple(cells),
        sentence=sentence(indicator, rows[0] if rows else None, known[-1], contexts[rows.index(known[-1])], words)
        if known
        else "",
        reason="" if known else words.known("reasons", reasons[0] if reasons else "not_studied"),
    )


def sentence(indicator: Indicator, first: Row | None, last: Row, context: Context, words: Words) -> str:
    """« Jours très chauds : de 1 à la référence à 22 jours/an à +4 °C, entre 15 et 28 selon 17 simulations. »"""
    label = words.own(indicator.label_fr, indicator.label_en)
    value = quantity(last["q50"], indicator.unit, indicator.decimals, "level", words)
    runs = int(last["n_runs"])
    name = sentences.context_name(context, words)
    between = sentences.interval(last, indicator, "level", words)
    said = {"label": label, "value": value, "context": name, "runs": runs, "between": between}
    if runs == 0:  # a score of what is there today
        return words("sheet.sentence_today", **said)
    if first is None or first is last:
        return words("sheet.sentence_one" if runs < 2 else "sheet.sentence_level", **said)
    said["reference"] = quantity(first["q50"], indicator.unit, indicator.decimals, "level", words)
    if runs < 2:
        return words("sheet.sentence_single", **said)
    if sentences.diverges(last):
        return words("sheet.sentence_diverge", **said)
    agreed = sentences.agreement(last, indicator, words)
    return words("sheet.sentence", **said) + (f" {agreed[:1].upper()}{agreed[1:]}." if agreed else "")


def headlines(catalogue: Catalogue, theme: str, values: pd.DataFrame) -> list[str]:
    """The indicators that stand for a theme: those with a value first, then those named above, then the others."""
    scored = theme in ("scores", COMPOSITE)
    offered = [one for one in catalogue.of_theme(theme) if scored or catalogue.indicators[one].changes]
    named = [one for one in HEADLINES.get(theme, ()) if one in offered]
    ordered = named + [one for one in offered if one not in named]
    valued = set(values.loc[values["q50"].notna(), "indicator_id"])
    ranked = sorted(ordered, key=lambda one: one not in valued)
    return [one for one in ranked if one in valued] if theme == "scores" else ranked[:FIGURES_PER_THEME]


def best_dataset(values: pd.DataFrame, datasets: Sequence[str], indicator: str, chosen: str) -> str:
    """The chosen dataset if it has a value here, else the first that has one, else the first."""
    valued = values[(values["indicator_id"] == indicator) & values["q50"].notna()]["dataset_id"].unique()
    candidates = [one for one in (chosen, *datasets) if one in valued]
    return candidates[0] if candidates else datasets[0]


def themes(values: pd.DataFrame, catalogue: Catalogue, dataset: str, track: str, words: Words) -> list[Theme]:
    """The six themes, and the scores where there are some; a theme that the release has not says so."""
    found = []
    for theme in THEMES:
        ids = headlines(catalogue, theme, values)
        if not ids and theme == "scores":
            continue
        figures = []
        for one in ids:
            which = best_dataset(values, catalogue.datasets_of(one), one, dataset)
            figures.append(figure(values, catalogue, catalogue.indicators[one], which, track, words))
        missing = "" if figures else words("sheet.no_theme")
        if figures and all(one.reason for one in figures):
            missing = words("sheet.no_values", reason=figures[0].reason)
        found.append(Theme(theme, words(f"themes.{theme}"), tuple(figures), missing))
    return found


# ---------------------------------------------------------------- the territory


def parents(place: Row, words: Words) -> str:
    """« Commune · CA Grand Chambéry · Savoie · Auvergne-Rhône-Alpes · 59 000 habitants »."""
    parts = [words.known("kind", place["kind"])]
    parts += [place[name] for name in ("epci", "departement", "region") if place[name]]
    if place["caisse"]:
        parts.append(words("sheet.caisse", name=place["caisse"]))
    if not sentences.missing(place["population"]) and place["population"]:
        parts.append(words("sheet.population", count=number(place["population"], 0, words)))
    if not sentences.missing(place["area_km2"]):
        parts.append(with_unit(number(place["area_km2"], 0, words), "km²"))
    return " · ".join(str(part) for part in parts)


@dataclass(frozen=True)
class Standing:
    """The place of a territory among others, from the highest: ``rank`` of ``count``."""

    group: str
    rank: int
    count: int
    values: np.ndarray[Any, np.dtype[np.float64]]


def standings(table: pd.DataFrame, place: Row, measure: Measure, words: Words) -> list[Standing]:
    """Among the territories of the same kind: of its EPCI, of its département, of its caisse, of France.

    ``table`` is ``data.joined`` of the whole kind. Groups of fewer than three are left out.
    """
    column = sentences.columns(measure)[1]
    valued = table[table[column].notna()]
    mine = valued.loc[valued["territory_id"] == place["territory_id"], column]
    if mine.empty:
        return []
    found = []
    for field, name in (("epci_id", "epci"), ("departement_id", "departement"), ("caisse_id", "caisse"), (None, None)):
        if field is None:
            group, title = valued, words("sheet.france")
        elif place[field] and field != f"{place['kind']}_id":
            group, title = valued[valued[field] == place[field]], str(place[str(name)])
        else:
            continue
        if len(group) > 2:
            values = group[column].to_numpy(dtype=float)
            rank = int((values > float(mine.iloc[0])).sum()) + 1
            found.append(Standing(title, rank, len(group), values))
    return found


def nearest(table: pd.DataFrame, territory: str, count: int = 6) -> pd.DataFrame:
    """The territories of the same kind whose centre is nearest, with a value, nearest first."""
    here = table.loc[table["territory_id"] == territory, ["longitude", "latitude"]]
    around = table[(table["territory_id"] != territory) & table["q50"].notna() & table["longitude"].notna()]
    if here.empty or here.isna().any(axis=None) or around.empty:
        return around.head(0)
    longitude, latitude = (float(value) for value in here.iloc[0])
    east = (around["longitude"] - longitude) * np.cos(np.radians(latitude))
    away = np.hypot(east, around["latitude"] - latitude)
    closest: pd.DataFrame = around.loc[away.sort_values().index[:count]]
    return closest


# ---------------------------------------------------------------- past and exposure


@dataclass(frozen=True)
class Fact:
    """One past event or exposure in words: name, figure or state, when and from where."""

    theme: str
    label: str
    value: str
    dated: str
    definition: str
    known: bool  # whether there is a figure, or the reason why there is none; else it was not studied here
    is_first: bool  # among the few that are said first

    @property
    def key(self) -> bool:
        """Said first, with its figure."""
        return self.is_first and self.known

    @property
    def missed(self) -> bool:
        """Would be said first, and was not studied here."""
        return self.is_first and not self.known


def in_force(rows: Sequence[Row], day: date) -> set[int]:
    """Positions of the rows that are said first on a day: one for each measure and return period.

    Of a legal map (``LEGAL_MAPS``): the one in force, the last that has begun. Of a record of events or things: the
    one that goes furthest, then the longest. A row without a value gives way to one that has some.
    """
    chosen: dict[tuple[str, Any], tuple[tuple[Any, ...], int]] = {}
    for at, row in enumerate(rows):
        begun, ended = row["date_start"] or date.min, row["date_end"] or date.max
        if begun > day:
            continue
        valued = row["value"] is not None
        is_map = row["measure_id"].startswith(LEGAL_MAPS)
        rank = (begun, valued, ended) if is_map else (valued, ended, day - begun)
        key = (row["measure_id"], row["return_period"])
        if key not in chosen or rank > chosen[key][0]:
            chosen[key] = (rank, at)
    return {at for _, at in chosen.values()}


def facts(rows: Sequence[Row], day: date, words: Words) -> list[Fact]:
    """Exposures in words, the key ones first. What was not studied says so: it is never a zero.

    ``day``: the release's, which tells the legal map in force from those before and after it.
    """
    found: list[tuple[int, Fact]] = []
    current = in_force(rows, day)
    for at, row in enumerate(rows):
        label = words.own(row["label_fr"], row["label_en"])
        if not sentences.missing(row.get("return_period")):
            label = words("sheet.return_period", label=label, years=number(row["return_period"], 0, words))
        if row["value"] is None:
            said = words.known("reasons", row["reason"] or row["state"] or "not_studied")
        elif row["unit"] == "year":
            said = f"{row['value']:.0f}"
        else:
            said = quantity(row["value"], row["unit"], row["decimals"], "level", words)
        if row["state"] == "partly_studied":
            said = words("sheet.partly", value=said)
        when = [long_date(day, words) for day in (row["date_start"], row["date_end"]) if day is not None]
        source = words.own(row["title_fr"], row["title_en"])
        dated = words("sheet.dated" if len(when) < 2 or when[0] == when[1] else "sheet.dated_from", source=source,
                      first=when[0] if when else "", last=when[-1] if when else "")  # fmt: skip
        dated = dated if when else source
        # what was looked at and has no figure says why; only what nobody looked at is not studied
        known = row["value"] is not None or row["state"] != "not_studied"
        definition = words.own(row["definition_fr"], row["definition_en"])
        is_first = at in current and row["return_period"] is None and row["measure_id"] in KEY_FACTS
        rank = KEY_FACTS.index(row["measure_id"]) if is_first else len(KEY_FACTS)
        found.append((rank, Fact(row["theme"], label, said, dated, definition, known, is_first)))
    return [fact for _, fact in sorted(found, key=lambda pair: pair[0])]


# ---------------------------------------------------------------- what others publish


@dataclass(frozen=True)
class Listing:
    """A table of the sheet that holds another's figures: title, heads, rows of texts, what must be said of them."""

    dataset: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def published(rows: Sequence[Row], catalogue: Catalogue, words: Words) -> list[Listing]:
    """What each producer publishes of a territory, from ``Release.published``: its own figures, never ours."""
    contexts = catalogue.contexts
    found = []
    for dataset, of_dataset in groupby(rows, key=lambda row: row["dataset_id"]):
        held = list(of_dataset)
        stops = sorted({row["context_id"] for row in held}, key=lambda one: contexts[one].position)
        lines = []
        for _, of_index in groupby(held, key=lambda row: (row["index_code"], row["season"], row["statistic"])):
            by_context = {row["context_id"]: row for row in of_index}
            first = next(iter(by_context.values()))
            cells = [_of_producer(by_context.get(stop), words) for stop in stops]
            lines.append((_producer_label(first, words), *cells))
        bounds = "min" if held[0]["low_statistic"] == "min" else "q05"
        found.append(
            Listing(
                dataset,
                words.own(held[0]["title_fr"], held[0]["title_en"]),
                ("", *(sentences.stop_name(contexts[stop], words) for stop in stops)),
                tuple(lines),
                (words(f"sheet.published_bounds.{bounds}"), *_said_of(catalogue, dataset, words)),
            )
        )
    return found


def _producer_label(row: Row, words: Words) -> str:
    """Our name of the index where it is ours, else the producer's code; whether it is a change; its unit."""
    label = words.own(row["label_fr"], row["label_en"]) if row["label_fr"] else f"{row['index_code']} {row['season']}"
    if row["statistic"] == "change":
        label = words("sheet.change_of", label=label)
    unit = unit_form(row["unit"] or "", "level", words)  # of a change too: one in % is relative, not in points
    return f"{label}, {unit}" if unit else label


def _of_producer(row: Row | None, words: Words) -> str:
    """A median with its bounds, at the precision of our indicator, else with one decimal."""
    if row is None:
        return ""
    decimals = 1 if row["decimals"] is None else row["decimals"]

    def said(value: float) -> str:
        return bare(value, row["unit"] or "", decimals, row["statistic"], words)

    if row["low"] is None or row["high"] is None:
        return said(row["median"])
    return f"{said(row['median'])} ({words('sheet.range', low=said(row['low']), high=said(row['high']))})"


def _said_of(catalogue: Catalogue, dataset: str, words: Words) -> list[str]:
    """What must be said with a dataset: its status where it is not a settled one, its notice."""
    known = catalogue.datasets[dataset]
    said = [words.own(known.notice_fr, known.notice_en)]
    if known.validation_status in ("under_evaluation", "synthetic"):
        said.insert(0, words("sheet.status", status=words.known("status", known.validation_status)))
    return [one for one in said if one]


def yields(rows: Sequence[Row], name: str, catalogue: Catalogue, words: Words) -> list[Listing]:
    """Yields of the main crops of a territory, from ``Release.yields``: a table per dataset."""
    found = []
    for dataset, of_dataset in groupby(rows, key=lambda row: row["dataset_id"]):
        held = list(of_dataset)
        lines = []
        for row in held:
            against = row["yield_anom"]
            lines.append(
                (
                    row["crop"],
                    with_unit(number(row["yield"], 1, words), row["unit"]),
                    number(row["area_ha"], 0, words) if row["area_ha"] is not None else "",
                    with_unit(number(against, 0, words, signed=True), "%")
                    if against is not None
                    else words.known("reasons", row["yield_anom_reason"] or "not_studied"),
                )
            )
        year = f"{held[0]['year']}"
        heads = tuple(words(f"sheet.yield_columns.{one}", year=year) for one in ("crop", "yield", "area", "against"))
        title = words("sheet.yields", name=name, source=words.own(held[0]["title_fr"], held[0]["title_en"]))
        notes = (words("sheet.yields_note", year=year), *_said_of(catalogue, dataset, words))
        found.append(Listing(dataset, title, heads, tuple(lines), notes))
    return found


def stations(rows: Sequence[Row], catalogue: Catalogue, words: Words) -> list[Listing]:
    """The nearest weather stations, from ``Release.stations``: what was measured there over the reference."""
    if not rows:
        return []
    shown = [catalogue.indicators[one] for one in OF_STATIONS if one in catalogue.indicators]
    lines = []
    for row in rows:
        found = row["found"] or {}
        altitude = "" if row["altitude_m"] is None else with_unit(number(row["altitude_m"], 0, words), "m")
        values = [
            quantity(found[one.id], one.unit, one.decimals, "level", words)
            if one.id in found
            else words.known("reasons", "too_few_years")
            for one in shown
        ]
        years = f"{row['first_day'].year}-{row['last_day'].year}"
        lines.append((row["name"], altitude, with_unit(number(row["km"], 0, words), "km"), years, *values))
    heads = ("", *(words(f"sheet.station_columns.{one}") for one in ("altitude", "distance", "years")))
    labels = [words.own(one.label_fr, one.label_en) for one in shown]
    title = words("sheet.stations", source=words.own(rows[0]["title_fr"], rows[0]["title_en"]))
    dataset = rows[0]["dataset_id"]
    notes = (words("sheet.stations_note"), *_said_of(catalogue, dataset, words))
    return [Listing(dataset, title, (*heads, *labels), tuple(lines), notes)]


def limits(
    place: Row, themes_shown: Sequence[Theme], row: Row | None, notices: Sequence[str], words: Words
) -> list[str]:
    """What the figures do not say: resolution, what is missing and why, notices of datasets and indicators."""
    said = list(notices)
    if row is not None and not sentences.missing(row["resolution_km"]):
        said.append(words("sheet.resolution", km=number(row["resolution_km"], 0, words)))
    if place["geometry_method"] == "approximate":
        said.append(words("sheet.approximate"))
    for theme in themes_shown:
        if theme.missing:
            said.append(f"{theme.name}{words('sheet.colon')}{theme.missing}")
        said += [
            notice
            for one in theme.figures
            if (notice := words.own(one.indicator.notice_fr, one.indicator.notice_en)) and notice not in said
        ]
    said.append(words("sheet.hazard"))
    return [line for line in dict.fromkeys(said) if not any(line != other and line in other for other in said)]


def scale_colour(figure: Figure) -> maps.Colour:
    """The colour of a figure's last value on its map."""
    scale = maps.scale(figure.indicator, "level")
    last = [value for value in figure.series("q50") if value is not None]
    return scale.colours[scale.place(last[-1])] if last else maps.NEUTRAL
