"""Weights by what is exposed: two communes, two cells, every weight counted by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from climart.errors import UserError
from ingest import exposure, fetch, grid, lake, loading, registry, territories
from ingest.fetch import locks
from tests import factories, replay
from tests.fetching import Patience

LEFT, RIGHT = 7220, 7221  # the left cell is x 616 to 624 km, the right one 624 to 632 km
# A: 4 km² in the left cell, 12 km² in the right one. B: 10 km², all in the left one. 100 people each.
BOXES = {"01001": (622_000, 2_014_000, 630_000, 2_016_000), "01002": (617_000, 2_014_000, 622_000, 2_016_000)}
DRAWN = gpd.GeoSeries([shapely.box(*box) for box in BOXES.values()], list(BOXES), grid.CRS).buffer(100).to_crs(4326)
# west, south, east, north of the two communes, a little wider
DEGREES = {code: ",".join(f"{value:.4f}" for value in shape.bounds) for code, shape in DRAWN.items()}
A, B, DEPARTEMENT, MASSIF = "commune:01001", "commune:01002", "departement:01", "massif:7"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The official files, a massif (x 620 to 628 km), and a lake made of them."""
    root = tmp_path_factory.mktemp("exposure")
    admin = factories.admin_folder(root / "admin", BOXES)
    massif = gpd.GeoSeries([shapely.box(620_000, 2_014_000, 628_000, 2_016_000)], crs=grid.CRS)
    gpd.GeoDataFrame({"code": [7], "title": ["M"]}, geometry=massif).to_file(root / "massifs.shp")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIMART_DATA", str(root))
        territories.load(admin, root / "massifs.shp")
    yield root


