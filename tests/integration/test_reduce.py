"""From daily files to lake/cell_year: what is written, what is refused, and that nothing else is ever seen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from climart import paths
from climart.errors import UserError
from ingest import blocks, features, reduce, sites
from ingest.readers import netcdf
from ingest.reduce import Progress, Report
from tests.daily_files import COL, ROW, Array, Daily, days_of, drias, weather
from tests.support import real_data

SHAPE = (3, 4)
FIRST_CELL = ROW * 143 + COL


@pytest.fixture(autouse=True)
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIMART_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def write(
    folder: Path,
    *,
    calendar: str = "standard",
    years: tuple[int, int] = (2001, 2003),
    names: tuple[str, ...] = ("tasmin", "tasmax", "tas", "prtot"),
    shape: tuple[int, ...] = SHAPE,
    end: tuple[int, int] | None = None,
    change: dict[str, Any] | None = None,
    **options: Any,
) -> dict[str, Array]:
    """A run's files; the values they hold, in canonical units."""
    last = end or (12, 30 if calendar == "360_day" else 31)
    dates = days_of(calendar, (years[0], 1, 1), (years[1], *last))
    values = {name: v for name, v in weather(dates, shape).items() if name in names}
    values |= change or {}
    drias(folder, Daily(values=values, dates=dates, **options))
    return values


def reduced(folder: Path, **options: Any) -> tuple[pd.DataFrame, Report]:
    (plan,) = netcdf.plan([folder])
    report = reduce.reduce_simulation(plan, **{"workers": 1, **options})
    return pq.read_table(report.path).to_pandas().set_index(["cell_id", "year"]), report


def test_one_row_per_cell_and_year_sorted(tmp_path: Path) -> None:
    values = write(tmp_path / "in")
    table, report = reduced(tmp_path / "in")
    assert report.path == paths.lake() / "cell_year" / "dataset=drias_2020_daily" / (
        "simulation=drias_2020_daily.CNRM-CERFACS-CNRM-CM5_historical_r1i1p1_CNRM-ALADIN63_v2_"
        "MF-ADAMONT-SAFRAN-1980-2011"
    ) / "cell_year.parquet"  # fmt: skip
    assert table.index.is_monotonic_increasing and len(table) == report.n_rows == 12 * 3
    assert table.loc[(FIRST_CELL, 2001), "n_days"] == 365
    assert table.loc[(FIRST_CELL, 2002), "txx"] == pytest.approx(values["tasmax"][365:730, 0, 0].max(), abs=1e-4)
    assert table.loc[(FIRST_CELL + 143, 2001), "rr_yr"] == pytest.approx(values["prtot"][:365, 1, 0].sum(), rel=1e-5)
    schema = pq.read_schema(report.path)
    assert schema.names[:4] == ["cell_id", "year", "n_days", "reason"]
    assert [str(schema.field(name).type) for name in ("cell_id", "year", "n_days", "t_mean")] == [
        "int32",
        "int16",
        "int16",
        "float",
    ]
    assert not list(paths.data_root().rglob("*.tmp")) and not list((paths.data_root() / "work").glob("drias*/"))


def test_winter_and_agricultural_years_cross_the_new_year(tmp_path: Path) -> None:
    values = write(tmp_path / "in")
    table, _ = reduced(tmp_path / "in")
    rain, mean = values["prtot"][:, 0, 0], values["tas"][:, 0, 0]
    assert np.isnan(table.loc[(FIRST_CELL, 2001), "rr_djf"])  # December 2000 is not there
    assert table.loc[(FIRST_CELL, 2001), "reason"] == "too_few_days"
    assert table.loc[(FIRST_CELL, 2002), "rr_djf"] == pytest.approx(rain[334 : 365 + 59].sum(), rel=1e-5)
    assert table.loc[(FIRST_CELL, 2002), "tsum0_oct_jul"] == pytest.approx(
        np.clip(mean[273 : 365 + 212], 0, None).sum(), rel=1e-5
    )


def test_dates_and_their_frequency(tmp_path: Path) -> None:
    values = write(tmp_path / "in", years=(2001, 2004))
    table, _ = reduced(tmp_path / "in")
    night = values["tasmin"][:, 0, 0].astype(np.float32)
    for year, start in ((2002, 365), (2003, 730)):
        before = np.flatnonzero(night[start - 184 : start + 181] <= 0) - 184 + 1  # 1 July … 30 June; 1 January is 1
        after = np.flatnonzero(night[start + 181 : start + 365 + 181] <= 0) + 182
        assert table.loc[(FIRST_CELL, year), "last_frost_doy"] == before.max()
        assert table.loc[(FIRST_CELL, year), "first_frost_doy"] == after.min()
        assert table.loc[(FIRST_CELL, year), "last_frost_doy_event"] == 1


