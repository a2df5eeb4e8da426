"""Shapes of territories: mended, projected, measured, joined, simplified for maps."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from ingest import grid

Shapes = npt.NDArray[np.object_]
EQUAL_AREA = "EPSG:6933"


def project(shapes: Shapes, crs: str = grid.CRS) -> Shapes:
    """WGS 84 shapes in ``crs`` (by default the 8 km grid's own), valid."""
    return valid(gpd.GeoSeries(shapes, crs="EPSG:4326").to_crs(crs).values)


def area_km2(shapes: Shapes) -> npt.NDArray[np.float64]:
    """Areas of WGS 84 shapes, km²."""
    return np.asarray(shapely.area(gpd.GeoSeries(shapes, crs="EPSG:4326").to_crs(EQUAL_AREA).values)) / 1e6


def valid(shapes: Any) -> Shapes:
    """The same shapes, the broken ones mended; polygons stay polygons (no stray lines or points)."""
    mended = np.array(shapes, dtype=object)
    broken = ~shapely.is_valid(mended)
    mended[broken] = shapely.make_valid(mended[broken], method="structure", keep_collapsed=False)
    return mended


def simplify(projected: Shapes, tolerance: float) -> Shapes:
    """Light outlines, WGS 84, of neighbours in EPSG:27572 that keep their shared borders; ``tolerance`` in metres."""
    simple = shapely.coverage_simplify(projected, tolerance)
    back = np.asarray(gpd.GeoSeries(simple, crs=grid.CRS).to_crs("EPSG:4326").values)
    return np.asarray(shapely.transform(back, lambda xy: np.round(xy, 4)))  # 4 decimals: 11 m
