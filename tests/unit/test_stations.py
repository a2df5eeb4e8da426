"""Daily files of stations in Météo-France's layout, quirk by quirk, and their reduction to annual features.

The columns are those that several others quote; no whole file was ever seen here.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pyarrow.parquet as pq
import pytest

from climart.errors import UserError
from climart.files import sha256_of
from ingest import lake, loading, registry, stations
from ingest.fetch import locks
from ingest.readers import mf_stations
from tests.conftest import tree_hash
from tests.observations import STATION_COLUMNS, days_of, station_file, station_line

NANCY = "54526001;NANCY-ESSEY;48.687833;6.216333;212"
SUMMIT = "54999001;SOMMET;48.600000;6.300000;"  # without an altitude
DAY = {"RR": "2.0", "TN": "9.0", "TX": "21.0", "TM": "15.0", "FFM": "2.1", "TNTXM": "15.0"}
NAME = "Q_54_previous-1950-2024_RR-T-Vent.csv.gz"


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def lines(station: str, days: list[date], columns: str = STATION_COLUMNS, **values: Any) -> list[str]:
    return [station_line(station, day, {**DAY, **values}, columns) for day in days]


def converted(tmp_path: Path, *content: str, columns: str = STATION_COLUMNS) -> tuple[mf_stations.Departement, Path]:
    path = station_file(tmp_path / NAME, list(content), columns)
    return mf_stations.convert([path], tmp_path / "out.nc"), tmp_path / "out.nc"


def test_the_header_is_that_of_the_producer() -> None:
    """As four public scripts quote it, of files of the Haute-Garonne and of Paris."""
    assert STATION_COLUMNS == (
        "NUM_POSTE;NOM_USUEL;LAT;LON;ALTI;AAAAMMJJ;RR;QRR;TN;QTN;HTN;QHTN;TX;QTX;HTX;QHTX;TM;QTM;TNTXM;QTNTXM;TAMPLI;"
        "QTAMPLI;TNSOL;QTNSOL;TN50;QTN50;DG;QDG;FFM;QFFM;FF2M;QFF2M;FXY;QFXY;DXY;QDXY;HXY;QHXY;FXI;QFXI;DXI;QDXI;HXI;"
        "QHXI;FXI2;QFXI2;DXI2;QDXI2;HXI2;QHXI2;FXI3S;QFXI3S;DXI3S;QDXI3S;HXI3S;QHXI3S"
    )


def test_values_and_places(tmp_path: Path) -> None:
    days = days_of(2001)[:2]
    found, path = converted(tmp_path, *lines(SUMMIT, days, TM=""), *lines(f" {NANCY}", days, TX="-1.5"))
    assert [(s.code, s.name, s.days) for s in found.stations] == [
        ("54526001", "NANCY-ESSEY", (days[0], days[1])),
        ("54999001", "SOMMET", (days[0], days[1])),
    ]
    assert found.stations[0].altitude == 212 and np.isnan(found.stations[1].altitude)
    with netCDF4.Dataset(path) as dataset:
        assert dataset["station_number"][:].tolist() == [54526001, 54999001]
        assert dataset["tasmax"][:].tolist() == [[-1.5, 21], [-1.5, 21]]
        assert dataset["prtot"][:].tolist() == [[2, 2], [2, 2]]
        # the half-sum of the extremes does not stand in for the mean of the hours
        assert np.isnan(dataset["tas"][:, 1]).all() and dataset["tas"][:, 0].tolist() == [15, 15]


def test_doubtful_values_are_missing_and_counted(tmp_path: Path) -> None:
    days = days_of(2001)[:4]
    content = [
        station_line(NANCY, day, {**DAY, "TX": ("45.0", quality)}, STATION_COLUMNS)
        for day, quality in zip(days, ("0", "1", "9", "2"), strict=True)
    ]
    found, path = converted(tmp_path, *content)
    assert found.n_doubtful == 1
    with netCDF4.Dataset(path) as dataset:
        assert dataset["tasmax"][:3, 0].tolist() == [45, 45, 45] and np.isnan(dataset["tasmax"][3, 0])


def test_a_lost_leading_zero_is_put_back(tmp_path: Path) -> None:
    found, _ = converted(tmp_path, *lines("1014002;ARBENT;46.278167;5.669000;534", days_of(2001)[:1]))
    assert found.stations[0].code == "01014002"


GOOD = lines(NANCY, days_of(2001)[:3])  # lines 2 to 4


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        (GOOD, STATION_COLUMNS.replace(";TX;", ";TMAX;"), r"RR-T-Vent\.csv\.gz, line 1: no column TX"),
        (GOOD, STATION_COLUMNS + ";NEW", r"line 1: unknown column 'NEW'"),
        (GOOD, STATION_COLUMNS.replace("HXI3S", "TN", 1), r"line 1: column TN twice"),
        ([*GOOD, GOOD[1]], STATION_COLUMNS, r"line 5, AAAAMMJJ: 20010102: a second row for that station"),
        ([GOOD[0], GOOD[1].replace("20010102", "20010132")], STATION_COLUMNS,
         r"line 3, AAAAMMJJ: 20010132: no such day"),
        ([GOOD[0], GOOD[1].replace("54526001", "X4526001")], STATION_COLUMNS,
         r"line 3, NUM_POSTE: 'X4526001': expected the 8 digits"),
        ([GOOD[0], GOOD[1].replace("48.687833", "488.0")], STATION_COLUMNS, r"line 3, LAT: 488: expected degrees"),
        ([GOOD[0], GOOD[1].replace(";212;", ";21200;")], STATION_COLUMNS, r"line 3, ALTI: 21200: expected metres"),
        ([GOOD[0], GOOD[1].replace(";21.0;1;", ";294.5;1;")], STATION_COLUMNS,
         r"line 3, TX: 294\.5: beyond -50 … 60 °C"),
        ([GOOD[0], GOOD[1].replace(";21.0;1;", ";21.0;7;")], STATION_COLUMNS, r"line 3, QTX: 7: expected one of"),
        ([GOOD[0], GOOD[1].replace(";21.0;1;", ";21,0;1;")], STATION_COLUMNS, r"line 3, TX: '21,0': expected a number"),
        ([GOOD[0], GOOD[1] + ";1"], STATION_COLUMNS, r"line 3: 57 fields, 56 expected"),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_refused_with_its_line(
    tmp_path: Path, content: list[str], columns: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        converted(tmp_path, *content, columns=columns)


def test_another_kind_of_file_and_a_cut_one_are_refused(tmp_path: Path) -> None:
    other = station_file(tmp_path / "Q_54_previous-1950-2024_autres-parametres.csv.gz", GOOD)
    with pytest.raises(UserError, match="not a daily file of stations"):
        stations.load([other])
    cut = station_file(tmp_path / NAME, GOOD)
    cut.write_bytes(cut.read_bytes()[:-20])
    with pytest.raises(UserError, match="cannot be read, truncated or corrupt"):
        stations.load([cut])
    latin = tmp_path / "Q_54_latest-2025-2026_RR-T-Vent.csv"
    latin.write_bytes((STATION_COLUMNS + ";ÉTAT\n").encode("latin-1"))
    with pytest.raises(UserError, match="line 1: byte 0xc9 is not UTF-8"):
        stations.load([latin])
    with pytest.raises(UserError, match="no file Q_"):
        stations.load([(tmp_path / "empty").mkdir() or tmp_path / "empty"])


def test_periods_are_joined_and_may_overlap_if_they_agree(tmp_path: Path) -> None:
    days = days_of(2001)[:4]
    first = station_file(tmp_path / NAME, lines(NANCY, days[:3]))
    second = station_file(tmp_path / "Q_54_latest-2025-2026_RR-T-Vent.csv.gz", lines(NANCY, days[2:]))
    found = mf_stations.convert([second, first], tmp_path / "out.nc")
    assert found.stations[0].days == (days[0], days[3]) and found.stations[0].path == second
    station_file(second, lines(NANCY, days[2:], TX="22.0"))
    with pytest.raises(UserError, match=r"line 2, TX: 22 for station 54526001, where Q_54_previous.* has 21"):
        mf_stations.convert([second, first], tmp_path / "out.nc")


def test_a_file_that_a_later_one_replaced_is_left_out(tmp_path: Path) -> None:
    """In January the files are renamed: those of last year stay in the folder, perhaps with values revised since."""
    periods = ("previous-1950-2023", "previous-1950-2024", "latest-2024-2025", "latest-2025-2026", "1852-1949")
    kept = mf_stations.newest([tmp_path / f"Q_54_{period}_RR-T-Vent.csv.gz" for period in periods])
    assert [path.name.split("_")[2] for path in kept] == ["1852-1949", "latest-2025-2026", "previous-1950-2024"]
    old = station_file(tmp_path / "Q_54_latest-2024-2025_RR-T-Vent.csv.gz", lines(NANCY, days_of(2001), TX="30.0"))
    new = station_file(tmp_path / "Q_54_latest-2025-2026_RR-T-Vent.csv.gz", lines(NANCY, days_of(2001)))
    done = stations.load([old, new], workers=1)
    assert done.remarks == [f"{old.name}: left out, a later file of its kind is here"]
    assert feature_rows("54")[54526001, 2001]["txx"] == 21


def feature_rows(departement: str) -> dict[tuple[int, int], dict[str, Any]]:
    name = f"simulation=mf_stations.observed_{departement}"
    path = lake.table_path("cell_year", "dataset=mf_stations", name, "cell_year")
    return {(row["cell_id"], row["year"]): row for row in pq.read_table(path, partitioning=None).to_pylist()}


def test_stations_are_reduced_with_the_rule_of_the_wmo(tmp_path: Path, data_root: Path) -> None:
    """2001: TX and TN lack 4 days in a row of January. 2002: 5 in a row. 2003: 10 days of each month, one by one."""
    days = [day for year in (2001, 2002, 2003) for day in days_of(year)]
    gone = {date(2001, 1, 10) + timedelta(n) for n in range(4)} | {date(2002, 1, 10) + timedelta(n) for n in range(5)}
    gone |= {date(2003, month, 1 + 2 * n) for month in range(1, 13) for n in range(10)}
    content = [
        station_line(NANCY, day, {**DAY, **({"TX": "", "TN": "", "TM": ""} if day in gone else {})}, STATION_COLUMNS)
        for day in days
    ]
    done = stations.load([station_file(tmp_path / NAME, content)], workers=1)
    assert done.n_stations == {"54": 1} and len(done.reduced.reports) == 1
    rows = feature_rows("54")
    # a mean stands 4 missing days in a row and 10 a month, not 5 in a row; a count of days stands neither
    facts = [(rows[54526001, year]["t_mean"], rows[54526001, year]["tx30"]) for year in (2001, 2002, 2003)]
    assert facts == [(15, None), (None, None), (15, None)]
    assert {rows[54526001, year]["reason"] for year in (2001, 2002, 2003)} == {"too_few_days"}
    assert [rows[54526001, year]["rr_yr"] for year in (2001, 2002, 2003)] == [730, 730, 730]


def test_stations_keep_their_place_and_altitude(tmp_path: Path, data_root: Path) -> None:
    year = days_of(2001)
    station_file(tmp_path / "in" / NAME, [*lines(NANCY, year), *lines(SUMMIT, year)])
    station_file(
        tmp_path / "in" / "Q_2A_latest-2025-2026_RR-T-Vent.csv.gz",
        lines("20004002;AJACCIO;41.918000;8.792667;5", year),
    )
    stations.load([tmp_path / "in"], workers=1)
    table = pq.read_table(lake.table_path("weather_station", "mf_stations", "54"))
    facts = ("station_code", "name", "altitude_m", "first_day", "last_day", "cell_id")
    assert [tuple(row[name] for name in facts) for row in table.to_pylist()] == [
        ("54526001", "NANCY-ESSEY", 212, year[0], year[-1], 14403),  # the cell of Nancy
        ("54999001", "SOMMET", None, year[0], year[-1], 14261),  # that whose centre is at 48.6135 N 6.2967 E
    ]
    cells = lake.read("cell")
    assert cells["grid_id"].unique().to_pylist() == ["mf_station"]
    assert cells["cell_id"].to_pylist() == [20004002, 54526001, 54999001]
    assert lake.read("cell_altitude").select(["cell_id", "altitude_m"]).to_pylist() == [
        {"cell_id": 20004002, "altitude_m": 5.0},
        {"cell_id": 54526001, "altitude_m": 212.0},
    ]
    runs = lake.read("simulation").to_pylist()
    assert [(run["simulation_id"], run["member"], run["scenario"]) for run in runs] == [
        ("mf_stations.observed_2A", "2A", "observed"),
        ("mf_stations.observed_54", "54", "observed"),
    ]
    first = tree_hash(data_root / "lake")
    again = stations.load([tmp_path / "in"], workers=1)
    assert len(again.reduced.unchanged) == 2 and tree_hash(data_root / "lake") == first


def test_a_refused_file_leaves_the_lake_as_it_was(tmp_path: Path, data_root: Path) -> None:
    good = station_file(tmp_path / NAME, lines(NANCY, days_of(2001)))
    bad = station_file(tmp_path / "Q_88_latest-2025-2026_RR-T-Vent.csv.gz", [*GOOD, GOOD[0]])
    with pytest.raises(UserError, match="Q_88"):
        stations.load([good, bad], workers=1)
    assert not (data_root / "lake").exists() and not list((data_root / "derived").rglob("*.nc"))


def test_refresh_loads_stations_by_itself() -> None:
    source = registry.get("mf_stations")
    path = station_file(locks.folder(source.id) / NAME, lines(NANCY, days_of(2001)))
    held = locks.HeldFile(
        url=f"https://producer.invalid/{NAME}", etag=None, last_modified=None, bytes=path.stat().st_size,
        sha256=sha256_of(path), rows=None, fetched_at=locks.now(),
    )  # fmt: skip
    lock = locks.Lock(source=source.id, files={path.name: held})
    locks.save(lock)
    assert loading.load(source, lock) == "1 stations of 1 département(s)"
    assert lake.read("source_file")["url"].to_pylist() == [f"https://producer.invalid/{NAME}"]