def test_a_date_that_does_not_occur_is_null_with_event_0(tmp_path: Path) -> None:
    dates = days_of("standard", (2001, 1, 1), (2002, 12, 31))
    warm = np.full((len(dates), *SHAPE), 12.0)
    write(tmp_path / "in", years=(2001, 2002), names=("tasmin",), change={"tasmin": warm})
    table, _ = reduced(tmp_path / "in")
    row = table.loc[(FIRST_CELL, 2002)]
    assert np.isnan(row["last_frost_doy"]) and row["last_frost_doy_event"] == 0
    assert np.isnan(row["first_frost_doy_event"])  # 2003 is not there: not known
    assert np.isnan(row["t_mean"])  # no tas


def test_snow_dates_count_from_1_august(tmp_path: Path) -> None:
    dates = days_of("standard", (2001, 1, 1), (2002, 12, 31))
    depth = np.zeros((len(dates), *SHAPE))
    depth[330:400] = 0.4  # 27 November … 4 February, across the new year
    depth[200:210] = 0.4
    write(tmp_path / "in", years=(2001, 2002), names=(), change={"snd": depth, "swe": 250 * depth})
    row = reduced(tmp_path / "in")[0].loc[(FIRST_CELL, 2002)]
    assert (row["snow_start"], row["snow_end"], row["snow_len"]) == (119, 188, 70)  # 1 August is 1
    assert row["scd30"] == 70 and row["xmas_snow"] == 17 and row["scd50"] == 0
    assert row["swe_max_date"] == 119 and row["swe_max"] == pytest.approx(100)


@pytest.mark.parametrize(("calendar", "n_days"), [("standard", 365), ("noleap", 365), ("360_day", 360)])
def test_calendars_lose_no_day_and_no_value(tmp_path: Path, calendar: str, n_days: int) -> None:
    years = (2001, 2004)
    write(tmp_path / "plain", calendar=calendar, years=years, names=("prtot",))
    table, report = reduced(tmp_path / "plain")
    lengths = table["n_days"].xs(FIRST_CELL).tolist()
    assert lengths == [n_days, n_days, n_days, n_days + (calendar == "standard")]
    assert report.n_missing == {"prtot": 0}
    complete = ["rr_yr", "rr1_days", "rx1d", "cdd", "rr_m02", "rr_mam", "p_apr_oct"]
    assert not table[complete].isna().any().any()
    later = table.xs(2001, level="year", drop_level=False).index
    assert not table.drop(later)[["rr_djf", "wet_season"]].isna().any().any()
    months = table[[f"rr_m{month:02d}" for month in range(1, 13)]].sum(axis=1)
    np.testing.assert_allclose(months, table["rr_yr"], rtol=1e-5)  # no day between two windows


def test_missing_values_in_are_missing_values_out(tmp_path: Path) -> None:
    dates = days_of("360_day", (2001, 1, 1), (2003, 12, 30))
    rain = weather(dates, SHAPE)["prtot"]
    gone = np.random.default_rng(0).choice(rain.size, 37, replace=False)
    rain.ravel()[gone] = np.nan
    write(tmp_path / "in", calendar="360_day", names=(), change={"prtot": rain})
    table, report = reduced(tmp_path / "in")
    assert report.n_missing == {"prtot": 37}
    assert table["n_days"].sum() == rain.size - 37


def test_too_few_days_are_null_with_the_reason(tmp_path: Path) -> None:
    """Four days of 365 are more than 1 %: the year is void, its complete seasons are not."""
    dates = days_of("standard", (2001, 1, 1), (2003, 12, 31))
    rain = weather(dates, SHAPE)["prtot"]
    rain[[370, 400, 430, 460], 0, 0] = np.nan  # January to April 2002
    rain[[370, 500, 680], 0, 1] = np.nan  # three in the year are allowed, one in each season
    write(tmp_path / "in", names=(), change={"prtot": rain})
    table, _ = reduced(tmp_path / "in")
    row = table.loc[(FIRST_CELL, 2002)]
    assert np.isnan(row["rr_yr"]) and row["reason"] == "too_few_days" and row["n_days"] == 361
    assert row["rr_jja"] == pytest.approx(rain[365 + 151 : 365 + 243, 0, 0].sum(), rel=1e-5)
    fine = table.loc[(FIRST_CELL + 1, 2002)]
    assert fine["rr_yr"] == pytest.approx(np.nansum(rain[365:730, 0, 1]), rel=1e-5)
    assert pd.isna(fine["reason"])
    assert pd.isna(table.loc[(FIRST_CELL + 1, 2003), "reason"])


