"""Every feature that xclim can express, beside xclim, on generated files and on the real SAFRAN file.

Both read the files on their own. Counts and dates must be equal, sums and means within 1e-5 relative. What xclim cannot
express, or expresses otherwise, is listed with the reason and tested against hand-worked values elsewhere.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import xarray as xr

from ingest import features, reduce
from ingest.readers import netcdf
from ingest.states import fire, grass, heat, humidity, snow, soil
from tests.daily_files import Daily, days_of, drias, weather
from tests.support import real_data

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # matplotlib is not installed
    import xclim
    import xclim.indices as xi
    from xclim.core.calendar import percentile_doy, select_time

Data = dict[str, xr.DataArray]
SHAPE = (2, 2)

# Features that xclim 0.62 does not express as they are defined here, and where they are tested instead.
ELSEWHERE = {
    "heating_dd18_costic": "COSTIC formula: tests/unit/test_series.py",
    "hwd_drias": "anomaly to the normal of the day: tests/unit/test_series.py",
    "cold_spell_days": "anomaly to the normal of the day: tests/unit/test_series.py",
    "hw_mf_days": "Météo-France heat waves: tests/unit/test_series.py",
    "hw_mf_n": "Météo-France heat waves: tests/unit/test_series.py",
    "hw_mf_max": "Météo-France heat waves: tests/unit/test_series.py",
    "hw_mf_sev": "Météo-France heat waves: tests/unit/test_series.py",
    "maize_tsum6": "clip of both extremes: tests/unit/test_series.py",
    "maize_tsum6_long": "clip of both extremes: tests/unit/test_series.py",
    "dry_soil_days": "a producer's wetness, else our reservoir's: tests/unit/test_series.py, test_states_soil.py",
    "dry_soil_days_jja": "a producer's wetness, else our reservoir's: tests/unit/test_series.py, test_states_soil.py",
    "p99_yr": "quantile of a year's days: tests/unit/test_reducers.py",
    "pr_above_q90": "all-day quantile: tests/unit/test_series.py",
    "snow_start": "xclim's seasons are the first run, not the longest: tests/integration/test_reduce.py",
    "snow_end": "xclim's seasons are the first run, not the longest: tests/integration/test_reduce.py",
    "snow_len": "xclim's seasons are the first run, not the longest: tests/integration/test_reduce.py",
    "swe_max_date": "xclim's date fails on calendars without leap days: tests/integration/test_reduce.py",
}
# On a calendar with leap days xclim stretches the percentiles of 365 days over 366; here they go by month and day.
# Equal on calendars without leap days; with them, the percentile itself is tested in tests/unit/test_series.py.
STRETCHED = {"tx90p", "wsdi"}
CALENDARS = ("standard", "noleap", "360_day")


def tmean(d: Data) -> xr.DataArray:
    return ((d["tasmin"] + d["tasmax"]) / 2).assign_attrs(units="K")


def latitude(d: Data) -> xr.DataArray:
    return d["tasmax"]["lat"].assign_attrs(units="degrees_north")


def between(da: xr.DataArray, start: str, end: str) -> xr.DataArray:
    return select_time(da, date_bounds=(start, end))


def months(da: xr.DataArray, *chosen: int) -> xr.DataArray:
    return da.where(da.time.dt.month.isin(chosen))


def seasonal(index: Callable[..., xr.DataArray], name: str, month: int) -> Callable[[Data], xr.DataArray]:
    def compute(d: Data) -> xr.DataArray:
        found = index(d[name], freq="QS-DEC")
        return found.sel(time=found.time.dt.month == month)

    return compute


def monthly(name: str, month: int) -> Callable[[Data], xr.DataArray]:
    def compute(d: Data) -> xr.DataArray:
        found = xi.prcptot(d[name], freq="MS")
        return found.sel(time=found.time.dt.month == month)

    return compute


def balance(*chosen: int) -> Callable[[Data], xr.DataArray]:
    def compute(d: Data) -> xr.DataArray:
        daily = xi.water_budget(d["prtot"], d["evspsblpot"])
        return months(daily, *chosen).resample(time="YS").sum()

    return compute


def gst(target: int) -> Callable[[Data], xr.DataArray]:
    def compute(d: Data) -> xr.DataArray:
        capped = tmean(d).clip(max=273.15 + 18).assign_attrs(units="K")
        return xi.degree_days_exceedance_date(capped, "0 degC", f"{target} K days", after_date="02-01")

    return compute


def daily_p90(d: Data) -> xr.DataArray:
    reference = d["tasmax"].sel(time=slice("1976", "2005"))
    return percentile_doy(reference, window=5, per=90).sel(percentiles=90)


def wet_percentile(d: Data, q: float) -> xr.DataArray:
    reference = d["prtot"].sel(time=slice("1976", "2005"))
    wet = reference.where(reference * 86400 >= 1)
    return wet.quantile(q, dim="time").assign_attrs(units="kg m-2 s-1").assign_coords(percentiles=100 * q)


def heavy(q: float) -> Callable[[Data], xr.DataArray]:
    """Rain above the wet-day percentile: xclim gives its share of the rain of wet days."""

    def compute(d: Data) -> xr.DataArray:
        share = xi.fraction_over_precip_thresh(d["prtot"], wet_percentile(d, q))
        return share * d["prtot"].where(d["prtot"] * 86400 >= 1).resample(time="YS").sum() * 86400

    return compute


def all_day_q99(d: Data) -> xr.DataArray:
    reference = d["prtot"].sel(time=slice("1976", "2005"))
    per = reference.quantile(0.99, dim="time").assign_attrs(units="kg m-2 s-1").assign_coords(percentiles=99)
    return xi.days_over_precip_thresh(d["prtot"], per, "0 mm/day")


ORACLE: dict[str, Callable[[Data], xr.DataArray]] = {
    "t_mean": lambda d: xi.tg_mean(d["tas"]),
    "t_mean_djf": seasonal(xi.tg_mean, "tas", 12),
    "t_mean_mam": seasonal(xi.tg_mean, "tas", 3),
    "t_mean_jja": seasonal(xi.tg_mean, "tas", 6),
    "t_mean_son": seasonal(xi.tg_mean, "tas", 9),
    "tx_mean": lambda d: xi.tx_mean(d["tasmax"]),
    "tx_mean_jja": seasonal(xi.tx_mean, "tasmax", 6),
    "tn_mean": lambda d: xi.tn_mean(d["tasmin"]),
    "dtr": lambda d: xi.daily_temperature_range(d["tasmin"], d["tasmax"]),
    "txx": lambda d: xi.tx_max(d["tasmax"]),
    "tnn": lambda d: xi.tn_min(d["tasmin"]),
    "su25": lambda d: xi.tx_days_above(d["tasmax"], "25 degC"),
    "tx30": lambda d: xi.tx_days_above(d["tasmax"], "30 degC", op=">="),
    "tx35": lambda d: xi.tx_days_above(d["tasmax"], "35 degC", op=">="),
    "tx35_gt": lambda d: xi.tx_days_above(d["tasmax"], "35 degC"),
    "tx40": lambda d: xi.tx_days_above(d["tasmax"], "40 degC", op=">="),
    "tr20": lambda d: xi.tn_days_above(d["tasmin"], "20 degC", op=">="),
    "tr20_gt": lambda d: xi.tn_days_above(d["tasmin"], "20 degC"),
    "fd": lambda d: xi.frost_days(d["tasmin"]),
    "fd_le": lambda d: xi.tn_days_below(d["tasmin"], "0 degC", op="<="),
    "id0": lambda d: xi.ice_days(d["tasmax"]),
    "id0_le": lambda d: xi.tx_days_below(d["tasmax"], "0 degC", op="<="),
    "cooling_dd18": lambda d: xi.cooling_degree_days(tmean(d), "18 degC"),
    "cooling_dd22": lambda d: xi.cooling_degree_days(tmean(d), "22 degC"),
    "heating_dd18": lambda d: xi.heating_degree_days(tmean(d), "18 degC"),
    "heating_dd18_oct_may": lambda d: xi.heating_degree_days(
        between(tmean(d), "10-01", "05-20"), "18 degC", freq="YS-OCT"
    ),
    "heating_dd17_oct_may": lambda d: xi.heating_degree_days(
        months(tmean(d), 10, 11, 12, 1, 2, 3, 4, 5), "17 degC", freq="YS-OCT"
    ),
    "tx90p": lambda d: xi.tx90p(d["tasmax"], daily_p90(d)),
    "wsdi": lambda d: xi.warm_spell_duration_index(d["tasmax"], daily_p90(d), window=6),
    "huglin": lambda d: xi.huglin_index(tmean(d), d["tasmax"], latitude(d), method="huglin"),
    "winkler": lambda d: xi.growing_degree_days(months(tmean(d), *range(4, 11)), "10 degC"),
    "gdd10_apr_sep": lambda d: xi.growing_degree_days(months(tmean(d), *range(4, 10)), "10 degC"),
    "cool_night": lambda d: xi.cool_night_index(d["tasmin"], lat="north"),
    **{f"gst_date_{target}": gst(target) for target in (200, 300, 500, 700, 1000, 1200)},
    "gst200_jan": lambda d: xi.degree_days_exceedance_date(d["tas"], "0 degC", "200 K days"),
    "tsum0_oct_jul": lambda d: xi.growing_degree_days(
        months(d["tas"], 10, 11, 12, *range(1, 8)), "0 degC", freq="YS-OCT"
    ),
    "gs_start5": lambda d: xi.growing_season_start(d["tas"], "5 degC", mid_date=None, window=6),
    "gs_end5": lambda d: xi.growing_season_end(d["tas"], "5 degC", mid_date="07-01", window=6, op=">="),
    "echaudage25": lambda d: xi.tx_days_above(months(d["tasmax"], 5, 6), "25 degC", op=">="),
    "echaudage25_long": lambda d: xi.tx_days_above(between(d["tasmax"], "04-15", "07-15"), "25 degC", op=">="),
    "su25_apr_jun": lambda d: xi.tx_days_above(months(d["tasmax"], 4, 5, 6), "25 degC"),
    "frost_apr_may": lambda d: xi.tn_days_below(months(d["tasmin"], 4, 5), "0 degC", op="<="),
    "frost2_apr_may": lambda d: xi.tn_days_below(months(d["tasmin"], 4, 5), "-2 degC", op="<="),
    "last_frost_doy": lambda d: xi.last_spring_frost(d["tasmin"], "0 degC", op="<=", before_date="07-01"),
    "first_frost_doy": lambda d: xi.first_day_temperature_below(
        d["tasmin"], "0 degC", op="<=", after_date="07-01", window=1
    ),
    "cwb_yr": balance(*range(1, 13)),
    "cwb_amj": balance(4, 5, 6),
    "cwb_jja": balance(6, 7, 8),
    "cwb_ags": balance(*range(4, 10)),
    "pet_yr": lambda d: xi.prcptot(d["evspsblpot"]),
    **{f"pet_m{month:02d}": monthly("evspsblpot", month) for month in range(1, 13)},
    "rr_yr": lambda d: xi.prcptot(d["prtot"]),
    "rr_djf": seasonal(xi.prcptot, "prtot", 12),
    "rr_mam": seasonal(xi.prcptot, "prtot", 3),
    "rr_jja": seasonal(xi.prcptot, "prtot", 6),
    "rr_son": seasonal(xi.prcptot, "prtot", 9),
    "p_apr_oct": lambda d: xi.prcptot(months(d["prtot"], *range(4, 11))),
    "wet_season": lambda d: xi.prcptot(months(d["prtot"], 10, 11, 12, 1, 2, 3), freq="YS-OCT"),
    **{f"rr_m{month:02d}": monthly("prtot", month) for month in range(1, 13)},
    "rr1_days": lambda d: xi.wetdays(d["prtot"], "1 mm/day"),
    "r20mm": lambda d: xi.wetdays(d["prtot"], "20 mm/day"),
    "rx1d": lambda d: xi.max_1day_precipitation_amount(d["prtot"]),
    "rx5d": lambda d: xi.max_n_day_precipitation_amount(d["prtot"], window=5),
    "cdd": lambda d: xi.maximum_consecutive_dry_days(d["prtot"], "1 mm/day"),
    "r95ptot": heavy(0.95),
    "r99ptot": heavy(0.99),
    "p99_ref_days": all_day_q99,
    "prsn_sum": lambda d: xi.prcptot(months(d["prsn"], 11, 12, 1, 2, 3, 4), freq="YS-AUG"),
    "scd5": lambda d: xi.snd_days_above(d["snd"], "5 cm", freq="YS-AUG", op=">"),
    "scd30": lambda d: xi.snd_days_above(d["snd"], "30 cm", freq="YS-AUG"),
    "scd50": lambda d: xi.snd_days_above(d["snd"], "50 cm", freq="YS-AUG"),
    "scd100": lambda d: xi.snd_days_above(d["snd"], "100 cm", freq="YS-AUG"),
    "swe_max": lambda d: xi.snw_max(d["swe"], freq="YS-AUG"),
    "sd_mean": lambda d: xi.snow_depth(months(d["snd"], 11, 12, 1, 2, 3, 4), freq="YS-AUG"),
    "scd30_ski_season": lambda d: xi.snd_days_above(between(d["snd"], "12-16", "04-15"), "30 cm", freq="YS-AUG"),
    "xmas_snow": lambda d: xi.snd_days_above(between(d["snd"], "12-20", "01-05"), "30 cm", freq="YS-AUG"),
    "feb_snow": lambda d: xi.snd_days_above(between(d["snd"], "02-08", "03-08"), "30 cm", freq="YS"),
}
TO_CELSIUS = {"t_mean", "t_mean_djf", "t_mean_mam", "t_mean_jja", "t_mean_son", "tx_mean", "tx_mean_jja", "tn_mean"}
TO_CELSIUS |= {"txx", "tnn", "cool_night"}


def by_year(values: xr.DataArray, feature: features.Feature) -> pd.Series:
    """xclim's annual values by (position of the cell, labelled year)."""
    window = features.catalogue().windows[feature.window]
    late = window.start_offset < 0 and not feature.id.endswith("frost_doy")
    years = values.time.dt.year.values + (1 if late else 0)
    if values.attrs.get("units") == "K" and feature.id in TO_CELSIUS:
        values = values - 273.15
    if values.attrs.get("units") == "kg m-2 s-1":
        values = values * 86400
    space = [dim for dim in values.dims if dim != "time"]
    flat = values.transpose(*space, "time").values.reshape(-1, len(years))
    index = pd.MultiIndex.from_product([range(len(flat)), years], names=["cell", "year"])
    return pd.Series(flat.astype(np.float64).ravel(), index=index)


