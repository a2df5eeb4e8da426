"""Every convention of formats.md in a tiny file, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest

from climart.errors import UserError
from ingest import features, grid, reduce, sites
from ingest.readers import grids, netcdf
from ingest.readers.netcdf import SimulationPlan
from tests.daily_files import COL, ROW, Array, Daily, days_of, drias, drias_name, place_8km, weather

YEAR = days_of("standard", (2003, 1, 1), (2003, 12, 31))
SHAPE = (3, 4)
WEATHER = weather(YEAR, SHAPE)
IDS = (np.arange(ROW, ROW + 3)[:, None] * grid.N_COLS + np.arange(COL, COL + 4)).ravel()


def tas(**changes: Any) -> Daily:
    return Daily(**{"values": {"tas": WEATHER["tas"]}, "dates": YEAR, **changes})


def only(paths: list[Path]) -> SimulationPlan:
    (plan,) = netcdf.plan(paths)
    return plan


def values_of(plan: SimulationPlan, name: str) -> Array:
    """All the values of a variable, (cells by id, days)."""
    (file,) = plan.files[name]
    return reduce.read_values(file, plan.grid.nodes(None), np.arange(len(file.time.days)))


def by_cell(values: Array) -> Array:
    return values.reshape(len(values), -1).T


# Layouts of the 8 km grid


@pytest.mark.parametrize(
    ("dims", "place"),
    [
        (("y", "x"), place_8km()),
        (("y", "x"), place_8km(latlon=False)),
        (("y", "x"), place_8km(index_valued=True)),
        (("y", "x"), place_8km(index_valued=True, latlon=False)),
        (("i", "j"), place_8km(coordinates=False, dims=("i", "j"))),
    ],
    ids=["x y lat lon", "x y", "DRIAS-Eau indices", "indices alone", "older: i j"],
)
def test_drias_layouts(tmp_path: Path, dims: tuple[str, str], place: Any) -> None:
    plan = only(drias(tmp_path, tas(), place=place, dims=dims))
    assert plan.grid.grid_id == "lambert_8km"
    assert plan.grid.cell_id.tolist() == IDS.tolist()
    assert plan.run.dataset_id == "drias_2020_daily"
    assert (plan.run.gcm, plan.run.rcm, plan.run.scenario) == ("CNRM-CERFACS-CNRM-CM5", "CNRM-ALADIN63", "historical")
    assert (plan.calendar, plan.year_start, plan.year_end, plan.notes) == ("standard", 2003, 2003, ())
    np.testing.assert_allclose(values_of(plan, "tas"), by_cell(WEATHER["tas"]), atol=4e-5)


def test_rows_from_north_to_south_keep_their_ids(tmp_path: Path) -> None:
    def flip(dataset: netCDF4.Dataset) -> None:
        for name in ("y", "lat", "lon"):
            dataset[name][:] = dataset[name][::-1]

    plan = only(drias(tmp_path, tas(finish=flip)))
    assert sorted(plan.grid.cell_id) == sorted(IDS)
    flipped = WEATHER["tas"][:, ::-1, :]
    np.testing.assert_allclose(values_of(plan, "tas"), by_cell(flipped), atol=4e-5)


def test_the_wrong_grid_mapping_of_drias_is_not_used(tmp_path: Path) -> None:
    def mapping(dataset: netCDF4.Dataset) -> None:
        crs = dataset.createVariable("LambertParisII", "i4")
        crs.grid_mapping_name, crs.latitude_of_projection_origin = "lambert_conformal_conic_1SP", 52.0
        dataset["tasAdjust"].grid_mapping = "LambertParisII"

    plan = only(drias(tmp_path, tas(finish=mapping)))
    assert plan.grid.cell_id.tolist() == IDS.tolist() and plan.refusals == ()


def test_the_crs_trap_is_refused(tmp_path: Path) -> None:
    """Latitudes computed from the file's own Lambert attributes: 52 gons read as 52 degrees."""

    def north(dataset: netCDF4.Dataset) -> None:
        dataset["lat"][:] = dataset["lat"][:] + 5.2

    paths = drias(tmp_path, tas(finish=north))
    plan = only(paths)
    assert "km from where its latitude and longitude" in plan.refusals[0] and "tasAdjust" in plan.refusals[0]
    with pytest.raises(UserError, match=r"tasAdjust_France.*more|half a cell"):
        reduce.check(plan, None)


