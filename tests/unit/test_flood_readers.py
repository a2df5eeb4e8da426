"""Flood zones and depths, on squares that can be counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import geopandas as gpd
import jinja2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import rasterio
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.transform import from_origin

from climart import paths
from climart.errors import UserError
from ingest import depth_damage, lake, rasters
from ingest.readers import depth_rasters, zone_polygons
from ingest.registry import DepthRasters, ZonePolygons

CRS = "EPSG:2154"
X0, Y0 = 900_000, 6_500_000  # lower left corner of a 3 × 1 row of communes of 1 km
ZONES = ZonePolygons(
    reader="zone_polygons",
    topic="flood",
    crs=CRS,
    class_column="scenario",
    classes={"01For": "frequent", "04Fai": "rare"},
    ignored=("03Mcc",),
    study_column="tri",
    scale="1:25 000",
    files={"main": "*zones*", "perimeter": "*perimetre*", "people": "*people*"},
)
DEPTHS = DepthRasters(
    reader="depth_rasters", crs=CRS, return_period=r"RP(\d+)", files={"buildings": "*built*", "people": "*people*"}
)


def box(x0: float, x1: float, y0: float = 0, y1: float = 1) -> shapely.Polygon:
    """A rectangle in kilometres from the communes' corner."""
    return shapely.box(X0 + 1000 * x0, Y0 + 1000 * y0, X0 + 1000 * x1, Y0 + 1000 * y1)


@pytest.fixture
def communes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three communes of 1 km² side by side: 01001, 01002, 01003."""
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    shapes = gpd.GeoSeries([box(i, i + 1) for i in range(3)], crs=CRS).to_crs("EPSG:4326")
    rows = [
        {**dict.fromkeys(lake.SCHEMAS["territory"].names), "territory_id": f"commune:0100{i + 1}", "kind": "commune",
         "code": f"0100{i + 1}", "zone": "metro", "geometry": shapely.to_wkb(shape)}
        for i, shape in enumerate(shapes)
    ]  # fmt: skip
    lake.write("territory", pa.Table.from_pylist(rows, schema=lake.SCHEMAS["territory"]))


def zones(path: Path, rows: list[tuple[str, shapely.Polygon]], **about: Any) -> Path:
    frame = gpd.GeoDataFrame(
        {"scenario": [name for name, _ in rows], "tri": "Isère"}, geometry=[shape for _, shape in rows], crs=CRS
    )
    (frame if about.get("crs", True) else frame.set_crs(None, allow_override=True)).to_file(path)
    return path


def tif(
    path: Path, values: npt.ArrayLike, *, crs: str | None = CRS, nodata: float | None = -9999, size: float = 500
) -> Path:
    """A raster of ``size`` m pixels whose lower left corner is the communes'."""
    array = np.asarray(values, dtype=np.float32)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "height": array.shape[0], "width": array.shape[1]}
    transform = from_origin(X0, Y0 + size * array.shape[0], size, size)
    with rasterio.open(path, "w", crs=crs, nodata=nodata, transform=transform, **profile) as raster:
        raster.write(array, 1)
    return path


def by_commune(rows: list[dict[str, Any]], measure: str, period: int | None = None) -> dict[str, Any]:
    return {
        row["commune_code"]: row["value"]
        for row in rows
        if row["measure_id"] == measure and row.get("return_period") == period
    }


def read_zones(*files: Path) -> tuple[list[dict[str, Any]], list[str]]:
    tables, remarks = zone_polygons.read(files, ["id"] * len(files), ZONES)
    return tables["commune_fact"], remarks


def test_zones_overlap_once_and_no_study_is_no_row(communes: None, tmp_path: Path) -> None:
    """Commune 1: two rare zones of 0.4 and 0.4 that share 0.2, one frequent of 0.2 inside them; the others: nothing."""
    rows, remarks = read_zones(
        zones(
            tmp_path / "zones.gpkg",
            [("04Fai", box(0, 0.4)), ("04Fai", box(0.2, 0.6)), ("01For", box(0.1, 0.3)), ("03Mcc", box(0, 1))],
        )
    )
    assert by_commune(rows, "flood_area_share") == {"01001": pytest.approx(60, abs=1e-6)}
    assert by_commune(rows, "flood_area_share_rare") == {"01001": pytest.approx(60, abs=1e-6)}
    assert by_commune(rows, "flood_area_share_frequent") == {"01001": pytest.approx(20, abs=1e-6)}
    assert remarks == ["zones.gpkg: 1 polygons of 03Mcc were left out."]
    assert {row["note"] for row in rows} == {"Isère · 1:25 000"}
    # without a perimeter, all that is known to be studied is the zones
    assert [row["studied_share"] for row in rows] == pytest.approx([0.6] * len(rows))


