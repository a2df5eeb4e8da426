"""Geolocated DVF: one sale, one price. The 40 columns are those of Etalab's files, as public clients list them."""

from __future__ import annotations

import csv
import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from climart.errors import UserError
from ingest import fetch, lake, loading, registry
from ingest.fetch import locks
from ingest.readers import geo_dvf
from tests import replay
from tests.fetching import Patience

HEADER = """
id_mutation date_mutation numero_disposition nature_mutation valeur_fonciere adresse_numero adresse_suffixe
adresse_nom_voie adresse_code_voie code_postal code_commune nom_commune code_departement ancien_code_commune
ancien_nom_commune id_parcelle ancien_id_parcelle numero_volume lot1_numero lot1_surface_carrez lot2_numero
lot2_surface_carrez lot3_numero lot3_surface_carrez lot4_numero lot4_surface_carrez lot5_numero lot5_surface_carrez
nombre_lots code_type_local type_local surface_reelle_bati nombre_pieces_principales code_nature_culture
nature_culture code_nature_culture_speciale nature_culture_speciale surface_terrain longitude latitude
"""
COLUMNS = HEADER.split()


def line(sale: str, price: object, kind: str, area: object, **more: str) -> dict[str, str]:
    commune = more.get("code_commune", "73065")
    return {
        **dict.fromkeys(COLUMNS, ""),
        "id_mutation": sale, "date_mutation": "2024-03-31", "numero_disposition": "000001", "nature_mutation": "Vente",
        "valeur_fonciere": str(price), "code_commune": commune, "code_departement": commune[:2],
        "adresse_nom_voie": "RUE VOLTAIRE, BAT A", "id_parcelle": f"{commune}000AB0001", "type_local": kind,
        "surface_reelle_bati": str(area), "nombre_pieces_principales": "3", **more,
    }  # fmt: skip


def file(path: Path, *lines: dict[str, str]) -> Path:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return path


def options() -> registry.GeoDvf:
    found = registry.sources()["geo_dvf"].observed
    assert isinstance(found, registry.GeoDvf)
    return found


def read(*paths: Path) -> tuple[list[dict[str, Any]], list[str]]:
    tables, remarks = geo_dvf.read(paths, [f"id{n}" for n in range(len(paths))], options())
    return tables["commune_fact"], remarks


def of(rows: list[dict[str, Any]], commune: str = "73065") -> dict[str, Any]:
    return {row["measure_id"]: row["value"] for row in rows if row["commune_code"] == commune}


@pytest.fixture(autouse=True, scope="module")
def territories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIMART_DATA", str(tmp_path_factory.mktemp("geo_dvf")))
        _write_territories()
        yield


def _write_territories() -> None:
    rows = [
        {
            "territory_id": f"commune:{code}",
            "kind": "commune",
            "code": code,
            "departement_id": f"departement:{code[:2]}",
        }
        for code in ("73065", "73008", "75056")
    ]
    lake.write("territory", pa.Table.from_pylist(rows, schema=lake.SCHEMAS["territory"]))
    former = [{"code": "73900", "commune": "73065", "ended_on": "2016-01-01"}]
    lake.write("former_commune", pa.Table.from_pylist(former, schema=lake.SCHEMAS["former_commune"]))


FIVE = [line(f"2024-{n}", 1000 * n * 50, "Appartement", 50) for n in range(1, 6)]  # 1 000, 2 000, … 5 000 €/m²


@pytest.mark.parametrize("name", ["d.csv.gz", "d.csv"])
def test_quartiles_of_five_sales(tmp_path: Path, name: str) -> None:
    rows, remarks = read(file(tmp_path / name, *FIVE))
    found = of(rows)
    assert [found[f"flat_{name}"] for name in ("sales", "price_p25", "price_p50", "price_p75")] == [5, 2000, 3000, 4000]
    assert found["house_sales"] == 0 and found["house_price_p50"] is None  # the département is known: none was sold
    assert remarks == []
    assert {str(row["date_end"]) for row in rows} == {"2024-03-31"}


def test_no_sale_and_too_few_are_told_apart(tmp_path: Path) -> None:
    rows, _ = read(file(tmp_path / "d.csv", *FIVE[:4]))
    reasons = {
        (row["commune_code"], row["measure_id"]): row["reason"] for row in rows if row["measure_id"].endswith("p50")
    }
    assert reasons == {
        ("73065", "flat_price_p50"): "too_few_sales",
        ("73065", "house_price_p50"): "no_sale",
        ("73008", "flat_price_p50"): "no_sale",
        ("73008", "house_price_p50"): "no_sale",
    }
    assert of(rows)["flat_sales"] == 4 and of(rows, "75056") == {}  # of Paris the file says nothing


