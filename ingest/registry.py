"""The sources: one authored YAML per dataset in ``ingest/sources/``, loaded and checked here.

An unknown key, a missing licence or an unknown validation status is refused with the file's name.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

import pyarrow as pa
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from climart import paths
from climart.errors import UserError
from climart.files import sha256_of
from ingest import addresses, lake

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


class EnsembleTable(BaseModel):
    """One table, a row per commune, index and context: the names of its columns. ``units``: index → unit, where no
    column says it. ``largest``: of several rows of a commune (points of a river), that where this column is largest.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    commune: str
    index: str
    context: str
    contexts: dict[str, str] = Field(min_length=1)
    contexts_left_out: tuple[str, ...] = ()
    low: str
    median: str
    high: str
    n_runs: str
    unit: str | None = None
    units: dict[str, str] = {}
    largest: str | None = None
    also: tuple[str, ...] = ()  # columns that are not read
    statistic: str = "level"
    separator: str = ";"
    decimal: str = "."


class Ensemble(BaseModel):
    """What a producer publishes already reduced over its runs: the layout, and what its lower and upper values are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout: Literal["tracc_tables", "climadiag", "table"]
    table: EnsembleTable | None = None  # where the layout is a table
    low_statistic: Literal["min", "q05"]
    high_statistic: Literal["max", "q95"]
    n_runs: int | None = Field(default=None, ge=1)  # None where the producer does not say


class FarmZone(BaseModel):
    """A column of a CSV of farm zones: the token of its communes, and the territory that they make."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    token: str
    territory_id: str = Field(pattern=r"^zone:[a-z0-9-]+$")
    name_fr: str = Field(min_length=1)
    name_en: str = Field(min_length=1)


class Column(BaseModel):
    """Where a table holds a measure: a number × ``factor``; with ``equals``, ``factor`` if the cell says so, else 0;

    with ``counts_rows``, ``factor`` for every row; with ``values``, the number that a text stands for (case and accents
    aside). ``bounds``: least and most, both allowed. ``date_start``: of this measure, where the table's is another.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    factor: float = 1.0
    equals: str | None = None
    counts_rows: bool = False
    values: dict[str, float] = {}
    bounds: tuple[float, float] | None = None
    date_start: date | None = None


class CommuneTable(BaseModel):
    """CSV, XLSX, Parquet or saved answers (JSON) with a commune's code in a column. Lines before the one that names

    ``code`` are skipped. ``vintage``: the day whose official code the communes are of, where that is not the last day
    of the data. ``columns``: all that the table has; another one is refused. ``row_key``: columns that no two rows
    share. ``year_column``: the years of the rows, the data being of whole years. ``bad_rows``: a row that cannot be is
    refused with its file, or left out and listed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["commune_table"]
    code: str
    measures: dict[str, Column] = Field(min_length=1)
    date_start: date | None = None
    date_end: date | None = None
    year_column: str | None = None
    vintage: date | None = None
    rows_per_commune: Literal["one", "summed"] = "one"
    bad_rows: Literal["refused", "listed"] = "refused"
    row_key: tuple[str, ...] = ()
    row_cap: int | None = None  # a producer's export stops at this many rows, without a word
    columns: tuple[str, ...] = ()
    sheet: str | None = None  # of a workbook; its first one where none is named
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


class GeorisquesAnswers(BaseModel):
    """Answers of the Géorisques API v1, fetched or saved: files of catnat, pprn and rga, told apart by their names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["georisques_answers"]


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


class DroughtOrders(BaseModel):
    """Orders restricting water use, one row per order and alert zone (VigiEau); a layer of zones may be beside.

    ``columns_ignored``: of the CSV, known and not read. The columns of the layer are those that it has them under.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["drought_orders"]
    columns_ignored: tuple[str, ...] = ()
    zone_id_column: str = "id_zone"
    zone_type_column: str = "type_zone"  # of surface or of ground water: zones of two types may overlap
    zone_crs: str = "EPSG:2154"


class HubeauFlows(BaseModel):
    """Saved answers of Hub'Eau's hydrometry: referentiel/stations and obs_elab. ``wrong``: measurements that the
    producer qualifies so (``libelle_qualification``) are left out; others are kept, with their qualification.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["hubeau_flows"]
    wrong: tuple[str, ...] = ()


class Melodi(BaseModel):
    """Observations of INSEE's Melodi. ``measures``: the codes of each dimension that make a measure; several codes of
    one dimension add up. Every other dimension must be at ``total``, except those ``ignored``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["melodi"]
    measures: dict[str, dict[str, tuple[str, ...]]] = Field(min_length=1)
    total: str = "_T"
    ignored: tuple[str, ...] = ()
    vintage: date | None = None  # where GEO does not say the year of its code


