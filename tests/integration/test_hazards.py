"""Hazards of a France of two communes, from the producers' layouts to the release: every figure counted by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from ingest.readers.drought_orders import COLUMNS
from tests.conftest import Mart, climart
from tests.factories import admin_folder, bdiff_export, tracc_export

A, B, DEPARTEMENT, REGION, EPCI = "commune:01001", "commune:01002", "departement:01", "region:84", "epci:200000001"
BOXES = {"01001": (622_000, 2_014_000, 630_000, 2_016_000), "01002": (617_000, 2_014_000, 622_000, 2_016_000)}
YEARS = (2020, 2021, 2021, 2022, 2022)
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


def clay(path: Path, east: int) -> Path:
    """A map whose one strong zone goes from the west of A, x = 622 km, to ``east``."""
    zone = gpd.GeoSeries([shapely.box(622_010, 2_010_000, east, 2_020_000)], crs="EPSG:27572").to_crs("EPSG:2154")
    gpd.GeoDataFrame({"NIVEAU": [3]}, geometry=zone).to_file(path)
    return path


def answers(folder: Path) -> list[Path]:
    """Of the API: clay of A and B, and the one order that names A."""
    rows = [
        {"asked": {"code_insee": "01001"}, "answer": {"codeExposition": "3", "exposition": "Exposition forte"}},
        {"asked": {"code_insee": "01002"}, "answer": None},
    ]
    order = {
        "code_national_catnat": "INTE1", "date_debut_evt": "2018-07-01", "date_fin_evt": "2018-09-30",
        "date_publication_arrete": "2019-06-18", "date_publication_jo": "2019-07-17", "libelle_risque_jo": "Sécheresse",
        "code_insee": "01001", "libelle_commune": "A",
    }  # fmt: skip
    for name, content in (("rga_01.json", rows), ("catnat_01.json", [order])):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return [folder / "rga_01.json", folder / "catnat_01.json"]


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
    classes = root / "classes.csv"
    header = "code_insee,slug,nom_commune,code_departement,nom_departement,rga_classe_2020,rga_classe_2026,bascule_type"
    # 01888 joined A in 2016: A has the higher of the two classes; 01777 is of nowhere
    rows = ["1001,a,A,01,Ain,faible,moyenne,x", "1888,c,C,01,Ain,faible,forte,x", "1777,d,D,01,Ain,faible,forte,x"]
    classes.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    maps = [clay(root / "AleaRG_01_L93.gpkg", 626_000), clay(root / "AleaRG_2025_01_L93.gpkg", 630_000)]
    # B's two fires, one of A, one of the former 01888, one of nowhere
    codes = ("01002", "01002", "01001", "01888", "01777")
    fires = [(year, number, code, "10000") for number, (year, code) in enumerate(zip(YEARS, codes, strict=True))]
    forest = root / "forest.csv"
    forest.write_text("code_insee;part_foret\n01001;50\n01002;0\n", encoding="utf-8")
    said = {
        "territories": climart(root, "ingest", "territories", admin_folder(root / "admin", BOXES)),
        "orders": climart(root, "ingest", "observed", "sample_drought_orders", table),
        "orders and zones": climart(root, "ingest", "observed", "drought_orders", table, layer),
        "classes": climart(root, "ingest", "observed", "georisques_rga_classes", classes),
        "map of 2020": climart(root, "ingest", "observed", "georisques_rga_2020", maps[0]),
        "map of 2026": climart(root, "ingest", "observed", "georisques_rga_2026", maps[1]),
        "fires": climart(root, "ingest", "observed", "bdiff", bdiff_export(root / "Incendies.csv", fires)),
        "forest": climart(root, "ingest", "observed", "forest_share", forest),
        "answers": climart(root, "ingest", "observed", "georisques_api", *answers(root)),
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
    # the data go from the first signature to the last
    first, last = (date(2022, 12, 20), date(2022, 12, 31)), (date(2023, 1, 1), date(2023, 1, 20))
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


def test_orders_of_nobody_are_counted_beside_the_days(mart: Mart) -> None:
    """Order 5, of zone 20: crisis, hence every level, in January 2023; it may be of any département."""
    found = mart.query(
        "select distinct dataset_id, year, orders_unassigned, zones_unassigned from fct_drought_order_days "
        "order by dataset_id, year"
    )
    assert found == [(dataset, *row) for dataset in ("drought_orders", "sample_drought_orders")
                     for row in ((2022, 0, 0), (2023, 1, 1))]  # fmt: skip
    unsaid = mart.query(
        "select measure_id from dim_exposure_measure where starts_with(measure_id, 'drought_') "
        "and not (contains(definition_fr, 'un minimum') and contains(definition_en, 'a floor'))"
    )
    assert unsaid == []


def test_with_the_layer_communes_have_their_share_of_the_days(mart: Mart) -> None:
    """Zone 10, 22 days, is 1/4 of A and all of B; zone 11, 3 days (6, 7 and 20 January), is 3/4 of A."""
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


def clay_as_of(mart: Mart, day: str) -> list[tuple[object, ...]]:
    """What is in force in A on a day."""
    return mart.query(
        "select dataset_id, basis, strongest, round(area_share_strong) from fct_clay_zoning where territory_id = ? "
        "and cast(? as date) >= valid_from and (valid_to is null or cast(? as date) < valid_to) order by dataset_id",
        [A, day, day],
    )


def test_the_map_and_the_class_of_a_day(mart: Mart) -> None:
    """Half of A is in the strong zone of 2020, all of it in that of 2026."""
    assert clay_as_of(mart, "2019-12-31") == []
    assert clay_as_of(mart, "2026-06-30") == [
        ("georisques_rga_2020", "shares", "strong", 50),
        ("georisques_rga_classes", "classes", "weak", None),
    ]
    assert clay_as_of(mart, "2026-07-01") == [
        ("georisques_rga_2026", "shares", "strong", 100),
        ("georisques_rga_classes", "classes", "strong", None),  # of 01888, which is stronger than medium
    ]
    # a commune that keeps its class is not in the table of those that change: nothing is known
    assert mart.query(
        "select distinct strongest, reason from fct_clay_zoning where territory_id = ? and basis = 'classes'", [B]
    ) == [(None, "not_studied")]


def test_larger_territories_have_no_class_of_the_communes_that_change(mart: Mart) -> None:
    """Of the département, A is in the table and B is not: the highest class of A is not that of the département."""
    for table, which in (
        ("fct_exposure", "starts_with(measure_id, 'rga_class_20')"),
        ("fct_clay_zoning", "basis = 'classes'"),
    ):
        assert mart.query(f"select distinct split_part(territory_id, ':', 1) from {table} where {which}") == [
            ("commune",)
        ], table


def test_an_empty_answer_is_no_zone_and_not_unknown(mart: Mart) -> None:
    found = exposure(mart, "rga_class", "georisques_api")
    assert found[A] == (3, "studied", None) and found[B] == (0, "studied", None)
    assert found["commune:01999"] == (None, "not_studied", "not_studied")
    assert mart.query("select note from fct_exposure where measure_id = 'rga_class' and territory_id = ?", [B]) == [
        ("in no zone",)
    ]


def test_fires_of_former_communes_are_carried_and_the_others_listed(mart: Mart) -> None:
    """Five fires: two of A (one of them of 01888), two of B, one of a code of nowhere."""
    found = exposure(mart, "fires_n", "bdiff")
    assert (found[A][0], found[B][0], found[DEPARTEMENT][0]) == (2, 2, 4)
    assert mart.query("select commune_code, value, cause from fct_exposure_unmapped where measure_id = 'fires_n'") == [
        ("01777", 1, "unknown_code")
    ]
    assert mart.query(
        "select distinct date_start, date_end from fct_exposure where measure_id = 'fires_n' and dataset_id = 'bdiff'"
    ) == [(date(2020, 1, 1), date(2022, 12, 31))]


def test_fires_are_weighed_by_the_forest_where_it_is_known(mart: Mart) -> None:
    """A: 2 fires on half of its 16 km², 25 per 100 km². B has no forest; of 01999 nothing is known."""
    found = exposure(mart, "fires_per_forest", "bdiff")
    assert found[A][0] == pytest.approx(25, rel=0.01) and found[DEPARTEMENT][0] == pytest.approx(25, rel=0.01)
    assert found[B] == (None, "studied", "no_weight")
    assert found["commune:01999"] == (None, "not_studied", "forest_share_missing")


def test_a_commune_that_was_not_asked_about_has_no_zero(mart: Mart) -> None:
    """The API names A in one order; of the others, whether anybody asked is not in its answer."""
    found = exposure(mart, "catnat_n_drought", "georisques_api")
    assert found[A] == (1, "studied", None) and found[B] == (None, "not_studied", "not_studied")
    assert found[DEPARTEMENT] == (1, "partly_studied", None)
