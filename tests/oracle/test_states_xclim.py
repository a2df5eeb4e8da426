"""xclim as a second opinion on the states that it can express; its known faults are differences here."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import xarray as xr

from ingest.states import chill, days, drought, evapotranspiration, humidity, snow, vine
from tests.seasons import Years, temperate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import lmoments3.distr
    from xclim import indices
    from xclim.indices.helpers import make_hourly_temperature
    from xclim.indices.stats import standardized_index

pytestmark = pytest.mark.filterwarnings("ignore")
YEARS = Years(2001, 2003)
LATITUDE = xr.DataArray(45.0, attrs={"units": "degrees_north"})


def series(values: np.ndarray, name: str, units: str, standard_name: str = "", times: Any = None) -> xr.DataArray:
    """One cell's days as xclim reads them."""
    times = YEARS.dates if times is None else times
    attrs = {"units": units} | ({"standard_name": standard_name} if standard_name else {})
    coords = {"time": times, "lat": LATITUDE}
    return xr.DataArray(values.astype(np.float64), dims="time", coords=coords, name=name, attrs=attrs)


def test_utci_of_a_grid_of_weather() -> None:
    """The whole polynomial with the radiant temperature of the air: every term that is left, within 1e-5."""
    t, wind, rh = (
        a.ravel() for a in np.meshgrid(np.linspace(-30, 45, 16), np.linspace(0.2, 16.9, 9), np.linspace(5, 100, 7))
    )
    tas, hurs = series(t, "tas", "degC", times=range(t.size)), series(rh, "hurs", "%", times=range(t.size))
    expected = indices.universal_thermal_climate_index(
        tas=tas, hurs=hurs, sfcWind=series(wind, "sfcWind", "m s-1", times=range(t.size)), mrt=tas, wind_cap_min=True
    )
    e = indices.saturation_vapor_pressure(tas, method="its90").values / 1000 * rh / 100
    found = [humidity.utci_shade(*map(float, day)) for day in zip(t, wind, e, strict=True)]
    assert found == pytest.approx(expected.values, rel=1e-5, abs=1e-6)


def test_humidex_from_dew_point() -> None:
    dew = np.linspace(-5, 28, 12)
    tas = series(dew + 8, "tas", "degC", times=range(12))
    expected = indices.humidex(tas=tas, tdps=series(dew, "tdps", "degC", times=range(12))).values
    e = 6.112 * np.exp(5417.753 * (1 / 273.16 - 1 / (dew + 273.15)))
    assert [humidity.humidex(float(t), float(v)) for t, v in zip(dew + 8, e, strict=True)] == pytest.approx(
        expected, rel=1e-5
    )


def test_chill_portions_of_noleap_years() -> None:
    """Within 1e-5. In leap years xclim's sun is up to a day late (its year has 366 parts): within 1e-3."""
    tn, tx = (block[:, : 3 * 365] for block in temperate(YEARS, 1, seed=3))
    times = xr.date_range("2001-01-01", "2003-12-31", calendar="noleap", use_cftime=True)
    hourly = make_hourly_temperature(
        series(tn[0], "tasmin", "degC", times=times), series(tx[0], "tasmax", "degC", times=times)
    )
    expected = indices.chill_portions(hourly, date_bounds=("11-01", "02-28"), freq="YS-JUL").values
    windows = np.array([[-1, -1], [304, 424], [669, 789]], dtype=np.int32)
    out = np.empty((1, 3, 1), dtype=np.float32)
    of_year = (np.arange(3 * 365) % 365 + 1).astype(np.int32)
    chill.chill_portions(tn, tx, np.array([45.0]), of_year, windows, out)
    assert out[0, 1:, 0] == pytest.approx(expected[1:3], rel=1e-5)


def test_huglin_below_50_degrees_and_its_fault_above() -> None:
    tn, tx = temperate(YEARS, 1, seed=4)
    windows = YEARS.window((4, 1, 0), (9, 30, 0))
    days_of = [series(tn[0], "tasmin", "degC"), series(tx[0], "tasmax", "degC")]
    mean = series((tn[0].astype(np.float64) + tx[0]) / 2, "tas", "degC")
    daily = np.empty((1, *tn.shape), dtype=np.float32)
    for latitude, same in ((41.0, True), (45.0, True), (49.9, True), (50.6, False)):
        where = xr.DataArray(latitude, attrs={"units": "degrees_north"})
        expected = indices.huglin_index(
            tas=mean, tasmax=days_of[1], lat=where, method="huglin", start_date="04-01", end_date="10-01"
        ).values
        days.huglin_day(tn, tx, np.array([vine.huglin_coefficient(latitude)]), daily)
        positive = daily[0, 0].astype(np.float64).clip(0)
        found = np.array([positive[start:stop].sum() for start, stop in windows])
        if same:
            assert found == pytest.approx(expected, rel=1e-5)
        else:  # xclim's k is 2 beyond 50° N
            assert expected == pytest.approx(found * 2 / 1.06, rel=1e-5)


