"""Portfolios joined to the sample's release."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.join import write_codes
from climart import Mart as Client
from climart import join, paths
from climart.errors import UserError
from ingest import grid
from mart import join as joining
from tests.conftest import Mart, climart

LINES = [
    ("A", "75056", "10,00"),  # Paris
    ("B", "75101", "20,10"),  # its first arrondissement
    ("C", "1053", "0,01"),  # Bourg-en-Bresse without its leading zero
    ("D", "", "5,00"),
    ("E", "99999", "7,00"),
    ("F", "15141", "8,00"),  # today's Neussargues-Moissac; five communes in the vintage 2020
    ("G", "97101", "1,00"),  # overseas
    ("H", "75056", "3,33"),  # a second line of Paris
    ("=1+1", "20004", "4,00"),  # Ajaccio before 1976
]


@pytest.fixture
def portfolio(tmp_path: Path) -> Path:
    path = tmp_path / "prêts.csv"
    path.write_bytes(("\r\n".join(["Nom;Code commune;Encours", *map(";".join, LINES)]) + "\r\n").encode("cp1252"))
    return path


def test_every_line_once_with_its_cause(sample_mart: Mart, portfolio: Path) -> None:
    done = join(portfolio, "code_commune", release_path=sample_mart.release, vintage=2020)
    rows = done.table.to_pylist()
    assert [row["Nom"] for row in rows] == [line[0] for line in LINES]
    assert [row["climart_territory_id"] for row in rows] == [
        *("commune:75056", "commune:75056", "commune:01053", None, None, None, "commune:97101", "commune:75056"),
        "commune:2A004",
    ]
    causes = [row["climart_cause"] for row in rows]
    assert causes[:8] == [None, None, None, "blank_code", "unknown_code", "ambiguous_split", "outside_grid", None]
    assert done.by_cause == {"blank_code": 1, "unknown_code": 1, "ambiguous_split": 1, "outside_grid": 1}
    assert [row["climart_note"] for row in rows] == [
        *(None, "arrondissement", "leading_zero_restored", None, None, None, None, None),
        "code_carried, not_in_vintage",
    ]
    assert done.sums == {"Encours": Decimal("58.44")}
    assert sum(row["Encours"] for row in rows) == Decimal("58.44")
    assert rows[0]["tx35_rwl40_q50"] == rows[1]["tx35_rwl40_q50"] == rows[7]["tx35_rwl40_q50"] is not None
    assert rows[5]["tx35_rwl40_q50"] is None and rows[6]["tx35_reason"] == "outside_grid"
    assert rows[0]["climart_resolution_km"] == 8 and rows[0]["climart_n_cells"] > 0
    assert done.unmatched.to_pylist()[2] == {
        "climart_line": 6,
        "Code commune": "15141",
        "climart_cause": "ambiguous_split",
        "climart_candidates": "commune:15031 commune:15035 commune:15047 commune:15141 commune:15171",
    }
    assert "58.44" in done.report() and "commune partagée depuis" in done.report()


def test_values_are_those_of_the_release(sample_mart: Mart, portfolio: Path) -> None:
    done = join(portfolio, "code_commune", release_path=sample_mart.release, measures=["q50", "delta_q95"])
    (row,) = sample_mart.query(
        "select q50, delta_q95 from fct_indicator where territory_id = 'commune:75056' and indicator_id = 'tr20' "
        "and context_id = 'rwl27' and dataset_id = 'sample_tracc2023' and weighting = 'area'"
    )
    first = done.table.to_pylist()[0]
    assert (first["tr20_rwl27_q50"], first["tr20_rwl27_delta_q95"]) == row
    assert "tr20_ref_q50" in first and "tr20_ref_delta_q95" not in first
    # without a vintage, a code has its latest meaning
    assert done.table["climart_cause"].to_pylist()[5] != "ambiguous_split"


def test_long_rows_do_not_carry_the_amounts(sample_mart: Mart, portfolio: Path) -> None:
    done = join(portfolio, "code_commune", release_path=sample_mart.release, indicators=["tx35", "tr20"],
                contexts=["ref", "rwl40"], long=True)  # fmt: skip
    assert done.table.num_rows == len(LINES) * 4 and "Encours" not in done.table.column_names
    rows = done.table.to_pylist()
    assert [row["climart_line"] for row in rows[:8]] == [1] * 4 + [2] * 4
    assert rows[0]["unit"] == "d/yr" and rows[0]["q05"] <= rows[0]["q50"] <= rows[0]["q95"]
    assert {row["reason"] for row in rows if row["climart_line"] == 5} == {"unknown_code"}


def test_files_written(sample_mart: Mart, portfolio: Path, tmp_path: Path) -> None:
    said = climart(sample_mart.root, "join", portfolio, "--on", "code_commune", "--vintage", 2020,
                   "--indicators", "tx35", "--contexts", "rwl40", "--out", tmp_path / "out.csv")  # fmt: skip
    assert "ambiguous_split" in said and "58.44" in said
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert len(rows) == len(LINES) and rows[2]["Encours"] == "0,01" and "," in rows[0]["tx35_rwl40_q50"]
    assert rows[8]["Nom"] == "'=1+1"  # neutralised; a number is not
    assert (tmp_path / "out.report.md").read_text(encoding="utf-8").startswith("# Jointure")
    assert len((tmp_path / "out.unmatched.csv").read_text(encoding="utf-8-sig").splitlines()) == 5
    done = join(portfolio, "code_commune", release_path=sample_mart.release, indicators=["tx35"])
    done.write(tmp_path / "out.xlsx")
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    cells = list(book["join"].iter_rows(values_only=True))
    assert len(cells) == 1 + len(LINES) and cells[9][0] == "'=1+1"
    assert isinstance(cells[1][2], float | int) and book.sheetnames == ["join", "unmatched", "about"]
    done.write(tmp_path / "out.parquet")
    written = pq.read_table(tmp_path / "out.parquet")
    assert written.equals(done.table) and written.schema.metadata[b"version"].decode() == sample_mart.release.name
    with pytest.raises(UserError, match=r"expected \.parquet, \.csv or \.xlsx"):
        done.write(tmp_path / "out.json")


def test_points_have_a_cell_and_a_commune(sample_mart: Mart) -> None:
    paris = (48.8566, 2.3522)
    frame = pd.DataFrame(
        {
            "site": list("abcdef"),
            "Latitude": ["48,8566", "2.3522", "48.0", "x", "-21.1", "0"],
            "Longitude": ["2,3522", "48.8566", "-5.3", "2", "55.5", "0"],
            "valeur": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
        }
    )
    done = join(
        frame, ("latitude", "longitude"), release_path=sample_mart.release, indicators=["tx35"], contexts=["rwl40"]
    )
    rows = done.table.to_pylist()
    assert [row["climart_cause"] for row in rows] == [
        None,
        None,
        "outside_grid",
        "bad_coordinate",
        "outside_grid",
        "bad_coordinate",
    ]
    assert rows[1]["climart_note"] == "latitude_longitude_swapped"
    assert rows[0]["climart_territory_id"] == rows[1]["climart_territory_id"] is not None
    # the cell by hand: centres every 8 km from (60 000, 1 617 000), 143 to a row, in EPSG:27572
    cell = rows[0]["climart_cell_id"]
    longitude, latitude = grid.longitudes_latitudes(np.array([cell]))
    assert abs(latitude[0] - paris[0]) < 0.04 and abs(longitude[0] - paris[1]) < 0.06
    (value,) = sample_mart.query(
        "select q50 from fct_cell where cell_id = ? and indicator_id = 'tx35' and context_id = 'rwl40' "
        "and dataset_id = 'sample_tracc2023'", [cell])  # fmt: skip
    assert rows[0]["grid_tx35_rwl40_q50"] == value[0]
    (commune,) = sample_mart.query(
        "select q50 from fct_indicator where territory_id = ? and indicator_id = 'tx35' and context_id = 'rwl40' "
        "and dataset_id = 'sample_tracc2023' and weighting = 'area'", [rows[0]["climart_territory_id"]])  # fmt: skip
    assert rows[0]["tx35_rwl40_q50"] == commune[0]
    assert rows[0]["climart_grid_km"] == 8 and rows[0]["climart_commune_km"] > 0
    assert done.sums == {"valeur": 24.0}


def test_the_grid_is_that_of_the_readers() -> None:
    assert (joining.GRID, joining.GRID_CRS, joining.GRID_SIZE) == (grid.GRID_ID, grid.CRS, grid.SIZE)


def test_a_thousand_lines_of_every_sort(sample_mart: Mart, tmp_path: Path) -> None:
    """The portfolio of the bench (100 000 lines there): no line is lost, doubled or without a cause."""
    path = write_codes(sample_mart.release, tmp_path / "p.csv", 10_000)
    done = join(path, "code_commune", release_path=sample_mart.release, vintage=2010, indicators=["tx35"])
    assert done.table.num_rows == 10_000 and done.table["ligne"].to_pylist() == list(range(10_000))
    frame = done.to_pandas()
    assert ((frame["tx35_rwl40_q50"].isna()) == (frame["climart_cause"].notna())).all()
    assert done.unmatched.num_rows == frame["climart_cause"].notna().sum()
    assert set(done.by_cause) <= set(joining.CAUSES_FR)


@settings(max_examples=5)
@given(codes=st.lists(st.sampled_from(["75056", "01053", "1053", "75101", "", "nope", "97123", "2a004"]), max_size=25))
def test_lines_are_one_to_one(sample_mart: Mart, codes: list[str]) -> None:
    frame = pd.DataFrame({"code": pd.array(codes, dtype="str"), "n": range(len(codes))})
    done = join(frame, "code", release_path=sample_mart.release, indicators=["tx35"], contexts=["rwl40"])
    assert done.table["n"].to_pylist() == list(range(len(codes))) and done.table["code"].to_pylist() == codes


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"on": "insee"}, "no column 'insee'"),
        ({"indicators": ["tx99"]}, "no values of tx99"),
        ({"contexts": ["rwl99"]}, "no context rwl99"),
        ({"dataset": "x"}, "no dataset 'x'"),
        ({"measures": ["q51"]}, "measure q51"),
        ({"release_path": "2020.1.0"}, "there is no release 2020.1.0"),
        ({"vintage": 12}, "--vintage 12"),
    ],
)
def test_what_there_is_not_is_said(sample_mart: Mart, portfolio: Path, options: dict[str, object], said: str) -> None:
    arguments: dict[str, Any] = {"on": "code_commune", "release_path": sample_mart.release, **options}
    with pytest.raises(UserError, match=said):
        join(portfolio, **arguments)


def test_the_client_reads_and_never_writes(sample_mart: Mart) -> None:
    with Client(sample_mart.release) as mart:
        assert mart.version == sample_mart.release.name and "fct_indicator" in mart.tables
        communes = mart.indicator("tx35", "rwl40", dataset="sample_tracc2023")
        assert len(communes) == 34_969 and communes["code"].is_unique
        paris = mart.territory("commune:75056")
        assert set(paris["dataset_id"]) >= {"sample_tracc2023"} and paris["q50"].notna().any()
        files = mart.provenance("commune:75056", "tx35", "rwl40", "sample_tracc2023")
        assert len(files) == 15 and files["sha256"].str.len().eq(64).all() and files["address"].notna().all()
        assert mart.arrow("dim_context").num_rows == len(mart.df("dim_context")) == mart.table("dim_context").shape[0]
        with pytest.raises(Exception, match="read-only"):
            mart.sql("create table x as select 1")
        for wrong in (
            lambda: mart.table("nothing"),
            lambda: mart.indicator("nothing"),
            lambda: mart.territory("commune:0"),
        ):
            with pytest.raises(UserError, match="no "):
                wrong()


def test_sql_of_the_how_to_gives_every_line_once(sample_mart: Mart, tmp_path: Path) -> None:
    text = (paths.PROJECT / "docs" / "how-to" / "join-a-portfolio.md").read_text(encoding="utf-8")
    query = text.split("```sql")[1].split("```")[0]
    (tmp_path / "portfolio.csv").write_text("code_commune;encours\n75101;1,5\n75056;2\n99999;3\n", encoding="utf-8")
    link = tmp_path / "data" / "releases" / "stable"
    link.parent.mkdir(parents=True)
    link.symlink_to(sample_mart.release)
    done = subprocess.run(
        [sys.executable, "-c", "import duckdb, sys; print(duckdb.sql(sys.argv[1]).fetchall())", query],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={**os.environ},
    )  # fmt: skip
    assert done.stdout.count("commune:75056") == 2 and done.stdout.count("unknown_code") == 1
