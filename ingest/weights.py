"""Cells × territories → weights that sum to 1: exact area shares.

Computed in EPSG:27572, where the cells of the 8 km grid are exact squares, with shapely's polygon intersection (see
``docs/decisions/0002-exact-area-shares.md``). A territory made of communes takes the sum of its communes' pieces:
the pieces add up to the territory's own intersection, cell by cell, and its value is computed from cells, never from
communes' values.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import shapely

from ingest import grid

MIN_GRID_SHARE = 0.5  # a massif with less than half of its area on the grid (Andorra, Spain) is outside it


def cell_polygons(cells: pd.DataFrame) -> npt.NDArray[np.object_]:
    """Polygons of ``cells`` in EPSG:27572: their column ``polygon``, or the 8 km squares around x, y (centres, m)."""
    if "polygon" in cells:
        return cells["polygon"].to_numpy()
    half = grid.SIZE / 2
    x, y = cells["x"].to_numpy(), cells["y"].to_numpy()
    return np.asarray(shapely.box(x - half, y - half, x + half, y + half))


def intersections(territory_ids: npt.ArrayLike, polygons: npt.NDArray[np.object_], cells: pd.DataFrame) -> pd.DataFrame:
    """Area of every cell ∩ polygon, in m²: columns territory_id, cell_id, area; pairs that only touch are left out.

    ``polygons``: valid geometries in EPSG:27572, one per territory id.
    """
    squares = cell_polygons(cells)
    shapely.prepare(polygons)
    i_polygon, i_cell = shapely.STRtree(squares).query(polygons, predicate="intersects")
    whole = shapely.contains_properly(polygons[i_polygon], squares[i_cell])
    area = shapely.area(squares)[i_cell]

    def measure(part: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        return np.asarray(shapely.area(shapely.intersection(polygons[i_polygon[part]], squares[i_cell[part]])))

    parts = np.array_split(np.flatnonzero(~whole), 8)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # shapely lets go of the interpreter's lock
        for part, found in zip(parts, pool.map(measure, parts), strict=True):
            area[part] = found
    pairs = pd.DataFrame(
        {
            "territory_id": np.asarray(territory_ids, dtype=object)[i_polygon],
            "cell_id": cells["cell_id"].to_numpy()[i_cell],
            "area": area,
        }
    )
    return pairs[pairs["area"] > 0].reset_index(drop=True)


def of_groups(pairs: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """``intersections`` of territories made of others: ``members`` has columns territory_id (the part), group_id."""
    joined = pairs.merge(members, on="territory_id").drop(columns="territory_id")
    summed = joined.groupby(["group_id", "cell_id"], sort=True)["area"].sum().reset_index()
    return summed.rename(columns={"group_id": "territory_id"})


def from_areas(pairs: pd.DataFrame, method: str) -> pd.DataFrame:
    """Areas → weights: columns cell_id, territory_id, weight (float64, each territory sums to 1), method."""
    total = pairs.groupby("territory_id")["area"].transform("sum")
    return pd.DataFrame(
        {
            "cell_id": pairs["cell_id"].astype(np.int32),
            "territory_id": pairs["territory_id"],
            "weight": pairs["area"] / total,
            "method": method,
        }
    )


def nearest_cells(territory_ids: npt.ArrayLike, polygons: npt.NDArray[np.object_], cells: pd.DataFrame) -> pd.DataFrame:
    """For territories that overlap no cell (small islands): the cell nearest to their polygon, with weight 1."""
    tree = shapely.STRtree(cell_polygons(cells))
    i_polygon, i_cell = tree.query_nearest(polygons, all_matches=False)
    return pd.DataFrame(
        {
            "cell_id": cells["cell_id"].to_numpy()[i_cell].astype(np.int32),
            "territory_id": np.asarray(territory_ids, dtype=object)[i_polygon],
            "weight": 1.0,
            "method": "nearest_cell",
        }
    )


def as_arrow(weights: pd.DataFrame, weighting: str, grid_id: str = grid.GRID_ID) -> pa.Table:
    """Weights as the lake's ``cell_weight`` table."""
    return pa.Table.from_pandas(weights.assign(weighting=weighting, grid_id=grid_id), preserve_index=False)
