"""Daily NetCDF to annual indicators: this engine beside xarray + xclim and beside decoding alone, on the same files.

    python -m bench.daily [--years 30] [--rounds 3] [--layout day] [--write]

Files are generated (DRIAS-2020 layout, three variables, 3 600 cells, compressed NetCDF4). Every way runs in a process
of its own, in turn, several rounds; a time is from the first call to the last result, imports left out, worker
processes' start included. ``--write`` renews docs/reference/performance.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import psutil

from climart import paths

SHAPE = (60, 60)  # of the 8 km grid, all in France
ROW0, COL0 = 28, 34
FIRST_YEAR = 1976
CHUNKS = {"day": (1, *SHAPE), "tile": (365, 10, 10), "contiguous": None}
# 23 annual indicators that xclim can express too (design, section 6).
INDICATORS = [
    "tx_mean", "tx_mean_jja", "tn_mean", "txx", "tnn", "su25", "tx30", "tx35", "tr20_gt", "fd", "id0", "dtr",
    "cooling_dd18", "heating_dd18", "winkler", "cool_night", "rr_yr", "rr_jja", "rr1_days", "rx1d", "rx5d", "r20mm",
    "cdd",
]  # fmt: skip
IN_KELVIN = {"tx_mean", "tx_mean_jja", "tn_mean", "txx", "tnn", "cool_night"}  # by xclim, as the files are
WAYS = {
    "decode": "decode only, this engine's reader and processes",
    "decode_xarray": "decode only, xarray, one process",
    "engine": "this engine, 23 indicators",
    "engine_half": "this engine, 23 indicators, half of the years",
    "engine_100": "this engine, {features} features",
    "xclim_dask": "xarray + xclim + dask threads, 23 indicators",
    "xclim_eager": "xarray + xclim, eager, 23 indicators",
}
Measure = dict[str, float | str]


def generate(folder: Path, years: int, layout: str) -> None:
    """Three files of one run: seasonal cycle, warm and cold spells, dry and wet days; deterministic."""
    folder.mkdir(parents=True, exist_ok=True)
    start = np.datetime64(f"{FIRST_YEAR}-01-01")
    n_days = int((np.datetime64(f"{FIRST_YEAR + years}-01-01") - start).astype(int))
    relief = np.random.default_rng(1).normal(0, 3, SHAPE).astype(np.float32)
    files = {}
    for name, unit in (("tasmin", "K"), ("tasmax", "K"), ("prtot", "kg m-2 s-1")):
        end = f"{FIRST_YEAR + years - 1}1231"
        path = folder / (
            f"{name}Adjust_France_CNRM-CERFACS-CNRM-CM5_historical_r1i1p1_CNRM-ALADIN63_v2_"
            f"MF-ADAMONT-SAFRAN-1980-2011_day_{FIRST_YEAR}0101-{end}.nc"
        )
        files[name] = dataset = netCDF4.Dataset(path, "w")
        for dim, size in (("time", None), ("y", SHAPE[0]), ("x", SHAPE[1])):
            dataset.createDimension(dim, size if layout != "contiguous" or size else n_days)
        axis = dataset.createVariable("time", "f8", ("time",))
        axis.units, axis.calendar = "days since 1950-01-01", "standard"
        axis[:] = np.arange(n_days) + (start - np.datetime64("1950-01-01")).astype(int)
        for dim, origin, first in (("y", 1_617_000, ROW0), ("x", 60_000, COL0)):
            dataset.createVariable(dim, "f8", (dim,))[:] = origin + 8000 * (first + np.arange(SHAPE[0]))
        chunked = layout != "contiguous"
        variable = dataset.createVariable(
            f"{name}Adjust", "f4", ("time", "y", "x"), zlib=chunked, complevel=4, shuffle=chunked,
            chunksizes=CHUNKS[layout], contiguous=not chunked, fill_value=1e20,
        )  # fmt: skip
        variable.units = unit
    weather = 0.0
    for year in range(years):
        rng = np.random.default_rng(100 + year)
        first = np.datetime64(f"{FIRST_YEAR + year}-01-01")
        days = int((np.datetime64(f"{FIRST_YEAR + year + 1}-01-01") - first).astype(int))
        at = int((first - start).astype(int))
        noise = rng.normal(0, 2.2, days)
        spell = np.empty(days)
        for day in range(days):
            weather = 0.75 * weather + noise[day]
            spell[day] = weather
        season = 284 + 8 * np.sin(2 * np.pi * (np.arange(days) - 110) / 365.25)
        mean = (season + spell)[:, None, None] + relief + rng.normal(0, 0.7, (days, *SHAPE))
        spread = 4.5 + rng.gamma(2.0, 0.6, (days, *SHAPE))
        wet = rng.random((days, 1, 1)) + 0.2 * rng.random((days, *SHAPE)) < 0.45
        rain = np.where(wet, rng.gamma(0.7, 8.0, (days, *SHAPE)), 0.0) / 86400
        for name, values in (("tasmin", mean - spread), ("tasmax", mean + spread), ("prtot", rain)):
            files[name][f"{name}Adjust"][at : at + days] = values.astype(np.float32)
    for dataset in files.values():
        dataset.close()


def decode(folder: Path) -> dict[str, str]:
    from bench import decode_only
    from ingest import features, reduce, sites, tasks
    from ingest.readers import grids, netcdf

    (plan,) = netcdf.plan([folder])
    nodes = plan.grid.nodes(grids.METROPOLITAN)
    needed = plan.resolution(features.catalogue().subset(INDICATORS), sites.of_cells(plan.grid, nodes)).variables
    decodes, _ = reduce.decoding(plan, nodes, needed)
    blocks = [decode_only.Block(task.name, task.source, task.stored_name, task.index) for task in decodes]
    with tasks.runner(None, None, decode_only.__name__) as runner:
        for _ in runner(decode_only.read, folder, blocks):
            pass
    return {}


def decode_xarray(folder: Path) -> dict[str, str]:
    import xarray

    for path in sorted(folder.glob("*.nc")):
        with xarray.open_dataset(path) as dataset:
            dataset.load()
    return {}


def engine(folder: Path) -> dict[str, str]:
    from ingest import features

    return _engine(folder, features.catalogue().subset(INDICATORS))


def engine_100(folder: Path) -> dict[str, str]:
    """A hundred features: those of the catalogue that read these variables or a series made of them, no state of plant
    or soil (bench.states has those), then counts at other thresholds."""
    from ingest import features, series

    variables = {"tasmin", "tasmax", "prtot"}
    near = variables | {
        name for way in series.DAILY for name in way.outputs if set(way.inputs) <= variables and not way.method
    }
    available = [feature for feature in features.catalogue().features if feature.of in near]
    extra = [
        features.Feature(id=f"more_{number}", reducer="count", of=of, when=f">= {number}", window="year", unit="d")
        for number, of in zip(range(100 - len(available)), ("tasmax", "tasmin", "prtot") * 33, strict=False)
    ]
    return _engine(folder, features.Catalogue((*available, *extra), features.catalogue().windows))


def _engine(folder: Path, catalogue: Any) -> dict[str, str]:
    from ingest import reduce
    from ingest.readers import netcdf

    (plan,) = netcdf.plan([folder])
    done = reduce.reduce_simulation(plan, catalogue=catalogue)
    return {"result": str(done.path), "features": str(len(catalogue.features) - len(done.unavailable))}


def xclim_indicators(tasmin: Any, tasmax: Any, pr: Any) -> dict[str, Any]:
    """The 23 indicators with xclim's plain functions (without the metadata and the checks of its indicator classes)."""
    import xclim.indices as xi

    tas = ((tasmin + tasmax) / 2).assign_attrs(units="K")
    summer = {"month": [6, 7, 8]}
    season = pr.time.dt.month.isin([4, 5, 6, 7, 8, 9, 10])
    june = pr.time.dt.month.isin(summer["month"])
    return {
        "tx_mean": xi.tx_mean(tasmax),
        "tx_mean_jja": xi.tx_mean(tasmax.where(june)),
        "tn_mean": xi.tn_mean(tasmin),
        "txx": xi.tx_max(tasmax),
        "tnn": xi.tn_min(tasmin),
        "su25": xi.tx_days_above(tasmax, "25 degC"),
        "tx30": xi.tx_days_above(tasmax, "30 degC", op=">="),
        "tx35": xi.tx_days_above(tasmax, "35 degC", op=">="),
        "tr20_gt": xi.tn_days_above(tasmin, "20 degC"),
        "fd": xi.frost_days(tasmin),
        "id0": xi.ice_days(tasmax),
        "dtr": xi.daily_temperature_range(tasmin, tasmax),
        "cooling_dd18": xi.cooling_degree_days(tas, "18 degC"),
        "heating_dd18": xi.heating_degree_days(tas, "18 degC"),
        "winkler": xi.growing_degree_days(tas.where(season), "10 degC"),
        "cool_night": xi.tn_mean(tasmin.where(tasmin.time.dt.month == 9)),
        "rr_yr": xi.prcptot(pr),
        "rr_jja": xi.prcptot(pr.where(june, 0)),
        "rr1_days": xi.wetdays(pr, "1 mm/day"),
        "rx1d": xi.max_1day_precipitation_amount(pr) * 86400,
        "rx5d": xi.max_n_day_precipitation_amount(pr, window=5),
        "r20mm": xi.wetdays(pr, "20 mm/day"),
        "cdd": xi.maximum_consecutive_dry_days(pr, "1 mm/day"),
    }


