"""The national mart, Climart beside a plain pandas + geopandas script: time, memory, and the same values.

    python -m bench.national DATA_FOLDER [--write PAGE.md]

Runs Climart's own commands in a fresh CLIMART_DATA, then ``bench/national_peer.py`` on the same files, each as its own
process. Prints a Markdown table; exits with 1 where the two disagree by ``MAX_DIFFERENCE`` or more.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import duckdb
import psutil

PEER = Path(__file__).with_name("national_peer.py")
MAX_DIFFERENCE = 0.02  # of the indicator's unit
COLUMNS = ("q05", "q50", "q95", "delta_q05", "delta_q50", "delta_q95")
BUDGET_SECONDS, BUDGET_GB = 90, 4
SAMPLING_SECONDS = 0.05
LIBRARIES = ("numpy", "pandas", "pyarrow", "shapely", "geopandas", "duckdb", "dbt-core", "dbt-duckdb")


@dataclass(frozen=True)
class Measure:
    """What one process and its children took."""

    name: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int  # resident memory of the whole tree, sampled; pages that processes share count once per process
    output: str = ""


def run(name: str, command: list[str], environment: dict[str, str]) -> Measure:
    """Run a command to its end and measure its process tree. Raises RuntimeError, with its output, if it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    peak = 0
    with tempfile.TemporaryFile("w+") as output:
        with psutil.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT) as process:
            while process.poll() is None:
                peak = max(peak, tree_memory(process))
                time.sleep(SAMPLING_SECONDS)
        seconds = time.perf_counter() - start
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{name} ended with code {process.returncode}:\n{text}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measure(name, seconds, cpu, peak, text)


def tree_memory(process: psutil.Process) -> int:
    """Resident bytes of a process and its descendants, now."""
    total = 0
    try:
        for member in (process, *process.children(recursive=True)):
            total += member.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # it ended between two samples
    return total


def compare(release: Path, peer: Path) -> list[tuple[str, int, int, float]]:
    """kind of territory, rows, rows that only one side has or that differ in n_runs, largest difference of a value."""
    largest = ", ".join(f"max(abs(ours.{column} - peers.{column}))" for column in COLUMNS)
    unlike = " or ".join(f"(ours.{column} is null) <> (peers.{column} is null)" for column in COLUMNS)
    query = f"""
        select split_part(territory_id, ':', 1) as kind, count(*), count_if(
            ours.n_runs is distinct from peers.n_runs or ours.reason is distinct from peers.reason or {unlike}
        ), greatest({largest})
        from (from read_parquet(?) where weighting = 'area') as ours
        full join read_parquet(?) as peers using (territory_id, indicator_id, context_id)
        group by kind order by count(*) desc
    """  # noqa: S608 (column names are this module's constants)
    files = [str(release / "parquet" / "fct_indicator.parquet"), str(peer / "fct_indicator.parquet")]
    with duckdb.connect() as connection:
        return connection.execute(query, files).fetchall()


def table(climart: list[Measure], peer: Measure) -> list[str]:
    """Seconds and memory, step by step, and their ratio, as Markdown lines."""
    ours = Measure(
        "**Climart, whole**",
        sum(step.seconds for step in climart),
        sum(step.cpu_seconds for step in climart),
        max(step.peak_bytes for step in climart),
    )
    rows = [*climart, ours, Measure("**pandas + geopandas script**", peer.seconds, peer.cpu_seconds, peer.peak_bytes)]
    ratios = (
        peer.seconds / ours.seconds,
        peer.cpu_seconds / ours.cpu_seconds,
        peer.peak_bytes / ours.peak_bytes,
    )
    return [
        "| step | seconds | CPU seconds | peak memory, GB |",
        "|---|---:|---:|---:|",
        *(f"| {row.name} | {row.seconds:.1f} | {row.cpu_seconds:.1f} | {row.peak_bytes / 1e9:.2f} |" for row in rows),
        "| script ÷ Climart | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |",
        "",
        f"Budget of {BUDGET_SECONDS} s and {BUDGET_GB} GB: "
        + ("held." if ours.seconds < BUDGET_SECONDS and ours.peak_bytes < BUDGET_GB * 1e9 else "**not held.**"),
    ]


