"""The sample's daily NetCDF: the layout of real files, physics on every value, calibration, same bytes twice.

Everything is read back from the written files, with netCDF4 alone, and compared with figures and formulas written here
again: FAO-56 (Allen et al., 1998) for radiation and evapotranspiration, the vapour pressure of the specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import pytest

from climart import paths
from ingest import grid, registry
from ingest.sample import daily, geography, weather

Values = npt.NDArray[np.float32]

NAME = re.compile(
    r"(?P<variable>[A-Za-z]+Adjust)_(?P<domain>France|FR-Metro)_(?P<gcm>[^_]+)_(?P<scenario>historical|rcp85|ssp370)"
    r"_(?P<member>r\d+i\d+p\d+(f\d+)?)_(?P<rcm>.+)_(?P<version>v1(-r1)?)_CLIMART-SIMULATED-TRACC2023-1976-2005"
    r"_day_(?P<start>\d{8})-(?P<end>\d{8})(_(?P<suffix>Hg0175))?\.nc"
)
UNITS = {
    "tas": "K",
    "tasmin": "K",
    "tasmax": "K",
    "prtot": "kg m-2 s-1",
    "prsn": "kg m-2 s-1",
    "huss": "kg kg-1",
    "rsds": "W m-2",
    "sfcWind": "m s-1",
    "evspsblpot": "kg m-2 s-1",
}
DAYS = {  # counted by hand: 365 × years + leap days
    ("France", "historical", "20051231"): 365 * 30 + 8,
    ("France", "rcp85", "21001231"): 365 * 95 + 23,
    ("France", "rcp85", "20991130"): 365 * 94 + 23 - 31,
    ("FR-Metro", "historical", "20141231"): 365 * 39 + 10,
    ("FR-Metro", "ssp370", "21001231"): 365 * 86 + 21,
}
RUNS = ["CLIMART-JOUR1", "CLIMART-JOUR2", "CLIMART-JOUR3", "CLIMART_RACMO23E"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return daily.generate_daily(tmp_path_factory.mktemp("daily"))


@pytest.fixture(scope="module")
def cells() -> pd.DataFrame:
    """The sampled cells, from the embedded table; tile: position of the 4 × 4 tile."""
    table = pd.read_csv(paths.REFERENCE / "sample" / "daily_cells.csv", dtype={"departement": str})
    longitude, latitude = grid.longitudes_latitudes(table["cell_id"].to_numpy())
    return table.assign(latitude=latitude, longitude=longitude, tile=np.arange(len(table)) // 16)


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest, files: list[Path], cells: pd.DataFrame) -> Iterator[Simulated]:
    yield Simulated.read(files, request.param, cells)


class Simulated:
    """One run as stored: days, sampled cells, values (day, cell) of both periods together."""

    def __init__(
        self, rcm: str, days: npt.NDArray[np.datetime64], cells: pd.DataFrame, values: dict[str, Values]
    ) -> None:
        self.rcm, self.days, self.cells, self.values = rcm, days, cells, values
        self.year = days.astype("datetime64[Y]").astype(int) + 1970
        self.month = days.astype("datetime64[M]").astype(int) % 12 + 1
        self.day_of_year = (days - days.astype("datetime64[Y]")).astype(int) + 1
        self.is_reference = (self.year >= 1976) & (self.year <= 2005)

    @classmethod
    def read(cls, files: list[Path], rcm: str, cells: pd.DataFrame) -> Simulated:
        days: npt.NDArray[np.datetime64] = np.empty(0, dtype="datetime64[D]")
        values: dict[str, Values] = {}
        mine = [path for path in files if f"_{rcm}_" in path.name]
        assert len(mine) == 18
        for name in UNITS:
            parts, axes = [], []
            for path in sorted((p for p in mine if variable_of(p) == name), key=lambda p: "_historical_" not in p.name):
                with netCDF4.Dataset(path) as dataset:
                    stored = dataset.variables[path.name.split("_")[0]]
                    stored.set_auto_mask(False)
                    first = np.ma.getdata(stored[0]).ravel()
                    kept = cells[first[cells["cell_id"]] < 1e19].reset_index(drop=True)
                    tiles = []
                    for cell_id in kept["cell_id"].iloc[::16]:
                        row, col = divmod(int(cell_id), 143)
                        tiles.append(stored[:, row : row + 4, col : col + 4].reshape(-1, 16))
                    parts.append(np.concatenate(tiles, axis=1))
                    time = np.floor(np.ma.getdata(dataset.variables["time"][:])).astype(int)
                    axes.append(np.datetime64("1950-01-01") + time)
            values[name] = np.concatenate(parts)
            found = np.concatenate(axes)
            assert days.size in (0, found.size)
            assert days.size == 0 or (days == found).all()
            days = found
        return cls(rcm, days, kept, values)

    def altitude(self) -> Values:
        return self.cells["altitude_m"].to_numpy(dtype=np.float32)

    def celsius(self, name: str) -> Values:
        return self.values[name] - np.float32(273.15)

    def radiation(self) -> npt.NDArray[np.float64]:
        """Extraterrestrial radiation (day, cell), MJ m-2: FAO-56, equations 21, 23, 24, 25."""
        day = np.arange(1, 367)[:, None]
        phi = np.radians(self.cells["latitude"].to_numpy())
        delta = 0.409 * np.sin(2 * np.pi / 365 * day - 1.39)
        omega = np.arccos(-np.tan(phi) * np.tan(delta))
        sun = omega * np.sin(phi) * np.sin(delta) + np.cos(phi) * np.cos(delta) * np.sin(omega)
        ra = 24 * 60 / np.pi * 0.082 * (1 + 0.033 * np.cos(2 * np.pi / 365 * day)) * sun
        return np.asarray(ra[self.day_of_year - 1])


def variable_of(path: Path) -> str:
    stored = path.name.split("_")[0].removesuffix("Adjust")
    return "prtot" if stored == "pr" else stored


# Layout


def test_counts_names_and_days(files: list[Path]) -> None:
    assert len(files) == len(set(files)) == 4 * 9 * 2
    parsed = {path: NAME.fullmatch(path.name) for path in files}
    seen = set()
    for path, parts in parsed.items():
        assert parts, path.name
        assert (parts["suffix"] == "Hg0175") == (variable_of(path) == "evspsblpot")
        stored = {"France": "prtotAdjust", "FR-Metro": "prAdjust"}[parts["domain"]]
        assert parts["variable"] == (stored if variable_of(path) == "prtot" else f"{variable_of(path)}Adjust")
        with netCDF4.Dataset(path) as dataset:
            assert len(dataset.dimensions["time"]) == DAYS[parts["domain"], parts["scenario"], parts["end"]]
        seen.add((parts["rcm"], parts["scenario"], variable_of(path)))
    expected = {(rcm, "rcp85" if "JOUR" in rcm else "ssp370") for rcm in RUNS} | {(rcm, "historical") for rcm in RUNS}
    assert seen == {(*run, name) for run in expected for name in UNITS}


def test_layout_of_every_file(files: list[Path]) -> None:
    to_lambert = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:27572", always_xy=True)
    for path in files:
        is_socle = "_FR-Metro_" in path.name
        start, end = re.findall(r"_(\d{8})-(\d{8})", path.name)[0]
        with netCDF4.Dataset(path) as dataset:
            dimensions = {name: len(d) for name, d in dataset.dimensions.items() if name != "time"}
            assert dimensions == {"y": 134, "x": 143} | ({"bnds": 2} if is_socle else {})
            assert dataset.dimensions["time"].isunlimited()
            time = dataset.variables["time"]
            assert (time.units, time.calendar) == ("days since 1950-01-01 00:00:00", "standard")
            assert (np.diff(time[:]) == 1).all()
            stamps = netCDF4.num2date(time[[0, -1]], time.units, time.calendar)
            # SOCLE's names start their history a year before the data; the stamps are at noon
            first = "19760101" if is_socle and start == "19750101" else start
            assert [s.strftime("%Y%m%d") for s in stamps] == [first, end]
            assert {s.hour for s in stamps} == ({12} if is_socle else {0})
            if is_socle:
                bounds = dataset.variables[time.bounds]
                assert bounds.dimensions == ("time", "bnds")
                assert (bounds[:] == np.stack([time[:] - 0.5, time[:] + 0.5], axis=1)).all()

            stored = dataset.variables[path.name.split("_")[0]]
            assert stored.dtype == np.float32
            assert stored.dimensions == ("time", "y", "x")
            assert stored.units == UNITS[variable_of(path)]
            assert stored._FillValue == stored.missing_value == np.float32(1e20)
            assert stored.chunking() == [365, 4, 4]
            assert stored.filters()["zlib"]
            methods = {"tasmin": "time: minimum", "tasmax": "time: maximum"}
            assert stored.cell_methods == ("time: mean" if is_socle else methods.get(variable_of(path), "time: mean"))

            latitude, longitude = dataset.variables["lat"], dataset.variables["lon"]
            assert latitude.dimensions == longitude.dimensions == ("y", "x")
            assert (latitude.units, longitude.units) == ("degrees_north", "degrees_east")
            x, y = to_lambert.transform(longitude[:].astype(float), latitude[:].astype(float))
            nodes_x, nodes_y = np.meshgrid(dataset.variables["x"][:], dataset.variables["y"][:])
            assert np.hypot(x - nodes_x, y - nodes_y).max() < 12  # 4 decimals of a degree
            assert (nodes_x[0, 0], nodes_y[0, 0], nodes_x[-1, -1], nodes_y[-1, -1]) == (60e3, 1617e3, 1196e3, 2681e3)
            mapping = dataset.variables[stored.grid_mapping]
            # the trap of real files: gons, not degrees
            assert (mapping.grid_mapping_name, mapping.latitude_of_origin) == ("lambert_conformal_conic_1SP", 52.0)

            assert dataset.title.startswith("Valeurs simulées")
            assert dataset.institution == "Climart (valeurs simulées)"
            assert dataset.comment.startswith("Valeurs simulées pour démonstration")
            assert "SAFRAN" not in "".join(str(dataset.getncattr(a)) for a in dataset.ncattrs())
            assert ("365_day" in getattr(dataset, "summary", "")) == is_socle


def test_only_the_sampled_cells_hold_values(files: list[Path], cells: pd.DataFrame) -> None:
    for path in files:
        wanted = cells
        if "_FR-Metro_" in path.name:
            wanted = cells[cells["zone"].isin(["savoie", "bordelais"])].groupby("zone").head(16)
        with netCDF4.Dataset(path) as dataset:
            stored = dataset.variables[path.name.split("_")[0]]
            stored.set_auto_mask(False)
            for step in (0, -1):
                held = np.flatnonzero(stored[step].ravel() != np.float32(1e20))
                assert sorted(held) == sorted(wanted["cell_id"]), path.name
    assert len(cells) == 128


# Every value


def test_every_value_is_present_and_within_bounds(run: Simulated) -> None:
    bounds = {  # the hard bounds of the specification, in file units
        "tasmin": (213.15, 318.15),
        "tas": (218.15, 323.15),
        "tasmax": (223.15, 333.15),
        "prtot": (0, 600 / 86400),
        "prsn": (0, 200 / 86400),
        "huss": (0, 0.025),
        "rsds": (0, 500),
        "sfcWind": (0, 30),
        "evspsblpot": (0, 12 / 86400),
    }
    for name, (low, high) in bounds.items():
        values = run.values[name]
        assert values.shape == (len(run.days), len(run.cells))
        assert np.isfinite(values).all()
        assert low <= values.min() <= values.max() <= high, name
        assert values.std() > 0


def test_temperatures_and_snow_are_consistent(run: Simulated) -> None:
    v = run.values
    assert (v["tasmin"] < v["tas"]).all()
    assert (v["tas"] < v["tasmax"]).all()
    assert (v["prsn"] <= v["prtot"]).all()
    cold, warm = run.celsius("tas") <= -1, run.celsius("tas") >= 3
    assert cold.any()
    assert (v["prsn"][cold] == v["prtot"][cold]).all()
    assert (v["prsn"][warm] == 0).all()
    between = ~cold & ~warm & (v["prtot"] > 2 / 86400)
    share = v["prsn"][between] / v["prtot"][between]
    # a straight line between, within the step of 2^-20 kg m-2 s-1 over at least 2 mm
    assert np.abs(share - (3 - run.celsius("tas")[between]) / 4).max() < 2.0**-20 / (2 / 86400)


def test_humidity_is_below_saturation(run: Simulated) -> None:
    pressure = 1013 * ((293 - 0.0065 * run.altitude()) / 293) ** 5.26
    q = run.values["huss"].astype(np.float64)
    vapour = q * pressure / (0.622 + 0.378 * q)
    celsius = run.celsius("tas").astype(np.float64)
    humidity = 100 * vapour / (6.112 * np.exp(17.62 * celsius / (243.12 + celsius)))
    assert humidity.max() < 100
    assert 65 < humidity.mean() < 85


def test_radiation_is_below_clear_sky_and_low_on_wet_days(run: Simulated) -> None:
    clear = (0.75 + 2e-5 * run.altitude()) * run.radiation() / 0.0864  # FAO-56, equation 37
    share = run.values["rsds"] / clear
    assert share.max() < 1
    is_wet = run.values["prtot"] >= 1 / 86400
    assert share[is_wet].mean() < 0.6 * share[~is_wet].mean()


def test_evapotranspiration_is_hargreaves_0175(run: Simulated) -> None:
    tas, spread = run.celsius("tas"), run.values["tasmax"] - run.values["tasmin"]
    wanted = 0.0023625 * np.maximum(tas + 17.8, 0) * np.sqrt(spread) * 0.408 * run.radiation() / 86400
    assert np.abs(run.values["evspsblpot"] - wanted).max() < 2.0**-21 * 1.001


# Climate


def test_reference_means_are_those_of_the_departements(run: Simulated) -> None:
    """Mean over a zone's cells of the run and 1976–2005, beside the real ensemble's median for its département."""
    table = pd.read_csv(paths.REFERENCE / "tracc_departement.csv", dtype={"departement": str})
    figures = table[table["context_id"] == "ref"].set_index(["indicator_id", "departement"])["q50"]
    zones = list(run.cells.groupby("zone"))
    assert len(zones) in (7, 2)
    for zone, rows in zones:
        departement = rows["departement"].unique().item()
        at = np.ix_(run.is_reference, rows.index)
        t_mean = run.values["tas"][at].mean(dtype=np.float64) - 273.15
        rr_yr = run.values["prtot"][at].mean(dtype=np.float64) * 86400 * 365.25
        assert t_mean == pytest.approx(figures["t_mean", departement], abs=0.5), zone
        assert rr_yr == pytest.approx(figures["rr_yr", departement], rel=0.10), zone


def test_warming_reaches_the_levels_when_and_where_it_should(run: Simulated) -> None:
    """20-year windows [n-9, n+10] around the stated years, beside the départements' medians at these levels."""
    warming = next(r.warming for r in daily.RUNS if r.rcm == run.rcm)
    for level, year in ((1.4, warming.year_20), (2.1, warming.year_27), (3.4, warming.year_40)):
        assert abs(pivot(run, level) - year) <= 5
    table = pd.read_csv(paths.REFERENCE / "tracc_departement.csv", dtype={"departement": str})
    figures = table[table["indicator_id"] == "t_mean"].set_index(["context_id", "departement"])["q50"]
    for context, year in (("rwl20", warming.year_20), ("rwl27", warming.year_27), ("rwl40", warming.year_40)):
        window = (run.year >= year - 9) & (run.year <= year + 10)
        for zone, rows in run.cells.groupby("zone"):
            departement = rows["departement"].unique().item()
            tas = run.values["tas"][:, rows.index].mean(axis=1, dtype=np.float64)
            found = tas[window].mean() - tas[run.is_reference].mean()
            wanted = figures[context, departement] - figures["ref", departement]
            assert found == pytest.approx(wanted, abs=0.5), (zone, context)


