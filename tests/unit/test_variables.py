"""Units at the door and names of variables."""

from __future__ import annotations

import pytest

from ingest.variables import VARIABLES, candidates, conversion, named

RATES = ["kg m-2 s-1", "kg/m2/s", "kg m**-2 s**-1", "kg.m-2.s-1", "kg m^-2 s^-1", "mm s-1", "kg m⁻² s⁻¹"]
AMOUNTS = ["mm d-1", "mm/day", "mm/d", "mm day-1", "mm", "kg m-2 d-1", "kg m-2"]


@pytest.mark.parametrize("unit", RATES)
def test_a_rate_per_second_times_86400(unit: str) -> None:
    assert conversion(VARIABLES["prtot"], unit) == (86400.0, 0.0)


@pytest.mark.parametrize("unit", AMOUNTS)
def test_a_daily_amount_as_it_is(unit: str) -> None:
    assert conversion(VARIABLES["prtot"], unit) == (1.0, 0.0)


def test_temperatures() -> None:
    tas = VARIABLES["tas"]
    assert conversion(tas, "K") == conversion(tas, "kelvin") == (1.0, -273.15)
    for unit in ("degC", "Celsius", "°C", "degrees_celsius", "C"):
        assert conversion(tas, unit) == (1.0, 0.0)


@pytest.mark.parametrize(("name", "unit"), [("tas", "degF"), ("prtot", "inch d-1"), ("tas", ""), ("sfcWind", "km h-1")])
def test_an_unknown_unit_is_not_guessed(name: str, unit: str) -> None:
    assert conversion(VARIABLES[name], unit) is None


def test_names_of_every_producer() -> None:
    wanted = {
        "tasminAdjust": "tasmin",
        "prtotAdjust": "prtot",
        "prAdjust": "prtot",
        "prsnAdjust": "prsn",
        "hussAdjust": "huss",
        "rsdsAdjust": "rsds",
        "sfcWindAdjust": "sfcWind",
        "evspsblpotAdjust": "evspsblpot",
        "tn": "tasmin",
        "tx": "tasmax",
        "tg": "tas",
        "rr": "prtot",
        "DSN_T_ISBA": "snd",
    }
    assert {name: named(name) for name in wanted} == wanted
    assert named("elevation") is None


def test_standard_names() -> None:
    assert candidates("air_temperature") == ("tasmin", "tasmax", "tas")
    assert candidates("precipitation_flux") == ("prtot",)
    assert candidates("sea_ice_area_fraction") == ()
