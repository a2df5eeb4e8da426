"""From fetched archives to the lake without a hand: what of them is unpacked, read, left out."""

from __future__ import annotations

import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from climart import paths
from climart.errors import UserError
from climart.files import sha256_of
from ingest import archives, lake, loading, registry, territories
from ingest.fetch import locks
from tests import factories

# A: 8 km × 2 km; B: 5 km × 2 km, west of it. Both in the département 01.
BOXES = {"01001": (622_000, 2_014_000, 630_000, 2_016_000), "01002": (617_000, 2_014_000, 622_000, 2_016_000)}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    massif = gpd.GeoSeries([shapely.box(620_000, 2_014_000, 628_000, 2_016_000)], crs="EPSG:27572")
    gpd.GeoDataFrame({"code": [7], "title": ["M"]}, geometry=massif).to_file(tmp_path / "massifs.shp")
    territories.load(factories.admin_folder(tmp_path / "admin", BOXES), tmp_path / "massifs.shp")
    return tmp_path


def fetched(source_id: str, *archives: Path) -> str | None:
    """Put archives where a fetch would, with its record, and load them; what was said."""
    files = {}
    for archive in archives:
        target = paths.raw() / source_id / archive.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(archive.read_bytes())
        files[archive.name] = locks.HeldFile(
            url=f"https://producer.invalid/{archive.name}", etag=None, last_modified=None, bytes=target.stat().st_size,
            sha256=sha256_of(target), rows=None, fetched_at=datetime(2026, 11, 1, tzinfo=UTC),
        )  # fmt: skip
    lock = locks.Lock(source=source_id, files=files)
    locks.save(lock)
    return loading.load(registry.get(source_id), lock)


def zipped(path: Path, *members: Path, folder: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for member in members:
            archive.write(member, folder + member.name)
    return path


def shapefile(folder: Path, name: str, boxes: list[tuple[float, float, float, float]], **columns: object) -> list[Path]:
    """A shapefile in EPSG:2154 of boxes in EPSG:27572; its parts."""
    folder.mkdir(exist_ok=True)
    shapes = gpd.GeoSeries([shapely.box(*box) for box in boxes], crs="EPSG:27572").to_crs("EPSG:2154")
    gpd.GeoDataFrame(columns, geometry=shapes).to_file(folder / f"{name}.shp")
    return sorted(folder.glob(f"{name}.*"))


def facts(source_id: str) -> dict[tuple[str, str], float]:
    rows = pd.read_parquet(lake.table_path("commune_fact", source_id))
    return {(row.commune_code, row.measure_id): row.value for row in rows.itertuples()}


CLAY = [(622_000, 2_014_000, 626_000, 2_016_000), (617_000, 2_014_000, 622_000, 2_016_000)]  # half of A; all of B


@pytest.mark.parametrize(
    ("source_id", "archive", "member"),
    [
        ("georisques_rga_2026", "AleaRG_2025_01_L93", "AleaRG_2025_01_L93"),
        ("georisques_rga_2026", "AleaRG_2025_01_L93", "AleaRG_2025"),  # the archive says the département
        ("georisques_rga_2026", "AleaRG_2025_Fxx_L93", "AleaRG_2025_Fxx_L93"),
        ("georisques_rga_2020", "AleaRG_Fxx_L93", "AleaRG_Fxx_L93"),
    ],
)
def test_a_map_of_clay_is_read_from_its_archive(root: Path, source_id: str, archive: str, member: str) -> None:
    parts = shapefile(root / "shp", member, CLAY, NIVEAU=[3, 1])
    (root / "LISEZMOI.txt").write_text("x")
    path = zipped(root / f"{archive}.zip", *parts, root / "LISEZMOI.txt", folder="carte/")
    said = fetched(source_id, path)
    assert said is not None and said.endswith("rows of commune_fact")
    found = facts(source_id)
    assert found["01001", "rga_area_share_strong"] == pytest.approx(50, abs=0.1)
    assert found["01002", "rga_area_share_weak"] == pytest.approx(100, abs=0.1)
    rows = pd.read_parquet(lake.table_path("commune_fact", source_id))
    assert set(rows["date_start"]) == {date(2026, 7, 1) if source_id.endswith("2026") else date(2020, 1, 1)}
    (file,) = [row for row in lake.read("source_file").to_pylist() if row["source_id"] == source_id]
    assert file["url"] == f"https://producer.invalid/{archive}.zip#{member}.shp" and file["fetched_at"] is not None
    unpacked = {one.suffix for one in (paths.raw() / source_id / locks.UNPACKED).rglob("*") if one.is_file()}
    assert {".shp", ".dbf", ".shx", ".prj"} <= unpacked and ".txt" not in unpacked


def test_the_map_of_2026_is_not_taken_for_that_of_2020(root: Path) -> None:
    parts = shapefile(root / "shp", "AleaRG_2025_01_L93", CLAY, NIVEAU=[3, 1])
    with pytest.raises(UserError, match=r"AleaRG_2025_01_L93\.shp: expected a name that says its département"):
        fetched("georisques_rga_2020", zipped(root / "AleaRG_2025_01_L93.zip", *parts))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"NIVEAU": [3, 7]}, r"AleaRG_2025_01_L93\.shp, NIVEAU: '7' is not a class of the YAML"),
        ({"ALEA": ["Fort", "Faible"]}, r"AleaRG_2025_01_L93\.shp: no column NIVEAU\. Found: ALEA"),
    ],
)
def test_faults_of_a_map_are_named(root: Path, columns: dict[str, object], said: str) -> None:
    parts = shapefile(root / "shp", "AleaRG_2025_01_L93", CLAY, **columns)
    with pytest.raises(UserError, match=said):
        fetched("georisques_rga_2026", zipped(root / "AleaRG_2025_01_L93.zip", *parts))


