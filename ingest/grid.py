"""The 8 km grid of SAFRAN and DRIAS: cell ids, centres, squares.

EPSG:27572 (Lambert II étendu). ``cell_id = row * 143 + col``; the centre is x = 60 000 + 8 000·col,
y = 1 617 000 + 8 000·row, in metres; the cell is the 8 km square around it. Checked on the 8 981 points of real DRIAS
exports (residual at most 6 m). 8 981 of the 143 × 134 nodes are used; 379 of those, on coasts and borders, only carry
a neighbour's values (``is_extrapolated``).

The grid mapping inside DRIAS NetCDF files must not be used to build the CRS: its latitude of origin, 52, is in gons.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyproj

from climart import paths

GRID_ID = "lambert_8km"
CRS = "EPSG:27572"
N_COLS, N_ROWS = 143, 134
SIZE = 8_000  # m
X0, Y0 = 60_000, 1_617_000  # centre of row 0, column 0, m


def centres(cell_id: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Cell centres (x, y) in EPSG:27572, metres, same shape as ``cell_id``."""
    row, col = np.divmod(np.asarray(cell_id), N_COLS)
    return (X0 + SIZE * col).astype(np.int32), (Y0 + SIZE * row).astype(np.int32)


def longitudes_latitudes(
    cell_id: npt.NDArray[np.integer],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Longitudes and latitudes (WGS 84, degrees) of the cell centres, same shape as ``cell_id``."""
    x, y = centres(cell_id)
    lon, lat = pyproj.Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform(x, y)
    return np.asarray(lon), np.asarray(lat)


@cache
def cells() -> pd.DataFrame:
    """The 8 981 cells in use: cell_id, x, y (m, EPSG:27572), longitude, latitude (degrees), is_extrapolated."""
    spans = pd.read_csv(paths.REFERENCE / "grid_8km.csv")
    cell_id = np.concatenate(
        [
            np.arange(row * N_COLS + first, row * N_COLS + last + 1, dtype=np.int32)
            for row, first, last in spans.itertuples(index=False)
        ]
    )
    x, y = centres(cell_id)
    longitude, latitude = longitudes_latitudes(cell_id)
    extrapolated = pd.read_csv(paths.REFERENCE / "grid_8km_extrapolated.csv")["point_id"]
    return pd.DataFrame(
        {
            "cell_id": cell_id,
            "x": x,
            "y": y,
            "longitude": longitude,
            "latitude": latitude,
            "is_extrapolated": np.isin(cell_id, extrapolated),
        }
    )


def as_arrow() -> pa.Table:
    """``cells()`` as the lake's ``cell`` table."""
    return pa.Table.from_pandas(cells().assign(grid_id=GRID_ID, polygon=None), preserve_index=False)
