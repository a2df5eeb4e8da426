"""Drought-restriction orders: which département an order is of, what is read, what is refused."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from random import Random

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from climart.errors import UserError
from ingest import drought_clues, lake, observed, registry, territories
from ingest.drought_clues import Order, Owner, owners, told
from ingest.readers import drought_orders
from ingest.registry import DroughtOrders
from ingest.sample import ground
from tests import factories
from tests.support import real_data

HEADER = ",".join(drought_orders.COLUMNS)
OPTIONS = DroughtOrders(reader="drought_orders")


def line(key: str, order: str, zone: str, **other: str) -> str:
    """A row as VigiEau writes it; ``other`` replaces fields."""
    fields = {
        "unique_key_arrete_zone_alerte": key,
        "id_arrete": order,
        "id_zone": zone,
        "numero_arrete": "41-2023-03-23-00001",
        "numero_arrete_cadre": "41-2022-04-21-00007",
        "date_signature": "2023-03-23",
        "debut_validite_arrete": "2023-03-24",
        "fin_validite_arrete": "2023-04-30",
        "numero_niveau": "1",
        "nom_niveau": "Vigilance",
        "statut_arrete": "Terminé",
        "chemin_fichier": "ArretesRestriction/a.pdf",
    }
    return ",".join({**fields, **other}.values())


def read(path: Path, *lines: str, header: str = HEADER) -> tuple[list[dict[str, object]], list[str]]:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    tables, remarks = drought_orders.read([path], ["id"], OPTIONS)
    return tables["drought_order"], remarks


@pytest.mark.parametrize(
    ("text", "departements"),
    [
        ("DDT37_Vigilance 2023", "37"),
        ("41-2023-03-23-00001", "41"),
        ("30.2023.04.07.00003", "30"),
        (" AP06-2023-06", "06"),
        ("DDTM34-2018-06-09577", "34"),
        ("ap_20221228_sdpe82_2022-12-28-00003-gestion", "82"),
        ("82-2020-06-30-004_APC_DEP", "82"),
        ("AP_Restriction-Cogesteau-162023052500001", "16"),
        ("N°52_2023_06_00139", "52"),
        ("24DDT/SEER/2021-007", "24"),
        ("23-DDTM85-403", "85"),  # 23 is the year
        ("Copie AC_73_2022-0456_provisoire_v2", "73"),
        ("Copie de 19_2021_06_14_00003", "19"),
        ("V2_38-2023-04-19-00006", "38"),
        ("76_20220720_ACS", "76"),
        ("45-20230417-Beauce", "45"),
        ("77 - 2022/DDT/SEPR/173", "77"),
        ("R02-2023-03-16-00006", "972"),  # the région's code, overseas
        ("2A-2023-06-01-00003", "2A"),
        ("CP_Sécheresse_Nord_67_vigilance_13juin2023_", "67"),  # the north of it
        ("17 avril 2023 Vaucluse", "84"),
        ("Yonne DDT/SEE/2021/0030", "89"),
        ("Lot-et-Garonne", "47"),
        ("DDT79_APC_SEVRE_NANTAISE_Maine_et_Loire", "49 79"),
        ("Bassin_Dive_Du_Nord_DDT86-79-49_ACI n°163_2022", "49 79 86"),
        ("ACI-05-26-84: Lez-Aygues-Ouveze-7 avril 2022", "05 26 84"),
        ("ACI 59/62_mars_2012", "59 62"),
        ("26-2022-12-21-00007 et 38-2022-12-21-00006", "26 38"),
        # what looks like a clue and is none
        ("82-2022", ""),  # the 82nd of the year
        ("17-2023-SEC_AP_vigilance_mars", ""),
        ("13 MARS 2023", ""),
        ("AP-13-MARS-23-VIGILANCE", ""),
        ("AP 24-03-2023 Crise Huveaune", ""),
        ("AP restriction usage eau du 17 03 23", ""),
        ("DDTM/SEBIO/2023-15", ""),
        ("DDT-2023-208", ""),
        ("AP_N°2023_DDT_SEB_95_Clain", ""),
        ("20230412_AP_DDT_SEN_20230412_B33", ""),
        ("09_2004_x", "09"),
        ("AP_secheresse_21-04-2023", ""),
        ("Arrêté vigilance sécheresse Nord 14 04 2023", ""),
        ("AP_203_2023_Bassin_Meuse_amont_Vigilance_13062023", ""),  # the river
        ("restriction_Galaure_DromedesCOllines_et_annexes", ""),
        ("Arrêté vigilance Chéran", ""),  # not Cher
    ],
)
def test_a_text_tells_its_departements(text: str, departements: str) -> None:
    said = told(text)
    assert sorted(said.surely or said.perhaps) == departements.split()


def order(number: str = "", framework: str = "", file: str = "", zones: str = "z") -> Order:
    return Order(number, framework, file, frozenset(zones.split()))


def test_orders_that_share_a_zone_are_of_one_departement() -> None:
    """a and b share z1, b and c share z2: three orders, one clue. d shares nothing and says nothing."""
    found = owners(
        {
            "a": order("41-2023-03-23-00001", zones="z1"),
            "b": order(zones="z1 z2"),
            "c": order(zones="z2 z3"),
            "d": order("Arrêté du 7 juin", zones="z9"),
        }
    )
    assert found == {
        "a": Owner("41", "number"),
        "b": Owner("41", "shared_zone"),
        "c": Owner("41", "shared_zone"),
        "d": Owner(None, reason="no_clue"),
    }


def test_the_evidence_is_the_first_text_that_tells_it() -> None:
    assert owners({"a": order("12-2023", "DDT53_ACD_2022", "x")})["a"] == Owner("53", "framework")
    assert owners({"a": order("12-2023", "615", "sdpe82_x")})["a"] == Owner("82", "file")


def test_two_departements_in_one_component_are_not_guessed() -> None:
    found = owners({"a": order("41-2023-03-23-00001"), "b": order("37-2023-03-23-00001")})
    assert set(found.values()) == {Owner(None, reason="clues_disagree")}
    # three of four votes are enough
    found = owners({**{name: order("41-2023-03-23-00001") for name in "abc"}, "d": order("37-2023-03-23-00001")})
    assert found["d"] == Owner("41", "shared_zone")


def test_a_text_of_several_departements_is_a_choice_and_no_vote() -> None:
    both = "26-2021-05-05-0003 et 38-2021-05-18-00006"
    assert owners({"a": order(both, both)})["a"] == Owner(None, reason="clues_disagree")
    assert owners({"a": order(both, both), "b": order("26-2023-04-06-00003", both)})["a"] == Owner("26", "shared_zone")
    # 26 signed an order of three; those who share its zones are of 84, one of the three
    aci = "ACI-05-26-84: Lez"
    found = owners({"a": order("26-2023-04-06-00004", aci), "b": order("AIP-VAUCLUSE-12 JUIN", aci)})
    assert found["a"] == Owner(None, reason="clues_disagree")
    # a département that none of the choices names is not elected
    assert owners({"a": order("41-2023-03-23-00001", both)})["a"].reason == "clues_disagree"


def test_the_number_of_a_basin_is_of_the_one_who_signed_it_first() -> None:
    assert owners({"a": order("23EB551", "BV Charente Seudre Fl.cotiers 162023042400001")})["a"].departement is None


def test_a_river_is_heard_where_nothing_else_is() -> None:
    assert owners({"a": order("AP-Vigilance-Somme-2023_05_23")})["a"] == Owner("80", "number")
    assert owners({"a": order("Vigilance Charente", "87_ac_2020_2023")})["a"] == Owner("87", "framework")


def test_a_column_outweighs_every_clue() -> None:
    told_so = Order("41-2023-03-23-00001", "", "", frozenset({"z"}), told="37")
    assert owners({"a": told_so})["a"] == Owner("37", "column")
    # and is a vote for those that share a zone with it
    assert owners({"a": told_so, "b": order("Arrêté du 7 juin")})["b"] == Owner("37", "shared_zone")
    other = Order("", "", "", frozenset({"z"}), told="41")
    assert set(owners({"a": told_so, "b": other}).values()) == {Owner("37", "column"), Owner("41", "column")}


@given(st.text(max_size=60))
def test_any_text_is_read_without_failing(text: str) -> None:
    said = told(text)
    known = set(drought_clues.names().values())
    assert said.surely | said.perhaps <= known


TEXTS = st.sampled_from(
    ["41-2023-03-23-00001", "DDT37_x", "26-2022-12-21-00007 et 38-2022-12-21-00006", "Vaucluse", "x"]
)


@given(st.lists(st.tuples(TEXTS, st.sets(st.sampled_from("abcdef"), min_size=1, max_size=3)), max_size=8), st.randoms())
def test_no_zone_is_of_two_departements_whatever_the_order_of_the_rows(
    rows: list[tuple[str, set[str]]], random: Random
) -> None:
    orders = {str(n): Order(text, "", "", frozenset(zones)) for n, (text, zones) in enumerate(rows)}
    found = owners(orders)
    for name, one in orders.items():
        for other, two in orders.items():
            if one.zones & two.zones:
                assert found[name].departement == found[other].departement
        assert (found[name].departement is None) == (found[name].reason is not None) == (found[name].evidence is None)
    shuffled = list(orders.items())
    random.shuffle(shuffled)
    assert owners(dict(shuffled)) == found


def test_orders_are_read_with_their_days_and_levels(tmp_path: Path) -> None:
    rows, remarks = read(
        tmp_path / "a.csv",
        line("k1", "1", "10"),
        line("k2", "1", "11", numero_niveau="4", nom_niveau="Alerte renforcée", fin_validite_arrete=""),
    )
    assert remarks == []
    first, second = rows
    assert (first["departement"], first["evidence"], first["level"]) == ("41", "number", "vigilance")
    assert (first["date_start"], first["date_end"]) == (date(2023, 3, 24), date(2023, 4, 30))
    assert second["level"] == "alerte_renforcee" and second["date_end"] is None


def test_a_row_that_ends_before_it_starts_is_listed_and_kept(tmp_path: Path) -> None:
    rows, remarks = read(
        tmp_path / "a.csv", line("k1", "1", "10"), line("k2", "1", "11", fin_validite_arrete="2023-03-23")
    )
    assert [row["reason"] for row in rows] == [None, "ends_before_start"]
    assert remarks == ["a.csv: 1 row(s) end before they start and count no day: line(s) 3."]


def test_orders_without_a_departement_are_listed_and_kept(tmp_path: Path) -> None:
    rows, remarks = read(
        tmp_path / "a.csv",
        line("k1", "1", "10"),
        line("k2", "2", "20", numero_arrete="12-2023", numero_arrete_cadre="82-2022"),
    )
    assert [(row["departement"], row["reason"]) for row in rows] == [("41", None), (None, "no_clue")]
    assert remarks == [
        "1 of 2 orders (1 of 2 rows) have no département and are not counted.",
        "no_clue, 1 order(s): 2 (12-2023).",
    ]


@pytest.mark.parametrize("column", ["code_departement", "departement"])
def test_a_later_layout_tells_the_departement(tmp_path: Path, column: str) -> None:
    rows, _ = read(
        tmp_path / "a.csv",
        line("k1", "1", "10") + ",7",
        line("k2", "2", "20") + ",Côte-d'Or",
        line("k3", "3", "30", numero_arrete="x", numero_arrete_cadre="y") + ",",
        header=f"{HEADER},{column}",
    )
    assert [(row["departement"], row["evidence"]) for row in rows] == [("07", "column"), ("21", "column"), (None, None)]


@pytest.mark.parametrize(
    ("lines", "header", "said"),
    [
        (
            [line("k", "1", "2", numero_niveau="2")],
            HEADER,
            r"line 2: level 2 'Vigilance' is not known\. Expected",
        ),
        ([line("k", "1", "2", nom_niveau="Rouge")], HEADER, r"line 2: level 1 'Rouge' is not known"),
        ([line("k", "1", "2", debut_validite_arrete="24/03/2023")], HEADER, r"'24/03/2023' is not a date"),
        ([line("k", "1", "2", debut_validite_arrete="")], HEADER, r"line 2, debut_validite_arrete: empty"),
        ([line("k", "1", "2", date_signature="")], HEADER, r"line 2, date_signature: empty"),
        ([line("k", "1", "2", statut_arrete="Brouillon")], HEADER, r"line 2: status 'Brouillon' is not known"),
        ([line("k", "1", "")], HEADER, r"line 2, id_zone: empty"),
        ([line("k", "1", "2"), line("k", "1", "3")], HEADER, r"line 3: the key k is that of line 2 too"),
        ([line("k", "1", "2"), line("l", "1", "3", numero_arrete="x")], HEADER, r"line 3: order 1 has another number"),
        (["k,1,2"], HEADER, r"line 2: another number of fields"),
        ([], HEADER, r"no row after"),
        ([], HEADER.replace("id_zone", "zone"), r"no column id_zone\. Found: unique_key"),
        ([], HEADER + ",nouveau", r"column nouveau is not known"),
        ([line("k", "1", "2") + ",Atlantide"], HEADER + ",departement", r"line 2: 'Atlantide' is not a département"),
    ],
)
def test_faults_are_named(tmp_path: Path, lines: list[str], header: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read(tmp_path / "a.csv", *lines, header=header)


def test_another_encoding_and_two_lists_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("\n".join([HEADER, line("k", "1", "2")]).encode("cp1252"))
    with pytest.raises(UserError, match=r"a\.csv: not utf-8 \(byte"):
        drought_orders.read([path], ["id"], OPTIONS)
    with pytest.raises(UserError, match="2 CSV of orders, expected one"):
        drought_orders.read([path, path], ["id", "id"], OPTIONS)


BOXES = {"01001": (622_000, 2_014_000, 630_000, 2_016_000), "01002": (617_000, 2_014_000, 622_000, 2_016_000)}


def test_a_layer_of_zones_gives_shares_of_communes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zone 10 holds a quarter of 01001 (2 of its 8 km) and all of 01002; zone 99 has no order, 11 no place."""
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    massif = gpd.GeoSeries([shapely.box(620_000, 2_014_000, 628_000, 2_016_000)], crs="EPSG:27572")
    gpd.GeoDataFrame({"code": [7], "title": ["M"]}, geometry=massif).to_file(tmp_path / "massifs.shp")
    territories.load(factories.admin_folder(tmp_path / "admin", BOXES), tmp_path / "massifs.shp")
    zones = gpd.GeoSeries(
        [shapely.box(616_000, 2_013_000, 624_000, 2_017_000), shapely.box(628_000, 2_013_000, 631_000, 2_017_000)],
        crs="EPSG:27572",
    ).to_crs("EPSG:4326")
    layer = tmp_path / "zones.geojson"
    gpd.GeoDataFrame({"id_zone": [10, 99], "type_zone": ["SUP", "SUP"]}, geometry=zones).to_file(layer)
    table = tmp_path / "a.csv"
    table.write_text("\n".join([HEADER, line("k1", "1", "10"), line("k2", "1", "11")]) + "\n", encoding="utf-8")
    done = observed.load("drought_orders", [table, layer])
    assert done.n_rows == {"drought_order": 2, "drought_zone": 3}
    assert done.remarks == ("1 zone(s) of the orders are not in the layer of zones: 11.",)
    shares = pd.read_parquet(lake.table_path("drought_zone", "drought_orders")).set_index(["zone_id", "commune_code"])
    assert shares["share"].round(2).to_dict() == {("10", "01001"): 0.25, ("10", "01002"): 1.0, ("99", "01001"): 0.25}
    with pytest.raises(UserError, match=r"zones\.geojson: no column id\. Found: id_zone, type_zone"):
        drought_orders.read([table, layer], ["a", "b"], OPTIONS.model_copy(update={"zone_id_column": "id"}))
    with pytest.raises(UserError, match="0 CSV of orders"):
        drought_orders.read([layer], ["b"], OPTIONS)


