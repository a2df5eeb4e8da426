"""The only reader: opens a release and answers the views' questions in parametrised SQL. No Streamlit here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from climart import paths
from climart.errors import UserError

DATABASE: Final = "climart.duckdb"
WEIGHTING: Final = "area"
# The order of the menu; a kind that is not named here comes after them.
KINDS: Final = (
    "commune", "epci", "departement", "region", "caisse", "massif", "massif_band", "ski_area", "zone", "aoc", "group",
    "country",
)  # fmt: skip
MEMORY_LIMIT: Final = "128MB"  # of DuckDB's own buffers, shared by all sessions
THREADS: Final = 2
PLACE_COLUMNS: Final = (
    "territory_id", "kind", "code", "name", "zone", "epci_id", "departement_id", "region_id", "caisse_id",
    "population", "area_km2", "cog_year", "longitude", "latitude", "geometry_method", "reason",
)  # fmt: skip
FIGURES: Final = ("ref_q50", "q05", "q50", "q95", "delta_q05", "delta_q50", "delta_q95", "agreement", "resolution_km")
FACT_COLUMNS: Final = (*FIGURES, "n_runs", "n_cells", "method", "robustness", "reason")
THEMES: Final = ("heat", "agriculture", "rain", "flood", "snow", "buildings", "habitability", "scores")
# Measures of past events and exposure are shown as indicators of one context, without simulations.
EXPOSURE: Final = "exposure:"
OBSERVED: Final = "observed"
# Scores are shown as indicators too; their mode (fixed thresholds, rank) stands where others have a weighting.
SCORE: Final = "score:"
SCORE_BREAKS: Final = (20.0, 40.0, 60.0, 80.0)
COMPOSITE: Final = "habitability"  # the score that is a theme of its own
THRESHOLD: Final = "threshold"
OBSERVED_LABELS: Final = ("Observé", "Observed")
LEVELS: Final = "warming_level"


@dataclass(frozen=True)
class Selection:
    """What is read of fct_indicator: one value per territory.

    ``axis``: a score has its goalposts within one axis, so the reference has one score per axis.
    """

    indicator: str
    dataset: str
    context: str
    weighting: str = WEIGHTING
    axis: str = LEVELS


def axis_of(track: str) -> str:
    """The axis of a slider: that of warming levels, or that of emission scenarios (``Context.track``)."""
    return LEVELS if track in (LEVELS, "reference") else "emission"


class NoRelease(UserError):
    """There is no release to show yet."""


class UnreadableRelease(UserError):
    """A release is there and cannot be read. ``args[0]`` says what failed."""


@dataclass(frozen=True)
class Indicator:
    """A row of dim_indicator, as far as the views need it. ``breaks`` bound the map's classes."""

    id: str
    label_fr: str
    label_en: str
    theme: str
    hazard: str
    unit: str
    decimals: int
    ramp: str
    bound_lo: float
    breaks: tuple[float, ...]
    change_breaks: tuple[float, ...]
    definition_fr: str
    definition_en: str
    verified: bool
    sector: str = ""
    acute_chronic: str = ""
    window: str = ""
    reference: str = ""
    notice_fr: str = ""  # what must be said with every value
    notice_en: str = ""
    observed: bool = False  # a measured fact: no context, no simulation
    changes: bool = True  # whether a change since the reference is known
    worse: bool = True  # whether more is worse, as far as a portfolio counts it


@dataclass(frozen=True)
class Context:
    """A row of dim_context. ``track`` is what a slider may hold together: warming levels, or one emission scenario."""

    id: str
    axis: str
    position: int
    label_fr: str
    label_en: str
    scenario: str

    @property
    def is_reference(self) -> bool:
        return self.axis == "reference"

    @property
    def has_change(self) -> bool:
        """Whether there is a change since the reference to show."""
        return self.axis not in ("reference", OBSERVED)

    @property
    def track(self) -> str:
        return self.scenario if self.axis == "emission" else self.axis


@dataclass(frozen=True)
class Classification:
    """The classes of an indicator, from 1: French and English labels in order."""

    id: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Dataset:
    """A row of dim_dataset."""

    id: str
    title_fr: str
    title_en: str
    licence: str
    citation: str
    validation_status: str
    resolution_km: float
    notice_fr: str
    notice_en: str
    fetched_on: date | None = None  # when its files came, where they were fetched
    is_stale: bool = False  # its last refresh failed: these are the last good files
    stale_reason: str = ""

    @property
    def is_synthetic(self) -> bool:
        return self.validation_status == "synthetic"


