"""Explore2 river flows per commune. Nobody saw the file: its columns are those of the YAML, all marked UNVERIFIED."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from climart.errors import UserError
from ingest import lake, published

COLUMNS = [
    "code_insee", "nom_commune", "code_point", "cours_eau", "surface_bv_km2", "indicateur", "niveau_rechauffement",
    "q05", "mediane", "q95", "nb_simulations", "unite",
]  # fmt: skip
Row = dict[str, object]


def row(**changed: object) -> Row:
    """A point of the Leysse: the low flow falls by 30 %, between 50 and 10, over 108 simulations."""
    first = ["73065", "Chambéry", "P1", "Leysse", 300.5, "VCN10", "2.0", -50, -30, -10, 108, "%"]
    return {**dict(zip(COLUMNS, first, strict=True)), **changed}


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))


def table(path: Path, *rows: Row) -> Path:
    names = list(rows[0])
    if path.suffix == ".parquet":
        pd.DataFrame([{name: str(value) for name, value in row.items()} for row in rows]).to_parquet(path)
    else:
        lines = [";".join(names), *(";".join(str(row[name]) for name in names) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def load(path: Path) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    done = published.load("explore2_flows", [path])
    rows = []
    for index in done.n_rows:
        part = lake.table_path(published.TABLE, "dataset=explore2_flows", index)
        rows += pq.read_table(part, partitioning=None).to_pylist()
    return rows, done.remarks


@pytest.mark.parametrize("name", ["flows.csv", "flows.parquet"])
def test_a_row_is_an_interval_of_a_commune_with_its_simulations(tmp_path: Path, name: str) -> None:
    levels = [("2.0", "rwl20"), ("2.7", "rwl27"), ("4.0", "rwl40")]
    given = [row(niveau_rechauffement=level, nb_simulations=n) for n, (level, _) in enumerate(levels, start=106)]
    rows, remarks = load(table(tmp_path / name, *given, row(indicateur="QA", unite="m3/s")))
    of = {(found["index_code"], found["context_id"]): found for found in rows}
    assert set(of) == {("VCN10", context) for _, context in levels} | {("QA", "rwl20")} and remarks == ()
    found = of["VCN10", "rwl40"]
    assert (found["commune_code"], found["low"], found["median"], found["high"]) == ("73065", -50, -30, -10)
    assert (found["n_runs"], found["unit"], found["statistic"], found["season"]) == (108, "%", "change", "YR")
    assert (found["low_statistic"], found["high_statistic"], found["cell_id"], found["reason"]) == (
        "q05", "q95", None, None,
    )  # fmt: skip
    assert of["QA", "rwl20"]["unit"] == "m3/s" and of["VCN10", "rwl20"]["n_runs"] == 106


def test_the_point_of_the_largest_basin_speaks_for_the_commune(tmp_path: Path) -> None:
    brook, river = row(code_point="P0", surface_bv_km2=12, mediane=-20), row(code_insee="1004", mediane=-15)
    rows, remarks = load(table(tmp_path / "f.csv", brook, row(), river))
    assert {found["commune_code"]: found["median"] for found in rows} == {"73065": -30, "01004": -15}
    assert remarks == ("1 row(s) of smaller points (surface_bv_km2) of a commune were left out.",)


def test_what_is_not_given_is_unknown(tmp_path: Path) -> None:
    nothing = row(code_insee="73008", q05="", mediane="NA", q95="nan", nb_simulations="")
    rows, _ = load(table(tmp_path / "f.csv", row(), nothing))
    assert {found["commune_code"]: (found["median"], found["reason"]) for found in rows} == {
        "73065": (-30, None),
        "73008": (None, "not_published"),
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"niveau_rechauffement": "3.0"},
            r"f\.csv, line 3: niveau_rechauffement is '3\.0': expected one of 2\.0, 2\.7",
        ),
        ({"mediane": "moyen"}, r"f\.csv, line 3: mediane is 'moyen': expected a number"),
        ({"mediane": ""}, r"line 3: mediane is '': low, median and high must be given together"),
        ({"mediane": -60}, r"line 3: mediane is '-60': a median that is not between low and high"),
        ({"nb_simulations": 0}, r"line 3: nb_simulations is '0': expected how many simulations there are"),
        ({"nb_simulations": 10.5}, r"line 3: nb_simulations is '10\.5': expected how many"),
        ({"indicateur": "../QA"}, r"line 3: indicateur is '\.\./QA': expected the code of an index"),
        ({"code_insee": "Paris"}, r"f\.csv, line 3: 'Paris' is not a commune's code"),
        ({"code_insee": "73065"}, r"f\.csv, line 3: 73065, VCN10, rwl20: two rows of the same surface_bv_km2"),
        ({"q05": "-50;0"}, r"f\.csv, line 3: 13 fields, 12 expected"),
    ],
)
def test_faults_are_named(tmp_path: Path, changed: Row, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load(table(tmp_path / "f.csv", row(), row(code_insee="73008") | changed))
    assert not (tmp_path / "data" / "lake" / published.TABLE).exists()


@pytest.mark.parametrize("name", ["f.csv", "f.parquet"])
def test_another_layout_is_refused_with_what_it_has(tmp_path: Path, name: str) -> None:
    for old, new, said in (
        ("mediane", "median", r"no column mediane; unknown column 'median'\. Expected code_insee, indicateur"),
        ("nom_commune", "population", r"unknown column 'population'"),
    ):
        renamed = {(new if column == old else column): value for column, value in row().items()}
        with pytest.raises(UserError, match=said):
            load(table(tmp_path / name, renamed))


def test_files_that_are_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_bytes((";".join(COLUMNS) + "\n").encode() + "é".encode("latin-1"))
    with pytest.raises(UserError, match=r"l\.csv, line 2: byte 0xe9 is not UTF-8"):
        load(tmp_path / "l.csv")
    (tmp_path / "e.csv").write_text(";".join(COLUMNS) + "\n")
    with pytest.raises(UserError, match=r"e\.csv: no row after"):
        load(tmp_path / "e.csv")
    (tmp_path / "p.parquet").write_text("<html>")
    with pytest.raises(UserError, match=r"p\.parquet: not a Parquet file"):
        load(tmp_path / "p.parquet")
