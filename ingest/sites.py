"""What the lake knows of a run's cells beside their place: altitude, heat-health thresholds of their département."""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from climart import paths
from ingest import lake
from ingest.readers.grids import MASSIF_BANDS, Grid, band_of
from ingest.series import Site

Nodes = npt.NDArray[np.int64]

ALERTS = paths.REFERENCE / "heat_alert_thresholds.csv"


def of_cells(grid: Grid, nodes: Nodes) -> Site:
    """The site of some cells of a grid. Altitude is NaN where no elevation is loaded (``climart ingest elevation``),
    thresholds where the cell lies in no département that has them. A massif's band is its own altitude."""
    if grid.kind == MASSIF_BANDS:
        massif, band = (values.astype(np.float64) for values in band_of(grid.cell_id[nodes]))
        nothing = np.full(nodes.size, np.nan)
        return Site(np.ascontiguousarray(grid.latitude[nodes]), band, nothing, nothing, massif)
    altitude, day, night = (np.full(nodes.size, np.nan) for _ in range(3))
    rows = pd.Series(np.arange(nodes.size), index=grid.cell_id[nodes])
    altitudes = _of_grid("cell_altitude", grid)
    known = altitudes[altitudes["cell_id"].isin(rows.index)]
    altitude[rows[known["cell_id"]]] = known["altitude_m"]
    alerts = _departements(grid).merge(thresholds(), on="territory_id")
    alerts = alerts[alerts["cell_id"].isin(rows.index)]
    day[rows[alerts["cell_id"]]] = alerts["tasmax_c"]
    night[rows[alerts["cell_id"]]] = alerts["tasmin_c"]
    return Site(
        np.ascontiguousarray(grid.latitude[nodes], dtype=np.float64), altitude, night, day, np.full(nodes.size, np.nan)
    )


def fingerprint(grid: Grid) -> str:
    """Changes where anything that ``of_cells`` says of the grid changes."""
    site = of_cells(grid, grid.nodes(None))
    content = b"".join(values.tobytes() for values in (site.altitude, site.alert_night, site.alert_day))
    return hashlib.sha256(content).hexdigest()


@cache
def thresholds() -> pd.DataFrame:
    """Heat-health thresholds by département: ``territory_id``, ``tasmax_c``, ``tasmin_c`` (°C), ``param_status``."""
    return pd.read_csv(ALERTS, comment="#")


def _departements(grid: Grid) -> pd.DataFrame:
    """The département that holds the largest part of each cell: ``cell_id``, ``territory_id``."""
    weights = _of_grid("cell_weight", grid)
    weights = weights[weights["territory_id"].str.startswith("departement:") & (weights["weighting"] == "area")]
    areas = lake.read("territory").select(["territory_id", "area_km2"]).to_pandas()
    weights = weights.merge(areas, on="territory_id")
    weights = weights.assign(km2=weights["weight"] * weights["area_km2"])
    weights = weights.sort_values(["cell_id", "km2", "territory_id"])
    return weights.drop_duplicates("cell_id", keep="last")[["cell_id", "territory_id"]]


def _of_grid(table: str, grid: Grid) -> pd.DataFrame:
    rows = lake.read(table)
    found: pd.DataFrame = rows.filter(pc.equal(rows["grid_id"], grid.grid_id)).to_pandas()
    return found
