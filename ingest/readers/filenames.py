"""What the name of a daily NetCDF file says, in the patterns of DRIAS, SOCLE, CORDEX, CMIP and E-OBS.

Names err (formats.md): the time axis is trusted for the period, the name for the run, and every conflict is reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCENARIO = re.compile(r"historical|rcp\d{2}|ssp\d{3}|evaluation|piControl", re.IGNORECASE)
_MEMBER = re.compile(r"r\d+i\d+p\d+(f\d+)?")
_VERSION = re.compile(r"v\d\w*(-r\d+)?")
_PERIOD = re.compile(r"(\d{4})\d{0,4}(?:-(\d{4})\d{0,4})?")
_FREQUENCIES = {"day", "mon", "1hr", "3hr", "6hr", "sem", "fx", "yr"}
_CMIP_GRID = re.compile(r"g[nrm]\d?")


@dataclass(frozen=True)
class Name:
    """The parts of a file name; an empty string where it does not say."""

    variable: str = ""
    domain: str = ""
    gcm: str = ""
    scenario: str = ""
    member: str = ""
    rcm: str = ""
    version: str = ""
    correction: str = ""
    frequency: str = ""
    start: str = ""  # year
    end: str = ""  # year
    suffix: str = ""  # FAO or Hg0175: the evapotranspiration method


def parse(name: str) -> Name:
    """The parts of a file name.

    ``variable_domain_gcm_scenario_member_rcm_version_correction_day_start-end[_suffix].nc`` (DRIAS, SOCLE, CORDEX) or
    ``variable_day_gcm_scenario_member[_grid]_start-end.nc`` (CMIP). A name of another form gives what it can:
    E-OBS only its variable and its version.
    """
    parts = name.removesuffix(".nc").split("_")
    scenario = next((i for i, part in enumerate(parts) if _SCENARIO.fullmatch(part)), None)
    if scenario is None or scenario < 2:
        version = next((part for part in parts[1:] if _VERSION.fullmatch(part) or re.fullmatch(r"v[\d.]+e", part)), "")
        return Name(variable=parts[0], version=version)
    before, after = parts[1:scenario], parts[scenario + 1 :]
    frequency = next((part for part in parts if part in _FREQUENCIES), "")
    gcm = before[-1]
    domain = before[0] if len(before) > 1 and before[0] != frequency else ""
    member = next((part for part in after if _MEMBER.fullmatch(part)), "")
    period = next((_PERIOD.fullmatch(part) for part in reversed(after) if _PERIOD.fullmatch(part)), None)
    start, end = (period[1], period[2] or period[1]) if period else ("", "")
    suffix = after[-1] if period and after[-1] in ("FAO", "Hg0175") else ""
    rcm, version, correction = "", "", ""
    if domain and member in after:
        run = after[after.index(member) + 1 :]
        stop = run.index(frequency) if frequency in run else len(run)
        run = run[:stop]
        at = next((i for i, part in enumerate(run) if _VERSION.fullmatch(part)), len(run))
        rcm = run[at - 1] if at else ""  # SOCLE writes the institute as a part of its own before the model
        version = run[at] if at < len(run) else ""
        correction = "_".join(run[at + 1 :])
    return Name(
        variable=parts[0],
        domain=domain,
        gcm=gcm,
        scenario=parts[scenario].lower(),
        member=member,
        rcm=rcm,
        version=version,
        correction=correction,
        frequency=frequency,
        start=start,
        end=end,
        suffix=suffix,
    )
