"""The sample's farm zones, appellation and parcels: made up, on real communes, in the producers' formats.

The lists follow simple rules on départements and positions, and resemble no official zoning. A commune's parcels
are strips of one square around a point inside it, in shares that depend on its département only.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import shapely

from climart.files import atomic
from ingest import lake

MOUNTAIN = ("05", "09", "48", "65", "73", "74")
SIMPLE = ("23", "36", "58")
SPECIFIC = ("17",)
APPELLATION = "Coteaux de démonstration"
VINEYARD = ("21", 4.9, 47.1, 0.2)  # département, longitude and latitude of the middle, degrees around it
# Département → CODE_GROUP, CODE_CULTU and share of each commune's area. Vines: only in the appellation.
CROPS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "21": (("1", "BTH", 0.30), ("18", "PPH", 0.15)),
    "28": (("1", "BTH", 0.55), ("5", "CZH", 0.15), ("18", "PPH", 0.005)),
    "73": (("18", "PPH", 0.12), ("17", "SPH", 0.20), ("1", "BTH", 0.005)),
}
VINES = ("21", "VRC", 0.08)
YEAR = 2023


def write_zones(folder: Path, rows: pd.DataFrame) -> tuple[Path, Path]:
    """The farm zones as CSV (cp1252, as the real file) and the appellation as JSON. ``rows``:
    ``geography.communes()``."""
    placed = rows.dropna(subset=["lon"]).sort_values("code")
    lines = ["CodeCommune;NomCommune;Montagne;ZoneDefavoriseeSimple;ZoneHandicapSpecifique"]
    for row in placed.itertuples():
        tokens = [
            token if row.departement in departements else ""
            for token, departements in (("M", MOUNTAIN), ("ZDS", SIMPLE), ("ZHS", SPECIFIC))
        ]
        if any(tokens):
            lines.append(";".join([str(row.code).lstrip("0"), str(row.nom).upper(), *tokens]))
    zones = folder / "zones_montagne_defavorisees_communes.csv"
    with atomic(zones) as handle:
        handle.write(("\n".join(lines) + "\n").encode("cp1252", errors="replace"))
    members = placed[in_appellation(placed)]
    content: dict[str, Any] = {
        "aire_geographique": APPELLATION,
        "provenance": {"authority": "Climart", "note": "Liste fictive de démonstration."},
        "commune_count": len(members),
        "communes": [
            {"insee": row.code, "name": row.nom, "department": row.departement} for row in members.itertuples()
        ],
    }
    appellation = folder / "demonstration-communes.json"
    with atomic(appellation) as handle:
        handle.write((json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode())
    return zones, appellation


def in_appellation(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which communes make the made-up appellation."""
    departement, lon, lat, around = VINEYARD
    near = rows["lon"].sub(lon).abs().le(around) & rows["lat"].sub(lat).abs().le(around)
    return near & rows["departement"].eq(departement)


def write_parcels(folder: Path, rows: pd.DataFrame, contours: pd.DataFrame) -> tuple[Path, ...]:
    """One GeoParquet of parcels per département, named as the RPG's. ``contours``: ``geography.contours(...)``."""
    projected = gpd.GeoSeries(contours["geometry"].to_numpy(), crs="EPSG:4326").to_crs("EPSG:2154")
    shapes = pd.Series(np.asarray(projected.values), index=contours["code"])
    vines = set(rows.loc[in_appellation(rows), "code"])
    paths = []
    for departement, crops in CROPS.items():
        codes = contours.loc[contours["departement"] == departement, "code"]
        parcels = []
        for code in codes:
            grown = (*crops, VINES) if code in vines else crops
            parcels += _strips(shapes[code], grown)
        paths.append(_write(folder / f"RPG_demonstration_D0{departement}_{YEAR}.parquet", parcels))
    return tuple(paths)


def _strips(
    shape: shapely.Geometry, grown: tuple[tuple[str, str, float], ...]
) -> list[tuple[str, str, shapely.Polygon]]:
    """A square in the middle of ``shape``, cut into one strip per crop."""
    middle = shapely.point_on_surface(shape)
    total = sum(share for _, _, share in grown)
    side = float(np.sqrt(total * shape.area))
    west, south = middle.x - side / 2, middle.y - side / 2
    strips = []
    for group, crop, share in grown:
        east = west + side * share / total
        strips.append((group, crop, shapely.box(west, south, east, south + side)))
        west = east
    return strips


def _write(path: Path, parcels: list[tuple[str, str, shapely.Polygon]]) -> Path:
    outlines = np.array([outline for _, _, outline in parcels])
    table = pa.table(
        {
            "ID_PARCEL": pa.array([str(i) for i in range(1, len(parcels) + 1)], pa.string()),
            "SURF_PARC": pa.array(np.round(shapely.area(outlines) / 1e4, 2), pa.float64()),
            "CODE_CULTU": pa.array([crop for _, crop, _ in parcels], pa.string()),
            "CODE_GROUP": pa.array([group for group, _, _ in parcels], pa.string()),
            "geometry": pa.array(shapely.to_wkb(outlines), pa.binary()),
        }
    )
    column = {"encoding": "WKB", "geometry_types": ["Polygon"], "crs": pyproj.CRS("EPSG:2154").to_json_dict()}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return lake.write_parquet(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)
