"""Zonal sums of a large raster, ours (exactextract, window by window) beside rasterstats.

    python -m bench.zonal [--write]

A generated GeoTIFF of 20 000 × 20 000 depths (tiled, compressed) and 1 000 polygons that fill it. Each side runs in a
process of its own, which reports its time and its peak of memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.transform import from_origin
from rasterio.windows import Window

from climart import paths

SIZE, N_POLYGONS, PIXEL, BLOCK = 20_000, 1_000, 25, 512
CRS, NODATA = "EPSG:2154", -9999.0
REPORT = paths.PROJECT / "docs" / "reference" / "performance-zonal.md"


def write_raster(path: Path) -> None:
    """Depths from 0 to 4 m, a fifth of the pixels dry (no data); written block by block."""
    rng = np.random.default_rng(20_261_121)
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": 1, "width": SIZE, "height": SIZE, "crs": CRS, "nodata": NODATA,
        "transform": from_origin(0, SIZE * PIXEL, PIXEL, PIXEL), "tiled": True, "blockxsize": BLOCK,
        "blockysize": BLOCK, "compress": "deflate", "zlevel": 1,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as raster:
        for row in range(0, SIZE, BLOCK):
            for col in range(0, SIZE, BLOCK):
                height, width = min(BLOCK, SIZE - row), min(BLOCK, SIZE - col)
                # to the centimetre, as depths are; neighbours alike, so that compression has something to do
                field = np.repeat(np.repeat(rng.random((height // 8 + 1, width // 8 + 1)), 8, 0), 8, 1)[:height, :width]
                depth = np.where(field < 0.2, NODATA, np.round(4 * field, 2)).astype(np.float32)
                raster.write(depth, 1, window=Window(col, row, width, height))


def write_polygons(path: Path) -> None:
    """A Voronoi tessellation of the raster."""
    rng = np.random.default_rng(7)
    extent = shapely.box(0, 0, SIZE * PIXEL, SIZE * PIXEL)
    points = shapely.multipoints(rng.random((N_POLYGONS, 2)) * SIZE * PIXEL)
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=extent))
    gpd.GeoDataFrame(geometry=shapely.intersection(cells, extent), crs=CRS).to_file(path)


def ours(raster: Path, polygons: Path) -> list[float]:
    from ingest import rasters

    shapes = gpd.read_file(polygons).geometry.to_numpy()
    with rasters.opened(raster, CRS) as depth:
        pixels = rasters.Pixels(depth, lambda window: rasters.not_negative(depth, window), "depth")
        return list(rasters.zonal_sums({"depth": pixels}, shapes, CRS)["depth"])


def peer(raster: Path, polygons: Path) -> list[float]:
    from rasterstats import zonal_stats

    return [float(found["sum"]) for found in zonal_stats(str(polygons), str(raster), stats="sum")]


def measure(side: str, folder: Path) -> dict[str, float]:
    """Run one side in its own process: seconds, peak memory in MB, total of its sums."""
    command = [sys.executable, "-m", "bench.zonal", "--side", side, "--folder", str(folder)]
    done = subprocess.run(command, cwd=paths.PROJECT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def run_side(side: str, folder: Path) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    sums = {"ours": ours, "rasterstats": peer}[side](folder / "depth.tif", folder / "polygons.gpkg")
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu": time.process_time() - cpu, "peak_mb": peak, "total": sum(sums)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.relative_to(paths.PROJECT)}")
    parser.add_argument("--side", choices=("ours", "rasterstats"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        run_side(given.side, given.folder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_raster(folder / "depth.tif")
        write_polygons(folder / "polygons.gpkg")
        megabytes = (folder / "depth.tif").stat().st_size / 1e6
        found = {side: measure(side, folder) for side in ("ours", "rasterstats")}
    lines = [
        "# Zonal sums, measured",
        "",
        f"Written by `python -m bench.zonal --write`: {SIZE} × {SIZE} pixels ({megabytes:.0f} MB, compressed), "
        f"{N_POLYGONS} polygons that fill it. Each side in its own process, one after the other, on the same machine.",
        "",
        "| | seconds | of processor | peak memory, MB | sum of the sums |",
        "|---|---|---|---|---|",
        *(
            f"| {side} | {run['seconds']:.1f} | {run['cpu']:.1f} | {run['peak_mb']:.0f} | {run['total']:.6e} |"
            for side, run in found.items()
        ),
        "",
        "Ours counts each pixel for the part that lies in the polygon; rasterstats counts those whose centre does.",
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if given.write:
        REPORT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
