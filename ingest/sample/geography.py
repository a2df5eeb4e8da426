"""The sample's geography: approximate outlines on official codes, in the layout of the real territories
folder.

Read from ``data/reference/sample/``, made once by ``data/reference/build_sample_geography.py`` (sources and
licences in ``data/README.md``). A commune that was matched with a place has a contour: the part of its
département that lies nearer to that place than to any other (a Voronoi cell). It is an approximation and says
so (``geometry_method``).
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyproj
import shapely

from climart import paths
from climart.files import atomic
from ingest import grid, lake

SAMPLE = paths.REFERENCE / "sample"
CODES = {"code": str, "departement": str, "region": str, "epci": str, "chefLieu": str}
SHRINK = float(np.cos(np.radians(46.5)))  # a degree of longitude in degrees of latitude, mid-France

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]


def outlines() -> pd.Series[Any]:
    """The 96 metropolitan départements: code → (multi)polygon, WGS 84. Shared borders are exactly equal."""
    text = (SAMPLE / "departement_outlines.geojson").read_text(encoding="utf-8")
    features = json.loads(text)["features"]
    shapes = shapely.from_geojson([json.dumps(feature["geometry"]) for feature in features])
    return pd.Series(shapes, index=[feature["properties"]["code"] for feature in features])


def communes() -> pd.DataFrame:
    """The 34 969 current communes: code, nom, zone, departement, region, epci, population, lon, lat.

    lon, lat (WGS 84) are those of the matched place, missing where there is none; sorted by code.
    """
    return pd.read_csv(SAMPLE / "communes.csv.gz", dtype=CODES | {"population": "Int64"})


def contours(rows: pd.DataFrame, departements: pd.Series[Any]) -> pd.DataFrame:
    """Approximate contours of the communes that have a position: code, departement, geometry (WGS 84).

    Voronoi cells, département by département, clipped to its outline: together they fill it and form a valid
    coverage.
    """
    located = rows.dropna(subset=["lon"]).sort_values(["departement", "code"])
    cells: list[Shapes] = []
    for code, members in located.groupby("departement"):
        outline = departements[str(code)]
        seeds = shapely.multipoints(shapely.points(members["lon"] * SHRINK, members["lat"]))
        parts = shapely.voronoi_polygons(
            seeds, extend_to=shapely.transform(outline, lambda xy: xy * [SHRINK, 1]), ordered=True
        )
        parts = shapely.transform(shapely.get_parts(parts), lambda xy: xy / [SHRINK, 1])
        cells.append(shapely.intersection(parts, outline) if len(members) > 1 else np.array([outline]))
    # Where a cell ends on a département's border, its neighbour across the border needs the same vertex.
    shapes = shapely.normalize(shapely.coverage_clean(np.concatenate(cells)))
    return located[["code", "departement"]].assign(geometry=shapes).sort_values("code", ignore_index=True)


def cell_shares(departements: pd.Series[Any]) -> Floats:
    """Share of each département's area that each cell of ``grid.cells()`` holds: (96, 8981), rows sum to 1.

    Exact intersection areas in EPSG:27572 (the grid's own projection).
    """
    project = pyproj.Transformer.from_crs("EPSG:4326", grid.CRS, always_xy=True)
    shapes = shapely.transform(departements.to_numpy(), lambda xy: np.column_stack(project.transform(*xy.T)))
    cells, half = grid.cells(), grid.SIZE / 2
    squares = shapely.box(cells["x"] - half, cells["y"] - half, cells["x"] + half, cells["y"] + half)
    shapely.prepare(shapes)
    row, column = shapely.STRtree(squares).query(shapes, predicate="intersects")
    area = np.zeros((len(shapes), len(squares)))
    area[row, column] = shapely.area(shapely.intersection(shapes[row], squares[column]))
    area /= area.sum(axis=1, keepdims=True)
    return area


def write_territories(folder: Path, departements: pd.Series[Any]) -> tuple[Path, ...]:
    """Write the territories folder: communes, epci, departements, regions (.json), caisses, movements (.csv), contours.

    Same names and fields as the real folder, with fewer fields in communes.json. Returns the paths written.
    """
    rows = communes()
    return (
        write_json(folder / "communes.json", commune_rows(rows)),
        write_json(folder / "epci.json", epci_rows(rows)),
        write_json(folder / "departements.json", records(read("departements"))),
        write_json(folder / "regions.json", records(read("regions"))),
        write_caisses(folder / "caisses_regionales.csv"),
        write_changes(folder / "mouvements-communes.csv"),
        write_contours(folder / "communes_contours.parquet", contours(rows, departements)),
    )


def read(name: str) -> pd.DataFrame:
    """One embedded table of official codes, as strings and integers."""
    return pd.read_csv(SAMPLE / f"{name}.csv", dtype=CODES)


def commune_rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Communes as in the official file, then their parts; an empty field (a population) is left out, as it is there."""
    fields = ["code", "nom", "zone", "departement", "region", "type", "population"]
    parts = pd.read_csv(SAMPLE / "commune_parts.csv.gz", dtype=str)
    return [
        {field: value for field, value in row.items() if not pd.isna(value)}
        for row in [*records(rows.assign(type="commune-actuelle")[fields]), *records(parts)]
    ]


def epci_rows(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """EPCI with their members (code, nom), members sorted by code."""
    members = {str(code): records(group[["code", "nom"]]) for code, group in rows.groupby("epci", sort=False)}
    return [{**row, "membres": members[row["code"]]} for row in records(read("epci"))]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries of Python values."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def write_json(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A list of objects, one a line."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    with atomic(path) as handle:
        handle.write(f"[\n{lines}\n]\n".encode())
    return path


def write_caisses(path: Path) -> Path:
    """The embedded département → caisse régionale table, under the column names of the real folder."""
    table = pd.read_csv(paths.REFERENCE / "departement_caisse.csv", dtype=str, keep_default_na=False)
    table.columns = pd.Index(
        ["departement_code", "departement_nom", "caisse_regionale_id", "caisse_regionale_nom", "shared_with"]
    )
    with atomic(path) as handle:
        handle.write(table.to_csv(index=False, lineterminator="\n").encode())
    return path


def write_changes(path: Path) -> Path:
    """The movements of communes since 1943, under INSEE's column names."""
    with atomic(path) as handle:
        handle.write(gzip.decompress((SAMPLE / "commune_changes.csv.gz").read_bytes()))
    return path


def write_contours(path: Path, shapes: pd.DataFrame) -> Path:
    """GeoParquet 1.1: code, geometry (WKB, WGS 84), geometry_method = ``approximate``."""
    geometry = shapes["geometry"].to_numpy()
    table = pa.table(
        {
            "code": pa.array(shapes["code"], pa.string()),
            "geometry": pa.array(shapely.to_wkb(geometry), pa.binary()),
            "geometry_method": pa.array(["approximate"] * len(shapes), pa.string()),
        }
    )
    column = {
        "encoding": "WKB",
        "geometry_types": ["MultiPolygon", "Polygon"],
        "crs": pyproj.CRS("EPSG:4326").to_json_dict(),
        "bbox": shapely.total_bounds(geometry).tolist(),
    }
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return lake.write_parquet(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)
