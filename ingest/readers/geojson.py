"""Features of a WFS, as GeoJSON or as ``climart fetch`` keeps them: a list of flat rows with their ``geometry``.

Longitude and latitude (RFC 7946). The file that ``climart fetch`` writes has a row per line and is read by pieces.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from climart.errors import UserError

LONGITUDES, LATITUDES = (-180, 180), (-90, 90)
# Metropolitan France with a margin: latitude before longitude puts it in the Indian Ocean.
FRANCE = (-10.0, 40.0, 12.0, 53.0)


@dataclass(frozen=True)
class Piece:
    """Some features: their properties, their shapes (WGS 84, NULL where a feature has none), the first one's number."""

    rows: list[dict[str, Any]]
    shapes: npt.NDArray[np.object_]
    start: int


def read(path: Path, batch: int) -> Iterator[Piece]:
    """Pieces of ``batch`` features at most.

    Raises UserError naming the file and the feature: not GeoJSON, a shape that cannot be read, coordinates that are not
    longitude and latitude in France.
    """
    features = _features(path)
    start = 1
    while rows := list(islice(features, batch)):
        shapes = np.full(len(rows), None, dtype=object)
        for n, row in enumerate(rows):
            shapes[n] = _shape(row.pop("geometry", None), f"{path.name}, feature {start + n}")
        _check_place(path, shapes)
        yield Piece(rows, shapes, start)
        start += len(rows)


def _features(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of properties and geometry."""
    try:
        with path.open(encoding="utf-8") as handle:
            if handle.readline().strip() == "[":  # a row per line
                for number, line in enumerate(handle, start=2):
                    text = line.strip().removesuffix(",")
                    if text and text != "]":
                        yield _row(_parsed(text, f"{path.name}, line {number}"), f"{path.name}, line {number}")
                return
            handle.seek(0)
            content = _parsed(handle.read(), path.name)
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: not utf-8 (byte {error.start}).") from error
    found = content.get("features") if isinstance(content, dict) else content
    if not isinstance(found, list):
        raise UserError(f"{path.name}: neither a FeatureCollection nor a list of features.")
    for number, row in enumerate(found, start=1):
        yield _row(row, f"{path.name}, feature {number}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"{where}: not JSON, or cut ({error}). Fetch it again.") from error


def _row(row: Any, where: str) -> dict[str, Any]:
    if isinstance(row, dict) and row.get("type") == "Feature":
        row = {**(row.get("properties") or {}), "geometry": row.get("geometry")}
    if not isinstance(row, dict) or "geometry" not in row:
        raise UserError(f"{where}: no geometry. Expected a feature of a WFS.")
    return row


def _shape(geometry: Any, where: str) -> Any:
    if geometry is None:
        return None
    try:
        shape = shapely.from_geojson(json.dumps(geometry))
    except shapely.errors.GEOSException as error:
        raise UserError(f"{where}: a geometry that cannot be read ({error}).") from error
    if shapely.get_type_id(shape) not in (3, 6):
        raise UserError(f"{where}: {shape.geom_type} found, expected a polygon.")
    return shape


def _check_place(path: Path, shapes: npt.NDArray[np.object_]) -> None:
    bounds = shapely.total_bounds(shapes)
    if np.isnan(bounds).all():
        return
    west, south, east, north = bounds
    if not (LONGITUDES[0] <= west and east <= LONGITUDES[1] and LATITUDES[0] <= south and north <= LATITUDES[1]):
        raise UserError(f"{path.name}: coordinates up to {east:.0f}, {north:.0f}. Expected longitude and latitude.")
    if shapely.box(south, west, north, east).intersects(shapely.box(*FRANCE)) and not shapely.box(*bounds).intersects(
        shapely.box(*FRANCE)
    ):
        raise UserError(f"{path.name}: latitude comes before longitude. Expected longitude first, as GeoJSON has it.")