def test_half_a_cell_is_the_limit(tmp_path: Path) -> None:
    for metres, refused in ((3000, False), (5000, True)):

        def shift(dataset: netCDF4.Dataset, by: int = metres) -> None:
            dataset["x"][:] = dataset["x"][:] + 8000
            dataset["lon"][:] = dataset["lon"][:] + (8000 - by) / 78_000  # a degree there is about 78 km

        plan = only(drias(tmp_path / str(metres), tas(finish=shift)))
        assert bool(plan.refusals) is refused


def test_cell_polygons_are_the_8_km_squares(tmp_path: Path) -> None:
    plan = only(drias(tmp_path, tas()))
    squares = plan.grid.polygons(np.arange(12))
    lon, lat = grid.longitudes_latitudes(IDS)
    for square, x, y in zip(squares, lon, lat, strict=True):
        assert square.centroid.x == pytest.approx(x, abs=1e-4)
        assert square.centroid.y == pytest.approx(y, abs=1e-4)
    assert squares[0].area * 111.2**2 * np.cos(np.radians(lat[0])) == pytest.approx(64, rel=0.01)


def test_points_in_any_order(tmp_path: Path) -> None:
    """A list of points, as the SAFRAN extract has it, with their DRIAS numbers."""
    order = np.random.default_rng(0).permutation(12)
    lon, lat = grid.longitudes_latitudes(IDS[order])

    def place(dataset: netCDF4.Dataset, numbers: Array = IDS[order]) -> None:
        for name, values in (("lat", lat), ("lon", lon), ("drias_point", numbers)):
            dataset.createVariable(name, "i4" if name == "drias_point" else "f8", ("point",))[:] = values

    flat = WEATHER["tas"].reshape(len(YEAR), -1)
    daily = tas(values={"tas": flat[:, order]}, units={"tas": "degC"})
    plan = only([daily.write(tmp_path / "points.nc", ("point",), place)])
    assert plan.grid.cell_id.tolist() == IDS[order].tolist()
    np.testing.assert_allclose(values_of(plan, "tas"), flat.T, atol=1e-5)  # by cell id again
    with pytest.raises(UserError, match="another number than their place gives"):
        only([daily.write(tmp_path / "wrong.nc", ("point",), lambda d: place(d, IDS))])


# Other producers


def test_socle_trusts_the_time_axis_and_reports_what_errs(tmp_path: Path) -> None:
    dates = days_of("standard", (1951, 1, 1), (1952, 12, 31))
    values = weather(dates, SHAPE)

    def bounds(dataset: netCDF4.Dataset) -> None:
        dataset.createDimension("bnds", 2)
        limits = dataset.createVariable("time_bnds", "f8", ("time", "bnds"))
        limits[:] = np.stack([np.floor(dataset["time"][:]), np.floor(dataset["time"][:]) + 1], axis=1)
        dataset["time"].bounds = "time_bnds"

    daily = Daily(
        values={"tasmax": values["tasmax"]},
        dates=dates,
        names={"tasmax": "tasmaxAdjust"},
        noon=True,
        finish=bounds,
        attributes={"tasmax": {"standard_name": "air_temperature", "cell_methods": "time: mean"}},
        header={"summary": "daily values, 365_day calendar", "driving_experiment_name": "ssp370"},
    )
    name = (
        "tasmaxAdjust_FR-Metro_EC-Earth3-Veg_historical_r1i1p1f1_KNMI_RACMO23E_v1-r1_"
        "MF-CDFt-ANASTASIA-SAFRAN-1985-2014_day_19500101-19521231.nc"
    )
    plan = only([daily.write(tmp_path / name, ("y", "x"), place_8km())])
    assert plan.run.dataset_id == "socle_2025_daily"
    assert (plan.run.gcm, plan.run.rcm, plan.run.scenario) == ("EC-Earth3-Veg", "RACMO23E", "historical")
    (file,) = plan.files["tasmax"]
    assert (file.time.first.strftime("%Y-%m-%d"), len(file.time.days)) == ("1951-01-01", 731)
    said = "\n".join(plan.notes)
    assert "start is 1950, the time axis 1951" in said
    assert "cell_methods says mean for a maximum" in said
    assert "the header says 365 days, the time axis has leap days" in said
    assert "the name says scenario historical, the header ssp370" in said
    np.testing.assert_allclose(values_of(plan, "tasmax"), by_cell(values["tasmax"]), atol=4e-5)