class CropSheet(BaseModel):
    """One sheet of the workbook: how its yearly columns begin, and their units. ``ratio``: what a production is of area
    × yield in these units, to tell whether they are those of the file. ``yield_max``: more is impossible."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    area: str = "SURF_"
    area_in_production: str | None = None
    yields: str = "REND_"
    production: str = "PROD_"
    yield_unit: str
    production_unit: str
    ratio: float = Field(gt=0)
    yield_max: float = Field(gt=0)


class AgresteSaa(BaseModel):
    """Series of the annual agricultural statistics: a sheet per group of crops, a line per place and crop, a column per
    measure and year. ``places``: lines of other places than départements and régions, as territories; ``left_out``:
    those that are no territory of ours. ``also``: columns that are not read. ``total``: regular expression of the crops
    that are sums of others, in their names without accents, capitals or signs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["agreste_saa"]
    workbook: str = "*"  # of several, those whose name is so, without accents, capitals or signs
    sheets: dict[str, CropSheet] = Field(min_length=1)
    sheets_not_read: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    places: dict[str, str] = {}
    left_out: tuple[str, ...] = ()
    names: dict[str, str] = {}  # how the producer names a territory, where that is not its official name
    total: re.Pattern[str] = re.compile(r"^total\b")


class GeoDvf(BaseModel):
    """Sales of dwellings, line by line. ``kinds``: measure's prefix → what ``type_local`` says. Prices beyond ``price``
    (€/m²) and areas beyond ``area`` (m²) are left out; below ``sales_min`` sales there are no quartiles."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reader: Literal["geo_dvf"]
    natures: tuple[str, ...] = Field(min_length=1)
    kinds: dict[str, str] = Field(min_length=1)
    annexes: tuple[str, ...] = ()  # what may be sold with a dwelling, without another price
    price: tuple[float, float]
    area: tuple[float, float]
    sales_min: int = Field(ge=1)


Reader = Annotated[
    CommuneTable
    | CatnatCounts
    | CatnatEvents
    | GeorisquesAnswers
    | ZonePolygons
    | DepthRasters
    | DroughtOrders
    | HubeauFlows
    | Melodi
    | AgresteSaa
    | GeoDvf,
    Field(discriminator="reader"),
]


class Size(BaseModel):
    """How large the whole source is, and how that is known. ``bytes`` is None where nobody said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int | None = Field(ge=0)
    basis: str = Field(min_length=1)


class Source(BaseModel):
    """One source: who made it, under which licence, where it is, how far it may be trusted.

    ``reader`` is the verb of ``climart ingest`` that reads it, or ``missing``: then ``reader_missing`` says what is to
    be written. ``reader_wants`` says what else it needs that is not fetched, so that a hand must load it. ``order``
    says how to obtain by hand what has no address. ``is_partial``: the communes that it does not name were not asked
    about; of them nothing is known, whatever the measure.
    """

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
    ensemble: Ensemble | None = None
    is_partial: bool = False
    farm_zones: tuple[FarmZone, ...] = ()
    expected_size: Size
    reader: str = Field(min_length=1)
    reader_missing: str = ""
    reader_wants: str = ""
    order: str = ""
    fetch: addresses.Fetch | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.reader == "missing") != bool(self.reader_missing):
            raise ValueError("reader_missing: say what is to be written, where reader is 'missing' and only there")
        if bool(self.order) == bool(self.fetch):
            raise ValueError("give either fetch, the addresses, or order, how to obtain the files by hand")
        return self


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
        faults = "; ".join(": ".join(filter(None, (".".join(map(str, e["loc"])), e["msg"]))) for e in error.errors())
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


def get(source_id: str) -> Source:
    """A source by its id. Raises UserError listing the ids if there is no such source."""
    if source_id not in sources():
        raise UserError(f"there is no source {source_id!r} in the registry (known: {', '.join(sources())}).")
    return sources()[source_id]


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


def record_file(path: Path, source: Source, n_rows: int) -> str:
    """Write a raw file's row of the lake's ``source_file`` table; its id, the start of its hash."""
    digest = sha256_of(path)
    row = {
        **dict.fromkeys(lake.SCHEMAS["source_file"].names),
        "source_file_id": digest[:16],
        "source_id": source.id,
        "name": path.name,
        "bytes": path.stat().st_size,
        "sha256": digest,
        "rows": n_rows,
        "licence": source.licence,
    }
    rows = pa.Table.from_pylist([row], schema=lake.SCHEMAS["source_file"])
    lake.upsert("source_file", rows, key="source_file_id")
    return digest[:16]
