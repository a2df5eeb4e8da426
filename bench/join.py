"""How long a join takes: 100 000 lines by code and 10 000 points, made at random, against a release.

    python -m bench.join [RELEASE] [--write docs/reference/performance-join.md]

Lines are as portfolios are: duplicates, codes of any year, arrondissements, blanks, bad codes, lost leading zeros,
French decimals in cp1252; points with latitude and longitude swapped here and there, some at sea.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np

from bench.daily import machine
from climart.files import atomic_text
from mart import join, release

N_LINES, N_POINTS, SEED = 100_000, 10_000, 8


def write_codes(folder: Path, path: Path, n: int = N_LINES) -> Path:
    """A portfolio of ``n`` lines by code: ``;``, cp1252, French decimals."""
    with duckdb.connect(str(folder / "climart.duckdb"), read_only=True) as connection:
        ever = [
            row[0]
            for row in connection.execute("select distinct code from dim_commune_crosswalk order by 1").fetchall()
        ]
    rng = np.random.default_rng(SEED)
    codes = rng.choice(np.array([*ever, *("75101", "69385", "13208") * 200], dtype=object), n)
    codes[rng.random(n) < 0.02] = ""
    codes[rng.random(n) < 0.02] = "99999"
    lost = rng.random(n) < 0.1
    codes[lost] = [code[1:] if code.startswith("0") else code for code in codes[lost]]
    cents = rng.integers(0, 10**8, n)
    lines = [
        f"{i};{code};{c // 100},{c % 100:02d};Libellé n° {i}"
        for i, (code, c) in enumerate(zip(codes, cents, strict=True))
    ]
    path.write_bytes(("\r\n".join(["ligne;Code commune;Encours;Libellé", *lines]) + "\r\n").encode("cp1252"))
    return path


def write_points(path: Path, n: int = N_POINTS) -> Path:
    """``n`` points over metropolitan France and its seas; one in twenty swapped, a few unreadable."""
    rng = np.random.default_rng(SEED)
    latitude, longitude = rng.uniform(42.5, 50.5, n), rng.uniform(-3, 7, n)
    swapped = rng.random(n) < 0.05
    latitude, longitude = np.where(swapped, longitude, latitude), np.where(swapped, latitude, longitude)
    texts = [f"{a:.6f};{b:.6f}".replace(".", ",") for a, b in zip(latitude, longitude, strict=True)]
    texts[::500] = [";" for _ in texts[::500]]
    lines = [f"{i};{text};{i},50" for i, text in enumerate(texts)]
    path.write_text("\n".join(["site;lat;lon;valeur", *lines]) + "\n", encoding="utf-8")
    return path


def timed(what: str, work: Callable[[], join.Joined], out: Path) -> str:
    """A line of the table: seconds to join and to write, and of both cores' work."""
    start, cpu = time.perf_counter(), time.process_time()
    done = work()
    joined = time.perf_counter()
    done.write(out)
    written = time.perf_counter()
    without = ", ".join(f"{n} {cause}" for cause, n in sorted(done.by_cause.items()))
    seconds = f"{joined - start:.2f} | {written - joined:.2f} | {time.process_time() - cpu:.2f}"
    return f"| {what} | {done.n_lines} | {seconds} | {done.table.num_columns} | {without} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("release", nargs="?", default="stable")
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    folder = release.found(arguments.release)
    with TemporaryDirectory() as scratch:
        codes, points = write_codes(folder, Path(scratch) / "codes.csv"), write_points(Path(scratch) / "points.csv")
        kinds = [
            ("codes, any year → CSV", codes, "code_commune", {}, ".csv"),
            ("codes of 2010 → Parquet", codes, "code_commune", {"vintage": 2010}, ".parquet"),
            ("codes, long → Parquet", codes, "code_commune", {"long": True}, ".parquet"),
            ("points → CSV", points, "lat,lon", {}, ".csv"),
        ]
        rows = [
            timed(
                what,
                lambda s=source, k=key, o=options: join.join(s, k, release_path=folder, **o),
                Path(scratch) / f"out{kind}",
            )
            for what, source, key, options, kind in kinds
        ]
    page = [
        "# Performance: joins",
        "",
        "Reading the portfolio, matching and joining, then writing, in seconds; the default indicators.",
        "",
        "| portfolio | lines | join, s | write, s | CPU, s | columns out | lines without values |",
        "|---|---:|---:|---:|---:|---:|---|",
        *rows,
        "",
        f"Release {release.describe(folder)['version']}. Machine: {machine()}.",
        "",
        "Written by `make bench`.",
    ]  # fmt: skip
    print("\n".join(page))
    if arguments.write:
        atomic_text(arguments.write, "\n".join(page) + "\n")


if __name__ == "__main__":
    main()