def test_a_run_that_stops_early_has_a_void_last_year(tmp_path: Path) -> None:
    """HadGEM2-ES runs end on 30 November or 19 December (formats.md)."""
    write(tmp_path / "in", names=("prtot",), end=(11, 30))
    table, _ = reduced(tmp_path / "in")
    row = table.loc[(FIRST_CELL, 2003)]
    assert row["n_days"] == 334 and np.isnan(row["rr_yr"]) and row["reason"] == "too_few_days"
    assert not np.isnan(row["p_apr_oct"])


def test_sea_cells_and_absent_years_have_no_row(tmp_path: Path) -> None:
    early, late = days_of("standard", (2001, 1, 1), (2001, 12, 31)), days_of("standard", (2004, 1, 1), (2004, 12, 31))
    for dates in (early, late):
        rain = weather(dates, SHAPE)["prtot"]
        rain[:, 2, 3] = np.nan
        drias(tmp_path / "in", Daily(values={"prtot": rain}, dates=dates))
    table, report = reduced(tmp_path / "in")
    assert report.n_cells == 11 and sorted(set(table.index.get_level_values("year"))) == [2001, 2004]


@pytest.mark.parametrize(
    ("chunks", "file_format"),
    [((1, 3, 4), "NETCDF4"), ((365, 2, 2), "NETCDF4"), ((1096, 1, 1), "NETCDF4"), (None, "NETCDF3_CLASSIC")],
)
def test_every_chunk_layout_gives_the_same_rows(
    tmp_path: Path, chunks: tuple[int, ...] | None, file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in")
    plain, _ = reduced(tmp_path / "in")
    write(tmp_path / "other", chunks=chunks, format=file_format)
    monkeypatch.setattr(blocks, "DECODED_BYTES", 9000)  # many blocks
    monkeypatch.setattr(blocks.blocks, "__defaults__", (9000,))
    monkeypatch.setattr(blocks, "TILE_BYTES", 4 * 1096 * 4 * 5)  # tiles of five cells
    monkeypatch.setattr(blocks, "BATCH_BYTES", 4 * 1096 * 10 * 2)
    again, _ = reduced(tmp_path / "other")
    pd.testing.assert_frame_equal(plain, again)


def test_progress_ends_at_one(tmp_path: Path) -> None:
    write(tmp_path / "in")
    told: list[Progress] = []
    reduced(tmp_path / "in", progress=told.append)
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert told[-1].done == pytest.approx(1) and told[-1].seconds_left == pytest.approx(0, abs=1e-6)
    assert all(p.cell_days_per_second > 0 for p in told)


def test_values_beyond_soft_bounds_are_counted_and_kept(tmp_path: Path) -> None:
    dates = days_of("standard", (2001, 1, 1), (2003, 12, 31))
    rain = weather(dates, SHAPE)["prtot"]
    rain[200, 1, 1] = 700
    rain[10, 0, 0] = -1e-4  # rounding of a packed file
    write(tmp_path / "in", names=(), change={"prtot": rain})
    table, report = reduced(tmp_path / "in")
    assert report.n_soft == {"prtot": 1} and report.n_rounded == {"prtot": 1}
    assert table["rx1d"].max() == pytest.approx(700, rel=1e-5)


def test_inconsistent_temperatures_are_counted(tmp_path: Path) -> None:
    values = write(tmp_path / "elsewhere")
    wrong = values["tas"].copy()
    wrong[50, 0, 0] = values["tasmax"][50, 0, 0] + 1
    write(tmp_path / "in", change={"tas": wrong})
    assert reduced(tmp_path / "in")[1].n_inconsistent == 1


# Refused: nothing is written


def refused(folder: Path, reason: str, **options: Any) -> None:
    with pytest.raises(UserError) as refusal:
        reduced(folder, **options)
    assert reason in str(refusal.value), str(refusal.value)
    assert not list(paths.lake().rglob("*.parquet"))


def test_fahrenheit_is_refused(tmp_path: Path) -> None:
    values = write(tmp_path / "elsewhere")
    fahrenheit = values["tasmax"] * 9 / 5 + 32
    write(tmp_path / "in", names=(), change={"tasmax": fahrenheit}, units={"tasmax": "degC"})
    refused(tmp_path / "in", "beyond -50 … 60")


def test_fahrenheit_of_a_cold_place_is_refused_by_its_soft_bounds(tmp_path: Path) -> None:
    dates = days_of("standard", (2001, 1, 1), (2001, 12, 31))
    cold = np.full((len(dates), *SHAPE), 44.0)
    write(tmp_path / "in", years=(2001, 2001), names=(), change={"tasmin": cold}, units={"tasmin": "degC"})
    refused(tmp_path / "in", "its unit is not 'degC' (Fahrenheit?)")


def test_kelvin_called_celsius_is_refused(tmp_path: Path) -> None:
    values = write(tmp_path / "elsewhere")
    write(tmp_path / "in", names=(), change={"tas": values["tas"] + 273.15}, units={"tas": "degC"})
    refused(tmp_path / "in", "tasAdjust: 3")


def test_snow_above_rain_is_refused(tmp_path: Path) -> None:
    values = write(tmp_path / "elsewhere")
    write(tmp_path / "in", names=("prtot",), change={"prsn": values["prtot"] + 1})
    refused(tmp_path / "in", "prsn exceeds prtot by up to 1")


def test_monthly_values_are_refused_as_not_daily(tmp_path: Path) -> None:
    def months(dataset: netCDF4.Dataset) -> None:
        dataset["time"][:] = 18628 + 30.4375 * np.arange(len(dataset["time"]))

    write(tmp_path / "in", names=("tas",), finish=months)
    refused(tmp_path / "in", "not daily: one value per month")


def overlapping(folder: Path, change: float) -> None:
    dates = days_of("standard", (2001, 1, 1), (2003, 12, 31))
    rain = weather(dates, SHAPE)["prtot"]
    drias(folder, Daily(values={"prtot": rain[:700]}, dates=dates[:700]))
    rain[690, 1, 1] += change
    drias(folder, Daily(values={"prtot": rain[680:]}, dates=dates[680:]))


def test_overlapping_days_with_other_values_are_refused(tmp_path: Path) -> None:
    overlapping(tmp_path / "in", 1.0)
    refused(tmp_path / "in", "overlap with other values, first on 2002-11-22")


def test_overlapping_days_with_equal_values_count_once(tmp_path: Path) -> None:
    overlapping(tmp_path / "in", 0.0)
    table, _ = reduced(tmp_path / "in")
    write(tmp_path / "whole", names=("prtot",))
    pd.testing.assert_frame_equal(table, reduced(tmp_path / "whole")[0])


def test_a_corrupt_chunk_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "in", names=("tas",), chunks=(30, 3, 4))
    (path,) = (tmp_path / "in").glob("*.nc")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = b"\x55" * 2000
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"tasAdjust.*(cannot be decoded|cannot be read|beyond)"):
        reduced(tmp_path / "in")
    assert not list(paths.lake().rglob("*.parquet"))