def test_socle_precipitation_is_pradjust(tmp_path: Path) -> None:
    daily = Daily(values={"prtot": WEATHER["prtot"]}, dates=YEAR, names={"prtot": "prAdjust"}, noon=True)
    name = (
        "prAdjust_FR-Metro_MIROC6_ssp370_r1i1p1f1_CNRM_HCLIM43-ALADIN_v1-r1_"
        "MF-CDFt-ANASTASIA-SAFRAN-1985-2014_day_20030101-20031231.nc"
    )
    plan = only([daily.write(tmp_path / name, ("y", "x"), place_8km())])
    assert list(plan.files) == ["prtot"]
    assert plan.run.rcm == "HCLIM43-ALADIN"
    assert "no historical file: the run has no reference period" in plan.notes
    np.testing.assert_allclose(values_of(plan, "prtot"), by_cell(WEATHER["prtot"]), rtol=1e-6, atol=1e-6)


def rotated(pole: tuple[float, float] = (39.25, -162.0)) -> Any:
    """A few cells of the EUR-11 grid over France, with the latitudes and longitudes that its true pole gives."""

    def place(dataset: netCDF4.Dataset) -> None:
        import pyproj

        rlat, rlon = -4.0 + 0.11 * np.arange(3), -9.0 + 0.11 * np.arange(4)
        for name, values, long in (("rlat", rlat, "grid_latitude"), ("rlon", rlon, "grid_longitude")):
            axis = dataset.createVariable(name, "f8", (name,))
            axis.standard_name, axis.units = long, "degrees"
            axis[:] = values
        crs = dataset.createVariable("rotated_pole", "i4")
        crs.grid_mapping_name = "rotated_latitude_longitude"
        crs.grid_north_pole_latitude, crs.grid_north_pole_longitude = pole
        true = "+proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=39.25 +lon_0=18 +datum=WGS84 +type=crs"
        y, x = np.meshgrid(rlat, rlon, indexing="ij")
        lon, lat = pyproj.Transformer.from_crs(true, "EPSG:4326", always_xy=True).transform(x, y)
        for name, values, long in (("lat", lat, "latitude"), ("lon", lon, "longitude")):
            variable = dataset.createVariable(name, "f8", ("rlat", "rlon"))
            variable.standard_name = long
            variable[:] = values

    return place


CORDEX = "tas_EUR-11_MPI-M-MPI-ESM-LR_rcp85_r1i1p1_KNMI-RACMO22E_v1_day_20030101-20031231.nc"


def test_cordex_rotated_pole(tmp_path: Path) -> None:
    daily = tas(attributes={"tas": {"standard_name": "air_temperature", "grid_mapping": "rotated_pole"}})
    plan = only([daily.write(tmp_path / CORDEX, ("rlat", "rlon"), rotated())])
    assert plan.run.dataset_id == "cordex_eur_11" and plan.grid.kind == "rotated" and not plan.refusals
    assert plan.grid.cell_id.tolist() == list(range(12))  # row · columns + column
    first = plan.grid.polygons(np.array([0]))[0]
    assert first.centroid.x == pytest.approx(plan.grid.longitude[0], abs=0.01)
    assert 41 < first.centroid.y < 51 and -5 < first.centroid.x < 10
    assert plan.grid.nodes(grids.METROPOLITAN).size == 12


def test_a_pole_that_contradicts_the_latitudes_is_refused(tmp_path: Path) -> None:
    plan = only([tas().write(tmp_path / CORDEX, ("rlat", "rlon"), rotated((18.0, -140.75)))])
    assert "its rotated pole (18, -140.75) puts a point" in plan.refusals[0]


def test_rotated_coordinates_without_a_pole_are_refused(tmp_path: Path) -> None:
    def no_pole(dataset: netCDF4.Dataset) -> None:
        dataset["rotated_pole"].delncattr("grid_north_pole_latitude")

    with pytest.raises(UserError, match=r"tas_EUR-11.*, tas: the grid is missing"):
        only([tas(finish=no_pole).write(tmp_path / CORDEX, ("rlat", "rlon"), rotated())])


def regular(lat: Array, lon: Array, names: tuple[str, str] = ("latitude", "longitude")) -> Any:
    def place(dataset: netCDF4.Dataset) -> None:
        for name, values, units in zip(names, (lat, lon), ("degrees_north", "degrees_east"), strict=True):
            axis = dataset.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values

    return place