def test_a_shapefile_without_its_coordinate_system_is_refused(root: Path) -> None:
    parts = [
        part for part in shapefile(root / "shp", "AleaRG_2025_01_L93", CLAY, NIVEAU=[3, 1]) if part.suffix != ".prj"
    ]
    with pytest.raises(UserError, match=r"no coordinate system\. A shapefile needs its \.prj"):
        fetched("georisques_rga_2026", zipped(root / "AleaRG_2025_01_L93.zip", *parts))


def test_a_member_that_is_too_large_is_not_unpacked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = shapefile(root / "shp", "AleaRG_2025_01_L93", CLAY, NIVEAU=[3, 1])
    monkeypatch.setattr(archives, "MAX_UNPACKED", min(part.stat().st_size for part in parts) - 1)
    with pytest.raises(
        UserError, match=r"AleaRG_2025_01_L93\.zip, carte/AleaRG_2025_01_L93\.\w+: .* bytes once unpacked"
    ):
        fetched("georisques_rga_2026", zipped(root / "AleaRG_2025_01_L93.zip", *parts, folder="carte/"))
    unpacked = paths.raw() / "georisques_rga_2026" / locks.UNPACKED
    assert [one for one in unpacked.rglob("*") if one.is_file()] == []


def test_two_members_of_one_name_are_refused(root: Path) -> None:
    """Exports of 2021 and 2022 in folders of their own: unpacked side by side, one would be lost."""
    export = factories.bdiff_export(root / "Incendies.csv", [(2021, 1, "01001", "10000")])
    with zipfile.ZipFile(root / "bdiff.zip", "w") as archive:
        for year in (2021, 2022):
            archive.write(export, f"{year}/{export.name}")
            archive.writestr(f"{year}/notice.pdf", "x")  # it is not unpacked: its name does not matter
    with pytest.raises(UserError, match=r"bdiff\.zip: 2021/Incendies\.csv and 2022/Incendies\.csv have the same name"):
        fetched("bdiff", root / "bdiff.zip")