def test_a_box_without_a_cell_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "in")
    (plan,) = netcdf.plan([tmp_path / "in"])
    cmip = Daily(values={"tas": weather(days_of("noleap", (2001, 1, 1), (2001, 12, 31)), (2, 2))["tas"]},
                 dates=days_of("noleap", (2001, 1, 1), (2001, 12, 31)))  # fmt: skip

    def place(dataset: netCDF4.Dataset) -> None:
        for name, values in (("lat", [-10.0, -9.0]), ("lon", [100.0, 101.0])):
            dataset.createVariable(name, "f8", (name,))[:] = values

    cmip.write(tmp_path / "far" / "tas.nc", ("lat", "lon"), place)
    refused(tmp_path / "far", "none of its cells")
    assert plan.grid.nodes(None).size == 12


# The same bytes, whatever happens


@contextmanager
def root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CLIMART_DATA", str(folder))
    yield folder


BIG = {"years": (1976, 1981), "shape": (20, 20), "chunks": (1, 20, 20)}


def bytes_of(folder: Path) -> bytes:
    (path,) = folder.rglob("cell_year.parquet")
    return path.read_bytes()


def test_the_number_of_workers_does_not_change_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in", **BIG)
    for workers in (1, 2, 3):
        with root(tmp_path / str(workers), monkeypatch):
            reduced(tmp_path / "in", workers=workers)
    assert bytes_of(tmp_path / "1") == bytes_of(tmp_path / "2") == bytes_of(tmp_path / "3")


