"""The simulated climate as DRIAS TRACC-2023 text exports: one file per run and level, as the portal does.

Column order, decimals, trailing ``;`` and trimmed zeros are those of real exports; the producer is
``CLIMART`` and a line of the header says that values are simulated. Reference values are not in these files:
a reader recovers them from a level and its change. Absolute changes are differences of printed values, so
that the three levels give the same reference exactly; relative ones are rounded fractions, and agree within
their rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from climart.files import atomic
from ingest import grid
from ingest.sample.climate import CONTEXTS, RUNS

Floats = npt.NDArray[np.float64]

P99_LABEL = "Cumul de précipitations quotidiennes remarquables (percentile 99 du cumul quotidien)"
RX1D_LABEL = "Intensité des précipitations extrêmes (max annuel des précipitations totales)"
P99_DAYS_LABEL = "Fréquence des précipitations quotidienne remarquables"
FWI40_LABEL = "Indicateur feux météo nombre de jours supérieurs à 40"


@dataclass(frozen=True)
class Column:
    """An indicator's pair of columns in the exports.

    decimals: of the level, and of an absolute change. relative: the change is a fraction, with 2 decimals.
    """

    indicator: str
    level_code: str
    change_code: str
    label: str
    unit: str
    decimals: int
    relative: bool = False


COLUMNS = (
    Column("t_mean", "NORTMm_yr", "ATMm_yr", "Température moyenne annuelle", "°C", 2),
    Column("t_mean_jja", "NORTMm_seas_JJA", "ATMm_seas_JJA", "Température moyenne en été", "°C", 2),
    Column("t_mean_djf", "NORTMm_seas_DJF", "ATMm_seas_DJF", "Température moyenne en hiver", "°C", 2),
    Column("tx_mean_jja", "NORTXm_seas_JJA", "ATXm_seas_JJA", "Température maximale en été", "°C", 2),
    Column("tx35", "NORTX35D_yr", "ATX35D_yr", "Nombre de jours avec Tx >= 35°C", "jour(s)", 1),
    Column("tx30", "NORTX30D_yr", "ATX30D_yr", "Nombre de jours avec Tx >= 30°C", "jour(s)", 1),
    Column("tr20", "NORTR_yr", "ATR_yr", "Nombre de nuits tropicales", "jour(s)", 1),
    Column("rr_yr", "NORRR_yr", "ARRR_yr", "Cumul de précipitations annuelles", "mm", 2, True),
    Column("rr_jja", "NORRR_seas_JJA", "ARRR_seas_JJA", "Cumul de précipitations en été", "mm", 2, True),
    Column("rr_djf", "NORRR_seas_DJF", "ARRR_seas_DJF", "Cumul de précipitations en hiver", "mm", 2, True),
    Column("p99_all", "NORRRq99_yr", "ARRRq99_yr", P99_LABEL, "mm", 2, True),
    Column("rx1d", "NORRx1d_yr", "ARRx1d_yr", RX1D_LABEL, "mm", 2, True),
    Column("p99_ref_days", "NORRRq99refD_yr", "ARRq99refD_yr", P99_DAYS_LABEL, "jour(s)", 1),
    Column("fwi40_days", "NORIFM40_yr", "AIFM40_yr", FWI40_LABEL, "jour(s)", 0),
    Column("dry_soil_days", "NORSWI04_yr", "ASWI04_yr", "Nombre de jours avec SWI < 0.4", "jour(s)", 0),
)

LEVELS = {
    "GWL15": ("rwl20", "Niveau de réchauffement Monde 1.5 degrés -> 2030 / France +2°C"),
    "GWL20": ("rwl27", "Niveau de réchauffement Monde 2.0 degrés -> 2050 / France +2.7°C"),
    "GWL30": ("rwl40", "Niveau de réchauffement Monde 3.0 degrés -> 2100 / France +4°C"),
}
RULE = "#" + "-" * 77
EXTRACTED = "01/11/2026 - 00h00 loc."  # constant: the same sample gives the same bytes
CALIBRATION = "DRIAS TRACC-2023 (Météo-France, Licence Ouverte 2.0)"
STATEMENT = f"Valeurs simulées, calées par département sur {CALIBRATION}"


def write_exports(folder: Path, fields: dict[str, Floats], shares: Floats) -> tuple[Path, ...]:
    """Write one export per run and level into ``folder``; returns their paths.

    fields: indicator → (run, context, cell), NaN for a run that lacks the indicator. shares: (département,
    cell), used to round whole-day counts so that a département keeps its mean.
    """
    printed = {column.indicator: as_printed(column, fields[column.indicator], shares) for column in COLUMNS}
    written = []
    for n, run in enumerate(RUNS):
        columns = [column for column in COLUMNS if np.isfinite(printed[column.indicator][n]).all()]
        for token, (context, _) in LEVELS.items():
            c = CONTEXTS.index(context)
            values = {column.level_code: printed[column.indicator][n, c] for column in columns}
            for column in relative_last(columns):
                level = printed[column.indicator][n, c]
                reference = (fields if column.relative else printed)[column.indicator][n, 0]
                values[column.change_code] = change(column, level, reference)
            path = folder / f"indices{run.model}_{token}.txt"
            write_export(path, header(run.model, token, columns), token, values)
            written.append(path)
    return tuple(written)


def as_printed(column: Column, values: Floats, shares: Floats) -> Floats:
    """Values (run, context, cell) rounded to the column's decimals."""
    if column.decimals:
        return np.round(values, column.decimals)
    flat = values.reshape(-1, values.shape[-1])
    return np.stack([round_keeping_means(field, shares) for field in flat]).reshape(values.shape)


