"""The only reader: opens a release and answers the views' questions in parametrised SQL. No Streamlit here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd

from climart import paths
from climart.errors import UserError

DATABASE: Final = "climart.duckdb"
WEIGHTING: Final = "area"
KINDS: Final = (
    "commune", "epci", "departement", "region", "caisse", "massif", "massif_band", "ski_area", "zone", "aoc", "group",
    "country",
)  # fmt: skip
THEMES: Final = ("heat", "agriculture", "rain", "snow", "buildings", "habitability", "scores")


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
    notice_fr: str = ""  # what must be said with every value
    notice_en: str = ""


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
    def track(self) -> str:
        return self.scenario if self.axis == "emission" else self.axis


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

    @property
    def is_synthetic(self) -> bool:
        return self.validation_status == "synthetic"


@dataclass(frozen=True)
class Catalogue:
    """What the release holds: every list that a control offers."""

    kinds: tuple[str, ...]
    filtered_kinds: frozenset[str]  # kinds whose territories belong to a caisse
    caisses: dict[str, str]  # territory_id → name, by name
    indicators: dict[str, Indicator]
    contexts: dict[str, Context]
    datasets: dict[str, Dataset]
    offered: frozenset[tuple[str, str, str]]  # (dataset, indicator, context) with at least one value

    def themes(self) -> list[str]:
        """Themes that have an indicator with values, in the order of the menu."""
        used = {self.indicators[indicator].theme for _, indicator, _ in self.offered}
        return sorted(used, key=lambda theme: (THEMES.index(theme) if theme in THEMES else len(THEMES), theme))

    def of_theme(self, theme: str) -> list[str]:
        """Indicators of a theme with values, in the order of the catalogue."""
        used = {indicator for _, indicator, _ in self.offered}
        return [i.id for i in self.indicators.values() if i.theme == theme and i.id in used]

    def datasets_of(self, indicator: str) -> list[str]:
        """Datasets that carry an indicator: those by warming level first, then those with most contexts."""

        def rank(dataset: str) -> tuple[bool, int, str]:
            contexts = self.contexts_of(dataset, indicator)
            return not any(c.axis == "warming_level" for c in contexts), -len(contexts), dataset

        return sorted({d for d, i, _ in self.offered if i == indicator}, key=rank)

    def contexts_of(self, dataset: str, indicator: str) -> list[Context]:
        """Contexts with values, in display order."""
        found = [self.contexts[c] for d, i, c in self.offered if (d, i) == (dataset, indicator)]
        return sorted(found, key=lambda context: context.position)


@dataclass(frozen=True)
class Release:
    """An opened release. Every method runs on its own cursor, so sessions may share it."""

    folder: Path
    version: str
    published_at: datetime
    connection: duckdb.DuckDBPyConnection

    def _rows(self, sql: str, parameters: Sequence[object] | Mapping[str, object] = ()) -> list[dict[str, Any]]:
        cursor = self.connection.cursor().execute(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

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
            select distinct dataset_id, indicator_id, context_id
            from fct_indicator where weighting = ? and q50 is not null
            """,
            [WEIGHTING],
        )
        present = {row["kind"] for row in kinds}
        return Catalogue(
            kinds=tuple(kind for kind in KINDS if kind in present),
            filtered_kinds=frozenset(row["kind"] for row in kinds if row["with_caisse"]) | {"caisse"} & present,
            caisses={row["territory_id"]: row["name"] for row in caisses},
            indicators={row["indicator_id"]: _indicator(row) for row in indicators},
            contexts={
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
                )
                for row in datasets
            },
            offered=frozenset((row["dataset_id"], row["indicator_id"], row["context_id"]) for row in offered),
        )

    def values(self, kind: str, caisse: str | None, indicator: str, dataset: str, context: str) -> pd.DataFrame:
        """Every territory of a kind, with its values or the reason for their absence.

        One row per territory, highest median first, those without value last. ``caisse`` None is all of France.
        Columns: territory_id, code, name, departement_code and departement (of what is smaller), area_km2,
        geometry_method, drawn, ref_q50, q05, q50, q95,
        delta_q05, delta_q50, delta_q95, n_runs, agreement, n_cells, resolution_km, method, reason.
        """
        cursor = self.connection.cursor().execute(
            """
            select
                territory.territory_id, territory.code, territory.name,
                departement.code as departement_code, departement.name as departement,
                territory.area_km2, territory.geometry_method, territory.outline is not null as drawn,
                fact.ref_q50, fact.q05, fact.q50, fact.q95, fact.delta_q05, fact.delta_q50, fact.delta_q95,
                fact.n_runs, fact.agreement, fact.n_cells, fact.resolution_km, fact.method,
                case when fact.q50 is null
                    then coalesce(fact.reason, territory.reason, 'not_studied') end as reason
            from dim_territory as territory
            left join fct_indicator as fact
                on fact.territory_id = territory.territory_id and fact.weighting = $weighting
                and fact.indicator_id = $indicator and fact.dataset_id = $dataset and fact.context_id = $context
            left join dim_territory as departement
                on departement.territory_id = territory.departement_id and territory.kind <> 'departement'
            where territory.kind = $kind
                and ($caisse is null or territory.caisse_id = $caisse or territory.territory_id = $caisse)
            order by fact.q50 desc nulls last, territory.name, territory.territory_id
            """,
            {
                "weighting": WEIGHTING,
                "indicator": indicator,
                "dataset": dataset,
                "context": context,
                "kind": kind,
                "caisse": caisse,
            },
        )
        return cursor.df()

    def outlines(self, kind: str, caisse: str | None) -> list[tuple[str, bytes]]:
        """(territory_id, simplified outline as WKB in WGS 84) of the territories that can be drawn."""
        rows = self._rows(
            """
            select territory_id, outline::blob as outline
            from dim_territory
            where kind = $kind and outline is not null
                and ($caisse is null or caisse_id = $caisse or territory_id = $caisse)
            order by territory_id
            """,
            {"kind": kind, "caisse": caisse},
        )
        return [(row["territory_id"], bytes(row["outline"])) for row in rows]

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
        connection = duckdb.connect(str(folder / DATABASE), read_only=True)
        release = Release(folder, about["version"], datetime.fromisoformat(about["published_at"]), connection)
        if not release.catalogue.offered:
            raise UnreadableRelease(f"{folder.name}: fct_indicator")
    except (OSError, ValueError, KeyError, duckdb.Error) as error:
        raise UnreadableRelease(f"{folder.name}: {error}") from error
    return release