def test_eobs_packed(tmp_path: Path) -> None:
    values = {"tasmin": WEATHER["tasmin"].copy(), "tasmax": WEATHER["tasmax"]}
    values["tasmin"][5, 1, 2] = np.nan
    place = regular(45 + 0.25 * np.arange(3), 3 + 0.25 * np.arange(4))
    for name, letter in (("tasmin", "tn"), ("tasmax", "tx")):
        Daily(
            values={name: values[name]},
            dates=YEAR,
            names={name: letter},
            units={name: "Celsius"},
            packing=(0.01, 0.0),
            header={"E-OBS_version": "25.0e"},
            attributes={name: {"standard_name": "air_temperature", "cell_methods": "time: mean"}},
        ).write(tmp_path / f"{letter}_ens_mean_0.25deg_reg_2018_v25.0e.nc", ("latitude", "longitude"), place)
    plan = only([tmp_path])
    assert plan.run.dataset_id == "eobs" and sorted(plan.files) == ["tasmax", "tasmin"]
    assert plan.run.scenario == "observed"
    found = values_of(plan, "tasmin")
    assert np.isnan(found[6, 5]) and np.isnan(found).sum() == 1
    np.testing.assert_allclose(found, by_cell(np.round(values["tasmin"], 2)), atol=1e-5)


def test_cmip_longitudes_from_0_to_360(tmp_path: Path) -> None:
    lat, lon = np.array([44.0, 45.0, 46.0]), np.array([357.0, 359.0, 1.0, 3.0])
    name = "tas_day_EC-EARTH_historical_r1i1p1_20030101-20031231.nc"
    daily = tas(header={"project_id": "CMIP5", "model_id": "EC-EARTH"})
    plan = only([daily.write(tmp_path / name, ("lat", "lon"), regular(lat, lon, ("lat", "lon")))])
    assert plan.run.dataset_id == "cmip5" and plan.run.gcm == "EC-EARTH" and plan.notes == ()
    assert plan.grid.longitude[:4].tolist() == [-3, -1, 1, 3]
    assert all(p.bounds[2] - p.bounds[0] < 200 for p in plan.grid.polygons(np.arange(12)))


def test_a_height_of_length_one_is_left_out(tmp_path: Path) -> None:
    def place(dataset: netCDF4.Dataset) -> None:
        dataset.createVariable("height", "f8", ("height",))[:] = 2
        regular(np.arange(44.0, 47.0), np.arange(1.0, 5.0), ("lat", "lon"))(dataset)

    daily = tas(values={"tas": WEATHER["tas"][:, None]})
    plan = only([daily.write(tmp_path / "tas.nc", ("height", "lat", "lon"), place)])
    np.testing.assert_allclose(values_of(plan, "tas"), by_cell(WEATHER["tas"]), atol=4e-5)


