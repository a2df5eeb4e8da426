"""Delimited parcels of appellations: two communes, two cells, every area counted by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from climart.errors import UserError
from ingest import appellations, exposure, lake, loading, registry, territories
from ingest.readers.commune_lists import slug
from tests import factories

LEFT, RIGHT = 7220, 7221  # the left cell is x 616 to 624 km, the right one 624 to 632 km
# A: 16 km², 622 to 630 km; B: 10 km², 617 to 622 km.
BOXES = {"01001": (622_000, 2_014_000, 630_000, 2_016_000), "01002": (617_000, 2_014_000, 622_000, 2_016_000)}
HILL, SLOPE, VALLEY = "Grand Cru", "Côtes de Bourg, Bourg et Bourgeais", "Vallée"
ROWS = [
    # 2 km² of A on either side of the cells' border: 1 km² left, 1 km² right
    ({"denom": f"{HILL},{VALLEY}", "crinao": "CVI"}, (623_000, 2_014_000, 625_000, 2_015_000)),
    # the same ground again, and 1 km² more on the right: joined, 3 km² and not 5
    ({"denom": VALLEY, "crinao": "CVI"}, (623_000, 2_014_000, 626_000, 2_015_000)),
    # 1 km², half in A and half in B, all in the left cell
    ({"denom": SLOPE, "crinao": "CVI"}, (621_500, 2_015_000, 622_500, 2_016_000)),
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("appellations")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIMART_DATA", str(root / "data"))
        territories.load(factories.admin_folder(root / "admin", BOXES))
    yield root / "data"


@pytest.fixture
def root(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(loaded, tmp_path / "data")
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    return tmp_path


def parcels(folder: Path, rows: list[tuple[dict[str, object], tuple[float, float, float, float]]] = ROWS) -> Path:
    return factories.wfs(folder / "aire_parcellaire.json", [row for row, _ in rows], [box for _, box in rows])


def facts(measure: str) -> dict[str, float]:
    rows = pq.read_table(lake.table_path("commune_fact", "aoc_viticulture")).to_pylist()
    return {row["commune_code"]: row["value"] for row in rows if row["measure_id"] == measure}


def weights(territory: str) -> dict[int, float]:
    rows = lake.read("exposure_weight").to_pylist()
    return {
        row["cell_id"]: row["weight"]
        for row in rows
        if row["territory_id"] == territory and row["weighting"] == "vineyard"
    }


def state(territory: str) -> dict[str, object]:
    (row,) = (
        row
        for row in lake.read("territory_weighting").to_pylist()
        if row["territory_id"] == territory and row["weighting"] == "vineyard"
    )
    return row


def communes_of(territory: str) -> dict[str, str]:
    rows = lake.read("territory_membership").to_pylist()
    return {row["territory_id"]: row["source_id"] for row in rows if row["group_id"] == territory}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Bourgogne", {"Bourgogne"}),
        ("Bourgogne,Crémant de Bourgogne", {"Bourgogne", "Crémant de Bourgogne"}),
        (SLOPE, {SLOPE}),  # a comma and a space belong to the name
        (f"Blaye,{SLOPE},Bordeaux", {"Blaye", SLOPE, "Bordeaux"}),
        ("", set()),
        (",", set()),
    ],
)
def test_a_parcel_names_its_appellations_between_commas(text: str, names: set[str]) -> None:
    assert appellations.split(text) == names


NAMES_OF = st.text("AaÉé -'", min_size=1, max_size=12).filter(slug)


@given(st.lists(st.tuples(NAMES_OF, NAMES_OF), min_size=1, max_size=6))
def test_names_come_back_from_what_they_are_joined_to(pairs: list[tuple[str, str]]) -> None:
    """With a comma and a space inside, and a comma alone between."""
    names = {f"{left.strip()}, {right.strip()}" for left, right in pairs}
    assert appellations.split(",".join(sorted(names))) == names


def test_shares_of_communes_are_of_the_union(root: Path) -> None:
    """A: 3 km² of the valley and 0.5 of the slope, of 16; B: 0.5 of 10."""
    done = appellations.load([parcels(root)])
    assert facts("aoc_area") == {"01001": pytest.approx(3.5, rel=1e-6), "01002": pytest.approx(0.5, rel=1e-6)}
    shares = facts("aoc_area_share")
    assert shares == {"01001": pytest.approx(100 * 3.5 / 16), "01002": pytest.approx(100 * 0.5 / 10)}
    assert (done.n_parcels, done.n_communes, done.remarks) == (3, 2, [])
    assert done.areas == {
        "aoc:grand-cru": pytest.approx(2, rel=1e-6),
        "aoc:vallee": pytest.approx(3, rel=1e-6),
        "aoc:cotes-de-bourg-bourg-et-bourgeais": pytest.approx(1, rel=1e-6),
    }


def test_an_appellation_is_weighed_by_its_parcels(root: Path) -> None:
    appellations.load([parcels(root)])
    assert weights("aoc:grand-cru") == {LEFT: pytest.approx(1 / 2), RIGHT: pytest.approx(1 / 2)}
    assert weights("aoc:vallee") == {LEFT: pytest.approx(1 / 3), RIGHT: pytest.approx(2 / 3)}
    found = state("aoc:vallee")
    assert (found["computed_as"], found["method"], found["source_id"], found["reason"]) == (
        "vineyard", "parcels", "aoc_viticulture", None,
    )  # fmt: skip
    assert found["amount"] == pytest.approx(3, rel=1e-6) and found["share"] == pytest.approx(3 / 16, rel=1e-2)
    assert state("commune:01001")["reason"] == "no_exposure_data"  # what is delimited is not what is grown


def test_what_communes_grow_weighs_communes_and_the_parcels_their_appellation(root: Path) -> None:
    """Vines of A: 1 km² in the right cell. The commune is weighed by them, its appellation by what is delimited."""
    vines = factories.parcels(root / "RPG_R84_2023.gpkg", [("21", (628_000, 2_014_000, 629_000, 2_015_000))])
    appellations.load([parcels(root)])
    exposure.load_land([vines])
    assert weights("commune:01001") == {RIGHT: 1.0}
    assert weights("aoc:grand-cru") == {LEFT: pytest.approx(1 / 2), RIGHT: pytest.approx(1 / 2)}
    assert state("aoc:grand-cru")["source_id"] == "aoc_viticulture" and state("commune:01001")["source_id"] == "rpg"


def test_a_list_of_communes_owns_its_territory_and_the_parcels_its_weights(root: Path) -> None:
    listed = factories.appellation(root / "grand_cru.json", HILL, ["01001", "01002"])
    territories.load_lists([listed])
    done = appellations.load([parcels(root)])
    assert done.made == ["aoc:cotes-de-bourg-bourg-et-bourgeais", "aoc:vallee"]
    both = {"commune:01001": "inao_aoc_communes", "commune:01002": "inao_aoc_communes"}
    assert communes_of("aoc:grand-cru") == both  # its parcels are in A only
    assert weights("aoc:grand-cru") == {LEFT: pytest.approx(1 / 2), RIGHT: pytest.approx(1 / 2)}
    assert communes_of("aoc:vallee") == {"commune:01001": "aoc_viticulture"}
    # a list that comes later takes the place of the one made from parcels, and keeps it
    territories.load_lists([factories.appellation(root / "vallee.json", VALLEY, ["01001", "01002"])])
    assert set(communes_of("aoc:vallee").values()) == {"inao_aoc_communes"} and len(communes_of("aoc:vallee")) == 2
    assert weights("aoc:vallee") == {LEFT: pytest.approx(1 / 3), RIGHT: pytest.approx(2 / 3)}
    assert appellations.load([parcels(root)]).made == ["aoc:cotes-de-bourg-bourg-et-bourgeais"]
    assert communes_of("aoc:grand-cru") == both


def test_an_appellation_without_parcels_is_not_at_zero(root: Path) -> None:
    territories.load_lists([factories.appellation(root / "champagne.json", "Champagne", ["01002"])])
    appellations.load([parcels(root, ROWS[:1])])
    assert state("aoc:champagne")["reason"] == "no_exposure_data" and weights("aoc:champagne") == {}
    assert facts("aoc_area") == {"01001": pytest.approx(2, rel=1e-6)}  # of B nothing is said


def test_loading_again_replaces(root: Path) -> None:
    appellations.load([parcels(root)])
    appellations.load([parcels(root, ROWS[:1])])
    assert {row["group_id"] for row in lake.read("appellation_place").to_pylist()} == {"aoc:grand-cru", "aoc:vallee"}
    assert communes_of("aoc:cotes-de-bourg-bourg-et-bourgeais") == {}
    assert facts("aoc_area") == {"01001": pytest.approx(2, rel=1e-6)}


def test_broken_shapes_are_repaired_and_what_says_nothing_is_counted(root: Path) -> None:
    path = parcels(root)
    rows = json.loads(path.read_text(encoding="utf-8"))
    (west, south), (east, north) = (
        min(rows[0]["geometry"]["coordinates"][0]),
        max(rows[0]["geometry"]["coordinates"][0]),
    )
    bow = [[west, south], [east, north], [east, south], [west, north], [west, south]]  # crosses itself
    rows[0]["geometry"]["coordinates"] = [bow]
    rows += [
        {"denom": "", "crinao": "X", "geometry": rows[1]["geometry"]},
        {"denom": VALLEY, "crinao": "X", "geometry": None},
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    done = appellations.load([path])
    assert done.remarks == [
        "1 parcel(s) were invalid and repaired.",
        "1 parcel(s) without an appellation were left out.",
        "1 parcel(s) without an outline were left out.",
    ]
    assert done.areas["aoc:grand-cru"] == pytest.approx(1, rel=0.05)  # the two triangles of the bow: half of 2 km²


def test_faults_are_named_and_nothing_is_written(root: Path) -> None:
    (root / "rpg.json").write_text('[\n{"nom": "x", "geometry": null}\n]\n')
    with pytest.raises(UserError, match=r"rpg\.json, feature 1: no denom, crinao \(it has nom\)"):
        appellations.load([root / "rpg.json"])
    (root / "empty.json").write_text("[]\n")
    with pytest.raises(UserError, match=r"empty\.json: no parcel of an appellation"):
        appellations.load([root / "empty.json"])
    assert not lake.table_path("appellation_place").exists()


def test_refresh_loads_what_was_fetched(root: Path) -> None:
    said = loading.LOADERS["appellations"](registry.get("aoc_viticulture"), [parcels(root)])
    assert said == "3 parcels of 3 appellations"
