"""The one writer of the lake: schema enforced, sorted, atomic, same bytes for the same rows.

The lake is ``paths.lake()``, a folder of Parquet files. A table is either one file (``territory.parquet``) or a
folder of partitions (``producer_index/dataset=…/simulation=…/<source_file_id>.parquet``).
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from climart import paths
from climart.files import atomic

SCHEMAS: dict[str, pa.Schema] = {
    "dataset": pa.schema(
        [
            ("dataset_id", pa.string()),
            ("title_fr", pa.string()),
            ("title_en", pa.string()),
            ("producer", pa.string()),
            ("licence", pa.string()),
            ("citation", pa.string()),
            ("homepage", pa.string()),
            ("validation_status", pa.string()),
            ("is_partial", pa.bool_()),  # of the communes that it does not name, nothing is known, whatever the measure
            ("resolution_km", pa.float32()),
            ("notice_fr", pa.string()),
            ("notice_en", pa.string()),
        ]
    ),
    "source_file": pa.schema(
        [
            ("source_file_id", pa.string()),
            ("source_id", pa.string()),
            ("name", pa.string()),
            ("url", pa.string()),
            ("fetched_at", pa.timestamp("s", tz="UTC")),
            ("extracted_at", pa.string()),
            ("bytes", pa.int64()),
            ("sha256", pa.string()),
            ("rows", pa.int64()),
            ("licence", pa.string()),
        ]
    ),
    "source_state": pa.schema(
        [
            ("source_id", pa.string()),
            ("checked_at", pa.timestamp("s", tz="UTC")),
            ("is_stale", pa.bool_()),
            ("stale_reason", pa.string()),
        ]
    ),
    "simulation": pa.schema(
        [
            ("simulation_id", pa.string()),
            ("dataset_id", pa.string()),
            ("gcm", pa.string()),
            ("rcm", pa.string()),
            ("member", pa.string()),
            ("correction", pa.string()),
            ("scenario", pa.string()),
            ("calendar", pa.string()),
            ("year_start", pa.int16()),
            ("year_end", pa.int16()),
            ("validation_status", pa.string()),
            ("grid_id", pa.string()),
            ("pet_method", pa.string()),  # how evapotranspiration was had; NULL where no feature reads it
            ("content_sha256", pa.string()),
        ]
    ),
    "producer_index": pa.schema(
        [
            ("source_file_id", pa.string()),
            ("dataset_id", pa.string()),
            ("simulation_id", pa.string()),
            ("context_id", pa.string()),
            ("season", pa.string()),
            ("cell_id", pa.int32()),
            ("index_code", pa.string()),
            ("value", pa.float32()),
        ]
    ),
    "producer_index_header": pa.schema(
        [
            ("source_file_id", pa.string()),
            ("index_code", pa.string()),
            ("base_code", pa.string()),
            ("label", pa.string()),
            ("unit", pa.string()),
            ("statistic", pa.string()),
            ("decimals", pa.int8()),
        ]
    ),
    "published_ensemble": pa.schema(  # what a producer publishes already reduced over its runs
        [
            ("dataset_id", pa.string()),
            ("source_file_id", pa.string()),
            ("grid_id", pa.string()),  # of cell_id; NULL where the place is a commune
            ("cell_id", pa.int32()),
            ("commune_code", pa.string()),  # as the source writes it; NULL where the place is a cell
            ("index_code", pa.string()),  # as the producer names it
            ("season", pa.string()),  # YR, DJF, MAM, JJA, SON, else as the producer writes it
            ("statistic", pa.string()),  # level, or the producer's word for a change
            ("context_id", pa.string()),
            ("low", pa.float32()),
            ("median", pa.float32()),
            ("high", pa.float32()),
            ("low_statistic", pa.string()),  # min or q05
            ("high_statistic", pa.string()),  # max or q95
            ("n_runs", pa.int16()),
            ("unit", pa.string()),  # d or DOY where the way of writing tells it, else NULL
            ("reason", pa.string()),  # why median is NULL
        ]
    ),
    "cell": pa.schema(
        [
            ("grid_id", pa.string()),
            ("cell_id", pa.int32()),
            ("x", pa.int32()),
            ("y", pa.int32()),
            ("longitude", pa.float64()),
            ("latitude", pa.float64()),
            ("is_extrapolated", pa.bool_()),
            ("polygon", pa.binary()),  # WKB, WGS 84; NULL on the 8 km grid, whose squares follow from x and y
        ]
    ),
    "cell_altitude": pa.schema(
        [
            ("grid_id", pa.string()),
            ("cell_id", pa.int32()),
            ("altitude_m", pa.float32()),  # mean over the cell
            ("source_file_id", pa.string()),
        ]
    ),
    "commune_fact": pa.schema(
        [
            ("dataset_id", pa.string()),
            ("source_file_id", pa.string()),  # NULL where several files made the value: those of the dataset
            ("commune_code", pa.string()),  # as the source writes it, whatever the vintage
            ("vintage", pa.date32()),  # the day as of which the code is read; NULL: a commune of today
            ("measure_id", pa.string()),
            ("return_period", pa.int16()),  # years; NULL where the measure has none
            ("date_start", pa.date32()),
            ("date_end", pa.date32()),
            ("value", pa.float64()),
            ("studied_share", pa.float32()),  # of the commune; NULL: all of it
            ("reason", pa.string()),  # why value is NULL
            ("note", pa.string()),  # what the source says of it: scale of a study, name of a plan
        ]
    ),
    "crop_yield": pa.schema(
        [
            ("dataset_id", pa.string()),
            ("source_file_id", pa.string()),
            ("territory_id", pa.string()),  # a département, a région or the country: the producer's own totals
            ("crop_group", pa.string()),  # the producer's sheet
            ("crop", pa.string()),  # as the producer writes it
            ("is_total", pa.bool_()),  # a sum of other crops of its group
            ("year", pa.int16()),
            ("area_ha", pa.float64()),
            ("area_in_production_ha", pa.float64()),  # where it differs: vines, orchards
            ("yield", pa.float64()),
            ("production", pa.float64()),
            ("yield_unit", pa.string()),
            ("production_unit", pa.string()),
            ("area_reason", pa.string()),  # why area_ha is NULL; the two others likewise
            ("yield_reason", pa.string()),
            ("production_reason", pa.string()),
        ]
    ),
    "catnat_event": pa.schema(
        [
            ("dataset_id", pa.string()),
            ("source_file_id", pa.string()),
            ("commune_code", pa.string()),
            ("national_code", pa.string()),
            ("peril_code", pa.string()),
            ("peril_label", pa.string()),
            ("date_start", pa.date32()),
            ("date_end", pa.date32()),
            ("date_order", pa.date32()),
            ("date_published", pa.date32()),
        ]
    ),
    "drought_order": pa.schema(
        [
            ("dataset_id", pa.string()),
            ("source_file_id", pa.string()),
            ("order_id", pa.string()),
            ("order_number", pa.string()),
            ("framework", pa.string()),  # number of the framework order
            ("zone_id", pa.string()),
            ("departement", pa.string()),  # code; NULL where nothing says it
            ("evidence", pa.string()),  # column, number, framework, file, shared_zone
            ("level", pa.string()),  # vigilance, alerte, alerte_renforcee, crise
            ("date_signed", pa.date32()),
            ("date_start", pa.date32()),
            ("date_end", pa.date32()),  # NULL: no end is written
            ("reason", pa.string()),  # why it is not counted: no_clue, clues_disagree, ends_before_start
        ]
    ),
    "drought_zone": pa.schema(
        [
            ("dataset_id", pa.string()),
            ("source_file_id", pa.string()),
            ("zone_id", pa.string()),
            ("zone_type", pa.string()),
            ("commune_code", pa.string()),
            ("share", pa.float64()),  # of the commune's area
        ]
    ),
    "river_station": pa.schema(
        [
            ("dataset_id", pa.string()),
            ("source_file_id", pa.string()),
            ("station_code", pa.string()),
            ("name", pa.string()),
            ("river", pa.string()),
            ("commune_code", pa.string()),
            ("longitude", pa.float64()),
            ("latitude", pa.float64()),
        ]
    ),
    "weather_station": pa.schema(
        [
            ("dataset_id", pa.string()),
            ("source_file_id", pa.string()),  # of the latest file that names it
            ("departement", pa.string()),
            ("station_code", pa.string()),  # NUM_POSTE, 8 digits; as a number, its cell_id on the grid of stations
            ("name", pa.string()),
            ("longitude", pa.float64()),
            ("latitude", pa.float64()),
            ("altitude_m", pa.float32()),  # of the foot of the shelter or of the rain gauge
            ("first_day", pa.date32()),
            ("last_day", pa.date32()),
            ("cell_id", pa.int32()),  # of the 8 km grid, that it stands in; NULL off the grid
        ]
    ),
    "river_flow": pa.schema(
        [
            ("dataset_id", pa.string()),
            ("source_file_id", pa.string()),
            ("station_code", pa.string()),
            ("date", pa.date32()),
            ("quantity", pa.string()),  # QmnJ, QmM, QIXnJ, QIXM, QINnJ, QINM, as Hub'Eau names them
            ("flow_m3s", pa.float64()),
            ("qualification", pa.string()),
        ]
    ),
    "territory": pa.schema(
        [
            ("territory_id", pa.string()),
            ("kind", pa.string()),
            ("code", pa.string()),
            ("name", pa.string()),
            ("name_en", pa.string()),
            ("zone", pa.string()),
            ("epci_id", pa.string()),
            ("departement_id", pa.string()),
            ("region_id", pa.string()),
            ("caisse_id", pa.string()),
            ("caisse_shared_with", pa.string()),
            ("massif_id", pa.string()),
            ("population", pa.int64()),
            ("area_km2", pa.float32()),
            ("altitude_low_m", pa.float32()),
            ("altitude_m", pa.float32()),
            ("altitude_high_m", pa.float32()),
            ("cog_year", pa.int16()),
            ("longitude", pa.float64()),
            ("latitude", pa.float64()),
            ("geometry_method", pa.string()),
            ("reason", pa.string()),
            ("geometry", pa.binary()),
            ("outline", pa.binary()),
        ]
    ),
    "territory_change": pa.schema(
        [
            ("effective_on", pa.date32()),
            ("change_code", pa.int16()),
            ("change", pa.string()),
            ("from_kind", pa.string()),
            ("from_code", pa.string()),
            ("from_name", pa.string()),
            ("to_kind", pa.string()),
            ("to_code", pa.string()),
            ("to_name", pa.string()),
            ("source_file_id", pa.string()),
        ]
    ),
    "commune_part": pa.schema(
        [
            ("code", pa.string()),
            ("kind", pa.string()),
            ("name", pa.string()),
            ("commune_code", pa.string()),
            ("cog_year", pa.int16()),
        ]
    ),
    "hypsometry": pa.schema(
        [
            ("territory_id", pa.string()),
            ("massif_id", pa.string()),
            ("altitude_m", pa.int16()),  # middle of a class
            ("share", pa.float64()),  # of the territory's area
        ]
    ),
    "ski_area": pa.schema(
        [
            ("ski_area_id", pa.string()),
            ("name", pa.string()),
            ("status", pa.string()),
            ("altitude_low_m", pa.float32()),
            ("altitude_high_m", pa.float32()),
            ("longitude", pa.float64()),
            ("latitude", pa.float64()),
            ("source_file_id", pa.string()),
        ]
    ),
    "weight_gap": pa.schema(  # territories that a grid should serve and does not, and why
        [
            ("grid_id", pa.string()),
            ("territory_id", pa.string()),
            ("weighting", pa.string()),
            ("reason", pa.string()),
        ]
    ),
    "cell_weight": pa.schema(
        [
            ("grid_id", pa.string()),
            ("cell_id", pa.int32()),
            ("territory_id", pa.string()),
            ("weighting", pa.string()),
            ("weight", pa.float64()),
            ("method", pa.string()),
        ]
    ),
    # codes that are no more, and the commune that holds their land today
    "former_commune": pa.schema(
        [("code", pa.string()), ("commune", pa.string()), ("ended_on", pa.string())],
    ),
    # lists of communes as received: what territory_membership is made from, each time the territories change
    "commune_list": pa.schema(
        [
            ("group_id", pa.string()),
            ("kind", pa.string()),
            ("name_fr", pa.string()),
            ("name_en", pa.string()),
            ("source_id", pa.string()),
            ("code", pa.string()),
            ("name", pa.string()),
        ]
    ),
    "territory_membership": pa.schema(
        [
            ("territory_id", pa.string()),
            ("group_id", pa.string()),
            ("kind", pa.string()),
            ("source_id", pa.string()),
            ("listed_codes", pa.string()),
            ("extent", pa.string()),
        ]
    ),
    # where the people are, or the land: amounts at places, EPSG:27572; partitioned by weighting
    "exposure_place": pa.schema(
        [
            ("weighting", pa.string()),
            ("source_id", pa.string()),
            ("commune", pa.string()),
            ("x", pa.float32()),
            ("y", pa.float32()),
            ("amount", pa.float64()),  # people, or km²
        ]
    ),
    # the delimited parcels of each appellation, joined, by square of 1 km: EPSG:27572, km²
    "appellation_place": pa.schema(
        [
            ("group_id", pa.string()),
            ("source_id", pa.string()),
            ("x", pa.float32()),
            ("y", pa.float32()),
            ("amount", pa.float64()),
        ]
    ),
    # the communes that a source of exposure speaks of: none of it there is then a zero, not an unknown
    "exposure_cover": pa.schema([("weighting", pa.string()), ("source_id", pa.string()), ("commune", pa.string())]),
    # what cell_weight is for the area, for the other weightings
    "exposure_weight": pa.schema(
        [
            ("grid_id", pa.string()),
            ("cell_id", pa.int32()),
            ("territory_id", pa.string()),
            ("weighting", pa.string()),
            ("weight", pa.float64()),
            ("method", pa.string()),
        ]
    ),
    "territory_weighting": pa.schema(
        [
            ("territory_id", pa.string()),
            ("weighting", pa.string()),
            ("computed_as", pa.string()),  # the weighting whose weights are used; NULL where there is a reason
            ("amount", pa.float64()),
            ("share", pa.float32()),
            ("method", pa.string()),
            ("source_id", pa.string()),
            ("reason", pa.string()),
        ]
    ),
}

SORT_KEYS: dict[str, list[str]] = {
    "dataset": ["dataset_id"],
    "source_file": ["source_file_id"],
    "source_state": ["source_id"],
    "simulation": ["simulation_id"],
    "producer_index": ["index_code", "context_id", "season", "cell_id"],
    "producer_index_header": ["source_file_id", "index_code"],
    "published_ensemble": ["season", "statistic", "context_id", "cell_id", "commune_code"],
    "cell": ["grid_id", "cell_id"],
    "cell_altitude": ["grid_id", "cell_id"],
    "commune_fact": ["measure_id", "return_period", "commune_code"],
    "crop_yield": ["crop_group", "crop", "territory_id", "year"],
    "catnat_event": ["commune_code", "date_start", "peril_code", "national_code"],
    "drought_order": ["order_id", "zone_id", "level", "date_start"],
    "drought_zone": ["zone_id", "commune_code"],
    "river_station": ["station_code"],
    "weather_station": ["station_code"],
    "river_flow": ["station_code", "quantity", "date"],
    "territory": ["kind", "code"],
    "territory_change": ["effective_on", "change_code", "from_code", "to_code", "from_kind", "to_kind"],
    "commune_part": ["kind", "code"],
    "hypsometry": ["territory_id", "massif_id", "altitude_m"],
    "ski_area": ["ski_area_id"],
    "weight_gap": ["grid_id", "weighting", "territory_id"],
    "cell_weight": ["grid_id", "weighting", "territory_id", "cell_id"],
    "former_commune": ["code"],
    "commune_list": ["group_id", "code", "name"],
    "territory_membership": ["kind", "group_id", "territory_id"],
    "exposure_place": ["commune", "x", "y"],
    "appellation_place": ["group_id", "x", "y"],
    "exposure_cover": ["weighting", "commune"],
    "exposure_weight": ["grid_id", "weighting", "territory_id", "cell_id"],
    "territory_weighting": ["weighting", "territory_id"],
}


def write(table: str, rows: pa.Table, *partition: str) -> Path:
    """Write ``rows`` as ``lake/<table>.parquet``, or as ``lake/<table>/<partition…>.parquet``.

    Columns are cast to the table's schema (a missing or an extra column raises ValueError) and rows are sorted by its
    key, so that the same rows give the same bytes. A file that would not change is left untouched.
    Returns the path.
    """
    schema = SCHEMAS[table]
    if sorted(rows.column_names) != sorted(schema.names):
        raise ValueError(f"lake table {table}: columns {sorted(rows.column_names)}, expected {sorted(schema.names)}")
    rows = rows.select(schema.names).cast(schema)
    rows = rows.take(pc.sort_indices(rows, [(key, "ascending") for key in SORT_KEYS[table]]))
    return write_parquet(rows, table_path(table, *partition))


def write_parquet(rows: pa.Table, path: Path) -> Path:
    """Write ``rows`` to ``path`` (zstd, dictionaries for strings), atomically; leave an identical file untouched."""
    strings = [field.name for field in rows.schema if pa.types.is_string(field.type)]
    buffer = pa.BufferOutputStream()
    pq.write_table(
        rows, buffer, compression="zstd", use_dictionary=strings, store_schema=True, row_group_size=1_000_000
    )
    content = buffer.getvalue()
    if path.exists() and path.stat().st_size == len(content) and path.read_bytes() == content.to_pybytes():
        return path
    with atomic(path) as handle:
        handle.write(content)
    return path


def table_path(table: str, *partition: str) -> Path:
    """Where ``write`` puts a table or a partition of it. Raises ValueError if it would leave the lake."""
    if not partition:
        return paths.inside(paths.lake(), f"{table}.parquet")
    return paths.inside(paths.lake(), table, *partition[:-1], f"{partition[-1]}.parquet")


def read(table: str) -> pa.Table:
    """A one-file table of the lake, empty (with its schema) where it has not been written."""
    path = table_path(table)
    return pq.read_table(path, schema=SCHEMAS[table]) if path.exists() else SCHEMAS[table].empty_table()


def remove(table: str, *partition: str) -> None:
    """Remove a table or a partition of it; nothing where it is not there."""
    table_path(table, *partition).unlink(missing_ok=True)


def open_registers() -> None:
    """Make sure that the one-file tables that every build reads exist, empty if need be."""
    for table in ("dataset", "source_file", "simulation", "producer_index_header", "weight_gap"):
        if not table_path(table).exists():
            write(table, SCHEMAS[table].empty_table())


def upsert(table: str, rows: pa.Table, key: str) -> Path:
    """Write ``rows`` into a one-file table: they replace the rows that have the same ``key``; others stay."""
    kept = read(table)
    kept = kept.filter(pc.invert(pc.is_in(kept[key], value_set=rows[key].combine_chunks().unique())))
    return write(table, pa.concat_tables([kept, rows.select(SCHEMAS[table].names).cast(SCHEMAS[table])]))
