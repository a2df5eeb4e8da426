"""S2M files: where a massif is found, what is refused, days from steps, snow years joined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from climart.errors import UserError
from ingest.readers import netcdf, s2m
from tests.snow_files import write
from tests.support import real_data

ONE_DAY = {"DSN_T_ISBA": [[0.5]]}


def read(*paths: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    (run,) = s2m.runs(paths)
    return s2m.read(run, s2m.bands_of(run))


def test_the_massif_comes_from_either_variable_or_from_a_list_of_one(tmp_path: Path) -> None:
    for name in ("massif_num", "massif_number"):
        file = s2m.describe(write(tmp_path / f"{name}.nc", "2000-08-01", ONE_DAY, massif_name=name))
        assert file.bands.cell_id.tolist() == [101800]
    listed = {"massifsList": " Mont-Blanc , 3 ,45.89794,6.82392 "}
    file = s2m.describe(
        write(tmp_path / "list.nc", "2000-08-01", ONE_DAY, massif=None, attributes=listed, drop=("LAT", "LON"))
    )
    assert file.bands.cell_id.tolist() == [31800]
    assert (file.bands.latitude[0], file.bands.longitude[0]) == (45.89794, 6.82392)


@pytest.mark.parametrize(
    "listed", [None, " Mont-Blanc , 3 ,45.9,6.8, Aravis , 2 ,45.9,6.4", "Mont-Blanc", "Mont-Blanc, 0"]
)
def test_a_file_from_which_no_massif_can_be_known_is_refused_with_what_is_missing(
    tmp_path: Path, listed: str | None
) -> None:
    path = write(
        tmp_path / "f.nc", "2000-08-01", ONE_DAY, massif=None, attributes={"massifsList": listed} if listed else {}
    )
    with pytest.raises(UserError, match=r"f\.nc: no massif can be known: expected a variable massif_num or massif_num"):
        s2m.runs([path])


def test_what_cannot_be_placed_is_refused(tmp_path: Path) -> None:
    for name, wrong, message in (
        ("a", {"drop": ("ZS",)}, "no altitude: expected a variable ZS"),
        ("b", {"slope": [20.0]}, "none of its points is flat"),
        ("c", {"altitude": [18000.0]}, "expected 0 … 5000 m"),
        ("d", {"massif": [120]}, "expected massif numbers 1 … 99"),
        ("e", {"step_hours": 24 * 30}, "expected daily steps or shorter"),
    ):
        path = write(tmp_path / f"{name}.nc", "2000-08-01", {"DSN_T_ISBA": [[0.5]] * 3}, **wrong)
        with pytest.raises(UserError, match=message):
            s2m.runs([path])
    with pytest.raises(UserError, match="none of the variables known here: DSN_T_ISBA"):
        s2m.runs([write(tmp_path / "g.nc", "2000-08-01", {"Wind": [[0.5]] * 3}, units={"Wind": "m/s"})])
    path = write(tmp_path / "h.nc", "2000-08-01", ONE_DAY, units={"DSN_T_ISBA": "furlong"})
    with pytest.raises(UserError, match="DSN_T_ISBA: unknown unit 'furlong'"):
        read(path)


def test_the_reader_of_grids_sends_them_to_the_right_verb(tmp_path: Path) -> None:
    path = write(tmp_path / "pro.nc", "2000-08-01", {"DSN_T_ISBA": np.ones((9, 1))})
    with pytest.raises(UserError, match="load this file with `climart ingest snow`"):
        netcdf.plan([path])


def test_flat_ground_is_read_and_slopes_are_not(tmp_path: Path) -> None:
    path = write(
        tmp_path / "f.nc",
        "2000-08-01",
        {"DSN_T_ISBA": [[9, 2, 1]]},
        massif=[5, 10, 10],
        altitude=[1500, 2100, 1800],
        slope=[40, 0, 0],
    )
    _, values = read(path)
    assert values["snd"].tolist() == [[1], [2]]  # by cell: 10-1800, then 10-2100


def test_hours_become_days_from_06_to_06(tmp_path: Path) -> None:
    hours = np.arange(48, dtype=float)[:, None]
    snowf = np.zeros((48, 1))
    snowf[24:30] = 1 / 3600  # 1 mm an hour for six hours, on the second day from 06:00
    values = {"Tair": 273.15 + hours, "Snowf": snowf, "Rainf": 2 * snowf}
    days, found = read(write(tmp_path / "f.nc", "2000-08-01", values, step_hours=1))
    assert days.size == 2
    assert found["tas"][0].tolist() == pytest.approx([11.5, 35.5], abs=1e-4)
    assert found["tasmin"][0].tolist() == pytest.approx([0, 24], abs=1e-4)
    assert found["tasmax"][0].tolist() == pytest.approx([23, 47], abs=1e-4)
    assert found["prsn"][0].tolist() == pytest.approx([0, 6])
    assert found["prtot"][0].tolist() == pytest.approx([0, 18])
    # a day that lacks an hour is no day
    one_short = {name: series[:-1] for name, series in values.items()}
    days, found = read(write(tmp_path / "g.nc", "2000-08-01", one_short, step_hours=1))
    assert days.size == 1 and found["tas"].shape == (1, 1)


def test_snow_years_are_joined_and_the_shared_step_is_the_next_one_s(tmp_path: Path) -> None:
    first = write(tmp_path / "a.nc", "2000-08-01", {"DSN_T_ISBA": np.full((366, 1), 1.0)})  # to 1 August 2001, included
    second = write(tmp_path / "b.nc", "2001-08-01", {"DSN_T_ISBA": np.full((366, 1), 2.0)})
    days, values = read(second, first)
    assert days.size == 365 + 366
    assert values["snd"][0, 364] == 1 and values["snd"][0, 365] == 2
    # other days that two files give must be equal
    third = write(tmp_path / "c.nc", "2001-06-01", {"DSN_T_ISBA": np.full((30, 1), 5.0)})
    with pytest.raises(UserError, match="another file of the run has other values, first on 2001-06-01"):
        read(first, second, third)


def test_massifs_of_a_run_lie_side_by_side(tmp_path: Path) -> None:
    alps = write(tmp_path / "alps.nc", "2000-08-01", {"DSN_T_ISBA": np.full((3, 1), 1.0)})
    corsica = write(tmp_path / "corsica.nc", "2000-08-02", {"DSN_T_ISBA": np.full((3, 1), 2.0)}, massif=[40])
    _, values = read(alps, corsica)
    assert values["snd"] == pytest.approx(np.array([[1, 1, 1, np.nan], [np.nan, 2, 2, 2]]), nan_ok=True)


@pytest.mark.real_data
def test_the_real_forcing_file() -> None:
    """Hourly, Mont-Blanc, 2010-08-01 06:00 to 2011-08-01 06:00: 365 whole days, weather and no snow."""
    (run,) = s2m.runs([real_data() / "netcdf" / "snow" / "FORCING_test_base.nc"])
    days, values = s2m.read(run, s2m.bands_of(run))
    assert run.run.dataset_id == "s2m" and days.size == 365
    assert s2m.bands_of(run).cell_id.tolist() == [32400, 32700]
    assert run.missing == {"snd": "missing_variable:DSN_T_ISBA", "swe": "missing_variable:WSN_T_ISBA"}
    assert all(np.isfinite(found).all() for found in values.values())
    assert values["tas"].mean(axis=1) == pytest.approx([0.97, -0.91], abs=0.01)
    assert (values["prsn"] <= values["prtot"] + 1e-4).all()