def xclim_eager(folder: Path, chunks: dict[str, int] | None = None) -> dict[str, str]:
    import xarray
    import xclim

    xclim.set_options(cf_compliance="log", data_validation="log")
    data = {}
    for name in ("tasmin", "tasmax", "prtot"):
        (path,) = folder.glob(f"{name}Adjust*.nc")
        data[name] = xarray.open_dataset(path, chunks=chunks)[f"{name}Adjust"]
        if chunks is None:
            data[name] = data[name].load()
    results = xclim_indicators(data["tasmin"], data["tasmax"], data["prtot"])
    dataset = xarray.Dataset({name: values.astype(np.float32).drop_attrs() for name, values in results.items()})
    path = folder / f"xclim_{'eager' if chunks is None else 'dask'}.npz"
    dataset = dataset.compute()
    np.savez(path, **{name: dataset[name].transpose("y", "x", "time").values for name in dataset.data_vars})
    return {"result": str(path)}


def xclim_dask(folder: Path) -> dict[str, str]:
    # Blocks of about five years of the whole grid: each chunk of the file is decoded once. The fastest of those tried.
    return xclim_eager(folder, chunks={"time": 1827, "y": -1, "x": -1})


def _peak(process: psutil.Process) -> int:
    """Memory of a process and its children, shared pages counted once (PSS), bytes."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def measure(way: str, folder: Path) -> Measure:
    """Run one way in a fresh process; its seconds and its peak memory in bytes."""
    command = [sys.executable, "-W", "ignore", "-m", "bench.daily", "--only", way, "--folder", str(folder)]
    environment = os.environ | {"CLIMART_DATA": str(folder / "climart"), "PYTHONPATH": str(paths.PROJECT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=paths.PROJECT) as child:
        process, peak = psutil.Process(child.pid), 0
        while child.poll() is None:
            try:
                peak = max(peak, _peak(process))
            except psutil.NoSuchProcess:
                break
            time.sleep(0.2)
        assert child.stdout is not None
        lines = child.stdout.read().strip().splitlines()
    if child.returncode or not lines:
        raise RuntimeError(f"{way} failed")
    return json.loads(lines[-1]) | {"peak": peak}


def _import_for(way: str) -> None:
    if way.startswith("xclim"):
        importlib.import_module("xclim.indices")
    else:
        importlib.import_module("ingest.reduce")


def equal(engine_path: str, xclim_path: str) -> None:
    """The engine's values beside xclim's, every cell and year: counts equal, the rest within 1e-5 relative."""
    import pyarrow.parquet as pq

    ours = pq.read_table(engine_path)
    theirs = np.load(xclim_path)
    for name in INDICATORS:
        mine = ours[name].to_numpy(zero_copy_only=False).reshape(*SHAPE, -1)
        if name in IN_KELVIN:
            mine = mine + 273.15
        np.testing.assert_allclose(mine, theirs[name], rtol=1e-5, atol=1e-4, err_msg=name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--years", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layout", choices=CHUNKS, default="day")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--write", action="store_true", help="renew docs/reference/performance.md")
    parser.add_argument("--only", choices=list(WAYS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        _import_for(arguments.only)
        started, busy = time.perf_counter(), _cpu_seconds()
        extra = globals()[arguments.only.removesuffix("_half")](arguments.folder)
        print(json.dumps({"seconds": time.perf_counter() - started, "cpu": _cpu_seconds() - busy, **extra}))
        return
    with tempfile.TemporaryDirectory() as name:
        whole, half = Path(name) / "whole", Path(name) / "half"
        generate(whole, arguments.years, arguments.layout)
        generate(half, arguments.years // 2, arguments.layout)
        found: dict[str, list[Measure]] = {way: [] for way in arguments.ways}
        for number in range(arguments.rounds):
            for way in arguments.ways:
                found[way].append(measure(way, half if way.endswith("_half") else whole))
                print(f"round {number + 1}: {way} {found[way][-1]['seconds']:.2f} s", file=sys.stderr, flush=True)
        compared = [way for way in ("xclim_eager", "xclim_dask") if found.get(way) and found.get("engine")]
        for way in compared:
            engine(whole)  # the lake holds the 23 indicators again
            equal(str(found["engine"][-1]["result"]), str(found[way][-1]["result"]))
    text = report(found, arguments, compared)
    print(text)
    if arguments.write:
        path = paths.PROJECT / "docs" / "reference" / "performance.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _cpu_seconds() -> float:
    """Processor time of this process and of its workers that have ended."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in usage)