@pytest.mark.parametrize("file_format", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF4_CLASSIC", "NETCDF4"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_formats_and_precisions(tmp_path: Path, file_format: str, dtype: str) -> None:
    plan = only(drias(tmp_path, tas(format=file_format, dtype=dtype)))
    np.testing.assert_allclose(values_of(plan, "tas"), by_cell(WEATHER["tas"]), atol=4e-5)


@pytest.mark.parametrize("fill", [1e20, 1e30, -999.0, np.nan])
def test_fill_values(tmp_path: Path, fill: float) -> None:
    values = WEATHER["tas"].copy()
    values[::7, 1, 1] = np.nan
    plan = only(drias(tmp_path, tas(values={"tas": values}, fill=fill)))
    found = values_of(plan, "tas")
    assert np.array_equal(np.isnan(found), np.isnan(by_cell(values)))


def test_days_stamped_at_their_end(tmp_path: Path) -> None:
    def end_stamps(dataset: netCDF4.Dataset) -> None:
        dataset.createDimension("bnds", 2)
        start = dataset["time"][:]
        dataset["time"][:] = start + 1
        dataset["time"].bounds = "time_bnds"
        dataset.createVariable("time_bnds", "f8", ("time", "bnds"))[:] = np.stack([start, start + 1], axis=1)

    (file,) = only(drias(tmp_path, tas(finish=end_stamps))).files["tas"]
    assert file.time.first.strftime("%Y-%m-%d") == "2003-01-01"


def test_variables_by_standard_name_where_the_name_says_nothing(tmp_path: Path) -> None:
    attributes = {
        "prtot": {"standard_name": "precipitation_flux"},
        "tasmax": {"standard_name": "air_temperature", "cell_methods": "time: maximum"},
    }
    daily = Daily(
        values={name: WEATHER[name] for name in attributes},
        dates=YEAR,
        names={"prtot": "RAIN", "tasmax": "T2M"},
        attributes=attributes,
    )
    plan = only([daily.write(tmp_path / "both.nc", ("y", "x"), place_8km())])
    assert sorted(plan.files) == ["prtot", "tasmax"]


# Grouping


def test_files_become_simulations(tmp_path: Path) -> None:
    both = {"tas": WEATHER["tas"], "prtot": WEATHER["prtot"]}
    later = days_of("standard", (2004, 1, 1), (2004, 12, 31))
    future = weather(later, SHAPE, seed=1)
    drias(tmp_path / "a", Daily(values=both, dates=YEAR))
    drias(tmp_path / "b", Daily(values={"tas": future["tas"]}, dates=later), scenario="rcp85")
    drias(tmp_path / "c", Daily(values={"tas": future["tas"]}, dates=later), scenario="rcp45")
    drias(tmp_path / "d", Daily(values={"tas": WEATHER["tas"]}, dates=YEAR), gcm="ICHEC-EC-EARTH")
    plans = netcdf.plan([tmp_path])
    assert [(p.run.gcm, p.run.scenario) for p in plans] == [
        ("CNRM-CERFACS-CNRM-CM5", "rcp45"),
        ("CNRM-CERFACS-CNRM-CM5", "rcp85"),
        ("ICHEC-EC-EARTH", "historical"),
    ]
    with_rcp85 = plans[1]
    assert len(with_rcp85.files["tas"]) == 2 and len(with_rcp85.files["prtot"]) == 1  # its historical part is in it
    assert (with_rcp85.year_start, with_rcp85.year_end) == (2003, 2004)
    assert with_rcp85.simulation_id == (
        "drias_2020_daily.CNRM-CERFACS-CNRM-CM5_rcp85_r1i1p1_CNRM-ALADIN63_v2_MF-ADAMONT-SAFRAN-1980-2011"
    )
    catalogue, grid = features.catalogue(), with_rcp85.grid
    reasons = catalogue.unavailable(with_rcp85.resolution(catalogue, sites.of_cells(grid, grid.nodes(None))))
    assert reasons["tx30"] == "missing_variable:tasmax"
    assert reasons["cwb_yr"] == "missing_variable:evspsblpot"
    assert reasons["r95ptot"] == "no_reference_period"
    assert "t_mean" not in reasons


def test_two_evapotranspirations_are_never_mixed(tmp_path: Path) -> None:
    for suffix in ("FAO", "Hg0175"):
        daily = Daily(values={"evspsblpot": WEATHER["evspsblpot"]}, dates=YEAR)
        drias(tmp_path, daily, suffix=suffix)
    for chosen, wanted in ((None, "FAO"), ("Hg0175", "Hg0175")):
        (plan,) = netcdf.plan([tmp_path], pet_method=chosen)
        assert plan.pet_method == wanted and len(plan.files["evspsblpot"]) == 1
        assert f"FAO and Hg0175: {wanted} is used" in plan.notes[0]


def test_mixed_calendars_are_refused(tmp_path: Path) -> None:
    drias(tmp_path, tas())
    drias(tmp_path, Daily(values={"prtot": weather(days_of("noleap", (2003, 1, 1), (2003, 12, 31)), SHAPE)["prtot"]},
                          dates=days_of("noleap", (2003, 1, 1), (2003, 12, 31))))  # fmt: skip
    plan = only([tmp_path])
    assert "mix the calendars noleap, standard" in plan.refusals[0]


def test_two_grids_of_one_run_are_refused(tmp_path: Path) -> None:
    drias(tmp_path, tas())
    place = regular(np.arange(44.0, 47.0), np.arange(1.0, 5.0), ("lat", "lon"))
    daily = Daily(values={"prtot": WEATHER["prtot"]}, dates=YEAR, names={"prtot": "prtotAdjust"})
    daily.write(tmp_path / drias_name("prtot", "20030101", "20031231"), ("lat", "lon"), place)
    plan = only([tmp_path])
    assert "several grids: lambert_8km, regular_3x4_" in plan.refusals[0]


# Refused: file, variable, reason


@pytest.mark.parametrize("unit", ["degF", "furlong", ""])
def test_an_unknown_unit(tmp_path: Path, unit: str) -> None:
    with pytest.raises(UserError, match=rf"tasAdjust_France.*, tasAdjust: unknown unit '{unit}' for tas"):
        only(drias(tmp_path, tas(units={"tas": unit})))


def test_a_missing_grid(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tasAdjust_France.*, tasAdjust: the grid is missing"):
        only(drias(tmp_path, tas(), place=lambda dataset: None))


def test_points_of_another_grid(tmp_path: Path) -> None:
    def shifted(dataset: netCDF4.Dataset) -> None:
        place_8km(coordinates=False)(dataset)
        dataset["lon"][:] = dataset["lon"][:] + 0.04

    with pytest.raises(UserError, match=r"tasAdjust: not a known grid: its points lie up to \d+ m"):
        only(drias(tmp_path, tas(), place=shifted))


def test_an_empty_time_axis(tmp_path: Path) -> None:
    daily = Daily(values={"tas": np.empty((0, *SHAPE))}, dates=[], names={"tas": "tasAdjust"}, calendar="standard")
    path = daily.write(tmp_path / drias_name("tas", "20030101", "20031231"), ("y", "x"), place_8km())
    with pytest.raises(UserError, match=r"tasAdjust_France.*, tasAdjust: the time axis is empty"):
        only([path])


@pytest.mark.parametrize("file_format", ["NETCDF4", "NETCDF3_CLASSIC"])
def test_a_truncated_file(tmp_path: Path, file_format: str) -> None:
    (path,) = drias(tmp_path, tas(format=file_format))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(UserError, match=r"tasAdjust_France.*truncated"):
        only([path])


def test_no_netcdf_at_all(tmp_path: Path) -> None:
    path = tmp_path / drias_name("tas", "20030101", "20031231")
    path.write_text("<html>404</html>")
    with pytest.raises(UserError, match=r"tasAdjust_France.*cannot be read as NetCDF"):
        only([path])


def test_days_that_repeat_or_go_back(tmp_path: Path) -> None:
    def twice(dataset: netCDF4.Dataset) -> None:
        dataset["time"][100] = dataset["time"][99]

    with pytest.raises(UserError, match="goes back or repeats a day at 2003-04-10"):
        only(drias(tmp_path, tas(finish=twice)))


@pytest.mark.parametrize(("step", "said"), [(30, "month"), (1 / 24, "hour"), (5, "5 days")])
def test_other_steps_are_not_daily(tmp_path: Path, step: float, said: str) -> None:
    def other(dataset: netCDF4.Dataset) -> None:
        dataset["time"][:] = 20000 + step * np.arange(len(YEAR))

    plan = only(drias(tmp_path, tas(finish=other)))
    assert f"not daily: one value per {said}" in plan.refusals[0]


def test_a_single_monthly_value_is_known_by_its_bounds(tmp_path: Path) -> None:
    def month(dataset: netCDF4.Dataset) -> None:
        dataset.createDimension("bnds", 2)
        dataset.createVariable("time_bnds", "f8", ("time", "bnds"))[:] = [[19358, 19389]]
        dataset["time"].bounds = "time_bnds"

    plan = only(drias(tmp_path, tas(values={"tas": WEATHER["tas"][:1]}, dates=YEAR[:1], finish=month)))
    assert "not daily: one value per month" in plan.refusals[0]


def test_months_as_time_unit(tmp_path: Path) -> None:
    def months(dataset: netCDF4.Dataset) -> None:
        dataset["time"].units = "months since 1950-01-01"

    with pytest.raises(UserError, match="not daily: time counted in 'months'"):
        only(drias(tmp_path, tas(finish=months)))


def test_a_name_that_contradicts_the_standard_name(tmp_path: Path) -> None:
    daily = tas(attributes={"tas": {"standard_name": "precipitation_flux"}})
    with pytest.raises(UserError, match=r"standard_name 'precipitation_flux' means prtot, the name means tas"):
        only(drias(tmp_path, daily))


def test_a_file_without_a_known_variable(tmp_path: Path) -> None:
    daily = tas(names={"tas": "psl"})
    with pytest.raises(UserError, match="no daily variable known here"):
        only([daily.write(tmp_path / "psl.nc", ("y", "x"), place_8km())])


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    drias(tmp_path / "a", tas(units={"tas": "degF"}))
    drias(tmp_path / "b", replace(tas(), values={"tasmin": WEATHER["tasmin"]}), place=lambda dataset: None)
    with pytest.raises(UserError) as refusal:
        only([tmp_path])
    assert "unknown unit" in str(refusal.value) and "the grid is missing" in str(refusal.value)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no NetCDF file"):
        netcdf.plan([tmp_path])
    with pytest.raises(UserError, match="no such file"):
        netcdf.plan([tmp_path / "missing.nc"])