def test_a_perimeter_tells_dry_from_unknown(communes: None, tmp_path: Path) -> None:
    """The perimeter holds commune 2 whole and 40 % of commune 3: commune 2 is at 0, commune 3 is not studied."""
    rows, _ = read_zones(
        zones(tmp_path / "zones.gpkg", [("04Fai", box(0.5, 1))]),
        zones(tmp_path / "perimetre.gpkg", [("", box(0, 2.4))]),
    )
    assert by_commune(rows, "flood_area_share") == {"01001": pytest.approx(50, abs=1e-6), "01002": 0}
    assert [row["studied_share"] for row in rows] == pytest.approx([1] * len(rows))
    assert {row["note"] for row in rows} == {"Isère · 1:25 000"}  # the dry one too has its study


def test_people_by_raster_and_by_points_agree(communes: None, tmp_path: Path) -> None:
    """Four people in each 500 m pixel: 16 in a commune, of whom half in the zone; as points, as squares, as pixels."""
    zone = zones(tmp_path / "zones.gpkg", [("04Fai", box(0, 0.5))])
    raster = tif(tmp_path / "people.tif", np.full((2, 6), 4))
    rows, _ = read_zones(zone, raster)
    assert by_commune(rows, "flood_people") == {"01001": pytest.approx(8, rel=1e-6)}
    assert by_commune(rows, "flood_people_studied") == {"01001": pytest.approx(16, rel=1e-6)}
    assert by_commune(rows, "flood_pop_share") == {"01001": pytest.approx(50, rel=1e-6)}
    centres = [(0.25 + 0.5 * i, 0.25 + 0.5 * j) for i in range(6) for j in range(2)]
    for name, shapes in (
        ("points", [shapely.Point(X0 + 1000 * x, Y0 + 1000 * y) for x, y in centres]),
        ("squares", [box(x - 0.25, x + 0.25, y - 0.25, y + 0.25) for x, y in centres]),
    ):
        layer = tmp_path / f"{name}_people.gpkg"
        gpd.GeoDataFrame({"amount": 4.0}, index=range(12), geometry=shapes, crs=CRS).to_file(layer)
        rows, _ = read_zones(zone, layer)
        assert by_commune(rows, "flood_people") == {"01001": pytest.approx(8, rel=1e-6)}, name


def test_the_parts_of_a_zone_add_up_to_it(communes: None, tmp_path: Path) -> None:
    star = shapely.Polygon(
        [(X0 + 300, Y0 + 100), (X0 + 2_700, Y0 + 450), (X0 + 1_500, Y0 + 930), (X0 + 1_100, Y0 + 333)]
    )
    hole = box(1.2, 1.6, 0.3, 0.5)
    rows, _ = read_zones(zones(tmp_path / "zones.gpkg", [("04Fai", star.difference(hole)), ("01For", box(0.9, 1.4))]))
    total = sum(by_commune(rows, "flood_area").values())
    whole = shapely.union_all([star.difference(hole), box(0.9, 1.4)]).area / 1e6
    assert total == pytest.approx(whole, rel=1e-9)