def pivot(run: Simulated, level: float) -> int:
    """First year n whose mean over n-9 … n+10 is ``level`` above 1976–2005, over all the run's cells."""
    annual = pd.Series(run.values["tas"].mean(axis=1, dtype=np.float64)).groupby(run.year).mean()
    means = annual.rolling(20).mean().dropna()  # labelled by n + 10
    return int(means.index[means - annual.loc[1976:2005].mean() >= level][0]) - 10


def test_weather_has_seasons_spells_and_relief(run: Simulated) -> None:
    tas = run.celsius("tas")
    july, january = run.month == 7, run.month == 1
    assert ((tas[july].mean(axis=0) - tas[january].mean(axis=0)) > 8).all()
    # one day is like the next: lag-1 correlation of the anomaly from the month's mean
    reference = tas[run.is_reference]
    key = run.year[run.is_reference] * 12 + run.month[run.is_reference]
    anomaly = reference - pd.DataFrame(reference).groupby(key).transform("mean").to_numpy()
    lag = (anomaly[1:] * anomaly[:-1]).mean(axis=0) / (anomaly**2).mean(axis=0)
    assert ((lag > 0.6) & (lag < 0.9)).all()
    # a wet day is more likely after a wet day
    is_wet = run.values["prtot"] >= 1 / 86400
    after_wet = (is_wet[1:] & is_wet[:-1]).sum(axis=0) / is_wet[:-1].sum(axis=0)
    assert (after_wet > is_wet.mean(axis=0) + 0.1).all()
    assert ((is_wet.mean(axis=0) > 0.1) & (is_wet.mean(axis=0) < 0.5)).all()
    for _, rows in run.cells.groupby("zone"):
        mean, altitude = tas[:, rows.index].mean(axis=0, dtype=np.float64), rows["altitude_m"]
        if np.ptp(altitude) > 300:
            assert np.polyfit(altitude, mean, 1)[0] == pytest.approx(-0.006, abs=0.0002)


