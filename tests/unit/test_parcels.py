"""Parcels of the RPG: which land counts for what, and where."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from climart.errors import UserError
from ingest.readers import parcels
from tests import factories

# 1 km × 1 km of wheat, half as much of meadow, of vine, of heath
ROWS = [
    ("1", (620_000, 2_017_000, 621_000, 2_018_000)),
    ("18", (628_000, 2_017_000, 629_000, 2_017_500)),
    ("21", (622_000, 2_017_000, 623_000, 2_017_500)),
    ("17", (624_000, 2_017_000, 625_000, 2_017_500)),
]


def read(path: Path) -> pd.DataFrame:
    return pd.concat(parcels.read(path), ignore_index=True)


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".shp"])
def test_crops_grassland_and_vines(tmp_path: Path, suffix: str) -> None:
    found = read(factories.parcels(tmp_path / f"RPG{suffix}", ROWS))
    assert [(row.weighting, row.amount) for row in found.itertuples()] == [
        ("agricultural", 1.0),
        ("grassland", 0.5),
        ("agricultural", 0.5),  # a vine is a crop too
        ("vineyard", 0.5),
    ]  # heath is grazed, not grown
    centres = [(620_500, 2_017_500), (628_500, 2_017_250), (622_500, 2_017_250), (622_500, 2_017_250)]
    for row, (x, y) in zip(found.itertuples(), centres, strict=True):
        assert (row.x, row.y) == pytest.approx((x, y), abs=1)


def test_column_names_in_lower_case_and_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = factories.parcels(tmp_path / "RPG.gpkg", ROWS)
    frame = gpd.read_file(path).rename(columns=str.lower)
    frame.to_file(path)
    monkeypatch.setattr(parcels, "BATCH", 3)
    pieces = list(parcels.read(path))
    assert [piece.attrs["n_parcels"] for piece in pieces] == [3, 1]
    assert sum(piece["amount"].sum() for piece in pieces) == pytest.approx(2.5)


@pytest.mark.parametrize("wrapped", [False, True])
def test_what_the_wfs_gives_counts_as_the_files_do(tmp_path: Path, wrapped: bool) -> None:
    path = factories.wfs_parcels(tmp_path / "rpg.json", ROWS)
    if wrapped:  # as the WFS gives it, before `climart fetch` makes rows of it
        rows = json.loads(path.read_text(encoding="utf-8"))
        features = [{"type": "Feature", "geometry": row.pop("geometry"), "properties": row} for row in rows]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    found, expected = read(path), read(factories.parcels(tmp_path / "RPG.gpkg", ROWS))
    pd.testing.assert_frame_equal(found, expected, atol=0.5, rtol=0, check_dtype=False)  # half a metre


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html>", r"rpg\.json: not JSON, or cut"),
        ('[\n{"code_group": "1"', r"rpg\.json, line 2: not JSON, or cut"),
        ('{"message": "x"}', r"rpg\.json: neither a FeatureCollection nor a list"),
        ('[\n{"code_group": "1"}\n]', r"rpg\.json, line 2: no geometry"),
        ('[\n{"code_group": "1", "geometry": {"type": "Point", "coordinates": [2, 46]}}\n]', r"feature 1: Point found"),
        ('[\n{"code_group": "1", "geometry": {"type": "Polygon", "coordinates": 3}}\n]', r"feature 1: a geometry that"),
        ('[\n{"surf_parc": 1, "geometry": null}\n]', r"rpg\.json: no column CODE_GROUP \(found surf_parc\)"),
        ('[\n{"surf_parc": null, "code_group": "1", "geometry": null}\n]', r"from feature 1: a parcel without"),
    ],
)
def test_answers_that_are_no_parcels_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "rpg.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        read(tmp_path / "rpg.json")


def test_metres_and_latitude_first_are_refused(tmp_path: Path) -> None:
    path = factories.wfs_parcels(tmp_path / "rpg.json", ROWS[:1])
    (row,) = json.loads(path.read_text(encoding="utf-8"))
    ring = row["geometry"]["coordinates"][0]
    for changed, said in (
        ([[y, x] for x, y in ring], "latitude comes before longitude"),
        ([[x * 1e5, y * 1e5] for x, y in ring], "Expected longitude and latitude"),
    ):
        row["geometry"]["coordinates"] = [changed]
        path.write_text(json.dumps([row]), encoding="utf-8")
        with pytest.raises(UserError, match=said):
            read(path)


def test_the_groups_of_the_register() -> None:
    groups = parcels.crop_groups()
    assert set(groups) == {str(code) for code in range(1, 29)}
    assert parcels.weightings() == ("agricultural", "grassland", "vineyard")
    assert groups["21"] == ("agricultural", "vineyard")
    assert groups["18"] == groups["19"] == ("grassland",)
    assert groups["17"] == groups["28"] == ()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"CODE_GROUP": ["1", "18", "99", "17"]}, r"RPG\.gpkg, parcel 3: CODE_GROUP is '99'.*crop_groups\.yml"),
        ({"SURF_PARC": [100.0, -1.0, 50.0, 50.0]}, r"RPG\.gpkg, parcel 2: SURF_PARC is -1\.0"),
        (
            {"SURF_PARC": [1e6, 5e5, 5e5, 5e5]},
            r"parcels 1 to 4: SURF_PARC sums to 2500000\.0 and the outlines to 249\.5",
        ),
    ],
)
def test_a_wrong_parcel_is_named(tmp_path: Path, columns: dict[str, object], said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(factories.parcels(tmp_path / "RPG.gpkg", ROWS, **columns))


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = factories.parcels(tmp_path / "RPG.gpkg", ROWS)
    gpd.read_file(path).drop(columns="CODE_GROUP").to_file(tmp_path / "other.gpkg")
    with pytest.raises(UserError, match=r"other\.gpkg: no column CODE_GROUP"):
        read(tmp_path / "other.gpkg")
    gpd.read_file(path).to_crs("EPSG:4326").to_parquet(tmp_path / "degrees.parquet")
    with pytest.raises(UserError, match=r"degrees\.parquet: projection WGS 84\. Expected metres"):
        read(tmp_path / "degrees.parquet")
    pd.DataFrame(gpd.read_file(path).drop(columns="geometry")).to_parquet(tmp_path / "flat.parquet")
    with pytest.raises(UserError, match=r"flat\.parquet: not a GeoParquet file"):
        read(tmp_path / "flat.parquet")
    (tmp_path / "bad.gpkg").write_text("nonsense")
    with pytest.raises(UserError, match=r"bad\.gpkg: cannot be read as parcels"):
        read(tmp_path / "bad.gpkg")
    with pytest.raises(UserError, match=r"no such file"):
        read(tmp_path / "nothing.gpkg")