SCRIPT = """
import sys, time
from pathlib import Path
from ingest import blocks, reduce
from ingest.readers import netcdf

if __name__ == "__main__":
    blocks.blocks.__defaults__ = (200_000,)  # many short blocks
    (plan,) = netcdf.plan([Path(sys.argv[1])])
    reduce.reduce_simulation(plan, workers=int(sys.argv[2]), progress=lambda p: time.sleep(float(sys.argv[3])))
"""


def command(tmp_path: Path, data: Path, workers: int, pause: float = 0.0) -> tuple[list[str], dict[str, str]]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "CLIMART_DATA": str(data), "PYTHONPATH": str(paths.PROJECT)}
    return [sys.executable, str(script), str(tmp_path / "in"), str(workers), str(pause)], environment


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_and_run_again(tmp_path: Path, workers: int) -> None:
    """Killed in the decoding and again in the reducing: no file in the lake meanwhile, then the same bytes."""
    write(tmp_path / "in", **BIG)
    arguments, environment = command(tmp_path, tmp_path / "undisturbed", workers)
    subprocess.run(arguments, env=environment, check=True)
    data = tmp_path / "disturbed"
    for pattern, wanted in (("prtot-*.json", 3), ("cells-*.json", 1)):
        arguments, environment = command(tmp_path, data, workers, pause=0.05)
        child = subprocess.Popen(arguments, env=environment)
        deadline = time.monotonic() + 60
        while len(list(data.rglob(pattern))) < wanted:
            assert child.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert not list(data.rglob("*.parquet"))
    kept = {path: path.stat().st_mtime_ns for path in data.rglob("*-*.json")}
    assert kept
    arguments, environment = command(tmp_path, data, workers)
    subprocess.run(arguments, env=environment, check=True)
    assert bytes_of(data) == bytes_of(tmp_path / "undisturbed")
    assert not list((data / "work").glob("*/"))


def test_finished_pieces_are_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in")
    with monkeypatch.context() as broken:
        broken.setattr(reduce, "reduce_tile", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            reduced(tmp_path / "in")
    with monkeypatch.context() as broken:
        broken.setattr(reduce, "decode", fail)
        table, _ = reduced(tmp_path / "in")
    assert len(table) == 36 and features.catalogue().columns == list(table.columns)[2:]


def fail(work: Path, task: object) -> None:
    raise RuntimeError("power cut")


def test_changed_input_is_not_mixed_with_old_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in", names=("prtot",))
    with monkeypatch.context() as broken:
        broken.setattr(reduce, "reduce_tile", fail)
        with pytest.raises(RuntimeError):
            reduced(tmp_path / "in")
    dry = np.zeros((len(days_of("standard", (2001, 1, 1), (2003, 12, 31))), *SHAPE))
    write(tmp_path / "in", names=(), change={"prtot": dry})
    table, _ = reduced(tmp_path / "in")
    assert table["rr_yr"].max() == 0


def test_two_processes_do_not_reduce_one_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "in")

    def second(work: Path, task: object) -> None:
        (plan,) = netcdf.plan([tmp_path / "in"])
        reduce.reduce_simulation(plan, workers=1)

    monkeypatch.setattr(reduce, "reduce_tile", second)
    with pytest.raises(UserError, match="is being reduced by another process"):
        reduced(tmp_path / "in")


def test_two_dask_workers_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra climart[cluster] is not installed")
    write(tmp_path / "in", **BIG)
    with root(tmp_path / "here", monkeypatch):
        reduced(tmp_path / "in")
    monkeypatch.setenv("PYTHONPATH", str(paths.PROJECT))
    with (
        root(tmp_path / "cluster", monkeypatch),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
    ):
        reduced(tmp_path / "in", scheduler=cluster.scheduler_address)
    assert bytes_of(tmp_path / "here") == bytes_of(tmp_path / "cluster")


# Real files