@pytest.fixture
def root(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(loaded, tmp_path / "data")
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def weights(weighting: str) -> dict[str, dict[int, float]]:
    """Territory → cell → weight."""
    rows = lake.read("exposure_weight").to_pandas()
    rows = rows[rows["weighting"] == weighting]
    return {
        territory: dict(zip(part["cell_id"].tolist(), part["weight"].tolist(), strict=True))
        for territory, part in rows.groupby("territory_id")
    }


def state(territory: str, weighting: str) -> tuple[object, ...]:
    """computed_as, amount, share, method, reason."""
    rows = lake.read("territory_weighting").to_pylist()
    (row,) = (r for r in rows if r["territory_id"] == territory and r["weighting"] == weighting)
    share = None if row["share"] is None else round(row["share"], 4)
    return row["computed_as"], row["amount"], share, row["method"], row["reason"]


@pytest.mark.usefixtures("root")
def test_people_spread_evenly_weigh_groupings_and_not_communes_twice() -> None:
    found = weights("population")
    assert A not in found and B not in found
    assert state(A, "population") == ("area", 100, None, "areal", None)
    # A: a quarter of 100 people on the left; B: 100 on the left: 125 of 200. 01999 has 100 people and no contour.
    for group in (DEPARTEMENT, "epci:200000001", "region:84", "caisse:ca-centrest", "country:FR"):
        assert found[group] == pytest.approx({LEFT: 0.625, RIGHT: 0.375})
        assert state(group, "population") == ("population", 300, None, "areal", None)
    # the massif holds 25 + 50 people of A (2 and 4 km of its 8) and 40 of B (2 km of its 5)
    assert found[MASSIF] == pytest.approx({LEFT: 65 / 115, RIGHT: 50 / 115}, abs=1e-3)
    assert {row["weighting"] for row in lake.read("territory_weighting").to_pylist()} == {"population"}


def test_few_people_fall_back_to_the_area(root: Path) -> None:
    path = root / "admin" / "communes.json"
    communes = json.loads(path.read_text())
    for commune, people in zip(communes, (49, 100, 0), strict=False):
        commune["population"] = people
    del communes[2]["population"]
    path.write_text(json.dumps(communes))
    territories.load(root / "admin")
    assert state(A, "population") == ("area", 49, None, "area_fallback", None)
    assert state("commune:01999", "population") == (None, None, None, None, "no_exposure_data")
    # the whole département has 149 people of known place: 49 / 4 + 100 on the left
    assert weights("population")[DEPARTEMENT] == pytest.approx({LEFT: 112.25 / 149, RIGHT: 36.75 / 149})


def test_squares_place_people_and_keep_the_official_total(root: Path) -> None:
    people = {(623_000, 2_015_000): 40.0, (628_000, 2_015_000): 10.0, (700_000, 2_300_000): 7.0}
    done = exposure.load_population(factories.squares(root / "c.csv", people, listed="99999"))
    assert done.placed == {"population": 50} and done.left_out["people in no commune"] == 7
    # A: four people in five are on the left, whatever their number
    assert weights("population")[A] == pytest.approx({LEFT: 0.8, RIGHT: 0.2})
    assert state(A, "population") == ("population", 100, None, "dasymetric", None)
    assert state(B, "population") == ("area", 100, None, "areal", None)
    # 80 people of A and 100 of B on the left
    assert weights("population")[DEPARTEMENT] == pytest.approx({LEFT: 0.9, RIGHT: 0.1})
    # in the massif (620 to 628 km): the 80 people of A at 623 km, and 40 of B
    assert state(MASSIF, "population")[1] == pytest.approx(120, abs=0.2)
    before = weights("population")
    territories.load(root / "admin", root / "massifs.shp")  # the places stay where they are
    assert weights("population") == before


def test_a_square_on_the_shore_goes_to_the_commune_that_it_names(root: Path) -> None:
    # 01888 joined A; the square is 500 m south of it
    done = exposure.load_population(factories.squares(root / "c.csv", {(628_000, 2_013_500): 5.0}, listed="01888"))
    assert done.left_out["people in no commune"] == 0
    assert weights("population")[A] == {RIGHT: 1.0}


def test_land_by_hand(root: Path) -> None:
    # Wheat: 1 km² on the left and 0.5 km² on the right of A. Meadow: 0.15 km² of B (1.5 %). Vines: 0.12 km² of A
    # (0.75 %).
    rows = [
        ("1", (622_500, 2_014_500, 623_500, 2_015_500)),
        ("1", (628_000, 2_014_500, 629_000, 2_015_000)),
        ("18", (618_000, 2_014_500, 618_300, 2_015_000)),
        ("21", (626_000, 2_014_500, 626_200, 2_015_100)),
        ("1", (640_000, 2_014_500, 641_000, 2_015_500)),  # in no commune of the département
    ]
    done = exposure.load_land([factories.parcels(root / "RPG_D001_2023.gpkg", rows)])
    assert done.placed == pytest.approx({"agricultural": 1.62, "grassland": 0.15, "vineyard": 0.12})
    assert done.left_out == {"km² of agricultural beyond the territory covered": pytest.approx(1)}
    crops = weights("agricultural")
    assert crops[A] == crops[DEPARTEMENT] == pytest.approx({LEFT: 1 / 1.62, RIGHT: 0.62 / 1.62})
    assert B not in crops
    # 1.62 km² of 16 km², of 26 km²; equal-area shapes differ from the boxes by a thousandth
    assert state(A, "agricultural") == ("agricultural", 1.62, pytest.approx(0.101, abs=5e-4), "parcels", None)
    assert state(DEPARTEMENT, "agricultural")[2] == pytest.approx(0.0623, abs=5e-4)
    assert state(B, "agricultural") == (None, 0, 0, None, "not_grown_here")
    assert weights("grassland")[B] == {LEFT: 1.0}
    assert state(DEPARTEMENT, "grassland")[4] == "not_grown_here"  # 0.15 of 26 km²
    assert weights("vineyard") == {}
    assert state(A, "vineyard")[2:] == (pytest.approx(0.0075, abs=1e-4), None, "not_grown_here")


def test_what_a_file_does_not_cover_is_unknown_not_zero(root: Path) -> None:
    path = factories.parcels(root / "RPG.gpkg", [("1", (622_500, 2_014_500, 623_500, 2_015_500))])
    with pytest.raises(UserError, match=r"RPG\.gpkg: the name does not say which territory"):
        exposure.load_land([path])
    with pytest.raises(UserError, match=r"no metropolitan commune in 'region:99'"):
        exposure.load_land([path], covers="region:99")
    exposure.load_land([path], covers="epci:200000001")
    assert state(DEPARTEMENT, "agricultural")[4] is None
    # a commune outside every file: it and the groupings that hold it say so
    communes = json.loads((root / "admin" / "communes.json").read_text())
    communes.append({**communes[1], "code": "01777", "nom": "Sans source"})
    (root / "admin" / "communes.json").write_text(json.dumps(communes))
    territories.load(root / "admin")
    assert state("commune:01777", "agricultural")[3:] == (None, "no_exposure_data")
    assert state(DEPARTEMENT, "agricultural") == (None, None, None, None, "no_exposure_data")
    assert state(A, "agricultural")[4] is None


def test_a_second_file_replaces_its_communes_only(root: Path) -> None:
    wheat = factories.parcels(root / "RPG_R84_2022.gpkg", [("1", (628_000, 2_014_500, 629_000, 2_015_500))])
    exposure.load_land([wheat])
    assert weights("agricultural")[A] == {RIGHT: 1.0}
    later = factories.parcels(root / "RPG_R84_2023.gpkg", [("1", (622_500, 2_014_500, 623_500, 2_015_500))])
    exposure.load_land([later])
    assert weights("agricultural")[A] == {LEFT: 1.0}


PLACES = st.lists(st.tuples(st.sampled_from(["01001", "01002"]), st.floats(0.001, 1e5)), min_size=1, max_size=30)


@settings(max_examples=50)
@given(PLACES, st.integers(1, 10**6))
def test_placing_people_keeps_each_commune_s_total(places: list[tuple[str, float]], official: int) -> None:
    communes = pd.DataFrame({"territory_id": [A, B], "population": [official, None]})
    frame = pd.DataFrame(places, columns=["commune", "amount"]).assign(x=0.0, y=0.0)
    found = exposure.Exposed.of("population", frame, {}, communes)
    totals = found.places.groupby("territory_id")["amount"].sum()
    for territory, code, expected in ((A, "01001", official), (B, "01002", None)):
        own = sum(amount for commune, amount in places if commune == code)
        if own:  # where nobody counts a commune's people, the source does
            assert totals[territory] == pytest.approx(own if expected is None else expected)
    assert found.spread == ({A} if A not in totals else set())


WHEAT = [("1", (628_000, 2_014_500, 629_000, 2_015_500)), ("1", (618_000, 2_014_500, 618_500, 2_015_500))]  # A; B


def test_the_box_that_was_fetched_says_which_communes_are_known(root: Path) -> None:
    """Of the box of B: 0.5 km² of wheat in B; the square kilometre of A is beyond, and A stays unknown."""
    done = exposure.load_land([factories.wfs_parcels(root / f"rpg_2024_{DEGREES['01002']},EPSG:4326.json", WHEAT)])
    assert done.n_communes == 1 and done.placed["agricultural"] == pytest.approx(0.5)
    assert done.left_out == {"km² of agricultural beyond the territory covered": pytest.approx(1)}
    assert state(A, "agricultural")[4] == "no_exposure_data" and state(B, "agricultural")[0] == "agricultural"
    with pytest.raises(UserError, match=r"rpg_2024_1,2,3,4,EPSG:4326\.json: no commune lies wholly in the box 1,2,3,4"):
        exposure.load_land([factories.wfs_parcels(root / "rpg_2024_1,2,3,4,EPSG:4326.json", WHEAT)])


def test_two_boxes_that_overlap_count_a_commune_once(root: Path) -> None:
    files = [
        factories.wfs_parcels(root / f"rpg_2024_{DEGREES[name]},EPSG:4326.json", WHEAT) for name in ("01001", "01002")
    ]
    whole = root / "rpg_2024_-5,41,10,52,EPSG:4326.json"
    done = exposure.load_land([*files, factories.wfs_parcels(whole, WHEAT)])
    assert done.n_communes == 2 and done.placed["agricultural"] == pytest.approx(1.5)
    # the box of A has B's 0.5 km² beyond it, that of B A's 1 km²; the whole country repeats both
    assert done.left_out == {
        "km² of agricultural beyond the territory covered": pytest.approx(1.5),
        "km² of agricultural in communes taken from an earlier file": pytest.approx(1.5),
    }


@pytest.mark.parametrize(
    ("names", "covers"),
    [
        (("part1", "part2"), "region:84"),
        (("RPG_R84_2023_1", "RPG_R84_2023_2"), None),
    ],
)
def test_parts_of_one_territory_add_up(root: Path, names: tuple[str, str], covers: str | None) -> None:
    """The 1 km² of A in the first part, the 0.5 km² of B in the second."""
    files = [factories.parcels(root / f"{name}.gpkg", [row]) for name, row in zip(names, WHEAT, strict=True)]
    done = exposure.load_land(files, covers=covers)
    assert done.placed["agricultural"] == pytest.approx(1.5) and done.left_out == {}
    assert state(A, "agricultural")[1] == pytest.approx(1) and state(B, "agricultural")[1] == pytest.approx(0.5)


def test_a_box_within_a_territory_is_not_counted_twice(root: Path) -> None:
    box = f"rpg_2024_{DEGREES['01002']},EPSG:4326.json"
    files = [factories.parcels(root / "RPG_R84_2023.gpkg", WHEAT), factories.wfs_parcels(root / box, WHEAT)]
    done = exposure.load_land(files)
    assert done.placed["agricultural"] == pytest.approx(1.5)
    assert done.left_out == {  # of the box: A's 1 km² is beyond it, B's 0.5 km² is known already
        "km² of agricultural beyond the territory covered": pytest.approx(1),
        "km² of agricultural in communes taken from an earlier file": pytest.approx(0.5),
    }


def test_refresh_loads_the_box_that_was_fetched(root: Path) -> None:
    """As the WFS answers, as `climart fetch` keeps it under the name of its box, as `climart refresh` loads it."""
    box = f"{DEGREES['01002']},EPSG:4326"
    rows = json.loads(factories.wfs_parcels(root / "answer.json", WHEAT).read_text(encoding="utf-8"))
    features = [{"type": "Feature", "geometry": row.pop("geometry"), "properties": row} for row in rows]
    answer = {"type": "FeatureCollection", "numberMatched": len(features), "features": features}
    kept = registry.sources()["rpg"]
    with replay.replay() as producer:
        producer.routes["/wfs/ows"] = replay.text(json.dumps(answer))
        content = kept.model_dump_json().replace("https://data.geopf.fr", producer.url)
        report = fetch.fetch(registry.Source.model_validate_json(content), {"bbox": [box]}, policy=Patience().policy)
        assert box.replace(",", "%2C").replace(":", "%3A") in producer.paths()[0]
    assert (report.failures, report.fetched) == ([], [f"rpg_2024_{box}.json"])
    said = loading.load(kept, locks.load(kept.id))
    assert said == "0.5 km² of agricultural, 0.0 km² of grassland, 0.0 km² of vineyard"
    assert state(B, "agricultural")[1] == pytest.approx(0.5) and state(A, "agricultural")[4] == "no_exposure_data"
