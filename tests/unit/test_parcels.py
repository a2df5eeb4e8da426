"""Parcels of the RPG: which land counts for what, and where."""

from __future__ import annotations

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
