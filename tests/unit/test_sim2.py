"""SIM2's yearly CSV in its producer's layout, quirk by quirk, and its reduction to annual features.

The columns are those that others quote of the producer's list; no whole file was ever seen here.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import netCDF4
import numpy as np
import pyarrow.parquet as pq
import pytest

from climart.errors import UserError
from ingest import grid, lake, loading, registry, sim2
from ingest.fetch import locks
from ingest.readers import sim2 as reader
from tests.conftest import tree_hash
from tests.observations import SIM2_COLUMNS, days_of, hectometres, sim2_file, sim2_lines

CELL, OTHER = 7220, 7221
OFF_GRID = (600, 16170)  # column 0, row 0 of the lattice: far out in the Atlantic
JANUARY = days_of(2001)[:3]


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def converted(tmp_path: Path, lines: list[str], columns: str = SIM2_COLUMNS) -> tuple[reader.Converted, Path]:
    path = sim2_file(tmp_path / "QUOT_SIM2_2001.csv.gz", lines, columns)
    return reader.convert(path, tmp_path / "year.nc"), tmp_path / "year.nc"


def test_a_day_in_canonical_units(tmp_path: Path) -> None:
    lines = sim2_lines([hectometres(CELL)], JANUARY, PRENEI_Q="0.5")
    found, path = converted(tmp_path, lines)
    assert (found.year, found.n_days, found.n_points, found.n_left_out, found.unknown) == (2001, 3, 1, 0, ())
    with netCDF4.Dataset(path) as dataset:
        values = {name: float(dataset[name][0, 0]) for name in reader.COLUMNS}
        assert dataset["drias_point"][:].tolist() == [CELL]
    # 864 J cm⁻² a day are 864 · 10⁴ / 86 400 = 100 W m⁻²; 2 592 are 300; 7.414 g/kg; rain and snow are added
    assert values == pytest.approx(
        {"tasmin": 9, "tasmax": 21, "tas": 15, "prtot": 2.5, "prsn": 0.5, "huss": 0.007414, "rsds": 100, "rlds": 300,
         "sfcWind": 2.1, "evspsblpot": 2.5},
        rel=1e-5,
    )  # fmt: skip


def test_names_without_their_suffix_and_in_another_order(tmp_path: Path) -> None:
    keys, rest = SIM2_COLUMNS.replace("_Q", "").split(";")[:3], SIM2_COLUMNS.replace("_Q", "").split(";")[3:]
    columns = ";".join([*keys, *reversed(rest)])
    _, path = converted(tmp_path, sim2_lines([hectometres(CELL)], JANUARY, columns), columns)
    with netCDF4.Dataset(path) as dataset:
        assert float(dataset["tasmax"][2, 0]) == 21 and float(dataset["prtot"][2, 0]) == 2


def test_points_off_the_drias_grid_are_left_out_and_counted(tmp_path: Path) -> None:
    """The order of the rows does not matter: here day after day."""
    lines = sim2_lines([hectometres(OTHER), OFF_GRID, hectometres(CELL)], JANUARY)
    lines.sort(key=lambda line: line.split(";")[2])
    found, path = converted(tmp_path, lines)
    assert (found.n_points, found.n_left_out) == (2, 1)
    with netCDF4.Dataset(path) as dataset:
        assert dataset["drias_point"][:].tolist() == [CELL, OTHER]


def test_a_column_that_nobody_knows_is_said(tmp_path: Path) -> None:
    """26 variables are spoken of and 25 known: the 26th must not stop a load."""
    found, _ = converted(
        tmp_path, [line + ";1.0" for line in sim2_lines([hectometres(CELL)], JANUARY)], SIM2_COLUMNS + ";ETPGRILLE_Q"
    )
    assert found.unknown == ("ETPGRILLE",)


def test_a_little_below_zero_and_no_value(tmp_path: Path) -> None:
    found, path = converted(tmp_path, sim2_lines([hectometres(CELL)], JANUARY, ETP_Q="-0.1", FF_Q=""))
    assert found.n_dew == 3
    with netCDF4.Dataset(path) as dataset:
        assert float(dataset["evspsblpot"][0, 0]) == 0 and np.isnan(dataset["sfcWind"][:]).all()


GOOD = sim2_lines([hectometres(CELL), hectometres(OTHER)], JANUARY)  # lines 2 to 4, then 5 to 7
X, Y = hectometres(OTHER)


@pytest.mark.parametrize(
    ("lines", "columns", "message"),
    [
        (GOOD, SIM2_COLUMNS.replace("TSUP_H_Q", "TMAX_Q"), r"2001\.csv\.gz, line 1: no column TSUP_H"),
        (GOOD, SIM2_COLUMNS.replace("HU_Q", "T"), r"line 1: column T twice"),
        ([*GOOD, GOOD[4]], SIM2_COLUMNS, rf"line 8, DATE: 20010102: a second row for the point {X};{Y} on that day"),
        (GOOD[:-1], SIM2_COLUMNS, r"1 rows are missing among its 2 points × 3 days of 2001: the file is cut"),
        ([*GOOD[:4], GOOD[4].replace("20010102", "20020102"), GOOD[5]], SIM2_COLUMNS,
         r"line 6, DATE: 20020102: another year than 2001"),
        ([*GOOD[:4], GOOD[4].replace("20010102", "20010230"), GOOD[5]], SIM2_COLUMNS,
         r"line 6, DATE: 20010230: no such day"),
        ([*GOOD[:4], GOOD[4].replace(f"{X};", f"{X + 30};"), GOOD[5]], SIM2_COLUMNS,
         r"line 6, LAMBX: \d+: not a node of the 8 km grid"),
        ([*GOOD[:4], GOOD[4].replace("21.0", "294.5"), GOOD[5]], SIM2_COLUMNS,
         r"line 6, TSUP_H: 294\.5: beyond -50 … 60 °C \(tasmax\)"),
        ([*GOOD[:4], GOOD[4].replace("21.0", "21,0"), GOOD[5]], SIM2_COLUMNS,
         r"line 6, TSUP_H: '21,0': expected a number"),
        ([*GOOD[:4], GOOD[4] + ";1", GOOD[5]], SIM2_COLUMNS, r"line 6: 29 fields, 28 expected"),
        ([], SIM2_COLUMNS, "no row after the line that names the columns|cannot be read"),
        (sim2_lines([OFF_GRID], JANUARY), SIM2_COLUMNS, "none of its 1 points is on the DRIAS grid"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_refused_with_its_line(
    tmp_path: Path, lines: list[str], columns: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        converted(tmp_path, lines, columns)
    assert not (tmp_path / "year.nc").exists()


def test_a_cut_file_and_another_encoding_are_refused(tmp_path: Path) -> None:
    path = sim2_file(tmp_path / "QUOT_SIM2_2001.csv.gz", GOOD)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"QUOT_SIM2_2001\.csv\.gz: cannot be read, truncated or corrupt"):
        reader.convert(path, tmp_path / "year.nc")
    (tmp_path / "a.csv").write_bytes((SIM2_COLUMNS + ";ÉTÉ\n").encode("latin-1"))
    with pytest.raises(UserError, match=r"a\.csv, line 1: byte 0xc9 is not UTF-8"):
        reader.convert(tmp_path / "a.csv", tmp_path / "year.nc")


def year_file(folder: Path, year: int, cells: tuple[int, ...] = (CELL, OTHER), **values: str) -> Path:
    points = [hectometres(cell) for cell in cells]
    return sim2_file(folder / f"QUOT_SIM2_{year}.csv.gz", sim2_lines(points, days_of(year), **values))


def test_years_are_one_observed_run(tmp_path: Path, data_root: Path) -> None:
    files = [year_file(tmp_path, 2001), year_file(tmp_path, 2000, TSUP_H_Q="31.0", T_Q="20.0")]
    sim2_file(tmp_path / "QUOT_SIM2_latest.csv.gz", GOOD)
    done = sim2.load([tmp_path], workers=1)
    assert len(done.reduced.reports) == 1
    assert "QUOT_SIM2_latest.csv.gz: left out, no whole year" in done.remarks
    (run,) = lake.read("simulation").to_pylist()
    facts = ("simulation_id", "dataset_id", "scenario", "gcm", "validation_status", "grid_id", "year_start", "year_end")
    assert [run[name] for name in facts] == [
        "sim2.observed", "sim2", "observed", None, "observed", grid.GRID_ID, 2000, 2001,
    ]  # fmt: skip
    path = lake.table_path("cell_year", "dataset=sim2", "simulation=sim2.observed", "cell_year")
    rows = pq.read_table(path, partitioning=None).to_pylist()
    assert [(row["cell_id"], row["year"], row["n_days"]) for row in rows] == [
        (CELL, 2000, 366), (CELL, 2001, 365), (OTHER, 2000, 366), (OTHER, 2001, 365),
    ]  # fmt: skip
    # 31 °C every day of 2000, 21 °C in 2001; 2 mm a day
    assert [(row["tx30"], row["t_mean"], row["rr_yr"]) for row in rows[:2]] == [(366, 20, 732), (0, 15, 730)]
    # the register knows the files as received, not what was made of them
    assert sorted(lake.read("source_file")["name"].to_pylist()) == sorted(path.name for path in files)
    first = tree_hash(data_root / "lake")
    again = sim2.load([tmp_path], workers=1)
    assert again.reduced.unchanged == ["sim2.observed"] and tree_hash(data_root / "lake") == first
    assert again.remarks == done.remarks


def test_two_files_of_one_year_are_refused(tmp_path: Path) -> None:
    first = year_file(tmp_path / "a", 2001)
    second = year_file(tmp_path / "b", 2001, T_Q="16.0").rename(tmp_path / "b" / "other.csv.gz")
    with pytest.raises(UserError, match=r"other\.csv\.gz and QUOT_SIM2_2001\.csv\.gz both hold 2001"):
        sim2.load([first, second], workers=1)
    with pytest.raises(UserError, match="no yearly file"):
        sim2.load([sim2_file(tmp_path / "c" / "QUOT_SIM2_latest.csv.gz", GOOD)])


def test_refresh_loads_the_years_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = registry.get("sim2")
    path = year_file(locks.folder(source.id), 2001)
    held = locks.HeldFile(
        url="https://producer.invalid/QUOT_SIM2_2001.csv.gz", etag=None, last_modified=None,
        bytes=path.stat().st_size, sha256=sim2.sha256_of(path), rows=None, fetched_at=locks.now(),
    )  # fmt: skip
    lock = locks.Lock(source=source.id, files={path.name: held})
    locks.save(lock)
    assert loading.load(source, lock) == "1 run(s) reduced, 0 unchanged"
    assert lake.read("source_file")["url"].to_pylist() == ["https://producer.invalid/QUOT_SIM2_2001.csv.gz"]


def test_every_day_of_a_leap_year_is_there() -> None:
    assert len(days_of(2000)) == 366 and days_of(2000)[59] == date(2000, 2, 29)
