"""Weights of cells in territories: squares that a person can count, then any polygon, then another library."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import grid, lake, weights

# Three rows of three cells: ids 1 to 9, row by row from the south-west; cell 1 covers 0 to 8 km in x and in y.
SIZE = grid.SIZE
BLOCK = pd.DataFrame(
    {"cell_id": range(1, 10), "x": [4_000, 12_000, 20_000] * 3, "y": np.repeat([4_000, 12_000, 20_000], 3)}
)


def km(*corners: tuple[float, float]) -> shapely.Polygon:
    return shapely.Polygon([(1_000 * x, 1_000 * y) for x, y in corners])


def box(x0: float, y0: float, x1: float, y1: float) -> shapely.Polygon:
    return shapely.box(*(1_000 * side for side in (x0, y0, x1, y1)))


def weigh(*polygons: shapely.Geometry) -> list[dict[int, float]]:
    """For each polygon: cell → weight."""
    names = [f"t{i}" for i in range(len(polygons))]
    frame = weights.from_areas(weights.intersections(names, np.array(polygons), BLOCK), "area_share")
    return [
        dict(zip(part["cell_id"].tolist(), part["weight"].tolist(), strict=True))
        for part in (frame[frame["territory_id"] == name] for name in names)
    ]


@st.composite
def polygons(draw: st.DrawFn) -> shapely.Polygon:
    """A star-shaped polygon, some of it possibly outside the block (0 to 24 km)."""
    centre = [draw(st.floats(2_000, 22_000)) for _ in "xy"]
    n = draw(st.integers(3, 12))
    radii = draw(st.lists(st.floats(200, 12_000), min_size=n, max_size=n))
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    points = np.column_stack([centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)])
    return shapely.Polygon(np.round(points))


def test_cell_polygons_are_8_km_squares_around_their_centres() -> None:
    squares = weights.cell_polygons(BLOCK)
    assert shapely.bounds(squares[4]).tolist() == [8_000, 8_000, 16_000, 16_000]
    assert set(shapely.area(squares)) == {64e6}


def test_a_quarter_and_three_quarters() -> None:
    # 1 km of its width in cell 1, 3 km in cell 2
    assert weigh(box(7, 0, 11, 8)) == [{1: 0.25, 2: 0.75}]


def test_areas_are_square_metres() -> None:
    pairs = weights.intersections(["t"], np.array([box(7, 0, 11, 8)]), BLOCK)
    assert pairs.to_dict("list") == {"territory_id": ["t", "t"], "cell_id": [1, 2], "area": [8e6, 24e6]}


def test_a_whole_cell_a_part_of_it_and_its_neighbours() -> None:
    assert weigh(box(8, 8, 16, 16)) == [{5: 1.0}]  # cell 5 itself: its neighbours only touch it
    assert weigh(box(9, 9, 10, 10)) == [{5: 1.0}]  # smaller than a cell
    # 12 km × 12 km around cell 5: 64 of 144, sides of 2 km × 8 km (16 of 144), corners of 4
    (found,) = weigh(box(6, 6, 18, 18))
    assert found == pytest.approx({c: (4, 16, 4, 16, 64, 16, 4, 16, 4)[c - 1] / 144 for c in range(1, 10)})


def test_a_triangle() -> None:
    # legs of 16 km: half of cell 2 and of cell 4, all of cell 1, a corner of cell 5
    assert weigh(km((0, 0), (16, 0), (0, 16))) == [{1: 0.5, 2: 0.25, 4: 0.25}]


def test_a_hole_weighs_nothing() -> None:
    ring = shapely.difference(box(0, 0, 24, 24), box(8, 8, 16, 16))
    assert weigh(ring) == [pytest.approx(dict.fromkeys((1, 2, 3, 4, 6, 7, 8, 9), 1 / 8))]


def test_two_islands_are_one_territory() -> None:
    islands = shapely.MultiPolygon([box(0, 0, 2, 1), box(16, 16, 17, 18)])
    assert weigh(islands) == [{1: 0.5, 9: 0.5}]


def test_the_part_outside_the_grid_does_not_count() -> None:
    assert weigh(box(-8, 0, 16, 4)) == [{1: 0.5, 2: 0.5}]


def test_a_territory_that_only_touches_the_grid_has_no_weight() -> None:
    assert weigh(box(24, 0, 30, 8), box(40, 40, 41, 41)) == [{}, {}]


def test_each_territory_its_own_weights() -> None:
    assert weigh(box(0, 0, 4, 4), box(4, 0, 12, 4)) == [{1: 1.0}, {1: 0.5, 2: 0.5}]


@settings(deadline=None)  # a loaded machine is not a fault
@given(st.lists(polygons(), min_size=1, max_size=5))
def test_weights_sum_to_one(shapes: list[shapely.Polygon]) -> None:
    shapes = [shape for shape in shapes if shape.is_valid]
    for shape, found in zip(shapes, weigh(*shapes), strict=True):
        assert min(found.values()) > 0
        assert abs(sum(found.values()) - 1) < 1e-9
        assert len(found) <= len(BLOCK)
        assert shape.area > 0


@settings(deadline=None)  # a loaded machine is not a fault
@given(st.lists(polygons(), min_size=1, max_size=5))
def test_pieces_add_up_to_the_part_on_the_grid(shapes: list[shapely.Polygon]) -> None:
    shapes = [shape for shape in shapes if shape.is_valid]
    names = [f"t{i}" for i in range(len(shapes))]
    pieces = weights.intersections(names, np.array(shapes), BLOCK).groupby("territory_id")["area"].sum()
    for name, shape in zip(names, shapes, strict=True):
        assert pieces[name] == pytest.approx(shape.intersection(box(0, 0, 24, 24)).area, rel=1e-9)


@settings(max_examples=50, deadline=None)
@given(polygons().filter(lambda shape: shape.is_valid))
def test_agrees_with_exactextract(shape: shapely.Polygon) -> None:
    ids = np.arange(1, 10).reshape(3, 3)[::-1].astype(float)  # a raster starts in the north-west
    territory = gpd.GeoDataFrame({"id": [1]}, geometry=[shape], crs=grid.CRS)
    raster = NumPyRasterSource(ids, 0, 0, 24_000, 24_000, srs_wkt=territory.crs.to_wkt())
    (feature,) = exact_extract(raster, territory, ["values", "coverage"])
    covered = np.array(feature["properties"]["coverage"])
    cells = np.array(feature["properties"]["values"]).astype(int)
    other = dict(zip(cells.tolist(), (covered / covered.sum()).tolist(), strict=True))
    (found,) = weigh(shape)
    for cell in found.keys() | other.keys():
        assert found.get(cell, 0) == pytest.approx(other.get(cell, 0), abs=1e-4)


@settings(deadline=None)  # a loaded machine is not a fault
@given(st.integers(0, 23), st.integers(1, 23), st.integers(1, 23))
def test_a_group_weighs_as_the_union_of_its_parts(x: int, y: int, cut: int) -> None:
    parts = [box(0, 0, 0.5 + x, y), box(0.5 + x, 0, 24, y), box(0, y, cut, 24), box(cut, y, 24, 24)]
    names = ["a", "b", "c", "d"]
    pairs = weights.intersections(names, np.array(parts), BLOCK)
    members = pd.DataFrame({"territory_id": ["a", "c", "d"], "group_id": ["west", "west", "east"]})
    grouped = weights.from_areas(weights.of_groups(pairs, members), "area_share")
    unions = np.array([shapely.union_all([parts[0], parts[2]]), parts[3]])
    direct = weights.from_areas(weights.intersections(["west", "east"], unions, BLOCK), "area_share")
    key = ["territory_id", "cell_id"]
    both = grouped.merge(direct, on=key, how="outer", suffixes=("", "_direct"))
    assert set(both["territory_id"]) == {"west", "east"}  # b belongs to no group
    assert (both["weight"].fillna(0) - both["weight_direct"].fillna(0)).abs().max() < 1e-12


def test_groups_are_weighed_by_cells_not_by_members() -> None:
    # a: 1 km² in cell 1; b: 3 km² in cell 2. Together cell 2 weighs three times cell 1, not as much.
    pairs = weights.intersections(["a", "b"], np.array([box(0, 0, 1, 1), box(8, 0, 11, 1)]), BLOCK)
    members = pd.DataFrame({"territory_id": ["a", "b"], "group_id": ["g", "g"]})
    grouped = weights.from_areas(weights.of_groups(pairs, members), "area_share")
    assert dict(zip(grouped["cell_id"], grouped["weight"], strict=True)) == {1: 0.25, 2: 0.75}


def test_the_nearest_cell_of_islands() -> None:
    # 5 km west of cell 4; 1 km north of cell 9 but 6 km east of it; nearer to cell 3 by its edge, not by its centre
    islands = np.array([box(-6, 10, -5, 11), box(30, 25, 31, 26), box(25, -3, 60, -1)])
    found = weights.nearest_cells(["a", "b", "c"], islands, BLOCK)
    assert found.to_dict("list") == {
        "cell_id": [4, 9, 3],
        "territory_id": ["a", "b", "c"],
        "weight": [1.0, 1.0, 1.0],
        "method": ["nearest_cell"] * 3,
    }


def test_the_nearest_cell_is_nearest_to_the_polygon_not_to_its_middle() -> None:
    # a rock 1 km west of cell 7; the rest, far larger, 10 km west of cell 1
    archipelago = np.array([shapely.MultiPolygon([box(-2, 20, -1, 21), box(-30, 0, -10, 4)])])
    assert weights.nearest_cells(["a"], archipelago, BLOCK)["cell_id"].tolist() == [7]


def test_an_island_as_near_to_two_cells_gets_one() -> None:
    found = weights.nearest_cells(["a"], np.array([box(-2, 7, -1, 9)]), BLOCK)  # as near to cell 1 as to cell 4
    assert found["cell_id"].tolist() in ([1], [4])


def test_weights_enter_the_lake(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path_factory.mktemp("data")))
    pairs = weights.intersections(["commune:1"], np.array([box(7, 0, 11, 8)]), BLOCK)
    lake.write("cell_weight", weights.as_arrow(weights.from_areas(pairs, "area_share"), "area"))
    assert lake.read("cell_weight").to_pylist() == [
        {"cell_id": 1, "territory_id": "commune:1", "weighting": "area", "weight": 0.25, "method": "area_share"},
        {"cell_id": 2, "territory_id": "commune:1", "weighting": "area", "weight": 0.75, "method": "area_share"},
    ]
