"""The reader of INSEE's movements of communes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from climart.errors import UserError
from ingest import commune_history

HEADER = "MOD,DATE_EFF,TYPECOM_AV,COM_AV,TNCC_AV,LIBELLE_AV,TYPECOM_AP,COM_AP,LIBELLE_AP"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "cog2026_mouvements-communes.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def test_movements_are_read_by_the_names_of_their_columns(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "32,2016-01-01,COM,01015,1,Arbignieu,COMD,01015,Arbignieu",
        "20,2011-03-31,,,,,COM,97601,Acoua",
        "30,2007-02-23,COM,97123,0,Saint-Barthélemy,,,",
    )
    rows = commune_history.read_changes(path, "f" * 16).to_pylist()
    assert rows[0] == {
        "effective_on": date(2016, 1, 1),
        "change_code": 32,
        "change": "new_commune",
        "from_kind": "commune",
        "from_code": "01015",
        "from_name": "Arbignieu",
        "to_kind": "delegated",
        "to_code": "01015",
        "to_name": "Arbignieu",
        "source_file_id": "f" * 16,
    }
    assert [rows[1][f"from_{name}"] for name in ("kind", "code", "name")] == [None, None, None]
    assert [rows[2][f"to_{name}"] for name in ("kind", "code", "name")] == [None, None, None]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("99,2016-01-01,COM,01015,1,A,COM,01015,A", "line 3: movement '99'"),
        ("32,01/01/2016,COM,01015,1,A,COM,01015,A", "line 3: DATE_EFF '01/01/2016'"),
        ("32,2016-01-01,VILLE,01015,1,A,COM,01015,A", "line 3: TYPECOM_AV 'VILLE'"),
    ],
)
def test_a_line_that_is_not_as_insee_writes_it_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        commune_history.read_changes(written(tmp_path, "10,2026-01-01,COM,01015,1,A,COM,01015,B", line), "f" * 16)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mouvements-communes.csv"
    path.write_text("MOD,DATE_EFF\n", encoding="utf-8")
    with pytest.raises(UserError, match="no column COM_AP, COM_AV"):
        commune_history.read_changes(path, "f" * 16)


def test_parts_know_their_commune() -> None:
    rows = [
        {"code": "13055", "nom": "Marseille", "type": "commune-actuelle"},
        {"code": "13201", "nom": "Marseille 1er", "type": "arrondissement-municipal", "commune": "13055"},
        {"code": "01120", "nom": "Cordieux", "type": "commune-associee", "chefLieu": "01262"},
    ]
    found = commune_history.parts(rows, 2026).to_pylist()
    assert [(row["code"], row["kind"], row["commune_code"]) for row in found] == [
        ("13201", "arrondissement", "13055"),
        ("01120", "associated", "01262"),
    ]