def test_invalid_polygons_are_repaired_and_counted(communes: None, tmp_path: Path) -> None:
    bow = shapely.Polygon([(X0, Y0), (X0 + 1000, Y0 + 1000), (X0 + 1000, Y0), (X0, Y0 + 1000)])  # two triangles of 1/4
    rows, remarks = read_zones(zones(tmp_path / "zones.gpkg", [("04Fai", bow)]))
    assert by_commune(rows, "flood_area_share") == {"01001": pytest.approx(50, abs=1e-6)}
    assert remarks == ["zones.gpkg: 1 of 1 polygons were invalid and repaired."]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda p: zones(p / "zones.gpkg", [("99", box(0, 1))]),
            r"zones\.gpkg, scenario: '99' is not a class of the YAML",
        ),
        (lambda p: zones(p / "zones.shp", [("04Fai", box(0, 1))], crs=False), r"zones\.shp: no coordinate system"),
        (lambda p: tif(p / "zones.gpkg", [[1]]), r"zones\.gpkg: "),
        (lambda p: tif(p / "other.tif", [[1]]), r"none of other\.tif is a main file"),
    ],
)
def test_zones_that_are_not_zones_are_named(
    communes: None, tmp_path: Path, make: Callable[[Path], Path], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        read_zones(make(tmp_path))


def read_depths(*files: Path, **options: Any) -> list[dict[str, Any]]:
    return depth_rasters.read(files, ["id"] * len(files), DEPTHS.model_copy(update=options))[0]["commune_fact"]


def test_damage_is_curve_times_floor_times_price(communes: None, tmp_path: Path) -> None:
    """100 m² of floor in each pixel. Commune 1: 1 m of water in two of its four pixels, 40 % of 775 €/m² each."""
    nan = -9999
    depths = [tif(tmp_path / f"d_RP{years}.tif", [[metres, nan, nan, nan], [metres, nan, 0, nan]])
              for years, metres in ((10, 0.5), (100, 1.0))]  # fmt: skip
    built = tif(tmp_path / "built.tif", np.full((2, 4), 100))
    rows = read_depths(*depths, built)
    price = depth_damage.maximum_damage("residential")
    assert by_commune(rows, "flood_damage", 10) == {"01001": pytest.approx(200 * 0.25 * price), "01002": 0}
    assert by_commune(rows, "flood_damage", 100) == {"01001": pytest.approx(200 * 0.40 * price), "01002": 0}
    # commune 3 is beyond the rasters: not a row of it
    assert {row["commune_code"] for row in rows} == {"01001", "01002"}


def test_tiles_and_a_coarser_raster_of_people(communes: None, tmp_path: Path) -> None:
    """Two tiles of one period; people counted on pixels of 1 km: a quarter of them in each pixel of 500 m."""
    tiles = []
    for number, x in enumerate((0, 2)):
        path = tmp_path / f"ID{number}_RP20.tif"
        tif(path, np.full((2, 4 if x == 0 else 2), 2.0))
        with rasterio.open(path, "r+") as raster:
            raster.transform = from_origin(X0 + 1000 * x, Y0 + 1000, 500, 500)
        tiles.append(path)
    people = tif(tmp_path / "people.tif", [[8, 0, 40]], size=1000)
    assert by_commune(read_depths(*tiles, people), "flood_people_wet", 20) == {
        "01001": pytest.approx(8), "01002": 0, "01003": pytest.approx(40),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("about", "values", "said"),
    [
        ({"crs": "EPSG:3035"}, [[1]], r"d_RP10\.tif: its coordinate system is EPSG:3035, expected EPSG:2154"),
        ({"crs": None}, [[1]], r"d_RP10\.tif: its coordinate system is none"),
        ({"nodata": None}, [[1]], r"d_RP10\.tif: no nodata value"),
        ({}, [[1, 1], [1, -0.5]], r"d_RP10\.tif, row 2, column 2: -0\.5, expected 0 or more"),
    ],
)
def test_a_raster_that_cannot_be_trusted_is_refused_by_name(
    communes: None, tmp_path: Path, about: dict[str, Any], values: npt.ArrayLike, said: str
) -> None:
    built = tif(tmp_path / "built.tif", np.full((2, 2), 100))
    with pytest.raises(UserError, match=said):
        read_depths(tif(tmp_path / "d_RP10.tif", values, **about), built)


def test_depths_need_something_to_damage_and_a_period(communes: None, tmp_path: Path) -> None:
    depth = tif(tmp_path / "d_RP10.tif", np.ones((2, 6)))
    with pytest.raises(UserError, match="no raster of buildings or of people"):
        read_depths(depth)
    with pytest.raises(UserError, match=r"depth\.tif: no return period in its name"):
        read_depths(tif(tmp_path / "depth.tif", [[1]]), tif(tmp_path / "built.tif", [[1]]))


def test_zonal_sums_count_pixels_by_their_part(tmp_path: Path) -> None:
    path = tif(tmp_path / "v.tif", [[1, 2], [3, 4]])
    with rasterio.open(path) as raster:
        source = rasters.Pixels(raster, lambda window: rasters.not_negative(raster, window), "v")
        found = rasters.zonal_sums({"v": source}, np.array([box(0, 1), box(0, 0.25), box(0.25, 0.75, 0.25, 0.75)]), CRS)
    # the whole; half of the left column; a quarter of each pixel
    assert found["v"] == pytest.approx([10, 2, 2.5])


@pytest.mark.parametrize(
    ("depth", "share"),
    [(0.1, 0.05), (0.25, 0.125), (0.75, 0.325), (1.2, 0.44), (2.5, 0.675), (3.5, 0.80), (7, 1), (0, 0)],
)
def test_residential_damage(depth: float, share: float) -> None:
    assert depth_damage.damage_share(np.array([depth]), "residential")[0] == pytest.approx(share, abs=1e-12)


def test_every_curve_is_the_published_one() -> None:
    """Huizinga et al. 2017, Europe: at the published depths, beyond the last, and half-way between two."""
    depths = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 9])
    published = {
        "residential": [0, 0.25, 0.40, 0.50, 0.60, 0.75, 0.85, 0.95, 1],
        "commercial": [0, 0.15, 0.30, 0.45, 0.55, 0.75, 0.90, 1, 1],
        "industrial": [0, 0.15, 0.27, 0.40, 0.52, 0.70, 0.85, 1, 1],
        "transport": [0, 0.317, 0.542, 0.702, 0.832, 1, 1, 1, 1],
        "infrastructure": [0, 0.25, 0.42, 0.55, 0.65, 0.80, 0.90, 1, 1],
        "agriculture": [0, 0.30, 0.55, 0.65, 0.75, 0.85, 0.95, 1, 1],
    }
    assert depth_damage.assets() == tuple(published)
    for asset, shares in published.items():
        assert depth_damage.damage_share(depths, asset) == pytest.approx([*shares, 1]), asset
        between = depth_damage.damage_share((depths[1:9] + depths[:8]) / 2, asset)
        assert between == pytest.approx((np.array(shares[1:]) + np.array(shares[:-1])) / 2), asset


