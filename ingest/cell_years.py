"""Loads daily NetCDF into the lake: runs reduced to annual features, registered, their cells weighed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from climart.errors import UserError
from climart.files import sha256_of
from ingest import features, grid, lake, reduce, registry, relief, sites, territories
from ingest.fetch import locks
from ingest.readers import grids
from ingest.readers.netcdf import SimulationPlan

OnProgress = Callable[[SimulationPlan, reduce.Progress], None]


@dataclass
class Loaded:
    """What a load did."""

    reports: list[reduce.Report] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def load(
    plans: Sequence[SimulationPlan],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: OnProgress = lambda *_: None,
) -> Loaded:
    """Reduce every plan and register it. A run whose files and features have not changed is left alone.

    Raises UserError before anything is reduced where a plan cannot be, or its dataset is not in the registry.
    """
    sources = {plan.run.dataset_id: _source(plan) for plan in plans}
    if refused := [f"{plan.simulation_id}: {fault}" for plan in plans for fault in plan.refusals]:
        raise UserError("Nothing was loaded:\n" + "\n".join(refused))
    done = Loaded()
    lake.open_registers()
    for plan in plans:
        _weigh(plan)  # first: the place of a cell is part of what a run is reduced with
        _refuse_second_pet_method(plan)
        source = sources[plan.run.dataset_id]
        files = _files(plan, source)
        inputs = _inputs(plan, files)
        if _recorded_inputs(plan) == inputs:
            done.unchanged.append(plan.simulation_id)
            continue
        report = reduce.reduce_simulation(plan, workers=workers, scheduler=scheduler, progress=partial(progress, plan))
        done.reports.append(report)
        _register(plan, source, files, report, inputs)
    return done


def _refuse_second_pet_method(plan: SimulationPlan) -> None:
    """Evapotranspiration had in two ways never meets in one dataset (indicators.md §0.1)."""
    site = sites.of_cells(plan.grid, plan.grid.nodes(grids.METROPOLITAN))
    method = reduce.pet_method(plan, plan.resolution(features.catalogue(), site))
    others = lake.read("simulation").to_pylist()
    for other in others:
        same = other["dataset_id"] == plan.run.dataset_id and other["simulation_id"] != plan.simulation_id
        if same and method and other["pet_method"] and other["pet_method"] != method:
            raise UserError(
                f"{plan.simulation_id} has its evapotranspiration by {method}, {other['simulation_id']} of the same "
                f"dataset by {other['pet_method']}: they are never mixed. Choose with --pet, give the run the files "
                "that the others have, or name another dataset with --dataset. This run was not loaded."
            )


def _source(plan: SimulationPlan) -> registry.Source:
    try:
        return registry.source(plan.run.dataset_id)
    except KeyError as error:
        raise UserError(
            f"{plan.simulation_id}: dataset {plan.run.dataset_id!r} is not in the registry "
            f"(known: {', '.join(registry.sources())}). Name one with --dataset, or add ingest/sources/<id>.yml."
        ) from error


def _files(plan: SimulationPlan, source: registry.Source) -> list[dict[str, object]]:
    steps = plan.origins or {f.path: int(f.time.days.size) for files in plan.files.values() for f in files}
    found: list[dict[str, object]] = []
    for path in sorted(steps):
        digest = sha256_of(path)
        found.append(
            {
                **dict.fromkeys(lake.SCHEMAS["source_file"].names),
                "source_file_id": digest[:16],
                "source_id": source.id,
                "name": path.name,
                **locks.provenance(path, digest),
                "bytes": path.stat().st_size,
                "sha256": digest,
                "rows": steps[path],
                "licence": source.licence,
            }
        )
    return found


def _inputs(plan: SimulationPlan, files: list[dict[str, object]]) -> str:
    """What a run's features depend on: its files, what is known of its cells, and the feature definitions."""
    content = json.dumps([[f["sha256"] for f in files], sites.fingerprint(plan.grid), sha256_of(features.PATH)])
    return hashlib.sha256(content.encode()).hexdigest()


def _record(plan: SimulationPlan) -> Path:
    return lake.table_path(
        "cell_year_files", f"dataset={plan.run.dataset_id}", f"simulation={plan.simulation_id}", "files"
    )


def _recorded_inputs(plan: SimulationPlan) -> str | None:
    path = _record(plan)
    return pq.read_schema(path).metadata[b"inputs"].decode() if path.exists() else None


def _register(
    plan: SimulationPlan, source: registry.Source, files: list[dict[str, object]], report: reduce.Report, inputs: str
) -> None:
    lake.upsert("source_file", pa.Table.from_pylist(files, schema=lake.SCHEMAS["source_file"]), "source_file_id")
    registry.record_dataset(source)
    run = plan.run
    simulation = {
        "simulation_id": plan.simulation_id,
        "dataset_id": run.dataset_id,
        "gcm": run.gcm or None,
        "rcm": run.rcm or None,
        "member": run.member or None,
        "correction": run.correction or None,
        "scenario": run.scenario,
        "calendar": plan.calendar,
        "year_start": plan.year_start,
        "year_end": plan.year_end,
        "validation_status": source.validation_status,
        "grid_id": plan.grid.grid_id,
        "pet_method": report.pet_method or None,
        "content_sha256": sha256_of(report.path),
    }
    lake.upsert("simulation", pa.Table.from_pylist([simulation], schema=lake.SCHEMAS["simulation"]), "simulation_id")
    rows = pa.table({"source_file_id": pa.array([file["source_file_id"] for file in files], pa.string())})
    # Last: what it records is complete.
    lake.write_parquet(rows.replace_schema_metadata({"inputs": inputs}), _record(plan))


def _weigh(plan: SimulationPlan) -> None:
    """Cells of a grid that the lake does not know yet, and their weights where territories are loaded."""
    if plan.grid.kind == grids.MASSIF_BANDS:
        relief.add_bands(plan.grid)
        return
    if plan.grid.kind == grids.STATIONS:
        return  # points, which ``ingest.stations`` writes: they stand for no territory
    if plan.grid.grid_id in lake.read("cell")["grid_id"].unique().to_pylist():
        return
    if plan.grid.grid_id == grid.GRID_ID:
        lake.upsert("cell", grid.as_arrow(), "grid_id")
        return
    nodes = plan.grid.nodes(grids.METROPOLITAN)
    n = len(nodes)
    cells = {
        "grid_id": [plan.grid.grid_id] * n,
        "cell_id": plan.grid.cell_id[nodes],
        "x": [None] * n,
        "y": [None] * n,
        "longitude": plan.grid.longitude[nodes],
        "latitude": plan.grid.latitude[nodes],
        "is_extrapolated": [False] * n,
        "polygon": shapely.to_wkb(plan.grid.polygons(nodes)),
    }
    schema = lake.SCHEMAS["cell"]
    lake.upsert(
        "cell", pa.table({name: pa.array(cells[name], schema.field(name).type) for name in schema.names}), "grid_id"
    )
    if lake.table_path("territory").exists():
        territories.weigh_grid(plan.grid.grid_id)
