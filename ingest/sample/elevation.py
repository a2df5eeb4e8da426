"""An elevation raster of the sample's daily cells: one pixel per 8 km cell, approximate altitudes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from rasterio.transform import from_origin

from climart import paths
from climart.files import atomic
from ingest import grid

NODATA = -9999.0


def write(path: Path) -> Path:
    """Write ``path`` as a GeoTIFF (float32, EPSG:27572, metres) and return it."""
    cells = pd.read_csv(paths.REFERENCE / "sample" / "daily_cells.csv")
    row, col = np.divmod(cells["cell_id"].to_numpy(), grid.N_COLS)
    altitude = np.full((np.ptp(row) + 1, np.ptp(col) + 1), NODATA, dtype=np.float32)
    altitude[row.max() - row, col - col.min()] = cells["altitude_m"]
    x, y = grid.centres(np.array([row.max() * grid.N_COLS + col.min()]))
    corner = from_origin(float(x[0]) - grid.SIZE / 2, float(y[0]) + grid.SIZE / 2, grid.SIZE, grid.SIZE)
    with rasterio.MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            height=altitude.shape[0],
            width=altitude.shape[1],
            count=1,
            dtype="float32",
            crs=grid.CRS,
            transform=corner,
            nodata=NODATA,
        ) as raster:
            raster.write(altitude, 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as handle:
            handle.write(memory.read())
    return path
