"""An invented river in the Combe de Savoie: flood zones, depths, floor areas, people, in the producers' formats."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyogrio
import rasterio
import shapely
from rasterio.transform import from_origin

from climart.files import atomic

CRS = "EPSG:2154"
RIVER = shapely.LineString(
    [(905_000, 6_545_000), (920_000, 6_515_000), (926_500, 6_498_000), (938_000, 6_480_000), (930_000, 6_455_000)]
)
WIDTHS = {"01For": 400, "02Moy": 900, "04Fai": 1_600}  # m on each side, by scenario of the TRI standard
PERIMETER = 12_000  # m on each side: what the invented study looked at
WEST, NORTH, PIXEL, COLUMNS, ROWS = 880_000, 6_565_000, 250, 300, 500
DEPTH = {10: 0.4, 30: 1.0, 100: 2.2, 300: 3.5}  # m in the river's axis by return period, falling to 0 away from it
REACH = {10: 350, 30: 600, 100: 1_000, 300: 1_600}  # m
NODATA = -9999.0
Floats = npt.NDArray[np.float64]


def write_zones(folder: Path) -> tuple[Path, ...]:
    """Two GeoPackages, zones by scenario and the perimeter of the study; and a raster of people."""
    banks = [RIVER.buffer(width, quad_segs=4) for width in WIDTHS.values()]
    about = {"id_tri": "TRI simulé", "date_arret": "2020-06-15"}
    return (
        geopackage(folder / "tri_zones_inondables.gpkg", banks, {"scenario": list(WIDTHS), **about}),
        geopackage(folder / "tri_perimetre.gpkg", [RIVER.buffer(PERIMETER, quad_segs=4)], about),
        raster_file(folder / "sample_population.tif", np.round(12 * towns())),
    )


def write_depths(folder: Path) -> tuple[Path, ...]:
    """A depth raster per return period, floor area (m²) and people per pixel of 250 m."""
    distance = shapely.distance(shapely.points(*np.meshgrid(*_axes())), RIVER)
    files = []
    for period, depth in DEPTH.items():
        water = np.where(distance < REACH[period], depth * (1 - distance / REACH[period]), NODATA)
        files.append(raster_file(folder / f"hauteur_RP{period}_depth.tif", water))
    return (
        *files,
        raster_file(folder / "sample_buildings.tif", np.round(600 * towns())),
        raster_file(folder / "sample_population.tif", np.round(12 * towns())),
    )


def write_flows(folder: Path) -> tuple[Path, ...]:
    """Hub'Eau answers: two invented stations on the river, their maximum flow of each month of 40 years and of 12."""
    rng = np.random.default_rng(20_261_121)
    stations = [
        {"code_station": "W0000010", "libelle_station": "La Rivière simulée amont",
         "libelle_cours_eau": "Rivière simulée", "code_commune_station": "73011",
         "longitude_station": 6.39, "latitude_station": 45.67},
        {"code_station": "W0000020", "libelle_station": "La Rivière simulée aval",
         "libelle_cours_eau": "Rivière simulée", "code_commune_station": "73065",
         "longitude_station": 5.92, "latitude_station": 45.58},
    ]  # fmt: skip
    rows = []
    for station, mean, first in (("W0000010", 40_000, 1985), ("W0000020", 90_000, 2013)):
        for year in range(first, 2025):
            for month in range(1, 13):
                season = 1 + 0.5 * np.cos((month - 5) / 12 * 2 * np.pi)  # snow melts in May
                rows.append(
                    {"code_station": station, "date_obs_elab": f"{year}-{month:02d}-15", "grandeur_hydro_elab": "QIXM",
                     "resultat_obs_elab": round(float(mean * season * max(rng.gumbel(1, 0.35), 0.2))),
                     "code_qualification": 20}
                )  # fmt: skip
    return (
        _json(folder / "stations.json", {"count": len(stations), "data": stations}),
        _json(folder / "obs_elab.json", {"count": len(rows), "data": rows}),
    )


def _json(path: Path, answer: Mapping[str, Any]) -> Path:
    with atomic(path) as handle:
        handle.write(json.dumps({"api_version": "2.0.1", "next": None, **answer}, ensure_ascii=False).encode())
    return path


def _axes() -> tuple[Floats, Floats]:
    """Centres of the columns and of the rows, m."""
    x, y = np.arange(COLUMNS, dtype=np.float64), np.arange(ROWS, dtype=np.float64)
    return np.asarray(WEST + PIXEL * (x + 0.5)), np.asarray(NORTH - PIXEL * (y + 0.5))


def towns() -> Floats:
    """0 to 1 per pixel: smooth, and by no means real."""
    x, y = _axes()
    return np.asarray(0.5 + 0.5 * np.sin(x / 4_000)[None, :] * np.cos(y / 5_000)[:, None])


def geopackage(path: Path, shapes: Sequence[shapely.Geometry], columns: Mapping[str, Any]) -> Path:
    frame = gpd.GeoDataFrame(dict(columns), index=range(len(shapes)), geometry=list(shapes), crs=CRS)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2026-01-01T00:00:00.000Z"})  # the same bytes at every call
    with tempfile.TemporaryDirectory() as scratch, atomic(path) as handle:
        frame.to_file(Path(scratch) / path.name, layer=path.stem)
        handle.write((Path(scratch) / path.name).read_bytes())
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return path


def raster_file(path: Path, values: Floats) -> Path:
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            dtype="float32",
            count=1,
            width=COLUMNS,
            height=ROWS,
            crs=CRS,
            transform=from_origin(WEST, NORTH, PIXEL, PIXEL),
            nodata=NODATA,
            compress="deflate",
        ) as raster:
            raster.write(values.astype(np.float32), 1)
        with atomic(path) as handle:
            handle.write(memory.read())
    return path
