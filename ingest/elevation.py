"""Elevation rasters → mean altitude of every cell that the lake knows, and the altitudes of the communes of massifs.

Humidity, pressure and evapotranspiration need the altitude of a cell; without it, what they make is missing with the
reason ``missing_altitude``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import exactextract
import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import rasterio
import shapely

from climart.errors import UserError
from climart.files import sha256_of
from ingest import grid, lake, registry, relief, weights

HIGHEST, LOWEST = 4900.0, -100.0  # m, of the cells of France; beyond, the raster is not one of metres
MIN_COVER = 0.5  # share of a cell that the raster must hold


@dataclass(frozen=True)
class Loaded:
    """How many cells of each grid got an altitude, and how many the raster does not cover."""

    known: dict[str, int]
    uncovered: dict[str, int]


def load(path: Path, source_id: str) -> Loaded:
    """Read a raster (metres above the sea, one band) and record the mean altitude of the cells it covers.

    A cell of which less than half is covered keeps what it had. Raises UserError for a raster that is none, that has
    no CRS or no nodata value, or whose values are not metres.
    """
    source = _source(source_id)
    file_id = _register(path, source, check(path))
    known, uncovered, tables = {}, {}, []
    for grid_id, cells in _grids().items():
        altitude = means(path, cells)
        held = np.isfinite(altitude)
        known[grid_id], uncovered[grid_id] = int(held.sum()), int((~held).sum())
        tables.append(
            pd.DataFrame(
                {
                    "grid_id": grid_id,
                    "cell_id": cells["cell_id"].to_numpy()[held],
                    "altitude_m": altitude[held],
                    "source_file_id": file_id,
                }
            )
        )
    found = pd.concat(tables, ignore_index=True)
    before = lake.read("cell_altitude").to_pandas()
    rows = pd.concat([before, found]).drop_duplicates(["grid_id", "cell_id"], keep="last")
    lake.write("cell_altitude", pa.Table.from_pandas(rows, schema=lake.SCHEMAS["cell_altitude"], preserve_index=False))
    relief.measure(path)
    return Loaded(known, uncovered)


def check(path: Path) -> int:
    """Number of pixels of a raster that says where it is and what is missing in it. Raises UserError for another."""
    try:
        with rasterio.open(path) as raster:
            if raster.crs is None:
                raise UserError(f"{path.name}: the raster says no coordinate system; expected one, such as EPSG:2154")
            if raster.nodata is None:
                raise UserError(f"{path.name}: no nodata value: sea and gaps would count as 0 m. Set one.")
            if raster.count != 1:
                raise UserError(f"{path.name}: {raster.count} bands; expected one, of metres above the sea")
            return int(raster.width * raster.height)
    except rasterio.errors.RasterioIOError as error:
        raise UserError(f"{path}: cannot be read as a raster ({error})") from error


def means(path: Path, cells: pd.DataFrame) -> np.ndarray:
    """Mean of the raster over each cell, m, NaN where less than half of it is covered.

    ``cells``: ``cell_id`` and ``polygon`` in EPSG:27572. Every pixel counts for the part of it that lies in the cell.
    """
    with rasterio.open(path) as raster:
        crs = raster.crs
        squares = gpd.GeoDataFrame(geometry=list(cells["polygon"]), crs=grid.CRS)
        areas = squares.to_crs(crs).geometry.area.to_numpy()
        pixel = abs(raster.transform.a * raster.transform.e)
        found = exactextract.exact_extract(raster, squares.to_crs(crs), ["mean", "count"], output="pandas")
    cover = found["count"].to_numpy() * pixel / areas
    altitude = found["mean"].to_numpy(dtype=np.float64, na_value=np.nan)
    altitude = np.where(cover >= MIN_COVER, altitude, np.nan)
    if np.isfinite(altitude).any() and not LOWEST <= np.nanmin(altitude) <= np.nanmax(altitude) <= HIGHEST:
        raise UserError(
            f"{path.name}: mean altitudes from {np.nanmin(altitude):g} to {np.nanmax(altitude):g}, expected metres "
            f"between {LOWEST:g} and {HIGHEST:g}: is it in another unit, or is its nodata value wrong?"
        )
    return np.asarray(altitude)


def _grids() -> dict[str, pd.DataFrame]:
    """The cells of each grid of the lake, polygons in EPSG:27572."""
    square = grid.cells()
    grids = {grid.GRID_ID: square.assign(polygon=weights.cell_polygons(square))}
    others = lake.read("cell").to_pandas().dropna(subset="polygon")  # a massif's band is no place on a map
    for grid_id, cells in others[others["grid_id"] != grid.GRID_ID].groupby("grid_id"):
        polygons = gpd.GeoSeries(shapely.from_wkb(cells["polygon"]), crs="EPSG:4326").to_crs(grid.CRS)
        grids[str(grid_id)] = cells.assign(polygon=polygons.to_numpy())
    return grids


def _source(source_id: str) -> registry.Source:
    try:
        return registry.sources()[source_id]
    except KeyError as error:
        known = ", ".join(registry.sources())
        raise UserError(f"source {source_id!r} is not in the registry (known: {known})") from error


def _register(path: Path, source: registry.Source, n_pixels: int) -> str:
    digest = sha256_of(path)
    row = {
        **dict.fromkeys(lake.SCHEMAS["source_file"].names),
        "source_file_id": digest[:16],
        "source_id": source.id,
        "name": path.name,
        "bytes": path.stat().st_size,
        "sha256": digest,
        "rows": n_pixels,
        "licence": source.licence,
    }
    lake.open_registers()
    lake.upsert("source_file", pa.Table.from_pylist([row], schema=lake.SCHEMAS["source_file"]), "source_file_id")
    registry.record_dataset(source)
    return digest[:16]