def test_dryness_is_xclims_where_the_reserve_is_never_full() -> None:
    """A dry season is equal; a wet one is capped here and not there."""
    rng = np.random.default_rng(2)
    for rain_of_day, capped in ((0.8, False), (6.0, True)):
        rain = (rng.gamma(0.5, 2, (1, len(YEARS))) * rain_of_day).astype(np.float32)
        demand = rng.uniform(3, 6, (1, len(YEARS))).astype(np.float32)
        expected = indices.dryness_index(
            pr=series(rain[0] / 86400, "pr", "kg m-2 s-1", "precipitation_flux"),
            evspsblpot=series(demand[0] / 86400, "evspsblpot", "kg m-2 s-1", "water_potential_evapotranspiration_flux"),
            lat=LATITUDE,
        ).values
        found = np.empty((1, 3), dtype=np.float32)
        vine.dryness_index(rain, demand, YEARS.marks(vine.DRYNESS_MARKS), found)
        if capped:
            assert (found[0] <= 200).all() and (expected > 200).all()
        else:
            assert found[0] == pytest.approx(expected, rel=1e-5)


def test_flowering_is_a_degree_day_exceedance() -> None:
    tn, tx = temperate(YEARS, 1, seed=6)
    mean = series((tn[0].astype(np.float64) + tx[0]) / 2, "tas", "degC")
    expected = indices.degree_days_exceedance_date(
        mean, thresh="0 degC", sum_thresh="1217 degC days", after_date="03-01", op=">"
    ).values
    out = np.empty((1, 3, 1, len(vine.VINE_COLUMNS)), dtype=np.float32)
    vine.vine_seasons(tn, tx, YEARS.marks(vine.VINE_MARKS), vine.profile_rows(("early",)), out)
    column = vine.VINE_COLUMNS.index("flowering_doy")
    assert out[0, 1:, 0, column] == pytest.approx(expected[1:])


def test_hargreaves_but_for_the_sun() -> None:
    """xclim's radiation above the air comes from another solar position: within 1 % of the year's sum."""
    tn, tx = temperate(YEARS, 1, seed=7)
    expected = indices.potential_evapotranspiration(
        tasmin=series(tn[0], "tasmin", "degC"), tasmax=series(tx[0], "tasmax", "degC"), lat=LATITUDE, method="HG85"
    ).values
    found = np.empty((1, 1, len(YEARS)), dtype=np.float32)
    evapotranspiration.hargreaves_days(tn, tx, np.array([45.0]), YEARS.of_year, 0.0023, found)
    assert found.sum() == pytest.approx(expected.sum() * 86400, rel=1e-2)


def monthly_series(values: np.ndarray, first: str) -> xr.DataArray:
    times = xr.date_range(first, periods=values.size, freq="MS")
    return xr.DataArray(values, dims="time", coords={"time": times}, attrs={"units": "mm/month"})


@pytest.mark.parametrize("months", [1, 3, 12])
@pytest.mark.parametrize("dry", [0.0, 0.25])
def test_spi_with_l_moments(months: int, dry: float) -> None:
    """Gamma by L-moments, months without rain apart, within 1e-6."""
    rng = np.random.default_rng(months)
    rain = np.where(rng.random(60 * 12) < dry, 0.0, rng.gamma(1.2, 40, 60 * 12))
    expected = standardized_index(
        monthly_series(rain, "1951-01-01"), freq=None, window=months, dist=lmoments3.distr.gam, method="PWM",
        zero_inflated=True, fitkwargs={}, cal_start="1976-01-01", cal_end="2005-12-31",
    ).values  # fmt: skip
    found = drought.spi_of(drought.accumulated(rain[None], months), slice(25, 55))[0]
    assert np.isfinite(expected).sum() == rain.size - months + 1
    assert found == pytest.approx(expected, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("months", [1, 3, 12])
def test_spei_with_l_moments(months: int) -> None:
    """Generalised logistic by L-moments, within 1e-6."""
    rng = np.random.default_rng(20 + months)
    balance = rng.gamma(2, 30, 60 * 12) - 60 - 40 * np.sin(np.arange(60 * 12) / 12 * 2 * np.pi)
    expected = standardized_index(
        monthly_series(balance, "1951-01-01"), freq=None, window=months, dist=lmoments3.distr.glo, method="PWM",
        zero_inflated=False, fitkwargs={}, cal_start="1976-01-01", cal_end="2005-12-31",
    ).values  # fmt: skip
    found = drought.spei_of(drought.accumulated(balance[None], months), slice(25, 55))[0]
    assert found == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_snowmaking_hours_are_those_of_xclim_s_hourly_temperatures() -> None:
    """Hours at or below a temperature, day by day: equal but where an hour lies on the limit, within float32."""
    tn, tx = (block[:, : 3 * 365] for block in temperate(YEARS, 1, seed=8))
    tn, tx = tn - np.float32(6), tx - np.float32(6)
    times = xr.date_range("2001-01-01", "2003-12-31", calendar="noleap", use_cftime=True)
    hourly = make_hourly_temperature(
        series(tn[0], "tasmin", "degC", times=times), series(tx[0], "tasmax", "degC", times=times)
    ).values.reshape(-1, 24)
    limits = np.empty((2, *tn.shape), dtype=np.float32)
    limits[0], limits[1] = 1.25, -2.0
    of_year = (np.arange(3 * 365) % 365 + 1).astype(np.int32)
    out = np.empty((3, *tn.shape), dtype=np.float32)
    snow.snowmaking(tn, tx, limits, snow.hour_shares(45.0)[None], np.zeros(1, dtype=np.int32), of_year, out)
    near = 1e-5
    for number, limit in enumerate((1.25, -2.0)):
        assert (out[number, 0] >= (hourly <= limit - near).sum(axis=1)).all()
        assert (out[number, 0] <= (hourly <= limit + near).sum(axis=1)).all()
        assert 500 < out[number].sum() < 20_000
