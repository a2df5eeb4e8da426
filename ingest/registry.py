"""The sources: one authored YAML per dataset in ``ingest/sources/``, loaded and checked here.

An unknown key, a missing licence or an unknown validation status is refused with the file's name.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from climart import paths
from climart.errors import UserError
from ingest import lake

DEGREE_DAY = "_degree_day"  # ends the id of a dataset of snow computed from another's weather (``ingest.snow``)
ValidationStatus = Literal["validated", "under_evaluation", "synthetic", "observed", "reference"]


class DriasText(BaseModel):
    """How a dataset announces itself in the header of a DRIAS text export."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    experience: str
    producers: tuple[str, ...] = Field(min_length=1)
    scenario: str | None = None
    contexts: dict[str, str] = Field(min_length=1)
    gcm_names: dict[str, str] = {}


class NetcdfName(BaseModel):
    """How a dataset announces itself in daily NetCDF: the domain in the file's name, the institution in its header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: str
    institution: str | None = None


class Column(BaseModel):
    """Where a table holds a measure: a number × ``factor``; with ``equals``, ``factor`` if the cell says so, else 0;

    with ``counts_rows``, ``factor`` for every row.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    factor: float = 1.0
    equals: str | None = None
    counts_rows: bool = False


class CommuneTable(BaseModel):
    """CSV, XLSX or Parquet with a commune's code in a column. Lines before the one that names ``code`` are skipped."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["commune_table"]
    code: str
    measures: dict[str, Column] = Field(min_length=1)
    date_start: date | None = None
    date_end: date | None = None
    rows_per_commune: Literal["one", "summed"] = "one"
    row_cap: int | None = None  # a producer's export stops at this many rows, without a word
    separator: str = ";"
    encoding: str = "utf-8"
    decimal: str = "."


class CatnatCounts(BaseModel):
    """CatNat recognitions counted per commune, without dates (JSON, gzipped or not)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["catnat_counts"]
    date_start: date
    measures: dict[str, str] = Field(min_length=1)


class CatnatEvents(BaseModel):
    """``catnat_gaspar.csv``: one row per commune, peril and event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["catnat_events"]


class ZonePolygons(BaseModel):
    """Official zones. ``files``: name patterns of a perimeter and of what is counted (people, dwellings, built)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["zone_polygons"]
    topic: str = Field(pattern=r"^[a-z]+$")  # first word of the measures' ids
    crs: str  # in metres: areas are measured in it
    class_column: str | None = None
    classes: dict[str, str] = {}
    ignored: tuple[str, ...] = ()
    study_column: str | None = None
    date_column: str | None = None
    date_start: date | None = None  # of a legal map: the day from which it is in force
    date_end: date | None = None
    departement: str | None = None  # regular expression: the département (or Fxx) all of which a file of this name maps
    scale: str | None = None
    amount_column: str = "amount"
    files: dict[Literal["main", "perimeter", "people", "dwellings", "built"], str] = {}


class DepthRasters(BaseModel):
    """Flood depths. ``return_period``: a regular expression whose group is the years, in a raster's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["depth_rasters"]
    crs: str
    return_period: str
    files: dict[Literal["main", "buildings", "people"], str] = Field(min_length=1)
    metres_per_unit: float = 1.0
    asset: Literal["residential", "commercial", "industrial"] = "residential"
    price_factor: float = 1.0  # from € of 2010
    protection_years: float | None = None  # the return period up to which dikes hold, where one holds for all
    date_end: date | None = None
    note: str | None = None


class HubeauFlows(BaseModel):
    """Saved answers of Hub'Eau's hydrometry: referentiel/stations and obs_elab."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["hubeau_flows"]


Reader = Annotated[
    CommuneTable | CatnatCounts | CatnatEvents | ZonePolygons | DepthRasters | HubeauFlows,
    Field(discriminator="reader"),
]


class Source(BaseModel):
    """One source: who made it, under which licence, where it is, how far it may be trusted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    title_fr: str = Field(min_length=1)
    title_en: str = Field(min_length=1)
    producer: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    homepage: str
    version: str
    cadence: str
    validation_status: ValidationStatus
    crs: str | None = None
    calendar: str | None = None
    correction: str | None = None
    resolution_km: float | None = None
    notice_fr: str = ""
    notice_en: str = ""
    drias_text: DriasText | None = None
    netcdf: NetcdfName | None = None
    observed: Reader | None = None


def load(path: Path) -> Source:
    """One source file. Raises UserError naming the file and the offending key."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{path.name}, line {line}: not YAML ({error.problem})") from error
    try:
        source = Source.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UserError(f"{path.name}: {faults}") from error
    if source.id != path.stem:
        raise UserError(f"{path.name}: id is {source.id!r}, expected {path.stem!r}, the file's name")
    return source


@cache
def sources() -> dict[str, Source]:
    """Every source, by id, in the order of their ids."""
    return {path.stem: load(path) for path in sorted(paths.SOURCES.glob("*.yml"))}


def source(dataset_id: str) -> Source:
    """A source of the registry, or what a method of ours computes from one of them (``<source>_degree_day``).

    Raises KeyError if there is none. What is computed is synthetic where its source is, else under evaluation.
    """
    if dataset_id in sources() or not dataset_id.endswith(DEGREE_DAY):
        return sources()[dataset_id]
    parent = sources()[dataset_id.removesuffix(DEGREE_DAY)]
    return parent.model_copy(
        update={
            "id": dataset_id,
            "title_fr": f"Neige par degrés-jours, d'après {parent.title_fr}",
            "title_en": f"Degree-day snow, from {parent.title_en}",
            "producer": f"Climart, d'après {parent.producer}",
            "citation": f"Climart, modèle de neige par degrés-jours, d'après : {parent.citation}",
            "validation_status": "synthetic" if parent.validation_status == "synthetic" else "under_evaluation",
            "notice_fr": f"{parent.notice_fr} · Neige naturelle, hors neige de culture, par un modèle à degrés-jours.",
            "notice_en": f"{parent.notice_en} · Natural snow, without snowmaking, by a degree-day model.",
            "drias_text": None,
            "netcdf": None,
        }
    )


def for_drias_text(experience: str, producer: str) -> Source:
    """The source whose DRIAS exports say this experience and producer. Raises KeyError if there is none."""
    for source in sources().values():
        announced = source.drias_text
        if announced and announced.experience == experience and producer in announced.producers:
            return source
    raise KeyError((experience, producer))


def for_netcdf(domain: str, institution: str) -> Source | None:
    """The source whose daily files have this domain and institution; one that asks for no institution comes last."""
    announced = [source for source in sources().values() if source.netcdf and source.netcdf.domain == domain]
    for source in sorted(announced, key=lambda s: s.netcdf is not None and s.netcdf.institution is None):
        assert source.netcdf is not None
        if source.netcdf.institution in (None, institution):
            return source
    return None


def record_dataset(source: Source) -> None:
    """Write the source's row of the lake's ``dataset`` table."""
    row = {name: getattr(source, name) for name in lake.SCHEMAS["dataset"].names if name != "dataset_id"}
    rows = pa.Table.from_pylist([{"dataset_id": source.id, **row}], schema=lake.SCHEMAS["dataset"])
    lake.upsert("dataset", rows, key="dataset_id")