@dataclass(frozen=True)
class Catalogue:
    """What the release holds: every list that a control offers."""

    kinds: tuple[str, ...]
    filtered_kinds: frozenset[str]  # kinds whose territories belong to a caisse
    weighting_labels: dict[str, tuple[str, str]]  # French and English, where the release names them
    caisses: dict[str, str]  # territory_id → name, by name
    indicators: dict[str, Indicator]
    contexts: dict[str, Context]
    datasets: dict[str, Dataset]
    offered: frozenset[tuple[str, str, str, str]]  # (dataset, indicator, context, weighting) with at least one value
    studied: frozenset[tuple[str, str]]  # (kind, indicator) with at least one value
    classifications: Mapping[str, Classification]  # by indicator
    coverage: Mapping[tuple[str, str], int]  # (dataset, indicator) → values in its best covered context

    @cached_property
    def _by_indicator(self) -> dict[str, dict[str, set[tuple[str, str]]]]:
        found: dict[str, dict[str, set[tuple[str, str]]]] = {}
        for dataset, indicator, context, weighting in self.offered:
            found.setdefault(indicator, {}).setdefault(dataset, set()).add((context, weighting))
        return found

    def themes(self) -> list[str]:
        """Themes that have an indicator with values, in the order of the menu."""
        used = {self.indicators[indicator].theme for indicator in self._by_indicator}
        return sorted(used, key=lambda theme: (THEMES.index(theme) if theme in THEMES else len(THEMES), theme))

    def of_theme(self, theme: str) -> list[str]:
        """Indicators of a theme with values, in the order of the catalogue."""
        return [i.id for i in self.indicators.values() if i.theme == theme and i.id in self._by_indicator]

    def datasets_of(self, indicator: str) -> list[str]:
        """Datasets that carry an indicator: those by warming level first, then those with most territories."""

        def rank(dataset: str) -> tuple[bool, int, str]:
            contexts = self.contexts_of(dataset, indicator)
            by_level = any(c.axis == "warming_level" for c in contexts)
            return not by_level, -self.coverage[dataset, indicator], dataset

        return sorted(self._by_indicator.get(indicator, {}), key=rank)

    def contexts_of(self, dataset: str, indicator: str) -> list[Context]:
        """Contexts with values, in display order."""
        found = {context for context, _ in self._by_indicator.get(indicator, {}).get(dataset, ())}
        return sorted((self.contexts[c] for c in found), key=lambda context: context.position)

    def weightings_of(self, dataset: str, indicator: str) -> list[str]:
        """Ways of weighing the cells of a territory: by area first. Of a score, its modes: fixed thresholds first."""
        found = {weighting for _, weighting in self._by_indicator.get(indicator, {}).get(dataset, ())}
        return sorted(found, key=lambda one: (one not in (WEIGHTING, THRESHOLD), one))

    def kinds_of(self, indicator: str) -> list[str]:
        """Kinds of territory with a value of an indicator, in the order of the menu."""
        return [kind for kind in self.kinds if (kind, indicator) in self.studied]


