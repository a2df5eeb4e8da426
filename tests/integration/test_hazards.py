"""Hazards of a France of two communes, from the producers' layouts to the release: every figure counted by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from ingest.readers.drought_orders import COLUMNS
from tests.conftest import Mart, climart
from tests.factories import admin_folder, tracc_export

A, B, DEPARTEMENT, REGION, EPCI = "commune:01001", "commune:01002", "departement:01", "region:84", "epci:200000001"
BOXES = {"01001": (622_000, 2_014_000, 630_000, 2_016_000), "01002": (617_000, 2_014_000, 622_000, 2_016_000)}
# (order, zone, number, signed, first day, last day, level). Zone 10 is the west of x = 624 km, 11 the east of it.
ORDERS = [
    (1, 10, "01-2022-12-20-00001", "2022-12-20", "2022-12-22", "2023-01-10", "1,Vigilance"),
    (2, 10, "2023-07", "2023-01-05", "2023-01-06", "2023-01-12", "3,Alerte"),  # of 01: it shares zone 10
    (3, 11, "01-2023-01-05-00002", "2023-01-05", "2023-01-06", "2023-01-07", "5,Crise"),
    (4, 11, "01-2023-01-20-00003", "2023-01-20", "2023-01-20", "", "1,Vigilance"),  # the last signature: one day
    (5, 20, "82-2022", "2023-01-01", "2023-01-01", "2023-01-20", "5,Crise"),  # of nobody
    (6, 11, "01-2023-01-05-00004", "2023-01-05", "2023-01-09", "2023-01-08", "5,Crise"),  # ends before it starts
]


def orders(path: Path) -> Path:
    lines = [
        f"k{order},{order},{zone},{number},615,{signed},{first},{last},{level},Publié,a.pdf"
        for order, zone, number, signed, first, last, level in ORDERS
    ]
    path.write_text("\n".join([",".join(COLUMNS), *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def mart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mart]:
    root = tmp_path_factory.mktemp("hazards")
    table = orders(root / "orders.csv")
    shapes = gpd.GeoSeries(
        [shapely.box(610_000, 2_010_000, 624_000, 2_020_000), shapely.box(624_000, 2_010_000, 640_000, 2_020_000)],
        crs="EPSG:27572",
    )
    layer = root / "zones.geojson"
    gpd.GeoDataFrame({"id_zone": ["10", "11"]}, geometry=shapes).to_crs("EPSG:4326").to_file(layer)
    climate = {
        "NORTMm_yr": "11.00",
        "ATMm_yr": "1.00",
        "NORIFM40_yr": 5,
        "AIFM40_yr": 1,
    }  # nothing is built without any
    exports = [
        tracc_export(root / f"{level}.txt", "RCM_GCM", level, {7220: climate, 7221: climate})
        for level in ("GWL15", "GWL20", "GWL30")
    ]
    said = {
        "territories": climart(root, "ingest", "territories", admin_folder(root / "admin", BOXES)),
        "orders": climart(root, "ingest", "observed", "sample_drought_orders", table),
        "orders and zones": climart(root, "ingest", "observed", "drought_orders", table, layer),
        "climate": climart(root, "ingest", "drias", *exports),
        "build": climart(root, "build"),
        "publish": climart(root, "publish"),
    }
    yield Mart(root, said)


def test_orders_that_nobody_signed_are_named(mart: Mart) -> None:
    assert "1 of 6 orders (1 of 6 rows) have no département and are not counted." in mart.said["orders"]
    assert "no_clue, 1 order(s): 5 (82-2022)." in mart.said["orders"]
    assert "1 row(s) end before they start and count no day: line(s) 7." in mart.said["orders"]


def test_days_are_counted_once_by_year_and_level(mart: Mart) -> None:
    """2022: 22 to 31 December, 10 days. 2023: 1 to 12 January and the 20th, 13; alert 6 to 12, 7; crisis 6 and 7, 2."""
    found = mart.query(
        "select year, level, days, orders, date_start, date_end from fct_drought_order_days "
        "where territory_id = ? and dataset_id = 'drought_orders' order by year, days desc, level",
        [DEPARTEMENT],
    )
    first, last = (date(2022, 12, 22), date(2022, 12, 31)), (date(2023, 1, 1), date(2023, 1, 20))
    assert found == [
        (2022, "vigilance", 10, 1, *first),
        (2022, "alerte", 0, 0, *first),
        (2022, "alerte_renforcee", 0, 0, *first),
        (2022, "crise", 0, 0, *first),
        (2023, "vigilance", 13, 4, *last),
        (2023, "alerte", 7, 2, *last),
        (2023, "alerte_renforcee", 2, 1, *last),
        (2023, "crise", 2, 1, *last),
    ]
    assert mart.query(
        "select distinct days, reason from fct_drought_order_days where territory_id = 'departement:971'"
    ) == [(None, "no_order_in_file")]


def exposure(mart: Mart, measure: str, dataset: str) -> dict[str, tuple[object, ...]]:
    rows = mart.query(
        "select territory_id, value, state, reason from fct_exposure where measure_id = ? and dataset_id = ?",
        [measure, dataset],
    )
    return {str(territory): tuple(rest) for territory, *rest in rows}


def test_without_the_layer_communes_are_unknown(mart: Mart) -> None:
    found = exposure(mart, "drought_days_vigilance", "sample_drought_orders")
    assert found[DEPARTEMENT] == found[REGION] == found["country:FR"] == (23, "studied", None)
    assert found[A] == found[EPCI] == (None, "not_studied", "zone_layer_missing")
    assert found["departement:971"] == (None, "not_studied", "no_order_in_file")
    assert exposure(mart, "drought_orders_n", "sample_drought_orders")[DEPARTEMENT] == (4, "studied", None)


def test_with_the_layer_communes_have_their_share_of_the_days(mart: Mart) -> None:
    """Zone 10 (22 days of vigilance or more: 20, then 2 more of alert) is 1/4 of A and all of B; zone 11, 3 days, 3/4 of A."""
    found = exposure(mart, "drought_days_vigilance", "drought_orders")
    # order 1: 22 December to 10 January, 20 days; order 2 goes on to the 12th: 22
    assert found[B][0] == pytest.approx(22, abs=0.05)
    assert found[A][0] == pytest.approx(22 / 4 + 3 * 3 / 4, abs=0.05)
    assert found[DEPARTEMENT] == (23, "studied", None)
    # A is 16 km², B 10; the third commune of the EPCI has no contour, hence no zone
    value, state, reason = found[EPCI]
    assert value == pytest.approx((16 * 7.75 + 10 * 22) / 26, abs=0.1) and (state, reason) == ("partly_studied", None)
    assert found["commune:01999"] == (None, "not_studied", "not_studied")
    assert exposure(mart, "drought_orders_n", "drought_orders")[A][0] is None
