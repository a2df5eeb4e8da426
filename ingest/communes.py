"""The communes of the lake as polygons, for facts that are measured on the ground instead of read from a list."""

from __future__ import annotations

import geopandas as gpd
import shapely

from climart.errors import UserError
from ingest import lake


def polygons(crs: str) -> gpd.GeoDataFrame:
    """Metropolitan communes with a contour, in ``crs``: code, geometry (valid). Raises UserError without any."""
    table = lake.read("territory").select(["kind", "zone", "code", "geometry"]).to_pandas()
    table = table[(table["kind"] == "commune") & (table["zone"] == "metro") & table["geometry"].notna()]
    if table.empty:
        raise UserError("The lake has no communes with contours: run `climart ingest territories DIR` first.")
    frame = gpd.GeoDataFrame(table[["code"]], geometry=shapely.from_wkb(table["geometry"]), crs="EPSG:4326").to_crs(crs)
    broken = ~frame.is_valid
    frame.loc[broken, "geometry"] = shapely.make_valid(
        frame.loc[broken, "geometry"].to_numpy(), method="structure", keep_collapsed=False
    )
    return frame.reset_index(drop=True)