@pytest.mark.parametrize(("asset", "euros"), [("residential", 775), ("commercial", 1075), ("industrial", 872)])
def test_maximum_damage_of_france(asset: str, euros: float) -> None:
    assert depth_damage.maximum_damage(asset) == pytest.approx(euros, abs=1)


MACROS = (paths.DBT_PROJECT / "macros" / "exposure.sql").read_text(encoding="utf-8")


def annual_damage(curve: dict[int, float], protection: float = 1, first: int = 5) -> tuple[float, float]:
    """Expected annual damage without and with the tail, by the SQL that the mart runs."""
    call = "{{ expected_annual_damage('curves', ['place'], " + str(first) + ") }}"
    with duckdb.connect() as connection:
        connection.execute("create table curves (place int, return_period int, damage double, p_protection double)")
        connection.executemany(
            "insert into curves values (1, ?, ?, ?)", [(t, d, 1 / protection) for t, d in curve.items()]
        )
        found = connection.execute(jinja2.Template(MACROS + call).render()).fetchone()
    assert found is not None
    return found[1], found[2]


CURVE = {10: 0.0, 20: 1.0, 50: 3.0, 100: 5.0, 200: 7.0, 500: 10.0}


def test_expected_annual_damage() -> None:
    assert annual_damage(CURVE) == (pytest.approx(0.1805), pytest.approx(0.2005))


def test_a_curve_that_begins_late_begins_at_the_bank_full_flood() -> None:
    """Damage 2 at 10 years, none at 5: (0.2 - 0.1) × (0 + 2) / 2 below, 0.1 × 2 beyond."""
    assert annual_damage({10: 2.0}) == (pytest.approx(0.1), pytest.approx(0.3))
    assert annual_damage({2: 2.0}) == (pytest.approx(0), pytest.approx(1))  # begins before: nothing is added


def test_protection_cuts_what_is_more_frequent() -> None:
    """Up to 50 years nothing: (0.02-0.01)×4 + (0.01-0.005)×6 + (0.005-0.002)×8.5 = 0.0955; the tail stays 0.02."""
    assert annual_damage(CURVE, protection=50) == (pytest.approx(0.0955), pytest.approx(0.1155))
    # between two periods the damage is read on the line: at 1/p = 1/0.03, damage 1 + 2 × 2/3
    cut = (0.03 - 0.02) * (3 + 1 + 2 * (0.05 - 0.03) / 0.03) / 2
    assert annual_damage(CURVE, protection=1 / 0.03)[0] == pytest.approx(0.0955 + cut)
    assert annual_damage(CURVE, protection=1000) == (pytest.approx(0), pytest.approx(0.01))


@settings(max_examples=15)
@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=6), st.floats(1, 1000))
def test_protection_never_adds_damage(damages: list[float], protection: float) -> None:
    curve = dict(zip((10, 20, 50, 100, 200, 500), sorted(damages), strict=False))
    bare, kept = annual_damage(curve), annual_damage(curve, protection)
    assert kept[0] <= bare[0] * (1 + 1e-12) and kept[1] <= bare[1] * (1 + 1e-12)
