"""The cells of the daily sample: ``sample/daily_cells.csv``. Run once, at development time.

    python data/reference/build_sample_daily_cells.py FOLDER_OF_DRIAS_TRACC2023_EXPORTS

Tiles of 4 × 4 cells, each inside one département. The altitudes are approximate: no terrain model of a free licence is
embedded, so that they are inferred from the reference annual mean temperature of the cell (median over the runs of the
+2 °C exports, level − change), at 6 °C per km from the temperature that the zone would have at sea level. They are
rounded to 50 m.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd

N_COLS, SIDE = 143, 4
LAPSE = 6.0  # °C per km
# zone: (département, annual mean at sea level in °C, its tiles as row and column in units of SIDE cells)
ZONES = {
    "savoie": ("73", 14.2, [(13, 27), (14, 27)]),
    "bordelais": ("33", 13.5, [(11, 10)]),
    "bourgogne": ("21", 12.2, [(19, 23)]),
    "beauce": ("28", 11.6, [(23, 15)]),
    "bretagne": ("22", 11.4, [(24, 4)]),
    "languedoc": ("34", 15.2, [(6, 19)]),
    "provence": ("83", 15.6, [(7, 27)]),
}


def reference_temperature(folder: Path) -> pd.Series:
    """Annual mean temperature of 1976–2005 by point, median over the runs, °C."""
    runs = []
    for path in sorted(folder.glob("*.txt")):
        lines = path.read_bytes().decode("latin-1").splitlines()
        names = next(line for line in lines if line.startswith("# Point;"))[2:].split(";")
        records = "\n".join(line for line in lines if not line.startswith("#"))
        table = pd.read_csv(io.StringIO(records), sep=";", names=names, index_col="Point")
        if table["Niveau"].iloc[0] == "GWL15":
            runs.append(table["NORTMm_yr"] - table["ATMm_yr"])
    print(f"{len(runs)} runs")
    return pd.concat(runs, axis=1).median(axis=1)


def main(folder: Path) -> None:
    temperature = reference_temperature(folder)
    rows = []
    for zone, (departement, sea_level, tiles) in ZONES.items():
        for tile_row, tile_col in tiles:
            row, col = (SIDE * n + np.arange(SIDE) for n in (tile_row, tile_col))
            for cell_id in (row[:, None] * N_COLS + col).ravel().tolist():
                altitude = (sea_level - temperature[cell_id]) / LAPSE * 1000
                rows.append((cell_id, zone, departement, max(0, 50 * round(altitude / 50))))
    table = pd.DataFrame(rows, columns=["cell_id", "zone", "departement", "altitude_m"])
    path = Path(__file__).parent / "sample" / "daily_cells.csv"
    table.to_csv(path, index=False, lineterminator="\n")
    print(f"{len(table)} cells in {path.name}")
    print(table.groupby("zone", sort=False)["altitude_m"].describe()[["count", "min", "mean", "max"]])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
