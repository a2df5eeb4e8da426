"""Rasters of any size, read window by window: checked at the door, summed over polygons exactly.

A pixel counts for the part of it that lies in the polygon (exactextract). Memory is bounded by ``MAX_CELLS``, not by
the raster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import rasterio
from exactextract import exact_extract
from exactextract.raster import RasterSource
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from climart.errors import UserError

MAX_CELLS = 4_000_000  # pixels in memory at once, per raster: 32 MB of float64
BLOCK_CACHE = 128 * 1024 * 1024  # bytes of decoded blocks that GDAL may keep; its default is 5 % of the machine
NOTHING = 1e-9  # what rounding leaves of a pixel beyond a border is no amount
Array = npt.NDArray[np.floating[Any]]


def opened(path: Path, crs: str) -> Any:
    """The raster, open. Raises UserError unless it is one band in ``crs`` that says which value means no data."""
    try:
        raster = rasterio.open(path)
    except rasterio.errors.RasterioIOError as error:
        raise UserError(f"{path.name}: cannot be read as a raster ({error}).") from error
    if raster.crs is None or raster.crs != rasterio.crs.CRS.from_user_input(crs):
        found = raster.crs.to_string() if raster.crs else "none"
        raise UserError(
            f"{path.name}: its coordinate system is {found}, expected {crs}. Reproject it, or say so in the YAML."
        )
    if raster.nodata is None:
        raise UserError(f"{path.name}: no nodata value: dry land and gaps could not be told from data. Set one.")
    if raster.count != 1:
        raise UserError(f"{path.name}: {raster.count} bands, expected one.")
    if raster.transform.b or raster.transform.d or raster.transform.e >= 0:
        raise UserError(f"{path.name}: rotated or upside down. Warp it to a grid with north up.")
    return raster


class Pixels(RasterSource):
    """What exactextract sums: a function of the windows of one grid, never held whole."""

    def __init__(self, grid: Any, values: Callable[[Window], Array], name: str) -> None:
        super().__init__()
        self.grid, self.values = grid, values
        self.set_name(name)

    def res(self) -> tuple[float, float]:
        return self.grid.transform.a, -self.grid.transform.e

    def extent(self) -> tuple[float, float, float, float]:
        return tuple(self.grid.bounds)

    def srs_wkt(self) -> str:
        return str(self.grid.crs.wkt)

    def nodata_value(self) -> float | None:
        return None

    def read_window(self, x0: int, y0: int, nx: int, ny: int) -> Array:
        return self.values(Window(x0, y0, nx, ny))


def not_negative(raster: Any, window: Window) -> Array:
    """A window, no data as 0. Raises UserError naming the file and the place of a value below zero."""
    values: Array = raster.read(1, window=window)
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    values[values == raster.nodata] = 0
    if not values.size or values.min() >= 0:  # one look is enough: it is False for NaN too
        return values
    values[np.isnan(values)] = 0
    if (values < 0).any():
        row, col = np.argwhere(values < 0)[0]
        raise UserError(
            f"{Path(raster.name).name}, row {window.row_off + row + 1}, column {window.col_off + col + 1}: "
            f"{values[row, col]:g}, expected 0 or more. Is its nodata value ({raster.nodata:g}) the right one?"
        )
    return values


def on_grid(amounts: Any, grid: Any) -> Callable[[Window], Array]:
    """Windows of a raster of amounts (people, m² of floor: a total per pixel) on the pixels of ``grid``, same CRS.

    A finer or coarser raster gives each pixel its density there: totals are kept as far as the grids are nested.
    """
    if amounts.transform == grid.transform and amounts.shape == grid.shape:
        return lambda window: not_negative(amounts, window)
    ratio = (grid.transform.a * grid.transform.e) / (amounts.transform.a * amounts.transform.e)
    warped = WarpedVRT(
        amounts,
        crs=grid.crs,
        transform=grid.transform,
        width=grid.width,
        height=grid.height,
        resampling=Resampling.nearest,
    )
    return lambda window: ratio * not_negative(warped, window)


def zonal_sums(
    sources: Mapping[str, RasterSource], shapes: npt.NDArray[np.object_], crs: str
) -> dict[str, npt.NDArray[np.float64]]:
    """Sum of every source over every polygon (in ``crs``): name → float64 per polygon. All sources have one grid."""
    if not len(shapes):
        return {name: np.zeros(0) for name in sources}
    frame = gpd.GeoDataFrame(geometry=shapes, crs=crs)
    # the raster is gone through once, not polygon by polygon: half as many pixels are read and decoded
    with rasterio.Env(GDAL_CACHEMAX=BLOCK_CACHE):
        found = exact_extract(
            list(sources.values()),
            frame,
            ["sum"],
            output="pandas",
            strategy="raster-sequential",
            max_cells_in_memory=MAX_CELLS * len(sources),
        )
    columns = {name: f"{name}_sum" if len(sources) > 1 else "sum" for name in sources}
    sums = {name: found[column].to_numpy(dtype=np.float64) for name, column in columns.items()}
    return {name: np.where(values < NOTHING, 0, values) for name, values in sums.items()}
