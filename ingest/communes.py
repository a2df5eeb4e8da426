"""The communes of the lake: as polygons, for facts measured on the ground; as codes, for facts to be pooled."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from climart.errors import UserError
from ingest import lake

# Communes that some sources give by arrondissement, and their arrondissements.
ARRONDISSEMENTS = {
    "75056": tuple(str(code) for code in range(75101, 75121)),
    "69123": tuple(str(code) for code in range(69381, 69390)),
    "13055": tuple(str(code) for code in range(13201, 13217)),
}
COMMUNE_OF = {part: commune for commune, parts in ARRONDISSEMENTS.items() for part in parts}


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


def today(codes: Iterable[str]) -> dict[str, str]:
    """Code → the commune that holds its land today: itself, its commune if it is an arrondissement, or what it became.

    A code that the lake does not know stands for itself.
    """
    table = lake.read("territory").select(["kind", "code"])
    current = set(table.filter(pc.equal(table["kind"], "commune"))["code"].to_pylist())
    former = lake.read("former_commune").select(["code", "commune"]).to_pydict()
    became = dict(zip(former["code"], former["commune"], strict=True))
    return {code: code if code in current else COMMUNE_OF.get(code) or became.get(code, code) for code in codes}


def of_departements(departements: Iterable[str]) -> set[str]:
    """Codes of today's communes in some départements (codes)."""
    table = lake.read("territory").select(["kind", "code", "departement_id"])
    ids = pa.array([f"departement:{code}" for code in departements], pa.string())
    chosen = pc.and_(pc.equal(table["kind"], "commune"), pc.is_in(table["departement_id"], value_set=ids))
    return set(table.filter(chosen)["code"].to_pylist())