# The rest


def test_cells_are_whole_tiles_in_their_departement(cells: pd.DataFrame) -> None:
    outlines = geography.outlines()
    shares = geography.cell_shares(outlines)
    known = grid.cells()
    position = pd.Series(np.arange(len(known)), index=known["cell_id"])
    owner = np.array(outlines.index)[shares[:, position[cells["cell_id"]]].argmax(axis=0)]
    assert (owner == cells["departement"]).all()
    assert not known.set_index("cell_id").loc[cells["cell_id"], "is_extrapolated"].any()
    assert cells["cell_id"].is_unique
    assert cells["altitude_m"].between(0, 3000).all()
    assert len(daily.tiles(cells)) == 8
    with pytest.raises(ValueError, match=r"daily_cells\.csv, cell 7837: not the start of a tile"):
        daily.tiles(cells.iloc[1:17].assign(cell_id=cells["cell_id"].iloc[1:17] - cells["cell_id"].iloc[1] + 7837))


def test_same_bytes_twice(tmp_path: Path) -> None:
    short = tuple(replace(daily.RUNS[n], end=np.datetime64("2016-12-31"), zones=("savoie",)) for n in (0, 3))
    steps: list[str] = []
    first = daily.generate_daily(tmp_path / "a", steps.append, short)
    second = daily.generate_daily(tmp_path / "b", runs=short)
    assert [step[:16] for step in steps] == ["daily run 1 of 2", "daily run 2 of 2"]
    assert len(first) == len(second) == 36
    assert sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file()) == sorted(first)
    for one, other in zip(first, second, strict=True):
        assert one.relative_to(tmp_path / "a") == other.relative_to(tmp_path / "b")
        assert one.read_bytes() == other.read_bytes(), one.name
    assert len({path.read_bytes() for path in first}) == 36