@dataclass(frozen=True)
class Release:
    """An opened release. Every method runs on its own cursor, so sessions may share it."""

    folder: Path
    version: str
    published_at: datetime
    connection: duckdb.DuckDBPyConnection

    def _rows(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[dict[str, Any]]:
        cursor = self._cursor().execute(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _frame(self, sql: str, parameters: Mapping[str, object]) -> pd.DataFrame:
        frame: pd.DataFrame = self._cursor().execute(sql, parameters).df()
        return frame

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        return self.connection.cursor().execute("use release")

    @cached_property
    def tables(self) -> dict[str, frozenset[str]]:
        """The columns of each table. A release of an earlier version may lack some of both."""
        found: dict[str, set[str]] = {}
        for row in self._rows("select table_name, column_name from information_schema.columns"):
            found.setdefault(row["table_name"], set()).add(row["column_name"])
        return {table: frozenset(columns) for table, columns in found.items()}

    @property
    def has_runs(self) -> bool:
        """Whether the values of each run are known."""
        return "fct_indicator_run" in self.tables

    def _picked(self, table: str, alias: str, columns: Sequence[str]) -> str:
        """A select list of our own column names; NULL stands for a column that this release does not have."""
        there = self.tables[table]
        return ", ".join(f"{alias}.{name}" if name in there else f"null as {name}" for name in columns)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The lists that the controls offer."""
        kinds = self._rows("select kind, count(caisse_id) as with_caisse from dim_territory group by kind")
        caisses = self._rows("select territory_id, name from dim_territory where kind = 'caisse' order by name")
        indicators = self._rows("select * from dim_indicator")
        contexts = self._rows("select * from dim_context order by position")
        datasets = self._rows("select * from dim_dataset")
        offered = self._rows(
            """
            select territory.kind, dataset_id, indicator_id, context_id, weighting, count(*) as n
            from fct_indicator inner join dim_territory as territory using (territory_id)
            where q50 is not null
            group by all
            """
        )
        measures, scores = self._measures(), self._scores()
        offered += self._exposed(measures) + self._scored(scores)
        coverage: dict[tuple[str, str, str, str], int] = {}
        for row in offered:
            key = (row["dataset_id"], row["indicator_id"], row["context_id"], row["weighting"])
            coverage[key] = coverage.get(key, 0) + row["n"]
        best: dict[tuple[str, str], int] = {}
        for (dataset, indicator, _, _), count in coverage.items():
            best[dataset, indicator] = max(best.get((dataset, indicator), 0), count)
        present = {row["kind"] for row in kinds}
        return Catalogue(
            kinds=tuple(sorted(present, key=lambda kind: (KINDS.index(kind) if kind in KINDS else len(KINDS), kind))),
            filtered_kinds=frozenset(row["kind"] for row in kinds if row["with_caisse"]) | {"caisse"} & present,
            weighting_labels={
                row["weighting"]: (row["label_fr"], row["label_en"])
                for row in (self._rows("select * from dim_weighting") if "dim_weighting" in self.tables else [])
            },
            caisses={row["territory_id"]: row["name"] for row in caisses},
            indicators={row["indicator_id"]: _indicator(row) for row in indicators} | measures | scores,
            classifications=self._classifications() | self._score_classes(scores),
            contexts=({OBSERVED: Context(OBSERVED, OBSERVED, -1, *OBSERVED_LABELS, "")} if measures else {})
            | {
                row["context_id"]: Context(
                    row["context_id"],
                    row["axis"],
                    row["position"],
                    row["label_fr"],
                    row["label_en"],
                    row["scenario"],
                )
                for row in contexts
            },
            datasets={
                row["dataset_id"]: Dataset(
                    row["dataset_id"],
                    row["title_fr"],
                    row["title_en"],
                    row["licence"],
                    row["citation"],
                    row["validation_status"],
                    row["resolution_km"],
                    row["notice_fr"],
                    row["notice_en"],
                    fetched.date() if (fetched := row.get("fetched_at")) else None,
                    bool(row.get("is_stale")),
                    row.get("stale_reason") or "",
                )
                for row in datasets
            },
            offered=frozenset(coverage),
            coverage=best,
            studied=frozenset((row["kind"], row["indicator_id"]) for row in offered),
        )

    def _measures(self) -> dict[str, Indicator]:
        """Measures of past events and exposure that have classes for a map, as indicators; {} without them."""
        if not {"fct_exposure", "dim_exposure_measure"} <= self.tables.keys():
            return {}
        rows = self._rows("select * from dim_exposure_measure order by measure_id")
        return {
            f"{EXPOSURE}{row['measure_id']}": Indicator(
                id=f"{EXPOSURE}{row['measure_id']}",
                label_fr=row["label_fr"],
                label_en=row["label_en"],
                theme=row["theme"],
                hazard=row["theme"],
                unit=row["unit"],
                decimals=row["decimals"],
                ramp=row["ramp"],
                bound_lo=0.0,
                breaks=_numbers(row["breaks"]),
                change_breaks=(),
                definition_fr=row["definition_fr"],
                definition_en=row["definition_en"],
                verified=True,
                acute_chronic="acute",
                reference=row["reference"] or "",
                observed=True,
                changes=False,
            )
            for row in rows
            if row["breaks"]
        }

    def _scores(self) -> dict[str, Indicator]:
        """The scores, as indicators from 0 to 100; {} in a release without them."""
        if not {"fct_score", "dim_hazard", "dim_score_class"} <= self.tables.keys():
            return {}
        return {
            f"{SCORE}{row['score_id']}": Indicator(
                id=f"{SCORE}{row['score_id']}",
                label_fr=row["label_fr"],
                label_en=row["label_en"],
                theme=COMPOSITE if row["score_id"] == COMPOSITE else "scores",
                hazard=row["score_id"],
                unit="0-100",
                decimals=0,
                ramp="score" if row["high_is"] == "worse" else "score_better",
                bound_lo=0.0,
                breaks=SCORE_BREAKS,
                change_breaks=(),
                definition_fr=row["notice_fr"],
                definition_en=row["notice_en"],
                verified=True,
                acute_chronic=row["acute_chronic"],
                reference=row["version"],
                notice_fr=row["notice_fr"],
                notice_en=row["notice_en"],
                changes=False,
                worse=row["high_is"] == "worse",
            )
            for row in self._rows("select * from dim_hazard order by score_id")
        }

    def _scored(self, scores: Mapping[str, Indicator]) -> list[dict[str, Any]]:
        """What scores have values: rows as those of ``offered``."""
        if not scores:
            return []
        rows = self._rows(
            """
            select kind, dataset_id, score_id, context_id, mode, count(*) as n
            from fct_score inner join dim_territory using (territory_id)
            where score is not null
            group by all
            """
        )
        return [{**row, "indicator_id": f"{SCORE}{row['score_id']}", "weighting": row["mode"]} for row in rows]

    def _score_classes(self, scores: Mapping[str, Indicator]) -> dict[str, Classification]:
        """The five classes, the same for every score."""
        if not scores:
            return {}
        rows = self._rows("select label_fr, label_en from dim_score_class order by class")
        labels = tuple((row["label_fr"], row["label_en"]) for row in rows)
        return {name: Classification("score", labels) for name in scores}

    def _exposed(self, measures: Mapping[str, Indicator]) -> list[dict[str, Any]]:
        """Of those measures, what has values: rows as those of ``offered``."""
        if not measures:
            return []
        rows = self._rows(
            """
            select kind, dataset_id, measure_id, count(*) as n
            from fct_exposure inner join dim_territory using (territory_id)
            where value is not null and return_period is null
            group by all
            """
        )
        return [
            {**row, "indicator_id": name, "context_id": OBSERVED, "weighting": WEIGHTING}
            for row in rows
            if (name := f"{EXPOSURE}{row['measure_id']}") in measures
        ]

    def _classifications(self) -> dict[str, Classification]:
        """The first classification of each indicator that has one; {} in a release without classes."""
        if not {"dim_class", "fct_class"} <= self.tables.keys():
            return {}
        found: dict[str, Classification] = {}
        for row in self._rows("select * from dim_class order by indicator_id, classification_id, class"):
            name, label = row["indicator_id"], (row["label_fr"], row["label_en"])
            old = found.get(name)
            if old is None:
                found[name] = Classification(row["classification_id"], (label,))
            elif old.id == row["classification_id"]:
                found[name] = Classification(old.id, (*old.labels, label))
        return found

    # ---- territories

    def places(self, kind: str) -> pd.DataFrame:
        """The territories of a kind, by territory_id: what does not depend on the choice of an indicator.

        Columns: those of PLACE_COLUMNS, departement_code and departement (of what is smaller), drawn,
        name_rank (the place by name).
        """
        return self._frame(
            f"""
            select {self._picked("dim_territory", "territory", PLACE_COLUMNS)},
                departement.code as departement_code, departement.name as departement,
                territory.outline is not null as drawn,
                row_number() over (order by territory.name, territory.territory_id)::integer as name_rank
            from dim_territory as territory
            left join dim_territory as departement
                on departement.territory_id = territory.departement_id and territory.kind <> 'departement'
            where territory.kind = $kind
            order by territory.territory_id
            """,
            {"kind": kind},
        )

    def outlines(self, kind: str) -> list[bytes | None]:
        """The simplified outlines of a kind (WKB, WGS 84; None where unknown), in the order of ``places``."""
        rows = self._rows(
            "select outline::blob as outline from dim_territory where kind = ? order by territory_id", [kind]
        )
        return [None if row["outline"] is None else bytes(row["outline"]) for row in rows]

    def territory(self, territory_id: str) -> dict[str, Any] | None:
        """One territory, by PLACE_COLUMNS, with the names of what it belongs to; None if unknown."""
        rows = self._rows(
            f"""
            select {self._picked("dim_territory", "territory", PLACE_COLUMNS)},
                departement.code as departement_code,
                caisse.name as caisse, epci.name as epci, departement.name as departement, region.name as region,
                territory.outline is not null as drawn
            from dim_territory as territory
            left join dim_territory as caisse on caisse.territory_id = territory.caisse_id
            left join dim_territory as epci on epci.territory_id = territory.epci_id
            left join dim_territory as departement on departement.territory_id = territory.departement_id
            left join dim_territory as region on region.territory_id = territory.region_id
            where territory.territory_id = ?
            """,
            [territory_id],
        )
        return rows[0] if rows else None

    def found(self, text: str, limit: int = 30) -> list[dict[str, Any]]:
        """Territories whose code is ``text`` or whose name holds it, accents and case apart: the closest first."""
        return self._rows(
            """
            with named as (
                select territory_id, kind, code, name, departement_id, population,
                    regexp_replace(strip_accents(lower(name)), '[^a-z0-9]+', ' ', 'g') as plain
                from dim_territory
            ),
            asked as (select regexp_replace(strip_accents(lower(trim($text))), '[^a-z0-9]+', ' ', 'g') as text)
            select territory_id, kind, code, name, departement_id
            from named, asked
            where length(asked.text) > 1 and (lower(code) = asked.text or contains(plain, asked.text))
            order by lower(code) <> asked.text, plain <> asked.text, not starts_with(plain, asked.text),
                population desc nulls last, name, territory_id
            limit $limit
            """,
            {"text": text, "limit": limit},
        )

    def shared_departements(self, caisse: str) -> list[str]:
        """Names of départements that another bank's filter holds and that this one may serve too."""
        rows = self._rows(
            """
            select name from dim_territory
            where kind = 'departement' and caisse_id <> ?
                and list_contains(string_split(caisse_shared_with, '|'), ?)
            order by name
            """,
            [caisse, caisse.removeprefix("caisse:")],
        )
        return [row["name"] for row in rows]

    # ---- figures

    def figures(self, kind: str, selection: Selection) -> pd.DataFrame:
        """The values of one choice, in the order of ``places``. Columns: FACT_COLUMNS.

        Numbers as float32 and small integers, words as categories: a table of all communes takes about 2 MB.
        """
        if selection.indicator.startswith(EXPOSURE):
            return _typed(self._exposure_figures(kind, selection))
        if selection.indicator.startswith(SCORE):
            return _typed(self._score_figures(kind, selection))
        frame = self._frame(
            f"""
            select {self._picked("fct_indicator", "fact", FACT_COLUMNS)}
            from dim_territory as territory
            left join fct_indicator as fact
                on fact.territory_id = territory.territory_id and fact.weighting = $weighting
                and fact.indicator_id = $indicator and fact.dataset_id = $dataset and fact.context_id = $context
            where territory.kind = $kind
            order by territory.territory_id
            """,
            {"kind": kind, **_of_indicator(selection)},
        )
        return _typed(frame)

    def kinds_with_values(self, selection: Selection) -> dict[str, int]:
        """The kinds of territory that have values of an indicator of fct_indicator, with how many, in menu order."""
        rows = self._rows(
            """
            select kind, count(*) as n from fct_indicator inner join dim_territory using (territory_id)
            where indicator_id = $indicator and dataset_id = $dataset and context_id = $context
                and weighting = $weighting and q50 is not null
            group by kind
            """,
            _of_indicator(selection),
        )
        found = {row["kind"]: row["n"] for row in rows}
        return {kind: found[kind] for kind in self.catalogue.kinds if kind in found}

    def _exposure_figures(self, kind: str, selection: Selection) -> pd.DataFrame:
        """A measure of past events or exposure: its value as the median, no simulation."""
        none = ("ref_q50", "delta_q05", "delta_q50", "delta_q95", "agreement", "resolution_km", "robustness")
        absent = ", ".join(f"null as {name}" for name in none)
        return self._frame(
            f"""
            select {absent}, 0 as n_runs, 0 as n_cells,
                fact.value as q05, fact.value as q50, fact.value as q95,
                case when fact.state = 'partly_studied' then fact.state end as method,
                coalesce(fact.reason, 'not_studied') as reason
            from dim_territory as territory
            left join fct_exposure as fact
                on fact.territory_id = territory.territory_id and fact.measure_id = $measure
                and fact.dataset_id = $dataset and fact.return_period is null
            where territory.kind = $kind
            order by territory.territory_id
            """,
            {
                "kind": kind,
                "measure": selection.indicator.removeprefix(EXPOSURE),
                "dataset": selection.dataset,
            },
        )

    def _score_figures(self, kind: str, selection: Selection) -> pd.DataFrame:
        """A score: its value as the median, its bounds over the simulations."""
        none = ("ref_q50", "delta_q05", "delta_q50", "delta_q95", "agreement", "resolution_km", "robustness", "method")
        absent = ", ".join(f"null as {name}" for name in none)
        return self._frame(
            f"""
            select {absent}, 0 as n_cells, fact.n_runs, fact.reason,
                coalesce(fact.q05, fact.score) as q05, fact.score as q50, coalesce(fact.q95, fact.score) as q95
            from dim_territory as territory
            left join fct_score as fact
                on fact.territory_id = territory.territory_id and fact.score_id = $score
                and fact.dataset_id = $dataset and fact.context_id = $context and fact.mode = $mode
                and fact.axis = $axis
            where territory.kind = $kind
            order by territory.territory_id
            """,
            {"kind": kind, "context": selection.context, **_of_score(selection)},
        )

    def _score_medians(self, kind: str, selection: Selection) -> pd.DataFrame:
        """``medians`` of a score."""
        return self._frame(
            """
            select territory_id, context_id, score as q50
            from fct_score
            inner join dim_territory using (territory_id)
            where kind = $kind and score_id = $score and dataset_id = $dataset and mode = $mode and axis = $axis
            """,
            {"kind": kind, **_of_score(selection)},
        )

    def classes(self, kind: str, selection: Selection) -> pd.DataFrame:
        """The class of each territory, in the order of ``places``: category (from 0, -1 if none), share, reason.

        ``share`` is the part of the simulations in that very class.
        """
        if selection.indicator.startswith(SCORE):
            frame = self._frame(
                """
                select coalesce(fact.class, 0) - 1 as category, fact.class_confidence as share,
                    case when fact.class is null then fact.reason end as reason
                from dim_territory as territory
                left join fct_score as fact
                    on fact.territory_id = territory.territory_id and fact.score_id = $score
                    and fact.dataset_id = $dataset and fact.context_id = $context and fact.mode = $mode
                and fact.axis = $axis
                where territory.kind = $kind
                order by territory.territory_id
                """,
                {"kind": kind, "context": selection.context, **_of_score(selection)},
            )
            return frame.astype({"category": "int16", "share": "float32"})
        frame = self._frame(
            """
            select coalesce(fact.class, 0) - 1 as category, fact.share_of_runs as share,
                case when fact.class is null then fact.reason end as reason
            from dim_territory as territory
            left join fct_class as fact
                on fact.territory_id = territory.territory_id and fact.weighting = $weighting
                and fact.indicator_id = $indicator and fact.dataset_id = $dataset and fact.context_id = $context
                and fact.classification_id = $classification
            where territory.kind = $kind
            order by territory.territory_id
            """,
            {
                "kind": kind,
                "classification": self.catalogue.classifications[selection.indicator].id,
                **_of_indicator(selection),
            },
        )
        return frame.astype({"category": "int16", "share": "float32"})

    def sheet(self, territory_id: str, axis: str = LEVELS) -> pd.DataFrame:
        """Every value of one territory: indicator_id, dataset_id, context_id, weighting and FACT_COLUMNS.

        Scores stand among the indicators, those of ``axis``.
        """
        scores = ""
        if "fct_score" in self.tables:
            known = {
                "q50": "score",
                "q05": "coalesce(q05, score)",
                "q95": "coalesce(q95, score)",
                "n_runs": "coalesce(n_runs, 0)",
                "reason": "reason",
            }
            columns = ", ".join(f"{known.get(name, 'null')} as {name}" for name in FACT_COLUMNS)
            scores = f"""
                union all
                select '{SCORE}' || score_id, dataset_id, context_id, mode, {columns}
                from fct_score where territory_id = $territory and axis = $axis
            """
        return self._frame(
            f"""
            select indicator_id, dataset_id, context_id, weighting,
                {self._picked("fct_indicator", "fact", FACT_COLUMNS)}
            from fct_indicator as fact
            where territory_id = $territory
            {scores}
            """,
            {"territory": territory_id} | ({"axis": axis} if scores else {}),
        )

    def runs(self, territory_id: str, selection: Selection) -> dict[str, list[float]]:
        """The values of each run, by context, of the indicator, dataset and weighting of ``selection``."""
        if not self.has_runs:
            return {}
        rows = self._rows(
            """
            select context_id, run_values from fct_indicator_run
            where territory_id = $territory and indicator_id = $indicator and dataset_id = $dataset
                and weighting = $weighting
            """,
            {
                "territory": territory_id,
                "indicator": selection.indicator,
                "dataset": selection.dataset,
                "weighting": selection.weighting,
            },
        )
        return {row["context_id"]: [v for v in row["run_values"] or [] if v is not None] for row in rows}

    def medians(self, kind: str, selection: Selection) -> pd.DataFrame:
        """The median of an indicator in every context. Columns: territory_id, context_id, q50."""
        if selection.indicator.startswith(SCORE):
            return self._score_medians(kind, selection)
        return self._frame(
            """
            select territory_id, context_id, q50
            from fct_indicator
            inner join dim_territory using (territory_id)
            where kind = $kind and indicator_id = $indicator and dataset_id = $dataset and weighting = $weighting
            """,
            {
                "kind": kind,
                "indicator": selection.indicator,
                "dataset": selection.dataset,
                "weighting": selection.weighting,
            },
        )

    def exposures(self, territory_id: str) -> list[dict[str, Any]] | None:
        """Past events and exposure of a territory, with their measure; None if this release has none at all."""
        if not {"fct_exposure", "dim_exposure_measure"} <= self.tables.keys():
            return None
        return self._rows(
            """
            select measure.*, exposure.dataset_id, exposure.value, exposure.state, exposure.date_start,
                exposure.date_end, exposure.note, exposure.reason, exposure.return_period,
                dataset.title_fr, dataset.title_en, dataset.licence, dataset.citation
            from fct_exposure as exposure
            inner join dim_exposure_measure as measure using (measure_id)
            inner join dim_dataset as dataset using (dataset_id)
            where territory_id = ?
            order by measure.theme, measure.measure_id
            """,
            [territory_id],
        )

    def published(self, territory_id: str) -> list[dict[str, Any]]:
        """What producers publish of a territory, already reduced over their simulations; [] where there is nothing.

        Rows by dataset, index, season and statistic (level or change), then context. ``label_fr`` and the like are None
        where the index is not one of our indicators.
        """
        if "fct_published_ensemble" not in self.tables:
            return []
        return self._rows(
            """
            select published.*, indicator.label_fr, indicator.label_en, indicator.decimals, context.position,
                dataset.title_fr, dataset.title_en
            from fct_published_ensemble as published
            inner join dim_dataset as dataset using (dataset_id)
            inner join dim_context as context using (context_id)
            left join dim_indicator as indicator using (indicator_id)
            where territory_id = ? and median is not null
            order by dataset_id, indicator_id is null, index_code, season, statistic, position
            """,
            [territory_id],
        )

    def yields(self, territory_id: str, crops: int) -> list[dict[str, Any]]:
        """The yields of the last year of each dataset, of the crops that take most of a territory's land; [] if none.

        The producer's totals over crops are left out.
        """
        if "fct_crop_yield" not in self.tables:
            return []
        totals = "and not is_total" if "is_total" in self.tables["fct_crop_yield"] else ""
        return self._rows(
            f"""
            select yields.*, dataset.title_fr, dataset.title_en
            from fct_crop_yield as yields inner join dim_dataset as dataset using (dataset_id)
            where territory_id = $territory and yields.yield is not null {totals}
            qualify year = max(year) over (partition by dataset_id)
                and row_number() over (partition by dataset_id, year order by area_ha desc nulls last, crop) <= $crops
            order by dataset_id, area_ha desc nulls last, crop
            """,
            {"territory": territory_id, "crops": crops},
        )

    def stations(
        self, territory_id: str, indicators: Sequence[str], count: int, within_km: float
    ) -> list[dict[str, Any]]:
        """The weather stations nearest to a territory's centre, with their means of the reference; [] if none.

        Columns: dataset_id, name, altitude_m, first_day, last_day, km, found (indicator_id → mean of 1976-2005).
        """
        if "dim_weather_station" not in self.tables:
            return []
        return self._rows(
            """
            select stations.dataset_id,
                any_value(dataset.title_fr) as title_fr, any_value(dataset.title_en) as title_en,
                stations.name, stations.altitude_m, stations.first_day, stations.last_day,
                111.2 * sqrt(
                    pow(stations.latitude - territory.latitude, 2)
                    + pow((stations.longitude - territory.longitude) * cos(radians(territory.latitude)), 2)
                ) as km,
                map_from_entries(list((cells.indicator_id, cells.q50)) filter (cells.q50 is not null)) as found
            from dim_weather_station as stations
            inner join dim_dataset as dataset using (dataset_id)
            inner join dim_territory as territory on territory.territory_id = $territory
            left join fct_cell as cells
                on cells.grid_id = stations.grid_id and cells.cell_id = stations.cell_id
                and cells.dataset_id = stations.dataset_id and cells.context_id = 'ref'
                and list_contains($indicators, cells.indicator_id)
            group by stations.dataset_id, stations.name, stations.altitude_m, stations.first_day, stations.last_day, km
            having km <= $within
            order by km
            limit $count
            """,
            {"territory": territory_id, "indicators": list(indicators), "count": count, "within": within_km},
        )

    def former_codes(self) -> dict[str, tuple[str | None, str | None]]:
        """Codes of communes of other years → the code of today, and why there is none (ambiguous_split, abolished).

        Empty in a release without the history of communes.
        """
        if "dim_commune_crosswalk" not in self.tables:
            return {}
        rows = self._rows(
            """
            select code, replace(territory_id, 'commune:', '') as today, reason
            from dim_commune_crosswalk
            where is_latest
            """
        )
        return {row["code"]: (row["today"], row["reason"]) for row in rows}

    def outlines_within(self, kind: str, departement_id: str) -> list[tuple[str, bytes]]:
        """(territory_id, outline as WKB in WGS 84) of the territories of a kind in a département."""
        rows = self._rows(
            """
            select territory_id, outline::blob as outline from dim_territory
            where kind = ? and departement_id = ? and outline is not null
            """,
            [kind, departement_id],
        )
        return [(row["territory_id"], bytes(row["outline"])) for row in rows]

    def outline(self, territory_id: str) -> bytes | None:
        """The simplified outline of one territory (WKB, WGS 84)."""
        rows = self._rows("select outline::blob as outline from dim_territory where territory_id = ?", [territory_id])
        return None if not rows or rows[0]["outline"] is None else bytes(rows[0]["outline"])

    # ---- method

    def dictionary(self) -> list[dict[str, Any]]:
        """Tables and columns with their comments, as the release carries them."""
        return self._rows(
            """
            select table_name, '' as column_name, '' as data_type, coalesce(comment, '') as comment
            from duckdb_tables() where schema_name = 'main' and not internal
            union all
            select table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns()
            where schema_name = 'main' and not internal
            order by table_name, column_name
            """
        )

    def about(self) -> dict[str, Any]:
        """What release.json says."""
        found: dict[str, Any] = json.loads((self.folder / "release.json").read_text(encoding="utf-8"))
        return found

    def sources(self) -> list[dict[str, Any]]:
        """Which producer's index each indicator comes from, by dataset; [] in a release without it."""
        if "dim_indicator_source" not in self.tables:
            return []
        return self._rows(
            """
            select indicator_id, dataset_id, string_agg(distinct index_code, ', ') as codes,
                any_value(producer_label) as producer_label, any_value(note) as note
            from dim_indicator_source group by all order by all
            """
        )

    def paired_difference(self, kind: str, first: Selection, second: Selection) -> NDArray[np.float32]:
        """Median over runs of (second less first), run by run, in the order of ``places``; NaN where not known.

        The two selections share indicator, dataset and weighting: their lists of runs have the same order. Needs
        ``has_runs``. Of a score, whose runs are not published one by one: second less first.
        """
        if first.indicator.startswith(SCORE):
            before, after = (
                self._score_figures(kind, one)["q50"].to_numpy(dtype=np.float32) for one in (first, second)
            )
            return np.asarray(after - before, dtype=np.float32)
        frame = self._frame(
            """
            select list_aggregate(
                list_transform(list_zip(one.run_values, other.run_values), lambda pair: pair[2] - pair[1]), 'median'
            )::float as difference
            from dim_territory as territory
            left join fct_indicator_run as one
                on one.territory_id = territory.territory_id and one.weighting = $weighting
                and one.indicator_id = $indicator and one.dataset_id = $dataset and one.context_id = $first
            left join fct_indicator_run as other
                on other.territory_id = territory.territory_id and other.weighting = $weighting
                and other.indicator_id = $indicator and other.dataset_id = $dataset and other.context_id = $second
            where territory.kind = $kind
            order by territory.territory_id
            """,
            {
                "kind": kind,
                "weighting": first.weighting,
                "indicator": first.indicator,
                "dataset": first.dataset,
                "first": first.context,
                "second": second.context,
            },
        )
        return frame["difference"].to_numpy(dtype=np.float32, na_value=np.nan)


def reasons(places: pd.DataFrame, figures: pd.DataFrame, absent: pd.Series) -> pd.Series:
    """Why each value is absent; NA where ``absent`` is not set."""
    why = figures["reason"].astype("object").where(figures["reason"].notna(), places["reason"])
    return why.where(why.notna(), "not_studied").where(absent, None).astype("str")


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers as float32 and small integers, words as categories."""
    for name in FIGURES:
        frame[name] = frame[name].astype("float32")
    frame["n_runs"] = frame["n_runs"].fillna(0).astype("int16")
    frame["n_cells"] = frame["n_cells"].fillna(0).astype("int32")
    for name in ("method", "robustness", "reason"):
        frame[name] = frame[name].astype("category")
    return frame


def joined(places: pd.DataFrame, figures: pd.DataFrame, caisse: str | None) -> pd.DataFrame:
    """Every territory of a kind or of one caisse, with its values or the reason for their absence.

    One row per territory, highest median first, those without value last. ``caisse`` None is all of France.
    Columns: those of ``Release.places`` and ``Release.figures``; ``reason`` is set exactly where q50 is absent.
    """
    why = reasons(places, figures, figures["q50"].isna()).rename("reason")
    table = pd.concat([places.drop(columns="reason"), figures.drop(columns="reason"), why], axis=1)
    medians = np.nan_to_num(-figures["q50"].to_numpy(dtype=float), nan=np.inf)
    order = np.lexsort((places["name_rank"].to_numpy(), medians))
    if caisse is not None:
        kept = ((places["caisse_id"] == caisse) | (places["territory_id"] == caisse)).to_numpy(
            dtype=bool, na_value=False
        )
        order = order[kept[order]]
    return table.take(order).reset_index(drop=True)


def _of_indicator(selection: Selection) -> dict[str, str]:
    """The parameters that name a choice of fct_indicator."""
    return {
        "indicator": selection.indicator,
        "dataset": selection.dataset,
        "context": selection.context,
        "weighting": selection.weighting,
    }


def _of_score(selection: Selection) -> dict[str, str]:
    """The parameters that name a score."""
    return {
        "score": selection.indicator.removeprefix(SCORE),
        "dataset": selection.dataset,
        "mode": selection.weighting,
        "axis": selection.axis,
    }


def _numbers(text: str | None) -> tuple[float, ...]:
    return tuple(float(part) for part in (text or "").split(";") if part)


def _indicator(row: dict[str, Any]) -> Indicator:
    return Indicator(
        id=row["indicator_id"],
        label_fr=row["label_fr"],
        label_en=row["label_en"],
        theme=row["theme"],
        hazard=row["hazard"],
        unit=row["unit"],
        decimals=row["decimals"],
        ramp=row["ramp"],
        bound_lo=row["bound_lo"],
        breaks=_numbers(row["breaks"]),
        change_breaks=_numbers(row["change_breaks"]),
        definition_fr=row["definition_fr"],
        definition_en=row["definition_en"],
        verified=row["param_status"] == "verified",
        sector=row.get("sector") or "",
        acute_chronic=row.get("acute_chronic") or "",
        window=row.get("aggregation_window") or "",
        reference=row.get("reference") or "",
        notice_fr=row.get("notice_fr") or "",
        notice_en=row.get("notice_en") or "",
    )


def stable_folder() -> Path:
    """The folder that ``stable`` points to now. Raises NoRelease if there is none."""
    root = paths.releases()
    link = root / "stable"
    if not link.exists():
        raise NoRelease(str(root))
    return paths.inside(root, link.resolve().name)


def open_release(folder: Path) -> Release:
    """Open a release read-only. Raises UnreadableRelease with what failed."""
    try:
        about = json.loads((folder / "release.json").read_text(encoding="utf-8"))
        # attached, not opened: another reader of the same file in this process may have settings of its own
        connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": THREADS})
        path = str(folder / DATABASE).replace("'", "''")
        connection.execute(f"attach '{path}' as release (read_only)")
        connection.execute("set enable_external_access = false")
        release = Release(folder, about["version"], datetime.fromisoformat(about["published_at"]), connection)
        if not release.catalogue.offered:
            raise UnreadableRelease(f"{folder.name}: fct_indicator")
    except (OSError, ValueError, KeyError, duckdb.Error) as error:
        raise UnreadableRelease(f"{folder.name}: {error}") from error
    return release
