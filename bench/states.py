"""What each state and the whole catalogue of features cost: nanoseconds per cell-day on one core, on simulated days.

    python -m bench.states [--cells 16] [--years 60] [--write PAGE]

Everything runs twice and the second time counts. A seasonal state is divided by all the days of its years.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.daily import machine
from climart.files import atomic_text
from ingest import features, reduce, reducers, series
from ingest.calendars import Axis

Floats = npt.NDArray[np.float32]
TARGET = 1500.0  # ns per cell-day and core, for features and states together (issue 4)


def plain(axis: Axis, cells: int) -> dict[str, Floats]:
    """Days of a French plain by variable: a yearly wave, weather that lasts, rain on two days of five."""
    rng = np.random.default_rng(1)
    n = len(axis)
    weather = rng.normal(0, 1.6, (cells, n))
    for i in range(1, n):
        weather[:, i] += 0.75 * weather[:, i - 1]
    wave = np.sin(2 * np.pi * (np.arange(n) - 110) / 365.25)
    mean = 12.3 + 8 * wave + weather
    rain = np.where(rng.random((cells, n)) < 0.4, rng.gamma(0.7, 7, (cells, n)), 0)
    days = {
        "tas": mean,
        "tasmin": mean - 4.5,
        "tasmax": mean + 5,
        "prtot": rain,
        "prsn": np.where(mean < 0, rain, 0),
        "huss": (0.0065 + 0.003 * wave + rng.normal(0, 0.0008, (cells, n))).clip(0.001),
        "rsds": (130 + 105 * wave + rng.normal(0, 25, (cells, n))).clip(10),
        "sfcWind": rng.gamma(4, 0.8, (cells, n)),
        "snd": np.where(mean < 2, 0.2, 0),
        "swe": np.where(mean < 2, 60, 0),
    }
    return {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in days.items()}


def clocked(call: Callable[[], object], cell_days: int) -> float:
    """Nanoseconds per cell-day of the second of two calls."""
    call()
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) / cell_days * 1e9


def costs(cells: int, years: int) -> tuple[list[tuple[str, float]], float, int]:
    """Cost of each way that makes a series, of all the features on top, and the number of features."""
    axis = Axis("standard", 1971, 1970 + years)
    variables = plain(axis, cells)
    # latitude, altitude, alert thresholds of night and day, massif: all that a series may need
    site = series.Site(*(np.full(cells, value) for value in (46.0, 250.0, 20.0, 34.0, 10.0)))
    around = series.Around(site, axis)
    catalogue = features.catalogue()
    wanted = [feature.of for feature in catalogue.features]
    resolution = series.resolve(wanted, variables.keys(), series.known_of(site, axis))
    assert not resolution.missing, resolution.missing
    by_name, found, n = dict(variables), [], cells * len(axis)
    for table, positions in ((series.DAILY, resolution.daily), (series.SEASONAL, resolution.seasonal)):
        for way in (table[position] for position in positions):
            shape = (len(way.outputs), cells, len(axis))
            if table is series.SEASONAL:
                shape = (cells, years, len(way.outputs))
            out = np.empty(shape, dtype=np.float32)
            blocks = [by_name[name] for name in way.inputs]
            many = f"{way.outputs[0]} and {len(way.outputs) - 1} more"
            label = ", ".join(way.outputs) if len(way.outputs) < 5 else many
            found.append((label, clocked(lambda b=blocks, w=way, o=out: w.compute(b, around, o), n)))
            if table is series.DAILY:
                by_name |= dict(zip(way.outputs, out, strict=True))
    pieces: dict[str, list[reduce.Piece]] = {name: [] for name in variables if name in resolution.variables}
    job = reduce.job_of(axis, catalogue, catalogue, resolution, site, pieces)
    names = [*pieces, *(name for i in resolution.daily for name in series.DAILY[i].outputs)]
    days = np.stack([by_name[name] for name in names])
    values = np.empty((cells, years, job.n_columns), dtype=np.float32)
    voided, n_days = np.zeros((cells, years), dtype=np.bool_), np.zeros((cells, years), dtype=np.int16)
    of_features = clocked(
        lambda: reducers.reduce_cells(
            days, len(pieces), axis.year_starts, job.features, job.parameters, job.windows, job.origins, job.is_season,
            job.is_summed, job.by_wmo, axis.month_of, values, voided, n_days,
        ),
        n,
    )  # fmt: skip
    return found, of_features, len(job.features)


def page(cells: int, years: int) -> str:
    """The table of costs, Markdown."""
    found, of_features, n_features = costs(cells, years)
    total = sum(cost for _, cost in found) + of_features
    rows = [f"| {name} | {cost:.1f} |" for name, cost in sorted(found, key=lambda row: -row[1])]
    return "\n".join(
        [
            f"{cells} cells, {years} years, one core.",
            "",
            "| series or state | ns per cell-day |",
            "|---|---|",
            *rows,
            f"| {n_features} features reduced from them | {of_features:.1f} |",
            f"| **all** (allowed: {TARGET:.0f}) | **{total:.0f}** |",
        ]
    )


def main() -> None:
    """Print the table; with --write, make a page of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=16)
    parser.add_argument("--years", type=int, default=60)
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    found = page(arguments.cells, arguments.years)
    print(found)
    if arguments.write:
        head = f"# Performance: states and features\n\nWritten by `make bench`. Machine: {machine()}.\n\n"
        atomic_text(arguments.write, f"{head}{found}\n")


if __name__ == "__main__":
    main()
