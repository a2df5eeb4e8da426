"""Lists of communes as they are received: farm zones and appellations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from climart.errors import UserError
from ingest import registry
from ingest.readers import commune_lists
from tests.factories import appellation, farm_zones

SOURCE = registry.get("farm_zones")


def test_a_list_per_zone(tmp_path: Path) -> None:
    path = farm_zones(tmp_path / "z.csv", "1015;ARBOYS;M;ZDS;", "2A004;AJACCIO;;;ZHS", "74001;ABONDANCE – É;M;;")
    lists = commune_lists.read(path, SOURCE)
    assert [(found.territory_id, found.kind, found.entries["code"].tolist()) for found in lists] == [
        ("zone:montagne", "zone", ["01015", "74001"]),
        ("zone:defavorisee-simple", "zone", ["01015"]),
        ("zone:handicap-specifique", "zone", ["2A004"]),
    ]
    assert lists[0].entries["name"].tolist() == ["ARBOYS", "ABONDANCE – É"]  # cp1252: its dash is no Latin-1
    assert (lists[0].name_fr, lists[0].name_en) == ("Zone de montagne", "Mountain area")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1015;ARBOYS;X;;", r"line 2: Montagne is 'X', expected M or nothing"),
        ("ABC;ARBOYS;M;;", r"line 2: 'ABC' is not a commune code"),
        ("1015;ARBOYS;M", r"line 2: 3 cells, expected 5"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UserError, match=r"z\.csv, " + said):
        commune_lists.read(farm_zones(tmp_path / "z.csv", line), SOURCE)


def test_another_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "z.csv"
    path.write_text("code;nom\n1;a\n")
    with pytest.raises(UserError, match=r"z\.csv, line 1: no column CodeCommune, Montagne"):
        commune_lists.read(path, SOURCE)
    path.write_bytes(b"CodeCommune;\x81\n")
    with pytest.raises(UserError, match=r"z\.csv, byte 12: not cp1252"):
        commune_lists.read(path, SOURCE)
    with pytest.raises(UserError, match=r"does not describe farm zones"):
        commune_lists.read(path, registry.get("rpg"))
    with pytest.raises(UserError, match=r"expected a \.csv .* or a \.json"):
        commune_lists.read(tmp_path / "z.txt", SOURCE)


def test_an_appellation(tmp_path: Path) -> None:
    found = commune_lists.read_appellation(appellation(tmp_path / "a.json", "Œil de l'Été", ["51001", "2B033"]))
    assert (found.territory_id, found.kind) == ("aoc:oeil-de-l-ete", "aoc")
    assert (found.name_fr, found.name_en) == ("AOC Œil de l'Été", "Œil de l'Été AOC")
    assert found.entries["code"].tolist() == ["51001", "2B033"]


def test_a_wrong_appellation_is_refused(tmp_path: Path) -> None:
    path = appellation(tmp_path / "a.json", "X", ["51001", "51002"])
    path.write_text(path.read_text().replace('"commune_count": 2', '"commune_count": 3'))
    with pytest.raises(UserError, match=r"a\.json: commune_count is 3, 2 communes are listed"):
        commune_lists.read_appellation(path)
    path.write_text(json.dumps({"aire_geographique": "X", "communes": [{"insee": "5100"}]}))
    with pytest.raises(UserError, match=r"a\.json, commune 1: insee is '5100'"):
        commune_lists.read_appellation(path)
    for content in ("{", "[]", '{"communes": []}'):
        path.write_text(content)
        with pytest.raises(UserError, match=r"a\.json: "):
            commune_lists.read_appellation(path)


def test_own_groups_of_a_two_column_file(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    path.write_text("agency,code\nNord,1015\n Sud ,2a004\nNord,74001\n,\n", encoding="utf-8")
    lists = commune_lists.read(path, registry.get("own_groups"))
    assert [(found.territory_id, found.kind, found.name_fr, found.entries["code"].tolist()) for found in lists] == [
        ("group:nord", "group", "Nord", ["01015", "74001"]),
        ("group:sud", "group", "Sud", ["2A004"]),
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["Nord;1015;x"], "line 2: expected two cells"),
        ([";1015"], "line 2: expected two cells"),
        (["Nord;ABC"], "line 2: 'ABC' is not a commune code"),
        (["Été;01015", "Ete;01001"], "line 3: the id of group 'Ete' is that of 'Été' too"),
        ([], "no group there"),
    ],
)
def test_a_wrong_line_of_own_groups_is_named(tmp_path: Path, lines: list[str], said: str) -> None:
    path = tmp_path / "g.csv"
    path.write_text("\n".join(["group;code", *lines]), encoding="utf-8")
    with pytest.raises(UserError, match=r"g\.csv.*" + said):
        commune_lists.read(path, registry.get("own_groups"))