def machine() -> str:
    """Cores, memory and library versions; nothing that names the machine."""
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    memory = psutil.virtual_memory().total / 1e9
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}, {libraries}."


def warm(folder: Path) -> None:
    """Read the input once, so that neither side pays for the disk."""
    for path in (p for part in ("drias/tracc2023", "admin", "snow") for p in (folder / part).rglob("*") if p.is_file()):
        path.read_bytes()


def measure(data: Path, scratch: Path) -> tuple[list[Measure], Measure, list[tuple[str, int, int, float]]]:
    """Climart's steps, the script, and how their results compare."""
    drias, admin, massifs = data / "drias" / "tracc2023", data / "admin", data / "snow" / "massifs.shp"
    environment = {**os.environ, "CLIMART_DATA": str(scratch / "climart")}
    steps = {
        "ingest territories": ["ingest", "territories", str(admin), "--massifs", str(massifs)],
        "ingest drias": ["ingest", "drias", *map(str, sorted(drias.glob("*.txt")))],
        "build": ["build"],
        "publish": ["publish"],
    }
    climart = [
        run(f"`climart {name}`", [sys.executable, "-m", "climart.cli", *words], environment)
        for name, words in steps.items()
    ]
    output = scratch / "peer"
    peer = run("script", [sys.executable, str(PEER), *map(str, (drias, admin, massifs, output))], environment)
    return climart, peer, compare(scratch / "climart" / "releases" / "stable", output)


def page(climart: list[Measure], peer: Measure, compared: list[tuple[str, int, int, float]], n_files: int) -> str:
    """The page, in Markdown."""
    lines = [
        "# Performance: the national mart",
        "",
        f"From {n_files} DRIAS TRACC-2023 exports and the official geography to a release, by Climart and by",
        "`bench/national_peer.py`, a pandas + geopandas script that makes `dim_territory`, `fct_indicator` and",
        "`fct_indicator_run` from the same files. Climart also checks every record, keeps provenance, runs its data",
        "tests, labels its columns and writes checksums. One run each, one after the other, input files already in the",
        "system's cache.",
        "",
        *table(climart, peer),
        "",
        f"Machine: {machine()}",
        "",
        "Phases of the script:",
        "",
        "```",
        peer.output.strip(),
        "```",
        "",
        f"Same values? Largest difference over {', '.join(f'`{column}`' for column in COLUMNS)},",
        f"in the indicator's unit (allowed: less than {MAX_DIFFERENCE}):",
        "",
        "| kind | rows | rows unlike (missing, `n_runs`, `reason`) | largest difference |",
        "|---|---:|---:|---:|",
        *(f"| {kind} | {rows} | {unlike} | {largest:.5f} |" for kind, rows, unlike, largest in compared),
        "",
        "Written by `make bench`.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print, write. 0 if the two agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of real files (drias/tracc2023, admin, snow)")
    parser.add_argument("--write", type=Path, help="Markdown page to write")
    arguments = parser.parse_args()
    data = arguments.data.resolve()
    n_files = len(list((data / "drias" / "tracc2023").glob("*.txt")))
    if not n_files:
        parser.error(f"no .txt file in {arguments.data}/drias/tracc2023: name the folder of real files")
    warm(data)
    with tempfile.TemporaryDirectory(prefix="climart-bench-") as scratch:
        climart, peer, compared = measure(data, Path(scratch))
    text = page(climart, peer, compared, n_files)
    print(text)
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")
    agree = all(unlike == 0 and largest < MAX_DIFFERENCE for _, _, unlike, largest in compared)
    return 0 if agree and compared else 1


if __name__ == "__main__":
    sys.exit(main())
