"""Observations in Météo-France's layouts, for tests and measures: SIM2's yearly CSV, daily files of stations."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from ingest import grid

# As the producer's files have them (quoted by others): 3 keys and 25 variables.
SIM2_COLUMNS = (
    "LAMBX;LAMBY;DATE;PRENEI_Q;PRELIQ_Q;T_Q;FF_Q;Q_Q;DLI_Q;SSI_Q;HU_Q;EVAP_Q;ETP_Q;PE_Q;SWI_Q;DRAINC_Q;RUNC_Q;"
    "RESR_NEIGE_Q;RESR_NEIGE6_Q;HTEURNEIGE_Q;HTEURNEIGE6_Q;HTEURNEIGEX_Q;SNOW_FRAC_Q;ECOULEMENT_Q;WG_RACINE_Q;"
    "WGI_RACINE_Q;TINF_H_Q;TSUP_H_Q"
)
# A mild day with 2 mm of rain, as printed.
SIM2_DAY = {
    "PRENEI_Q": "0.0", "PRELIQ_Q": "2.0", "T_Q": "15.0", "FF_Q": "2.1", "Q_Q": "7.414", "DLI_Q": "2592.0",
    "SSI_Q": "864.0", "HU_Q": "70.0", "EVAP_Q": "1.0", "ETP_Q": "2.5", "PE_Q": "-0.1", "SWI_Q": "0.940",
    "DRAINC_Q": "0.0", "RUNC_Q": "0.1", "RESR_NEIGE_Q": "0.0", "RESR_NEIGE6_Q": "0.0", "HTEURNEIGE_Q": "0.000",
    "HTEURNEIGE6_Q": "0.000", "HTEURNEIGEX_Q": "0.000", "SNOW_FRAC_Q": "0.0", "ECOULEMENT_Q": "0.0",
    "WG_RACINE_Q": "0.315", "WGI_RACINE_Q": "0.000", "TINF_H_Q": "9.0", "TSUP_H_Q": "21.0",
}  # fmt: skip


def hectometres(cell_id: int) -> tuple[int, int]:
    """LAMBX, LAMBY of a cell of the 8 km grid."""
    x, y = grid.centres(np.array([cell_id]))
    return int(x[0]) // 100, int(y[0]) // 100


def days_of(year: int) -> list[date]:
    """Every day of a year."""
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


def sim2_lines(
    points: Iterable[tuple[int, int]], days: Sequence[date], columns: str = SIM2_COLUMNS, **values: str
) -> list[str]:
    """Lines of a file, point after point: ``values`` replace those of ``SIM2_DAY``."""
    of_day = {**SIM2_DAY, **values}
    tail = ";".join(of_day[name if name.endswith("_Q") else f"{name}_Q"] for name in columns.split(";")[3:])
    return [f"{x};{y};{day:%Y%m%d};{tail}" for x, y in points for day in days]


def sim2_file(path: Path, lines: Sequence[str], columns: str = SIM2_COLUMNS) -> Path:
    """A yearly file, compressed without the hour so that the same lines give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join([columns, *lines, ""]).encode(), mtime=0))
    return path


# Daily files of stations: 6 columns of the station and day, then value and quality code in turn.
STATION_VARIABLES = (
    "RR", "TN", "HTN", "TX", "HTX", "TM", "TNTXM", "TAMPLI", "TNSOL", "TN50", "DG", "FFM", "FF2M", "FXY", "DXY", "HXY",
    "FXI", "DXI", "HXI", "FXI2", "DXI2", "HXI2", "FXI3S", "DXI3S", "HXI3S",
)  # fmt: skip
STATION_COLUMNS = ";".join(
    ["NUM_POSTE", "NOM_USUEL", "LAT", "LON", "ALTI", "AAAAMMJJ", *(f"{v};Q{v}" for v in STATION_VARIABLES)]
)


def station_line(station: str, day: date, values: Mapping[str, str | tuple[str, str]], columns: str) -> str:
    """A line: ``station`` is ``NUM_POSTE;NOM_USUEL;LAT;LON;ALTI``; a value may come with its quality code (else 1)."""
    fields = []
    for name in columns.split(";")[6::2]:
        given = values.get(name, "")
        fields += list(given) if isinstance(given, tuple) else [given, "1" if given else ""]
    return ";".join([station, f"{day:%Y%m%d}", *fields])


def station_file(path: Path, lines: Sequence[str], columns: str = STATION_COLUMNS) -> Path:
    """A file of a département and period."""
    return sim2_file(path, lines, columns)