def test_the_sample_has_the_layout_and_the_quirks(tmp_path: Path) -> None:
    """By hand: 1 to 3 and 6 of Savoie, 2 by a shared zone; 4 without a clue; 5 of two; 6 ends before it starts."""
    communes = pd.DataFrame({"zone": ["metro", "metro", "drom"], "departement": ["73", "13", "971"]})
    path = ground.write_drought_orders(tmp_path / "arretes.csv", communes)
    tables, remarks = drought_orders.read([path], ["id"], OPTIONS)
    owner = {row["order_id"]: (row["departement"], row["evidence"] or row["reason"]) for row in tables["drought_order"]}
    assert [owner[name] for name in "123456"] == [
        ("73", "number"), ("73", "shared_zone"), ("73", "number"), (None, "no_clue"), (None, "clues_disagree"),
        ("73", "number"),
    ]  # fmt: skip
    drawn = {departement for name, (departement, _) in owner.items() if int(name) > 6}
    assert drawn == {"13"} and remarks[0].endswith("line(s) 8.")
    assert path.read_bytes() == ground.write_drought_orders(tmp_path / "again.csv", communes).read_bytes()


@pytest.mark.real_data
def test_the_real_file_is_read_whole() -> None:
    options = registry.get("drought_orders").observed
    assert isinstance(options, DroughtOrders)
    path = real_data() / "hazard" / "arretes_secheresse_vigieau_2024.csv"
    tables, remarks = drought_orders.read([path], ["id"], options)
    rows = tables["drought_order"]
    assert len(rows) == 2_866 and len({row["order_id"] for row in rows}) == 336
    assert Counter(row["level"] for row in rows) == {
        "vigilance": 1_841, "alerte": 559, "alerte_renforcee": 351, "crise": 115,
    }  # fmt: skip
    assert sum(row["reason"] == "ends_before_start" for row in rows) == 52
    with_departement = [row for row in rows if row["departement"]]
    assert len(with_departement) == 2_266 and len({row["order_id"] for row in with_departement}) == 242
    assert remarks[1] == "94 of 336 orders (600 of 2866 rows) have no département and are not counted."
    # each zone is of one département
    assert pd.DataFrame(with_departement).groupby("zone_id")["departement"].nunique().max() == 1
    listed = sum(int(remark.split(" order(s)")[0].split(", ")[1]) for remark in remarks[2:])
    assert listed == 94