def test_lines_of_one_house_are_one_sale(tmp_path: Path) -> None:
    """A house with its garden and a garage: three lines that repeat the price of the whole."""
    house = line("2024-9", 300_000, "Maison", 100, code_nature_culture="S", surface_terrain="300")
    rows, remarks = read(
        file(
            tmp_path / "d.csv", house, house | {"code_nature_culture": "J"},
            line("2024-9", 300_000, "Dépendance", ""), line("2024-9", 300_000, "", ""),
        )
    )  # fmt: skip
    assert of(rows)["house_sales"] == 1 and of(rows)["flat_sales"] == 0 and remarks == []


@pytest.mark.parametrize(
    "uses",
    [
        [{}, {}],  # flats of a building: no land
        [{"code_nature_culture": "S", "surface_terrain": "300"}] * 2,
        # each of the two on the ground and on the garden: four lines
        [{"code_nature_culture": "S", "surface_terrain": "300"}, {"code_nature_culture": "J", "surface_terrain": "90"}]
        * 2,
    ],
)
def test_two_flats_that_nothing_tells_apart_are_two(tmp_path: Path, uses: list[dict[str, str]]) -> None:
    """Two flats of 50 m² for 400 000 €: 4 000 €/m², that one flat would make 8 000."""
    flats = [line("s", 4e5, "Appartement", 50) | use for use in uses]
    rows, remarks = read(file(tmp_path / "d.csv", *FIVE, *flats))
    assert (of(rows)["flat_sales"], of(rows)["flat_price_p50"]) == (5, 3000)
    assert remarks == ["1 sale(s) of several dwellings were left out."]


@pytest.mark.parametrize("differs", ["code_nature_culture", "code_nature_culture_speciale", "surface_terrain"])
def test_a_dwelling_on_two_uses_of_its_land_is_one(tmp_path: Path, differs: str) -> None:
    flat = line("s", 4e5, "Appartement", 50)
    rows, remarks = read(file(tmp_path / "d.csv", flat | {differs: "1"}, flat | {differs: "2"}))
    assert of(rows)["flat_sales"] == 1 and remarks == []


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        # two flats by their lots: the price is of both, and neither has one of its own
        ([line("s", 4e5, "Appartement", 50, lot1_numero="1"), line("s", 4e5, "Appartement", 50, lot1_numero="2")],
         "of several dwellings"),
        ([line("s", 4e5, "Appartement", 50), line("s", 4e5, "Maison", 90)], "of several dwellings"),
        ([line("s", 4e5, "Maison", 90), line("s", 4e5, "Local industriel. commercial ou assimilé", 200)],
         "with premises that are no dwelling"),
        ([line("s", 4e5, "Maison", 90), line("s", 1e5, "", "", numero_disposition="000002")],
         "of several dispositions or prices"),
        ([line("s", "", "Maison", 90)], "without a price"),
        ([line("s", 4e5, "Maison", "")], "of an area beyond the bounds"),
        ([line("s", 4e5, "Maison", 8)], "of an area beyond the bounds"),
        ([line("s", 1, "Maison", 90)], "of a price per m² beyond the bounds"),  # a symbolic euro
        ([line("s", 9e7, "Maison", 90)], "of a price per m² beyond the bounds"),
    ],
)  # fmt: skip
def test_what_has_no_price_per_square_metre_is_counted_apart(
    tmp_path: Path, lines: list[dict[str, str]], cause: str
) -> None:
    rows, remarks = read(file(tmp_path / "d.csv", *lines))
    assert (of(rows)["flat_sales"], of(rows)["house_sales"]) == (0, 0)
    assert remarks == [f"1 sale(s) {cause} were left out."]


def test_a_sale_in_two_departements_has_no_price_in_either(tmp_path: Path) -> None:
    """A house in the Savoie and a flat in Paris, sold together: each file has the price of both."""
    paths = [
        file(tmp_path / "73.csv", line("2024-7", 600_000, "Maison", 100), line("2024-8", 300_000, "Maison", 100)),
        file(tmp_path / "75.csv", line("2024-7", 600_000, "Appartement", 50, code_commune="75101")),
    ]
    rows, remarks = read(*paths)
    assert (of(rows)["house_sales"], of(rows, "75056")["flat_sales"]) == (1, 0)
    assert remarks == ["1 sale(s) of several dwellings were left out."]


def test_what_is_no_sale_of_a_dwelling_is_no_sale_left_out(tmp_path: Path) -> None:
    swap = line("a", 1e5, "Maison", 90, nature_mutation="Echange")
    rows, remarks = read(file(tmp_path / "d.csv", swap, line("b", 1e5, "Dépendance", "")))
    assert of(rows)["house_sales"] == 0 and remarks == []