@pytest.mark.real_data
def test_the_real_safran_file_is_reduced() -> None:
    table, report = reduced(real_data() / "netcdf" / "safran_paca_108cells_daily_2011-2021.nc")
    assert report.n_cells == 108 and report.n_rows == 108 * 11 and report.n_missing == {"tasmax": 0, "prtot": 0}
    assert table["n_days"].xs(2012, level="year").unique().tolist() == [366]
    assert report.unavailable["t_mean"] == "missing_variable:tas"
    assert report.unavailable["hwd_drias"] == "no_reference_period"
    assert (table["tx40"] <= table["tx35"]).all() and (table["tx35"] <= table["tx30"]).all()
    assert (table["tx30"] <= table["su25"]).all()
    assert (table["rx1d"] <= table["rx5d"] + 1e-3).all() and (table["rx5d"] <= 5 * table["rx1d"] + 1e-3).all()


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "kind", "calendar", "first", "last", "frequency"),
    [
        ("cmip/tas_day_EC-EARTH_historical_r1i1p1_19900101-19991231.nc",
         "regular", "standard", "1990-01-01", "1999-12-31", "day"),
        ("cordex/small_rotPole_precipitation.nc", "rotated", "gregorian", "1958-01-01", "1958-01-04", "day"),
        ("cordex/tas_EUR-11_MPI-M-MPI-ESM-LR_rcp85_r1i1p1_KNMI-RACMO22E_v1_mon_209101.nc",
         "rotated", "standard", "2091-01-16", "2091-01-16", "month"),
        ("eobs/tn_ens_mean_0.25deg_reg_2018_v25.0e.nc", "regular", "standard", "2018-06-06", "2018-06-08", "day"),
        ("eobs/tx_ens_mean_0.25deg_reg_2018_v25.0e.nc", "regular", "standard", "2018-06-06", "2018-06-08", "day"),
    ],
)  # fmt: skip
def test_real_files_are_described(name: str, kind: str, calendar: str, first: str, last: str, frequency: str) -> None:
    (plan,) = netcdf.plan([real_data() / "netcdf" / name])
    ((file,),) = plan.files.values()
    time_axis = file.time
    assert (plan.grid.kind, time_axis.calendar_name, time_axis.frequency) == (kind, calendar, frequency)
    assert (time_axis.first.strftime("%Y-%m-%d"), time_axis.last.strftime("%Y-%m-%d")) == (first, last)


@pytest.mark.real_data
def test_the_real_monthly_file_and_the_misplaced_one_are_refused() -> None:
    cordex = real_data() / "netcdf" / "cordex"
    (monthly,) = netcdf.plan([next(cordex.glob("tas_EUR-11*"))])
    (misplaced,) = netcdf.plan([cordex / "small_rotPole_precipitation.nc"])
    for plan, reason in ((monthly, "not daily"), (misplaced, "26.9° from where its own latitude")):
        with pytest.raises(UserError, match=reason):
            reduce.reduce_simulation(plan)


@pytest.mark.real_data
def test_real_eobs_values() -> None:
    """Both files make one run; three days are too few for any year, and say so."""
    folder = real_data() / "netcdf" / "eobs"
    (plan,) = netcdf.plan([folder / f"{v}_ens_mean_0.25deg_reg_2018_v25.0e.nc" for v in ("tn", "tx")])
    report = reduce.reduce_simulation(plan, workers=1)
    table = pq.read_table(report.path).to_pandas()
    assert set(table["reason"]) == {"too_few_days"} and set(table["n_days"]) == {3}
    with netCDF4.Dataset(folder / "tx_ens_mean_0.25deg_reg_2018_v25.0e.nc") as dataset:
        wanted = dataset["tx"][:].filled(np.nan).reshape(3, -1)
    nodes = plan.grid.nodes(None)
    found = reduce.read_values(plan.files["tasmax"][0], nodes, np.arange(3))
    np.testing.assert_allclose(found, wanted[:, nodes].T, atol=1e-4)


def test_only_what_the_features_need_is_decoded(tmp_path: Path) -> None:
    write(tmp_path / "in", names=("tas", "prtot"))
    (plan,) = netcdf.plan([tmp_path / "in"])
    nodes = plan.grid.nodes(None)
    needed = plan.resolution(features.catalogue().subset(["t_mean"]), sites.of_cells(plan.grid, nodes)).variables
    decodes, pieces = reduce.decoding(plan, nodes, needed)
    assert [task.name for task in decodes] == [piece.name for piece in pieces["tas"]] == ["tas-000-00000"]
    assert list(pieces) == ["tas"] and decodes[0].size == 12 * 1095