def test_registered_as_synthetic() -> None:
    for name in ("sample_daily_drias", "sample_daily_socle"):
        assert registry.sources()[name].validation_status == "synthetic"


def test_warming_by_hand() -> None:
    warming = weather.Warming(2030, 2050, 2080)
    years = np.array([1981, 1991, 2030, 2040, 2050, 2080, 2100], dtype=float)
    # ten years before 1991 at 0.025; half-way from 1.4 to 2.1; 20 years beyond 2080 at 1.3 °C in 30 years
    assert warming.at(years) == pytest.approx([-0.25, 0, 1.4, 1.75, 2.1, 3.4, 3.4 + 1.3 * 20 / 30])


def test_formulas_by_hand() -> None:
    # FAO-56, example 8: 3 September at 20° S, 32.2 MJ m-2
    assert weather.extraterrestrial_radiation(np.array([-20.0]))[245, 0] == pytest.approx(32.2, abs=0.05)
    # 20 °C, 16 °C between night and day, 40 MJ: 0.0135 · 0.175 · 0.408 · 40 · 37.8 · 4 = 5.83 mm
    kelvins = (np.array([k], dtype=np.float32) for k in (285.15, 293.15, 301.15))
    assert weather.hargreaves(*kelvins, np.array([40], dtype=np.float32))[0] == pytest.approx(5.83, abs=0.005)
    # the specification's 12.969 hPa of vapour, so a dew point of 10.83 °C, at sea level: 8 g per kg
    sea = np.zeros(1, dtype=np.float32)
    assert weather.saturation(np.array([10.83], dtype=np.float32), sea)[0] == pytest.approx(0.008, abs=1e-5)
    # the median of a gamma of shape 0.8 and mean 1 is 0.627; the mean over its quantiles is 1
    assert weather.gamma_amounts(np.zeros(1, dtype=np.float32))[0] == pytest.approx(0.627, abs=0.002)
    normal = np.random.default_rng(0).standard_normal(400_000, dtype=np.float32)
    assert weather.gamma_amounts(normal).mean() == pytest.approx(1, abs=0.01)
    assert weather.rounded(np.array([0.3, 0.4], dtype=np.float32), 0.25).tolist() == [0.25, 0.5]
    assert weather.rounded_down(np.array([0.3, 0.49], dtype=np.float32), 0.25).tolist() == [0.25, 0.25]
    # 0.5 from one day to the next: correlations of 0.5, variance of 1
    series = weather.autoregressive(np.random.default_rng(1).standard_normal(100_000), 0.5)
    assert (series.var(), (series[1:] * series[:-1]).mean()) == pytest.approx((1, 0.5), abs=0.02)
