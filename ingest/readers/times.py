"""The time axis of a CF file: calendar, days, step. What the axis says is trusted; names and titles are not."""

from __future__ import annotations

from dataclasses import dataclass

import cftime
import netCDF4
import numpy as np
import numpy.typing as npt

from climart.errors import UserError
from ingest.calendars import CALENDARS

EPOCH = "days since 1850-01-01"  # day numbers below count from here, each in its own calendar
STEP_DAYS = {"day": 1.0, "hour": 1 / 24, "minute": 1 / 1440, "second": 1 / 86400}


@dataclass(frozen=True)
class TimeAxis:
    """The days of a file: ``days`` are day numbers (``EPOCH``) in ``calendar``, one per time step."""

    calendar: str  # standard, noleap, 360_day, all_leap
    calendar_name: str  # as the file writes it
    days: npt.NDArray[np.int64]
    frequency: str  # day, or what the steps are instead: hour, month, …

    @property
    def first(self) -> cftime.datetime:
        return cftime.num2date(int(self.days[0]), EPOCH, self.calendar)

    @property
    def last(self) -> cftime.datetime:
        return cftime.num2date(int(self.days[-1]), EPOCH, self.calendar)


def day_number(year: int, calendar: str) -> int:
    """Day number (``EPOCH``) of 1 January of a year."""
    return int(cftime.date2num(cftime.datetime(year, 1, 1, calendar=calendar), EPOCH))


def read(where: str, dataset: netCDF4.Dataset, dimension: str) -> TimeAxis:
    """The time axis along ``dimension``. ``where`` (file and variable) begins the message of any UserError."""
    variable = dataset.variables.get(dimension)
    if variable is None or " since " not in str(getattr(variable, "units", "")):
        raise UserError(f"{where}: dimension {dimension!r} has no time coordinate with units such as 'days since …'")
    if variable.size == 0:
        raise UserError(f"{where}: the time axis is empty. The file holds no day; fetch it again.")
    name = str(getattr(variable, "calendar", "standard")).lower()
    if name not in CALENDARS:
        raise UserError(f"{where}: calendar {name!r}; expected one of {', '.join(CALENDARS)}")
    calendar = CALENDARS[name]
    step = str(variable.units).split()[0].lower().rstrip("s")
    if step not in STEP_DAYS:
        raise UserError(f"{where}: not daily: time counted in {str(variable.units).split()[0]!r}")
    variable.set_auto_mask(False)
    exact = day_numbers(variable[:], str(variable.units), calendar, STEP_DAYS[step])
    if not np.isfinite(exact).all():
        raise UserError(f"{where}: the time axis holds a missing value")
    bounds = dataset.variables.get(str(getattr(variable, "bounds", "")))
    width = None
    if bounds is not None and bounds.ndim == 2 and bounds.shape[1] == 2:
        bounds.set_auto_mask(False)
        limits = day_numbers(bounds[:], str(variable.units), calendar, STEP_DAYS[step])
        width = float(np.median(limits[:, 1] - limits[:, 0]))
        if np.all(np.abs(limits[:, 1] - exact) < 1e-6):  # stamped at the end of its day
            exact = limits[:, 0]
    frequency = _frequency(exact, width)
    days = np.floor(exact + 1e-6).astype(np.int64)
    if frequency == "day":
        wrong = np.flatnonzero(np.diff(days) <= 0)
        if wrong.size:
            date = cftime.num2date(int(days[wrong[0] + 1]), EPOCH, calendar).strftime("%Y-%m-%d")
            raise UserError(f"{where}: the time axis goes back or repeats a day at {date}")
    return TimeAxis(calendar, name, days, frequency)


def day_numbers(values: npt.NDArray[np.float64], units: str, calendar: str, step: float) -> npt.NDArray[np.float64]:
    """Fractional day numbers of time values."""
    start = cftime.num2date(0, units, calendar, only_use_cftime_datetimes=True)
    return float(cftime.date2num(start, EPOCH, calendar)) + np.asarray(values, dtype=np.float64) * step


def _frequency(exact: npt.NDArray[np.float64], width: float | None) -> str:
    """What one step is. A file of one step is judged by its bounds, and taken as daily without any."""
    typical = float(np.median(np.abs(np.diff(exact)))) if exact.size > 1 else (width or 1.0)
    if abs(typical - 1) < 0.01:
        return "day"
    if typical < 1:
        return "hour"
    if 27 <= typical <= 32:
        return "month"
    return "year" if 355 <= typical <= 370 else f"{typical:g} days"


def date(day: int, calendar: str) -> str:
    """A day number as year-month-day."""
    return str(cftime.num2date(day, EPOCH, calendar).strftime("%Y-%m-%d"))