def test_yearly_archives_of_fires_are_read_together(root: Path) -> None:
    """Five lines before the columns in one, three in the other; a file beside the CSV is left out."""
    exports = {
        2021: factories.bdiff_export(root / "Incendies.csv", [(2021, 1, "01001", "10000")], preamble=5),
    }
    first = zipped(root / "bdiff_2021.zip", exports[2021])
    factories.bdiff_export(root / "Incendies.csv", [(2022, 1, "01001", "20000"), (2022, 2, "01002", "")])
    (root / "notice.pdf").write_text("x")
    second = zipped(root / "bdiff_2022.zip", root / "Incendies.csv", root / "notice.pdf")
    assert fetched("bdiff", first, second) == "4 rows of commune_fact"
    found = facts("bdiff")
    assert (found["01001", "fires_n"], found["01001", "fires_area"], found["01002", "fires_n"]) == (2, 3, 1)


def test_the_flooded_areas_of_a_tri_are_read_and_its_other_layers_are_not(root: Path) -> None:
    """Frequent: a quarter of A. Rare: half of A and no more. Layers of lines, points and stakes lie beside them."""
    # 10 m off the border with B: projected, a border moves
    half, quarter = (622_010, 2_014_000, 626_000, 2_016_000), (622_010, 2_014_000, 624_000, 2_016_000)
    layers = [
        ("n_tri_x_inondable_01_01for_s_001", [quarter], {"scenario": ["01For"], "id_tri": ["TRI_X"]}),
        ("n_tri_x_inondable_01_04fai_s_001", [half], {"scenario": ["04Fai"], "id_tri": ["TRI_X"]}),
        ("n_tri_x_inondable_01_03mcc_s_001", [half], {"scenario": ["03Mcc"], "id_tri": ["TRI_X"]}),
        ("n_tri_x_carte_inond_s_001", [half], {"id_tri": ["TRI_X"]}),
        ("n_tri_x_enjeu_crise_p_001", [half], {"id_tri": ["TRI_X"]}),
    ]
    parts = [part for name, boxes, columns in layers for part in shapefile(root / "shp", name, boxes, **columns)]
    fetched("georisques_tri", zipped(root / "tri_2020_sig_di_01.zip", *parts, folder="tri_2020_sig_di_01/"))
    found = facts("georisques_tri")
    assert found["01001", "flood_area_share_frequent"] == pytest.approx(25, abs=0.2)
    assert found["01001", "flood_area_share_rare"] == pytest.approx(50, abs=0.2)
    assert not any(code == "01002" for code, _ in found)  # no perimeter is read: of it nothing is known


def test_a_tri_with_an_unknown_scenario_is_refused(root: Path) -> None:
    parts = shapefile(root / "shp", "n_tri_x_inondable_01_s_001", CLAY, scenario=["01For", "05Xxx"], id_tri=["X", "X"])
    with pytest.raises(UserError, match=r"n_tri_x_inondable_01_s_001\.shp, scenario: '05Xxx' is not a class"):
        fetched("georisques_tri", zipped(root / "tri.zip", *parts))


GASPAR = "cod_nat_catnat;cod_commune;lib_commune;num_risque_jo;lib_risque_jo;"
GASPAR += "dat_deb;dat_fin;dat_pub_arrete;dat_pub_jo;dat_maj"


def test_of_gaspar_only_the_orders_are_read(root: Path) -> None:
    days = "2024-10-17 00:00:00;2024-10-18 00:00:00;2024-11-01 00:00:00;2024-11-05 00:00:00;x"
    (root / "catnat_gaspar.csv").write_text(f"{GASPAR}\nINTE1;1001;A;ICB;Inondations;{days}\n", encoding="utf-8")
    for name in ("pprn_gaspar.csv", "risq_gaspar.csv", "azi_gaspar.csv"):
        (root / name).write_text("other;columns\n1;2\n", encoding="utf-8")
    assert fetched("georisques_catnat", zipped(root / "gaspar.zip", *sorted(root.glob("*_gaspar.csv")))) == (
        "1 rows of catnat_event"
    )
