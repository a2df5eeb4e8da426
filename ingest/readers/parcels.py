"""Parcels of the RPG (ASP, IGN), as GeoPackage, GeoParquet, shapefile or GeoJSON: where each group of crops is grown.

Columns, in either case: ``ID_PARCEL``, ``SURF_PARC`` (hectares), ``CODE_CULTU``, ``CODE_GROUP``, and the outline
(EPSG:2154; in GeoJSON, as the WFS gives it and ``climart fetch`` keeps it, longitude and latitude). A parcel, three
hectares in the mean, counts at its centroid. Files of a whole country are read by pieces.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
import yaml

from climart.errors import UserError
from ingest import grid
from ingest.readers import geojson
from ingest.shapes import project

ASKED = ("SURF_PARC", "CODE_GROUP")
BATCH = 200_000
HECTARES_A_KM2 = 100
# SURF_PARC against the outlines of a piece of file: further apart than this, it is not in hectares.
MAX_AREA_RATIO = 1.5


@cache
def crop_groups() -> dict[str, tuple[str, ...]]:
    """CODE_GROUP → the weightings that its parcels count for (``ingest/crop_groups.yml``)."""
    path = Path(__file__).parent.parent / "crop_groups.yml"
    return {
        code: tuple(group["weightings"]) for code, group in yaml.safe_load(path.read_text(encoding="utf-8")).items()
    }


def weightings() -> tuple[str, ...]:
    """Every weighting that parcels give, in order."""
    return tuple(sorted({name for names in crop_groups().values() for name in names}))


def read(path: Path) -> Iterator[pd.DataFrame]:
    """Pieces of one file: weighting, x, y (centroid, EPSG:27572, m), amount (km²); ``attrs`` holds n_parcels.

    A vine gives two rows, as crop and as vine.

    Raises UserError naming the file, and the parcel's place in it where one is wrong.
    """
    start = 0
    for groups, hectares, outlines, crs in _pieces(path):
        codes = pd.Series(groups, dtype="string").str.strip().str.lstrip("0")
        if (unknown := ~codes.isin(list(crop_groups())).to_numpy()).any():
            first = int(np.flatnonzero(unknown)[0])
            raise UserError(
                f"{path.name}, parcel {start + first + 1}: CODE_GROUP is {groups[first]!r}, which "
                "ingest/crop_groups.yml does not know. Add it there, with what it counts for."
            )
        if not (hectares >= 0).all():
            first = int(np.flatnonzero(~(hectares >= 0))[0])
            raise UserError(
                f"{path.name}, parcel {start + first + 1}: SURF_PARC is {hectares[first]}, expected hectares."
            )
        drawn = float(shapely.area(outlines).sum()) / 1e4
        if not 1 / MAX_AREA_RATIO <= (hectares.sum() or 1) / (drawn or 1) <= MAX_AREA_RATIO:
            raise UserError(
                f"{path.name}, parcels {start + 1} to {start + len(codes)}: SURF_PARC sums to {hectares.sum():.1f} and "
                f"the outlines to {drawn:.1f} hectares. Expected hectares, and outlines in metres (EPSG:2154)."
            )
        centres = shapely.centroid(outlines)
        x, y = pyproj.Transformer.from_crs(crs, grid.CRS, always_xy=True).transform(
            shapely.get_x(centres), shapely.get_y(centres)
        )
        frame = pd.DataFrame({"x": x, "y": y, "amount": hectares / HECTARES_A_KM2})
        frame["weighting"] = codes.map(crop_groups()).to_numpy()
        frame = frame.explode("weighting").dropna(subset=["weighting"]).reset_index(drop=True)
        frame.attrs["n_parcels"] = len(codes)
        yield frame
        start += len(codes)


Piece = tuple[npt.NDArray[np.object_], npt.NDArray[np.float64], npt.NDArray[np.object_], pyproj.CRS]


def _pieces(path: Path) -> Iterator[Piece]:
    if not path.exists():
        raise UserError(f"{path}: no such file.")
    try:
        yield from READERS.get(path.suffix.lower(), _ogr)(path)
    except (pyogrio.errors.DataSourceError, pa.ArrowInvalid) as error:
        raise UserError(f"{path.name}: cannot be read as parcels ({error}).") from error


def _ogr(path: Path) -> Iterator[Piece]:
    fields = _fields(path, list(pyogrio.read_info(path)["fields"]))
    with pyogrio.open_arrow(path, columns=list(fields.values()), batch_size=BATCH, use_pyarrow=True) as (about, reader):
        crs = _projected(path, about["crs"])
        geometry = about["geometry_name"] or "wkb_geometry"
        for batch in reader:
            yield _piece(batch, fields, geometry, crs)


def _parquet(path: Path) -> Iterator[Piece]:
    file = pq.ParquetFile(path)
    fields = _fields(path, file.schema_arrow.names)
    about = json.loads((file.schema_arrow.metadata or {}).get(b"geo", b"{}"))
    geometry = about.get("primary_column")
    if geometry is None:
        raise UserError(f"{path.name}: not a GeoParquet file (no outlines). Expected the RPG's parcels.")
    crs = _projected(path, json.dumps(about["columns"][geometry].get("crs")))
    for batch in file.iter_batches(BATCH, columns=[*fields.values(), geometry]):
        yield _piece(batch, fields, geometry, crs)


def _geojson(path: Path) -> Iterator[Piece]:
    for piece in geojson.read(path, BATCH):
        fields = _fields(path, list(dict.fromkeys(name for row in piece.rows for name in row)))
        try:
            hectares = np.array([float(row[fields["SURF_PARC"]]) for row in piece.rows])
            groups = np.array([str(row[fields["CODE_GROUP"]]) for row in piece.rows], dtype=object)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path.name}, from feature {piece.start}: a parcel without {error}.") from error
        yield groups, hectares, project(piece.shapes, "EPSG:2154"), pyproj.CRS("EPSG:2154")


READERS = {".parquet": _parquet, ".json": _geojson, ".geojson": _geojson}


def _fields(path: Path, names: list[str]) -> dict[str, str]:
    by_name = {name.upper(): name for name in names}
    if missing := set(ASKED) - set(by_name):
        raise UserError(f"{path.name}: no column {', '.join(sorted(missing))} (found {', '.join(names)}).")
    return {name: by_name[name] for name in ASKED}


def _projected(path: Path, crs: object) -> pyproj.CRS:
    try:
        found = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise UserError(f"{path.name}: no projection is given. Expected EPSG:2154.") from error
    if not found.is_projected:
        raise UserError(f"{path.name}: projection {found.name}. Expected metres, EPSG:2154.")
    return found


def _piece(batch: pa.RecordBatch, fields: dict[str, str], geometry: str, crs: pyproj.CRS) -> Piece:
    hectares = batch.column(fields["SURF_PARC"]).cast(pa.float64()).to_numpy(zero_copy_only=False)
    groups = batch.column(fields["CODE_GROUP"]).cast(pa.string()).to_numpy(zero_copy_only=False)
    outlines = shapely.from_wkb(batch.column(geometry).to_numpy(zero_copy_only=False))
    return groups, hectares, outlines, crs
