"""SIM2: a generated year, 9 892 points × 365 days × 25 variables, read, then reduced. `python -m bench.sim2`."""

from __future__ import annotations

import gzip
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ingest import grid
from tests.observations import SIM2_COLUMNS, days_of

N_POINTS = 9_892


def generate(path: Path, year: int) -> None:
    """A year of plausible numbers on the DRIAS grid and 911 nodes beyond it."""
    rng = np.random.default_rng(year)
    cells = grid.cells()["cell_id"].to_numpy()
    others = np.setdiff1d(np.arange(grid.N_ROWS * grid.N_COLS), cells)[: N_POINTS - cells.size]
    x, y = grid.centres(np.concatenate([cells, others]))
    days = days_of(year)
    season = 10 - 9 * np.cos(2 * np.pi * np.arange(len(days)) / len(days))
    n_other = len(SIM2_COLUMNS.split(";")) - 17
    with gzip.open(path, "wt", compresslevel=6) as file:
        file.write(SIM2_COLUMNS + "\n")
        for east, north in zip(x // 100, y // 100, strict=True):
            t = season + rng.normal(0, 3, len(days))
            rain = np.where(rng.random(len(days)) < 0.4, rng.gamma(0.7, 8, len(days)), 0)
            more = rng.random((len(days), 6))
            for n, day in enumerate(days):
                u = more[n]
                file.write(
                    f"{east};{north};{day:%Y%m%d};0.0;{rain[n]:.1f};{t[n]:.1f};{1 + 5 * u[0]:.1f};{4 + 5 * u[1]:.3f};"
                    f"{2600 + 500 * u[2]:.1f};{100 + 2000 * u[3]:.1f};{50 + 40 * u[4]:.1f};{u[5]:.1f};{4 * u[0]:.1f};"
                    f"{u[1]:.1f};{u[2]:.3f};" + "0.0;" * n_other + f"{t[n] - 5:.1f};{t[n] + 5:.1f}\n"
                )


def main() -> None:
    """Print the size of the file, then seconds and peak memory of reading it, then of the whole load."""
    from ingest import sim2
    from ingest.readers import sim2 as reader

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CLIMART_DATA"] = str(folder / "data")
        path = folder / "QUOT_SIM2_2001.csv.gz"
        generate(path, 2001)
        started = time.monotonic()
        found = reader.convert(path, folder / "year.nc")
        seconds = time.monotonic() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{path.stat().st_size / 1e6:.0f} MB read in {seconds:.1f} s, {peak:.2f} GB at most; {found.n_points} "
            f"points kept, {found.n_left_out} left out; NetCDF {(folder / 'year.nc').stat().st_size / 1e6:.0f} MB"
        )
        started = time.monotonic()
        sim2.load([path])
        print(f"read and reduced in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