def round_keeping_means(field: Floats, shares: Floats) -> Floats:
    """A field (cell,) of counts, rounded to whole numbers, whose départements keep their means.

    Plain rounding loses a département where every cell has 0.4 days. So the cells nearest to the next whole
    number are rounded the other way until the mean is right, département by département; a cell belongs to
    the one that holds the largest part of it, relative to the département's size. NaN stays NaN.
    """
    if np.isnan(field).any():
        return field
    whole = np.rint(field)
    owner = shares.argmax(axis=0)
    cells_of = [np.flatnonzero((owner == d) & (shares[d] > 0)) for d in range(len(shares))]
    for _ in range(3):  # a border cell also counts in the neighbour's mean
        gaps = shares @ (field - whole)
        for d in np.argsort(-np.abs(gaps), kind="stable"):
            gap = shares[d] @ (field - whole)
            step = np.sign(gap)
            cells = cells_of[d][whole[cells_of[d]] + step >= 0]
            cells = cells[np.argsort(-step * (field[cells] - whole[cells]), kind="stable")]
            gained = np.concatenate([[0.0], np.cumsum(shares[d, cells])])
            whole[cells[: np.abs(gained - abs(gap)).argmin()]] += step
    return whole


def change(column: Column, level: Floats, reference: Floats) -> Floats:
    """The change column (cell,): a fraction of the reference, or a difference, rounded as printed."""
    if column.relative:
        return np.round(level / reference - 1, 2)
    return np.round(level - reference, column.decimals)


def header(model: str, token: str, columns: list[Column]) -> list[str]:
    """The header's lines up to the line that announces the column names."""
    return [
        RULE,
        f"# Date d'extraction : {EXTRACTED}",
        RULE,
        "# Producteur : CLIMART",
        "# Experience : TRACC2023",
        f"# Modele     : {model}",
        f"# {STATEMENT}",
        RULE,
        "# Niveaux de réchauffement :",
        f"#     {token} : {LEVELS[token][1]}",
        RULE,
        "# Type d'indice : annuel",
        RULE,
        "# Indices : ",
        *(f"#     {column.level_code} : {column.label} ({column.unit})" for column in columns),
        *(f"#     {column.change_code} : {change_label(column)}" for column in relative_last(columns)),
        RULE,
        "# Format des enregistrements ",
    ]


def change_label(column: Column) -> str:
    """The label of a change, as the portal words it: a reader tells relative from absolute by it."""
    if column.relative:
        return f"Ecart relatif de {column.label.lower()}"
    return f"Ecart de {column.label.lower()} ({column.unit})"


def relative_last(columns: list[Column]) -> list[Column]:
    """The order of the change columns."""
    return sorted(columns, key=lambda column: column.relative)


def write_export(path: Path, head: list[str], token: str, values: dict[str, Floats]) -> None:
    """Write one export: the header, the column names, one record per cell of ``grid.cells()``."""
    cells = grid.cells()
    names = ["Point", "Latitude", "Longitude", "Niveau", *values]
    columns = [
        pa.array(cells["cell_id"], pa.int32()),
        pa.array(cells["latitude"].round(4)),
        pa.array(cells["longitude"].round(4)),
        pa.array([token] * len(cells)),
        *(pa.array(column + 0.0) for column in values.values()),  # + 0.0: no "-0"
        pa.array([""] * len(cells)),  # the trailing separator
    ]
    table = pa.table(columns, names=[*names, ""])
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter=";", quoting_style="none")
    with atomic(path) as handle:
        handle.write("\n".join([*head, f"# {';'.join(names)};", RULE, ""]).encode())
        pyarrow.csv.write_csv(table, handle, options)
