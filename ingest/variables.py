"""Daily variables: canonical names and units, accepted file units, bounds, and how a file names them.

Bounds and units are those of indicators.md §0.1. The soft bound of rsds (1.05 × clear-sky radiation) needs the latitude
and the day: it is left to the evapotranspiration state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One canonical daily variable."""

    name: str
    unit: str
    hard: tuple[float, float]  # beyond: the file is refused
    soft: tuple[float, float]  # beyond: counted and reported
    standard_names: tuple[str, ...]  # CF standard names
    file_names: tuple[str, ...]  # without "Adjust", in lower case
    units: dict[str, tuple[float, float]]  # normalised file unit: (factor, shift) to the canonical unit


_TEMPERATURE = {"k": (1.0, -273.15), "degc": (1.0, 0.0)}
_RATE = {"kg m-2 s-1": (86400.0, 0.0), "mm d-1": (1.0, 0.0)}
_AIR = ("air_temperature",)

VARIABLES = {
    variable.name: variable
    for variable in (
        Variable("tasmin", "°C", (-60, 45), (-45, 32), _AIR, ("tasmin", "tn", "tmin"), _TEMPERATURE),
        Variable("tasmax", "°C", (-50, 60), (-30, 52), _AIR, ("tasmax", "tx", "tmax"), _TEMPERATURE),
        Variable("tas", "°C", (-55, 50), (-35, 40), _AIR, ("tas", "tg", "tmean"), _TEMPERATURE),
        Variable(
            "prtot",
            "mm d-1",
            (0, 1500),
            (0, 600),
            ("precipitation_flux", "thickness_of_rainfall_amount", "lwe_precipitation_rate"),
            ("prtot", "pr", "rr"),
            _RATE,
        ),
        Variable(
            "prsn", "mm d-1", (0, 1500), (0, 200), ("snowfall_flux", "lwe_snowfall_rate"), ("prsn",), _RATE
        ),
        Variable(
            "huss", "kg kg-1", (0, 0.04), (0, 0.025), ("specific_humidity",), ("huss",),
            {"kg kg-1": (1.0, 0.0), "1": (1.0, 0.0), "g kg-1": (0.001, 0.0)},
        ),
        Variable(
            "rsds", "W m-2", (0, 500), (0, 500), ("surface_downwelling_shortwave_flux_in_air",), ("rsds", "qq"),
            {"w m-2": (1.0, 0.0)},
        ),
        Variable(
            "rlds", "W m-2", (50, 550), (50, 550), ("surface_downwelling_longwave_flux_in_air",), ("rlds",),
            {"w m-2": (1.0, 0.0)},
        ),
        Variable(
            "sfcWind", "m s-1", (0, 60), (0, 30), ("wind_speed",), ("sfcwind", "fg"), {"m s-1": (1.0, 0.0)}
        ),
        Variable(
            "evspsblpot",
            "mm d-1",
            (0, 20),
            (0, 12),
            ("water_potential_evaporation_flux", "water_potential_evapotranspiration_flux"),
            ("evspsblpot", "etp", "pet"),
            _RATE,
        ),
        Variable(
            "snd", "m", (0, 15), (0, 15), ("surface_snow_thickness",), ("snd", "dsn_t_isba"),
            {"m": (1.0, 0.0), "cm": (0.01, 0.0)},
        ),
        Variable(
            "swe",
            "mm",
            (0, 6000),
            (0, 6000),
            ("surface_snow_amount", "lwe_thickness_of_surface_snow_amount"),
            ("swe", "snw", "wsn_t_isba"),
            {"kg m-2": (1.0, 0.0), "mm": (1.0, 0.0)},
        ),
        # wetness index of a producer's soil model: 0 at the wilting point, 1 at field capacity, a little beyond both
        Variable("swi", "1", (-1, 3), (-0.3, 2), (), ("swi",), {"1": (1.0, 0.0)}),
    )
}  # fmt: skip

_UNIT_WORDS = {
    "kelvin": "k",
    "celsius": "degc",
    "degree_celsius": "degc",
    "degrees_celsius": "degc",
    "deg_c": "degc",
    "c": "degc",
    "°c": "degc",
    "mm s-1": "kg m-2 s-1",
    "mm": "mm d-1",
    "kg m-2": "mm d-1",
    "kg m-2 d-1": "mm d-1",
}


def normal_unit(text: str) -> str:
    """A unit in one spelling: ``kg/m2/s``, ``kg m**-2 s**-1`` and ``kg.m-2.s-1`` are all ``kg m-2 s-1``."""
    unit = text.strip().lower().replace("**", "").replace("^", "").replace("·", " ").replace("⁻", "-")
    unit = unit.replace("²", "2").replace("¹", "1")
    unit = re.sub(r"\bdays?\b", "d", unit)
    unit = re.sub(r"\bsec(onds?)?\b", "s", unit)
    unit = re.sub(r"(?<=[a-z])\.(?=[a-z])|(?<=\d)\.(?=[a-z])|\*", " ", unit)
    unit = re.sub(r"\s*/\s*([a-z]+)(\d?)", lambda m: f" {m[1]}-{m[2] or 1}", unit)
    return " ".join(unit.split())


def conversion(variable: Variable, unit: str) -> tuple[float, float] | None:
    """(factor, shift) from a file's unit to the canonical one, or None for a unit that is not known."""
    normal = normal_unit(unit)
    for spelling in (normal, _UNIT_WORDS.get(normal, "")):
        if spelling in variable.units:
            return variable.units[spelling]
    return None


def candidates(standard_name: str) -> tuple[str, ...]:
    """The variables that a CF standard name may mean."""
    return tuple(v.name for v in VARIABLES.values() if standard_name in v.standard_names)


def named(file_name: str) -> str | None:
    """The variable that a file's name for it means: ``tasmaxAdjust`` is tasmax, ``rr`` prtot."""
    base = re.sub(r"adjust$", "", file_name.lower())
    for variable in VARIABLES.values():
        if base in variable.file_names:
            return variable.name
    return None
