"""INSEE's squares of 200 m (Filosofi): how many people live in each, as CSV, GeoPackage or Parquet.

A square is named by its south-west corner, ``CRS3035RES200mN2029800E4252400``: EPSG:3035, metres. Martinique and
Réunion come with other projections; the climate grids do not reach them, so their squares are counted and left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pyproj

from climart.errors import UserError
from ingest import grid

METROPOLITAN_CRS = "3035"
SQUARE = r"^CRS(\d+)RES(\d+)mN(\d+)E(\d+)$"


@dataclass(frozen=True)
class Squares:
    """``places``: x, y (centre of the square, EPSG:27572, m), amount (people), listed (the first commune that the
    file names for the square, or None). ``n_overseas``: squares in another projection, left out."""

    places: pd.DataFrame
    n_overseas: int


def read(path: Path) -> Squares:
    """The squares of one file. Raises UserError naming the file and the column or the line that is wrong."""
    frame = _columns(path)
    parts = frame["idcar_200m"].astype(str).str.extract(SQUARE)
    if (unnamed := parts[0].isna().to_numpy()).any():
        line = int(np.flatnonzero(unnamed)[0])
        raise UserError(
            f"{path.name}, square {line + 1}: {frame['idcar_200m'].iloc[line]!r} is not a name such as "
            "CRS3035RES200mN2029800E4252400."
        )
    people = pd.to_numeric(frame["ind"], errors="coerce").to_numpy(dtype=float)
    if (wrong := ~(people >= 0)).any():  # NaN is wrong too
        line = int(np.flatnonzero(wrong)[0])
        raise UserError(
            f"{path.name}, square {line + 1}: ind is {frame['ind'].iloc[line]!r}, expected people, 0 or more."
        )
    metropolitan = (parts[0] == METROPOLITAN_CRS).to_numpy()
    half = parts[1].astype(float).to_numpy() / 2
    north, east = parts[2].astype(float).to_numpy() + half, parts[3].astype(float).to_numpy() + half
    project = pyproj.Transformer.from_crs(f"EPSG:{METROPOLITAN_CRS}", grid.CRS, always_xy=True)
    x, y = project.transform(east[metropolitan], north[metropolitan])
    if "lcog_geo" in frame:
        listed = frame["lcog_geo"].astype("string").str.slice(0, 5)
    else:
        listed = pd.Series(pd.NA, index=frame.index, dtype="string")
    places = pd.DataFrame(
        {"x": x, "y": y, "amount": people[metropolitan], "listed": listed[metropolitan].to_numpy(dtype=object)}
    )
    return Squares(places, int((~metropolitan).sum()))


def _columns(path: Path) -> pd.DataFrame:
    """idcar_200m, ind and, where it is there, lcog_geo; names in lower case whatever the file's."""
    asked = {"idcar_200m", "ind", "lcog_geo"}
    try:
        match path.suffix.lower():
            case ".csv":
                with path.open(encoding="utf-8-sig") as handle:
                    separator = ";" if ";" in handle.readline() else ","
                frame = pd.read_csv(
                    path, sep=separator, dtype=str, encoding="utf-8-sig", usecols=lambda name: name.lower() in asked
                )
            case ".gpkg":
                fields = [name for name in pyogrio.read_info(path)["fields"] if name.lower() in asked]
                frame = pyogrio.read_dataframe(path, columns=fields, read_geometry=False)
            case ".parquet":
                names = [name for name in pq.read_schema(path).names if name.lower() in asked]
                frame = pq.read_table(path, columns=names).to_pandas()
            case other:
                raise UserError(f"{path.name}: {other or 'no'} suffix; expected .csv, .gpkg or .parquet.")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file.") from error
    except (OSError, ValueError, pyogrio.errors.DataSourceError) as error:
        raise UserError(f"{path.name}: cannot be read ({error}).") from error
    frame.columns = frame.columns.str.lower()
    if missing := {"idcar_200m", "ind"} - set(frame.columns):
        raise UserError(f"{path.name}: no column {', '.join(sorted(missing))}. Expected INSEE's 200 m squares.")
    return frame
