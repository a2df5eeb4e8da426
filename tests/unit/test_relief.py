"""Altitudes to bands: interpolation, gaps, communes and ski areas, by hand on a massif of one square."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import from_origin

from climart.errors import UserError
from ingest import grid, lake, relief, territories
from ingest.readers.grids import Grid, band_cell_id
from tests.factories import admin_folder

BANDS = np.array([1200, 1500, 1800])


def test_altitudes_between_bands_by_hand() -> None:
    lower, upper, part = relief.between(np.array([1200.0, 1300, 1500, 1650, 1950, 1951, 1050, 1049]), BANDS)
    assert lower.tolist() == [1200, 1200, 1500, 1500, 1800, -1, 1200, -1]
    assert upper.tolist() == [1200, 1500, 1500, 1800, 1800, -1, 1200, -1]
    assert part.tolist() == pytest.approx([0, 1 / 3, 0, 0.5, 0, 0, 0, 0])


def test_bands_more_than_600_m_apart_say_nothing_of_what_lies_between() -> None:
    lower, upper, _ = relief.between(np.array([1300.0, 1400, 2050]), np.array([1200, 2100]))
    assert lower.tolist() == upper.tolist() == [1200, -1, 2100]


@given(st.floats(1050, 1950))
def test_interpolation_gives_the_altitude_back(altitude: float) -> None:
    lower, upper, part = relief.between(np.array([altitude]), BANDS)
    found = lower[0] * (1 - part[0]) + upper[0] * part[0]
    assert found == pytest.approx(min(max(altitude, 1200), 1800))
    assert 0 <= part[0] < 1


# A massif of 20 km × 20 km in Lambert, two communes in it, one astride its edge with a third of it inside, one outside.
X, Y = 920_000, 2_040_000
BOXES = {
    "01001": (X, Y, X + 4_000, Y + 4_000),
    "01002": (X + 4_000, Y, X + 8_000, Y + 4_000),
    "01003": (X, Y + 16_000, X + 4_000, Y + 28_000),
    "01004": (X - 20_000, Y, X - 16_000, Y + 4_000),
}


def massif_bands(*altitudes: int, massif: int = 10) -> Grid:
    cells = band_cell_id([massif] * len(altitudes), altitudes)
    place = np.full(len(altitudes), 45.0), np.full(len(altitudes), 6.0)
    return Grid("s2m_massif_band", "s2m_massif_band", cells.shape, cells, place[1], place[0], "EPSG:4326", np.empty(0))


@pytest.fixture
def relief_lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    admin = admin_folder(tmp_path / "admin", BOXES)
    massif = gpd.GeoDataFrame(
        {"code": [10, 11], "title": ["Vanoise", "Ailleurs"], "Zstat_min": [900, 600], "Zstat_medi": [1650, 1000],
         "Zstat_max": [2000, 1500]},
        geometry=[shapely.box(X, Y, X + 20_000, Y + 20_000), shapely.box(X + 30_000, Y, X + 40_000, Y + 10_000)],
        crs=grid.CRS,
    )  # fmt: skip
    massif.to_file(tmp_path / "massifs.gpkg")
    territories.load(admin, tmp_path / "massifs.gpkg")
    return tmp_path


def weights() -> dict[tuple[str, str], dict[int, float]]:
    rows = lake.read("cell_weight").to_pandas()
    rows = rows[rows["grid_id"] == "s2m_massif_band"]
    found: dict[tuple[str, str], dict[int, float]] = {}
    for row in rows.itertuples():
        found.setdefault((row.territory_id, row.weighting), {})[row.cell_id] = row.weight
    return found


def gaps() -> dict[tuple[str, str], str]:
    rows = lake.read("weight_gap").to_pandas()
    return {(row.territory_id, row.weighting): row.reason for row in rows.itertuples()}


def test_without_elevation_a_massif_stands_at_its_median_and_a_commune_has_none(relief_lake: Path) -> None:
    relief.add_bands(massif_bands(1200, 1500, 1800))
    found = weights()
    assert found["massif_band:10-1500", "area"] == {101500: 1}
    assert found["massif:10", "area"] == pytest.approx({101500: 0.5, 101800: 0.5})  # 1 650 m
    assert gaps() == {
        ("commune:01001", "area"): "no_elevation",
        ("commune:01002", "area"): "no_elevation",
        ("massif:11", "area"): "missing_cells",
    }
    rows = lake.read("territory").to_pandas().set_index("territory_id")
    assert rows.loc["massif_band:10-1500", ["name", "massif_id", "altitude_m"]].tolist() == [
        "Vanoise 1500 m", "massif:10", 1500,
    ]  # fmt: skip
    # another run brings another band: the same territories and one more
    relief.add_bands(massif_bands(2100))
    assert set(weights()) == {*found, ("massif_band:10-2100", "area")}


def test_communes_by_the_altitudes_that_they_hold(relief_lake: Path) -> None:
    relief.add_bands(massif_bands(1200, 1500, 1800))
    # one pixel of 2 km: commune 01001 is half at 1 225 m (class 1 200 … 1 250) and half at 1 775; 01002 lies at 2 500
    altitude = np.full((14, 20), -9999.0, dtype=np.float32)
    altitude[-2:, 0:2] = [[1225, 1775], [1225, 1775]]
    altitude[-2:, 2:4] = 2500
    with rasterio.open(
        relief_lake / "z.tif", "w", driver="GTiff", height=14, width=20, count=1, dtype="float32", crs=grid.CRS,
        transform=from_origin(X, Y + 28_000, 2_000, 2_000), nodata=-9999.0,
    ) as raster:  # fmt: skip
        raster.write(altitude, 1)
    relief.measure(relief_lake / "z.tif")
    found = weights()
    share = 25 / 300
    assert found["commune:01001", "area"] == pytest.approx(
        {101200: 0.5 * (1 - share), 101500: share, 101800: 0.5 * (1 - share)}, abs=1e-6
    )
    assert found["commune:01001", "altitude_low"] == pytest.approx({101200: 1 - share, 101500: share})
    assert found["commune:01001", "altitude_high"] == pytest.approx({101500: share, 101800: 1 - share})
    assert gaps()["commune:01002", "area"] == "outside_bands"
    # the raster holds a fiftieth of the massif: it stays at its median
    assert found["massif:10", "area"] == pytest.approx({101500: 0.5, 101800: 0.5})


def ski_areas(path: Path, **columns: object) -> Path:
    base = {"id": ["a", "b", "c"], "name": ["A", "B", None], "status": "operating",
            "min_elevation_m": [1200, 1200, None], "max_elevation_m": [1800, 1800, None],
            "lat": [45.0] * 3, "lng": [6.0] * 3}  # fmt: skip
    pd.DataFrame({**base, **columns}).to_csv(path, index=False)
    return path


def test_ski_areas_at_their_lower_third_middle_and_top(relief_lake: Path) -> None:
    relief.add_bands(massif_bands(1200, 1500, 1800))
    rows = lake.read("territory").to_pandas().set_index("territory_id")
    inside = rows.loc["massif:10", ["longitude", "latitude"]]
    file = ski_areas(
        relief_lake / "ski.csv",
        lng=[inside["longitude"], 2.0, inside["longitude"]],
        lat=[inside["latitude"], 47.0, 45.0],
    )
    assert relief.load_ski_areas(file, "openskimap") == 3
    found, reasons = weights(), gaps()
    assert found["ski_area:a", "lower_third"] == pytest.approx({101200: 1 / 3, 101500: 2 / 3})  # 1 400 m
    assert found["ski_area:a", "middle"] == found["ski_area:a", "area"] == pytest.approx({101500: 1})
    assert found["ski_area:a", "top"] == pytest.approx({101800: 1})
    assert reasons["ski_area:b", "middle"] == "outside_massifs"
    assert lake.read("territory").filter(pa.compute.field("kind") == "ski_area").num_rows == 3


def test_a_wrong_file_of_ski_areas_is_refused(relief_lake: Path) -> None:
    for columns, message in (
        ({"id": ["a", "a", "c"]}, "the ski area a appears twice"),
        ({"min_elevation_m": [1200, 1900, None]}, "line 3: min_elevation_m is above max_elevation_m"),
    ):
        with pytest.raises(UserError, match=message):
            relief.load_ski_areas(ski_areas(relief_lake / "ski.csv", **columns), "openskimap")
    pd.DataFrame({"name": ["A"]}).to_csv(relief_lake / "other.csv")
    with pytest.raises(UserError, match="no column id, status, min_elevation_m"):
        relief.load_ski_areas(relief_lake / "other.csv", "openskimap")
