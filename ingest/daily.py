"""Daily series of chosen territories: the days themselves, which the lake does not keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from climart.errors import UserError
from ingest import lake, reduce
from ingest.readers import times
from ingest.readers.netcdf import SimulationPlan
from ingest.variables import VARIABLES


def of_territories(plan: SimulationPlan, territory_ids: Sequence[str]) -> pa.Table:
    """One row per territory and day of a run: its ids, date, calendar, one float32 column per variable.

    Area-weighted means over the cells that have a value, in the canonical units (column metadata ``unit``). ``date``
    is ISO text: a 360-day calendar has dates that no other one knows. Raises UserError for an unknown territory, or
    one that the run's grid does not cover.
    """
    if plan.refusals:
        raise UserError(f"{plan.simulation_id} cannot be read:\n" + "\n".join(plan.refusals))
    weights = lake.read("cell_weight").to_pandas()
    weights = weights[(weights["grid_id"] == plan.grid.grid_id) & weights["territory_id"].isin(territory_ids)]
    if missing := sorted(set(territory_ids) - set(weights["territory_id"])):
        raise UserError(
            f"{', '.join(missing)}: not a territory that {plan.simulation_id} covers (grid {plan.grid.grid_id}). "
            "Ids look like commune:73065; run `climart ingest territories DIR` first."
        )
    position = {int(cell): node for node, cell in enumerate(plan.grid.cell_id)}
    weights = weights[weights["cell_id"].isin(position)]
    cells = np.sort(weights["cell_id"].unique())
    nodes = np.array([position[int(cell)] for cell in cells], dtype=np.int64)
    start = times.day_number(plan.year_start, plan.calendar)
    series = {name: series_of(plan, name, nodes, start) for name in VARIABLES if name in plan.files}
    dates = [times.date(start + day, plan.calendar) for day in range(len(plan.axis))]
    tables = []
    for territory_id in territory_ids:
        of_territory = weights[weights["territory_id"] == territory_id]
        share = np.zeros(len(cells))
        share[np.searchsorted(cells, of_territory["cell_id"])] = of_territory["weight"]
        columns: dict[str, object] = {
            "simulation_id": [plan.simulation_id] * len(dates),
            "territory_id": [territory_id] * len(dates),
            "date": [str(date) for date in dates],
            "calendar": [plan.calendar] * len(dates),
        }
        for name, values in series.items():
            held = np.isfinite(values)
            weight = (share[:, None] * held).sum(axis=0)
            total = np.where(held, share[:, None] * values, 0).sum(axis=0)
            mean = np.divide(total, weight, out=np.full(len(dates), np.nan), where=weight > 0)
            columns[name] = pa.array(mean.astype(np.float32), from_pandas=True)
        tables.append(pa.table(columns))
    table = pa.concat_tables(tables)
    days = [name for name in series if name in table.column_names]
    some = np.logical_or.reduce([table[name].is_valid().to_numpy() for name in days])
    fields = [
        field.with_metadata({"unit": VARIABLES[field.name].unit}) if field.name in series else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields)).filter(pa.array(some))


def series_of(plan: SimulationPlan, name: str, nodes: npt.NDArray[np.int64], start: int) -> npt.NDArray[np.float32]:
    """Values (cells, days of the run's axis), NaN where no file has the day."""
    values = np.full((nodes.size, len(plan.axis)), np.nan, dtype=np.float32)
    for file in plan.files[name]:
        steps = np.arange(file.time.days.size)
        values[:, file.time.days - start] = reduce.read_values(file, nodes, steps)
    return values


def write(plans: Sequence[SimulationPlan], territory_ids: Sequence[str], path: Path) -> int:
    """Write the daily series of every run to one Parquet file, atomically; the number of rows."""
    tables = [of_territories(plan, territory_ids) for plan in plans]
    table = pa.concat_tables(tables, promote_options="default")
    lake.write_parquet(table, path)
    return int(table.num_rows)