def test_arrondissements_and_old_communes_are_pooled_before_the_quartiles(tmp_path: Path) -> None:
    """Sales 1 to 3 in the 1st arrondissement, 4 and 5 in the 20th: one median for Paris, 3 000 €/m²."""
    codes = ("75101", "75101", "75101", "75120", "75120")
    paris = [line(f"p{n}", 50_000 * (n + 1), "Appartement", 50, code_commune=code) for n, code in enumerate(codes)]
    old = [
        line(f"o{n}", 90_000, "Maison", 90, code_commune=code) for n, code in enumerate(["73900"] * 3 + ["73065"] * 2)
    ]
    rows, _ = read(file(tmp_path / "75.csv", *paris), file(tmp_path / "73.csv", *old))
    assert (of(rows, "75056")["flat_sales"], of(rows, "75056")["flat_price_p50"]) == (5, 3000)
    assert (of(rows)["house_sales"], of(rows)["house_price_p50"]) == (5, 1000)
    assert {row["commune_code"] for row in rows} == {"75056", "73065", "73008"}
    assert {row["source_file_id"] for row in rows} == {None}  # of several files
    assert sum(row["value"] for row in rows if row["measure_id"].endswith("_sales")) == 10  # none lost


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(100, 60_000), st.booleans()), min_size=1, max_size=30))
def test_every_sale_is_counted_or_left_out_once(found: list[tuple[int, int, bool]]) -> None:
    """Sales of 1 to 4 flats, within the bounds of price or not, on one use of the land or two: one sale each."""
    lines = []
    for number, (n_flats, price, twice) in enumerate(found):
        flats = [line(f"s{number}", price * 50, "Appartement", 50, lot1_numero=str(lot)) for lot in range(n_flats)]
        lines += [flat | {"code_nature_culture": use} for flat in flats for use in ("S", "J")[: 1 + twice]]
    with tempfile.TemporaryDirectory() as folder:
        rows, remarks = read(file(Path(folder) / "d.csv", *lines))
    priced = [price for n_flats, price, _ in found if n_flats == 1 and 200 <= price <= 30_000]
    assert of(rows)["flat_sales"] == len(priced)
    assert sum(int(remark.split()[0]) for remark in remarks) == len(found) - len(priced)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"valeur_fonciere": "cent"}, r"d\.csv, line 3: valeur_fonciere is 'cent', expected a number, 0 or more"),
        ({"valeur_fonciere": "-5"}, r"line 3: valeur_fonciere is '-5', expected a number, 0 or more"),
        ({"surface_reelle_bati": "90 m²"}, r"line 3: surface_reelle_bati is '90 m²'"),
        ({"date_mutation": "31/03/2024"}, r"line 3: date_mutation is '31/03/2024', expected a day"),
        ({"id_mutation": ""}, r"line 3: id_mutation is '', expected the sale's id"),
        ({"code_commune": "Chambéry"}, r"d\.csv, code_commune: 'Chambéry' is not a commune's code"),
    ],
)
def test_faults_are_named(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(file(tmp_path / "d.csv", FIVE[0], FIVE[1] | changed))


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    renamed = {("surface" if name == "surface_reelle_bati" else name): text for name, text in FIVE[0].items()}
    with pytest.raises(UserError, match=r"d\.csv: no column surface_reelle_bati\. Found: id_mutation"):
        read(file(tmp_path / "d.csv", renamed))
    whole = file(tmp_path / "d.csv.gz", *FIVE).read_bytes()
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cut\.csv\.gz: a broken or cut file"):
        read(tmp_path / "cut.csv.gz")
    (tmp_path / "l.csv").write_bytes("é".encode("latin-1"))
    with pytest.raises(UserError, match=r"l\.csv: not utf-8"):
        read(tmp_path / "l.csv")
    (tmp_path / "e.csv").write_text("")
    with pytest.raises(UserError, match=r"e\.csv: not a table"):
        read(tmp_path / "e.csv")
    again = file(tmp_path / "d2.csv", *FIVE[:1])
    with pytest.raises(UserError, match=r"d2\.csv: sales of 73 in 2024 are in d\.csv too"):
        read(file(tmp_path / "d.csv", *FIVE), again)


def test_what_is_fetched_is_loaded_and_a_departement_without_a_register_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two years of the Savoie, and the Moselle, of which the producer has no file."""
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    _write_territories()
    kept = registry.sources()["geo_dvf"]
    with replay.replay() as producer:
        for year in (2023, 2024):
            sales = [
                found | {"id_mutation": f"{year}-{n}", "date_mutation": f"{year}-03-31"} for n, found in enumerate(FIVE)
            ]
            content = file(tmp_path / f"{year}.csv.gz", *sales).read_bytes()
            producer.routes[f"/geo-dvf/latest/csv/{year}/departements/73.csv.gz"] = replay.file(content)
            producer.routes[f"/geo-dvf/latest/csv/{year}/departements/57.csv.gz"] = replay.status(404)
        content = kept.model_dump_json().replace("https://files.data.gouv.fr", producer.url)
        source = registry.Source.model_validate_json(content)
        asked = {"departement": ["73", "57"], "year": ["2023", "2024"]}
        report = fetch.fetch(source, asked, policy=Patience().policy)
    assert report.failures == [] and sorted(report.fetched) == ["geo_dvf_2023_73.csv.gz", "geo_dvf_2024_73.csv.gz"]
    loading.load(kept, locks.load(kept.id))
    rows = pq.read_table(lake.table_path("commune_fact", kept.id)).to_pylist()
    assert of(rows)["flat_sales"] == 10 and of(rows)["flat_price_p50"] == 3000