def compare(feature: features.Feature, table: pd.DataFrame, data: Data) -> None:
    """This feature's column beside xclim's values, wherever this project gives a value."""
    counted = feature.unit in ("d", "doy", "dosy", "1")
    if not counted:  # xclim's float32 sums lose the fifth digit; its float32 thresholds are the file's
        data = {name: values.astype(np.float64) for name, values in data.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = by_year(ORACLE[feature.id](data), feature)
    cells = {cell: n for n, cell in enumerate(sorted(set(table.index.get_level_values("cell_id"))))}
    ours = table[feature.id].rename(index=cells, level="cell_id").rename_axis(["cell", "year"]).dropna()
    if feature.id == "last_frost_doy":
        ours = ours[ours >= 1]  # xclim's year begins in January: an earlier last frost it cannot see
    if feature.id == "first_frost_doy":
        ours = ours[ours <= 365]
    assert len(ours) > 0, "nothing to compare"
    both = pd.concat([ours, theirs.rename("xclim")], axis=1).loc[ours.index]
    tolerance = {"rtol": 0, "atol": 0} if counted else {"rtol": 1e-5, "atol": 1e-4}
    np.testing.assert_allclose(both[feature.id], both["xclim"], **tolerance, err_msg=feature.id)
    years = table.index.get_level_values("year").nunique()
    if not feature.is_date:
        assert len(ours) >= (years - 1) * len(cells)  # at most the first or the last year is void


def test_every_feature_is_beside_xclim_or_tested_elsewhere() -> None:
    """What reads a state is compared where the state is: tests/oracle/test_states_xclim.py and test_states_*.py."""
    known = {feature.id for feature in features.catalogue().features if not of_a_state(feature)}
    assert known == set(ORACLE) | set(ELSEWHERE)
    assert not set(ORACLE) & set(ELSEWHERE)


STATES = {*humidity.HEAT_HUMIDITY_OUTPUTS, *humidity.UTCI_SHADE_OUTPUTS, *humidity.COMFORT_OUTPUTS}
STATES |= {*heat.CANICULE_OUTPUTS, *fire.FIRE_OUTPUTS, *soil.SWI_OUTPUTS, *grass.GRASS_OUTPUTS}
STATES |= {*snow.SNOWMAKING_OUTPUTS}


def of_a_state(feature: features.Feature) -> bool:
    return feature.is_seasonal or feature.of in STATES


def run(folder: Path, root: Path) -> pd.DataFrame:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIMART_DATA", str(root))
        (plan,) = netcdf.plan([folder])
        report = reduce.reduce_simulation(plan, workers=1)
    return pq.read_table(report.path).to_pandas().set_index(["cell_id", "year"])


def generated(folder: Path, calendar: str) -> tuple[pd.DataFrame, Data]:
    end = (2007, 12, 30 if calendar == "360_day" else 31)
    dates = days_of(calendar, (1976, 1, 1), end)
    files = drias(folder / "in", Daily(values=weather(dates, SHAPE, seed=11), dates=dates))
    data = {}
    for path in files:
        with xr.open_dataset(path) as dataset:
            name = path.name.split("Adjust")[0]
            data[name] = dataset.set_coords("lat")[f"{name}Adjust"].load()
    return run(folder / "in", folder / "data"), data


Case = Callable[[str], tuple[pd.DataFrame, Data]]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The table of a calendar's files and the files' data, made once."""
    xclim.set_options(data_validation="log", cf_compliance="log")
    return cache(lambda calendar: generated(tmp_path_factory.mktemp(calendar), calendar))


@pytest.mark.parametrize(
    ("calendar", "name"),
    [(c, name) for c in CALENDARS for name in sorted(ORACLE) if c != "standard" or name not in STRETCHED],
)
def test_generated_files(calendar: str, name: str, case: Case) -> None:
    table, data = case(calendar)
    compare(features.catalogue()[name], table, data)


@pytest.mark.parametrize("calendar", CALENDARS)
def test_growing_season_length_from_its_two_dates(calendar: str, case: Case) -> None:
    """gsl5 is for SQL to take: the end, or the day after the year, minus the start."""
    table, data = case(calendar)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = xi.growing_season_length(data["tas"], "5 degC", window=6, mid_date="07-01")
    end = table["gs_end5"].fillna(table["n_days"] + 1)
    ours = (end - table["gs_start5"]).to_numpy().reshape(4, -1)
    np.testing.assert_array_equal(ours, theirs.transpose("y", "x", "time").values.reshape(4, -1))


def test_known_faults_of_xclim_are_still_there() -> None:
    """Design §8. If one of these fails, xclim was mended: compare the feature without the detour."""
    time = xr.date_range("2001-01-01", periods=365, freq="D")
    constant = partial(xr.DataArray, coords={"time": time}, dims="time", attrs={"units": "degC"})
    lat = xr.DataArray(50.6, attrs={"units": "degrees_north"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        huglin = xi.huglin_index(constant(np.full(365, 20.0)), constant(np.full(365, 26.0)), lat, method="huglin")
        default = xi.heating_degree_days(constant(np.full(365, 17.5)))
    assert float(huglin[0]) == pytest.approx(2 * 2379, rel=1e-6)  # not 1.06 × 2379
    assert float(default[0]) == 0  # base 17, not 18


@pytest.mark.real_data
def test_real_safran(tmp_path: Path) -> None:
    path = real_data() / "netcdf" / "safran_paca_108cells_daily_2011-2021.nc"
    table = run(path, tmp_path)
    with xr.open_dataset(path) as dataset:
        points = dataset.load().sortby("drias_point")
    data = {"tasmax": points["tasmax"], "prtot": points["pr"]}
    names = [
        feature.id
        for feature in features.catalogue().features
        if feature.id in ORACLE and table[feature.id].notna().any()
    ]
    assert len(names) >= 30
    for name in names:
        compare(features.catalogue()[name], table, data)