def report(found: dict[str, list[Measure]], arguments: argparse.Namespace, compared: list[str]) -> str:
    """The page: machine, times, ratios, memory."""
    seconds = {way: [float(r["seconds"]) for r in runs] for way, runs in found.items()}
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    n_days = 365.25 * arguments.years
    lines = [
        "# Performance of the daily engine",
        "",
        "Generated by `make bench` (`bench/daily.py`). Ratios are taken within one run, where all ways take turns on",
        "the same files; the seconds depend on the machine and on what else it did.",
        "",
        f"- Machine: {machine()}",
        f"- Files: 3 variables (tasmin, tasmax, prtot) × 3 600 cells × {arguments.years} years, DRIAS-2020 layout, "
        f"compressed NetCDF4, chunks `{CHUNKS[arguments.layout]}`: {3600 * n_days / 1e6:.0f} million cell-days",
        f"- Rounds: {arguments.rounds}; times are medians (least – greatest)",
        "- Processor seconds add up all processes and do not depend on what else the machine does",
        "- A time is from the first call to the last result written, imports left out, the start of workers included",
        "- Memory: the largest sum over the process and its workers, shared pages counted once",
        "",
        "| way | seconds | × decode only | processor seconds | × decode only | peak memory, MB |",
        "|---|---|---|---|---|---|",
    ]
    for way, values in seconds.items():
        peak = max(int(r["peak"]) for r in found[way]) / 2**20
        busy = statistics.median(float(r["cpu"]) for r in found[way])
        wall_ratio = f"{medians[way] / medians['decode']:.2f}" if "decode" in medians else ""
        busy_ratio = ""
        if "decode" in found:
            busy_ratio = f"{busy / statistics.median(float(r['cpu']) for r in found['decode']):.2f}"
        label = WAYS[way].format(features=found[way][-1].get("features", ""))
        spread = f"{medians[way]:.2f} ({min(values):.2f} – {max(values):.2f})"
        lines.append(f"| {label} | {spread} | {wall_ratio} | {busy:.2f} | {busy_ratio} | {peak:.0f} |")
    lines.append("")
    for other in ("xclim_dask", "xclim_eager"):
        if other in medians and "engine" in medians:
            lines.append(f"- {medians[other] / medians['engine']:.1f} × faster than {WAYS[other]}.")
    if compared:
        lines.append(
            "- The values of the 23 indicators equal those of xclim (float32, in the files' units) within 1e-5, every "
            "cell and year."
        )
    if "engine" in medians and "engine_half" in medians:
        lines.append(
            f"- {arguments.years} years take {medians['engine'] / medians['engine_half']:.2f} × the time of "
            f"{arguments.years // 2} years."
        )
    return "\n".join(lines) + "\n"


def machine() -> str:
    """Processor, cores and memory."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    memory = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
