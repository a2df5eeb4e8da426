"""Flood depth per return period (GeoTIFF, tiles or not) × a raster of buildings or people → damage per commune.

Depth is read pixel by pixel, turned into a share of the maximum damage (``ingest.depth_damage``), multiplied by the m²
of floor of the pixel, summed by commune. Communes that lie wholly in the rasters are studied, the others are not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.windows import Window

from climart.errors import UserError
from ingest import communes, depth_damage, rasters
from ingest.readers.parts import by_part
from ingest.registry import DepthRasters

MIN_COVERED_SHARE = 0.999  # "wholly", but for a border that runs along the raster's edge


def read(
    paths: Sequence[Path], ids: Sequence[str], options: DepthRasters
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``commune_fact`` rows by return period: ``flood_damage`` (€), ``flood_people_wet`` (people where depth > 0).

    Raises UserError naming the raster that is in another CRS, has no nodata value or a negative depth, or whose name
    says no return period.
    """
    main, parts = by_part(paths, {str(part): pattern for part, pattern in options.files.items()})
    if not parts:
        raise UserError(
            "no raster of buildings or of people beside the depths: nothing could be damaged. See the YAML."
        )
    tiles: dict[int, list[Path]] = defaultdict(list)
    for path in main:
        tiles[_return_period(path, options)].append(path)
    ground = communes.polygons(options.crs)
    shapes = ground.geometry.to_numpy()
    rows: list[dict[str, Any]] = []
    studied: npt.NDArray[np.bool_] | None = None
    for period, files in sorted(tiles.items()):
        sums, covered = _period(files, parts, shapes, options)
        if studied is not None and (studied != covered).any():
            raise UserError(f"{files[0].name}: covers other communes than the rasters of shorter return periods.")
        studied = covered
        for measure, values in sums.items():
            for position in np.flatnonzero(covered):
                rows.append(_row(ground["code"].iloc[position], measure, period, values[position], options))
    assert studied is not None
    if not studied.any():
        raise UserError(f"{main[0].name}: no commune of the lake lies in it. Is it of France, and {options.crs}?")
    if options.protection_years:
        for position in np.flatnonzero(studied):
            code = ground["code"].iloc[position]
            rows.append(_row(code, "flood_protection", None, options.protection_years, options))
    return {"commune_fact": rows}, [f"{int(studied.sum())} communes lie in the rasters, of {len(studied)}."]


def _return_period(path: Path, options: DepthRasters) -> int:
    found = re.search(options.return_period, path.name)
    if found is None:
        raise UserError(f"{path.name}: no return period in its name ({options.return_period!r}).")
    return int(found[1])


def _row(code: str, measure: str, period: int | None, value: float, options: DepthRasters) -> dict[str, Any]:
    return {
        "commune_code": code,
        "measure_id": measure,
        "return_period": period,
        "date_end": options.date_end,
        "value": float(value),
        "note": options.note,
    }


def _period(
    files: list[Path], parts: dict[str, Path], shapes: npt.NDArray[np.object_], options: DepthRasters
) -> tuple[dict[str, npt.NDArray[np.float64]], npt.NDArray[np.bool_]]:
    """Sums over the tiles of one return period, by measure; and which communes lie in them."""
    totals: dict[str, npt.NDArray[np.float64]] = {}
    boxes = []
    for path in files:
        with ExitStack() as stack:
            depth = stack.enter_context(rasters.opened(path, options.crs))
            amounts = {part: stack.enter_context(rasters.opened(file, options.crs)) for part, file in parts.items()}
            boxes.append(shapely.box(*depth.bounds))
            here = np.flatnonzero(shapely.intersects(shapes, boxes[-1]))
            sources = {
                measure: rasters.Pixels(depth, _values(depth, amounts[part], part, options), measure)
                for part, measure in (("buildings", "flood_damage"), ("people", "flood_people_wet"))
                if part in amounts
            }
            for measure, found in rasters.zonal_sums(sources, shapes[here], options.crs).items():
                totals.setdefault(measure, np.zeros(len(shapes)))[here] += found
    inside = shapely.area(shapely.intersection(shapes, shapely.union_all(boxes))) / shapely.area(shapes)
    return totals, inside >= MIN_COVERED_SHARE


def _values(depth: Any, amounts: Any, part: str, options: DepthRasters) -> Any:
    """Windows of damage (€), or of people in the water."""
    on_grid = rasters.on_grid(amounts, depth)
    if part == "people":
        return lambda window: (rasters.not_negative(depth, window) > 0) * on_grid(window)
    price = depth_damage.maximum_damage(options.asset) * options.price_factor

    def damage(window: Window) -> npt.NDArray[np.float64]:
        metres = rasters.not_negative(depth, window) * options.metres_per_unit
        return depth_damage.damage_share(metres, options.asset) * on_grid(window) * price

    return damage
