"""Tiny files in the layout of S2M, written for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt

UNITS = {
    "DSN_T_ISBA": "m",
    "WSN_T_ISBA": "kg m-2",
    "Tair": "K",
    "Rainf": "kg/m2/s",
    "Snowf": "kg/m2/s",
    "Qair": "Kg/Kg",
}


def write(
    path: Path,
    start: str,
    values: Mapping[str, npt.ArrayLike],
    *,
    step_hours: int = 24,
    massif: Sequence[int] | None = (10,),
    massif_name: str = "massif_num",
    altitude: Sequence[float] = (1800,),
    slope: Sequence[float] | None = None,
    attributes: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    units: Mapping[str, str] | None = None,
) -> Path:
    """A file whose first step is ``start`` at 06:00; ``values`` (steps, points)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    n_steps = len(np.atleast_2d(next(iter(values.values()))))
    with netCDF4.Dataset(path, "w", format="NETCDF4_CLASSIC") as dataset:
        dataset.createDimension("time", n_steps)
        dataset.createDimension("Number_of_points", len(altitude))
        time = dataset.createVariable("time", "f8", ("time",))
        time.setncatts({"units": f"hours since {start} 06:00:00", "calendar": "standard"})
        time[:] = np.arange(n_steps) * step_hours
        facts = {
            "ZS": altitude,
            "slope": [0.0] * len(altitude) if slope is None else slope,
            "LAT": [45.4] * len(altitude),
            "LON": [6.6] * len(altitude),
            **({massif_name: massif} if massif is not None else {}),
        }
        for name, fact in facts.items():
            if name not in drop:
                dataset.createVariable(name, "f8", ("Number_of_points",))[:] = fact
        for name, series in values.items():
            stored = dataset.createVariable(name, "f8", ("time", "Number_of_points"), fill_value=-9999999.0)
            stored.units = {**UNITS, **(units or {})}[name]
            stored[:] = series
        dataset.setncatts(dict(attributes or {}))
    return path
