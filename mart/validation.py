"""The validation page: what a release says beside what others published, misses included.

The published figures are the seed ``published_figures`` (source and evidence in each row) and the golden départements
of ``data/reference/tracc_departement.csv``. Figures of a grid point are compared at that point, before any territory.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from climart import paths
from climart.errors import UserError
from climart.files import atomic_text
from mart import observation, release
from mart.texts import seed

EQUAL, CLOSE, MISS = "equal", "within 10 %", "differs"
NOT_COMPARABLE, ABSENT = "not comparable", "not in this release"
VERDICTS = (EQUAL, CLOSE, MISS, NOT_COMPARABLE, ABSENT)
SECTIONS = {
    "anchor": "National anchors",
    "cell": "Grid points: TRACC and Climadiag",
    "city": "Cities: DRIAS-2020, ALADIN63/CNRM-CM5, 1976-2005",
    "cells": "Mean over all grid points: DRIAS-2020, ALADIN63/CNRM-CM5",
}
STATISTICS = {
    "q50": "median",
    "min": "lowest run",
    "max": "highest run",
    "mean": "mean of the points",
    "median": "median of the points",
    "change": "change, median",
    "change_q95": "change, 95th percentile",
    "change_percent": "change in %, median",
    "change_mean": "change, mean of the points",
}
NOISE = 1e-3  # the lake stores float32

Key = tuple[str, str, str, str, str]  # dataset, place, indicator, context, statistic
Found = tuple[float, int]  # value, number of runs


@dataclass(frozen=True)
class Comparison:
    """A published figure and ours; ``difference`` is ours less the nearest published bound, 0 within a range."""

    figure: dict[str, str]
    ours: float | None
    difference: float | None
    verdict: str
    n_runs: int

    @property
    def published(self) -> str:
        low, high = self.figure["low"], self.figure["high"]
        if low == high:
            return low
        return f"{low} to {high}" if low and high else (f"at most {high}" if high else f"at least {low}")


def compared(figure: dict[str, str], found: Found | None) -> Comparison:
    """One figure against what the release holds, if anything."""
    if found is None:
        return Comparison(figure, None, None, ABSENT, 0)
    ours, n_runs = found
    low, high = float(figure["low"] or "-inf"), float(figure["high"] or "inf")
    difference = min(ours - low, 0.0) or max(ours - high, 0.0)
    bound = low if difference < 0 else high
    if n_runs != int(figure["n_runs"]):
        verdict = NOT_COMPARABLE
    elif abs(difference) <= float(figure["rounding"]) + NOISE:
        verdict = EQUAL
    else:
        verdict = CLOSE if abs(difference) <= 0.1 * abs(bound) else MISS
    return Comparison(figure, ours, difference, verdict, n_runs)


def comparisons(folder: Path) -> list[Comparison]:
    """Every published figure beside the release ``folder`` and, for grid points, the warehouse that it was made from.

    Raises UserError if the warehouse is not that of the release.
    """
    record = paths.warehouse().with_suffix(".json")
    build = json.loads(record.read_text()) if record.exists() else None
    if build is None or json.loads((folder / "release.json").read_text())["build"] != build:
        raise UserError(
            f"release {folder.name} was not made from the warehouse beside it, which holds the grid points: run "
            "`climart build` and `climart publish` first."
        )
    figures = seed("published_figures")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{folder / 'climart.duckdb'}' as release (read_only)")
        connection.execute(f"attach '{paths.warehouse()}' as warehouse (read_only)")
        found = _territories(connection, figures) | _cells(connection, figures) | _all_cells(connection, figures)
    return [compared(figure, found.get(_key(figure))) for figure in figures]


def _key(figure: dict[str, str]) -> Key:
    return (
        figure["dataset_id"], figure["place"], figure["indicator_id"], figure["context_id"], figure["statistic"],
    )  # fmt: skip


def _territories(connection: duckdb.DuckDBPyConnection, figures: Iterable[dict[str, str]]) -> dict[Key, Found]:
    places = sorted({figure["place"] for figure in figures if not figure["place"].startswith("cell")})
    rows = connection.execute(
        """
        select
            dataset_id, territory_id, indicator_id, context_id, facts.n_runs,
            facts.q50, facts.delta_q50, facts.delta_q95,
            list_median(list_transform(
                list_zip(runs.run_values, runs.run_changes), lambda run: 100 * run[2] / (run[1] - run[2])
            ))
        from release.fct_indicator as facts
        inner join release.fct_indicator_run as runs
            using (dataset_id, territory_id, indicator_id, context_id, weighting)
        where weighting = 'area' and facts.reason is null and list_contains(?, territory_id)
        """,
        [places],
    ).fetchall()
    statistics = ("q50", "change", "change_q95", "change_percent")
    return {
        (str(dataset), str(place), str(indicator), str(context), statistic): (float(value), int(n_runs))
        for dataset, place, indicator, context, n_runs, q50, change, change_q95, change_percent in rows
        for statistic, value in zip(statistics, (q50, change, change_q95, change_percent), strict=True)
        if value is not None
    }


def _cells(connection: duckdb.DuckDBPyConnection, figures: Sequence[dict[str, str]]) -> dict[Key, Found]:
    places = {f["place"] for f in figures if f["place"].startswith("cell:")}
    columns = _columns(connection, figures)
    if not columns:
        return {}
    rows = connection.execute(
        f"""
        select dataset_id, 'cell:' || cell_id, indicator_id, context_id, count(*), median(value), min(value), max(value)
        from (
            unpivot (
                select dataset_id, simulation_id, context_id, cell_id, {", ".join(columns)}
                from warehouse.int_cell_indicators
                where list_contains(?, cell_id)
            )
            on {", ".join(columns)} into name indicator_id value value
        )
        group by all
        """,
        [[int(place.removeprefix("cell:")) for place in sorted(places)]],
    ).fetchall()
    return {
        (str(dataset), str(place), str(indicator), str(context), statistic): (float(value), int(n_runs))
        for dataset, place, indicator, context, n_runs, *values in rows
        for statistic, value in zip(("q50", "min", "max"), values, strict=True)
    }


def _all_cells(connection: duckdb.DuckDBPyConnection, figures: Sequence[dict[str, str]]) -> dict[Key, Found]:
    asked = [figure for figure in figures if figure["place"] == "cells"]
    columns = _columns(connection, asked)
    if not columns:
        return {}
    rows = connection.execute(
        f"""
        with cells as (
            unpivot (
                select dataset_id, simulation_id, context_id, cell_id, {", ".join(columns)}
                from warehouse.int_cell_indicators
                where list_contains(?, dataset_id)
            )
            on {", ".join(columns)} into name indicator_id value value
        )
        select
            cells.dataset_id, cells.indicator_id, cells.context_id, count(distinct cells.simulation_id),
            avg(cells.value::double), median(cells.value), avg(cells.value::double - reference.value)
        from cells
        left join (select * from cells where context_id = 'ref') as reference
            using (dataset_id, simulation_id, indicator_id, cell_id)
        group by all
        """,
        [sorted({figure["dataset_id"] for figure in asked})],
    ).fetchall()
    return {
        (str(dataset), "cells", str(indicator), str(context), statistic): (float(value), int(n_runs))
        for dataset, indicator, context, n_runs, *values in rows
        for statistic, value in zip(("mean", "median", "change_mean"), values, strict=True)
        if value is not None
    }


def _columns(connection: duckdb.DuckDBPyConnection, figures: Iterable[dict[str, str]]) -> list[str]:
    """The indicators of the figures that the exports hold, as columns of int_cell_indicators."""
    present = connection.execute("select column_name from (describe warehouse.int_cell_indicators)").fetchall()
    return sorted({figure["indicator_id"] for figure in figures} & {str(name) for (name,) in present})


def markdown(folder: Path) -> str:
    """The page, from a release and the warehouse beside it."""
    made = comparisons(folder)
    lines = [
        "# Validation",
        "",
        "Written by `make docs` from the national mart (`make national`). Published figures beside ours, misses "
        "included. The figures are in `dbt_project/seeds/published_figures.csv`, with their source and how far it was "
        "read: [V] in the data or the paper, [S] in a secondary source. Left out: published figures that name no place "
        "(“the Mediterranean”, “the north half”). Differences are ours less theirs. Observations come last.",
        "",
        *_inputs(folder),
        "",
        "*equal*: within the rounding of the published figure. *within 10 %*, *differs*: beyond it. *not comparable*: "
        "the figure speaks of another number of runs. *not in this release*: no loaded file holds the indicator there.",
        "",
        "| figures | " + " | ".join(VERDICTS) + " |",
        "|---|" + "---|" * len(VERDICTS),
    ]
    for section, title in SECTIONS.items():
        counts = Counter(row.verdict for row in made if row.figure["section"] == section)
        lines.append(f"| {title} | " + " | ".join(str(counts[verdict]) for verdict in VERDICTS) + " |")
    for section, title in SECTIONS.items():
        rows = [row for row in made if row.figure["section"] == section]
        lines += ["", f"## {title}", "", *_sources(rows), ""]
        lines += _by_indicator(rows) if section == "city" else _table(rows)
    return "\n".join([*lines, *_golden(folder), *_fires(folder), *observation.markdown(folder)]) + "\n"


def _inputs(folder: Path) -> list[str]:
    with duckdb.connect(str(folder / "climart.duckdb"), read_only=True) as connection:
        datasets = connection.execute(
            "select dataset_id, any_value(title_en), count(distinct simulation_id), "
            "any_value(dim_dataset.validation_status) from dim_dataset join dim_simulation using (dataset_id) "
            "group by dataset_id order by dataset_id"
        ).fetchall()
        files = connection.execute(
            "select sha256 from dim_source_file "
            "where source_file_id in (select source_file_id from dim_indicator_source) order by sha256"
        ).fetchall()
    # what the files hold, not when a release was made of them: the page changes with its inputs only
    digest = hashlib.sha256("\n".join(str(sha256) for (sha256,) in files).encode()).hexdigest()
    lines = ["Inputs of this page:", ""]
    for dataset_id, title, n_runs, status in datasets:
        lines.append(f"- `{dataset_id}` ({title}): {n_runs} run{'s' if n_runs > 1 else ''}, {status}")
    return [*lines, f"- {len(files)} files of indices; sha256 of their sha256: `{digest}`"]


def _sources(rows: Sequence[Comparison]) -> list[str]:
    named = {(row.figure["source"], row.figure["evidence"]): None for row in rows}
    return ["Published: " + "; ".join(f"{source} [{evidence}]" for source, evidence in named) + "."]


def _table(rows: Sequence[Comparison]) -> list[str]:
    lines = [
        "| place | indicator | context | statistic | published | ours | difference | |",
        "|---|---|---|---|--:|--:|--:|---|",
    ]
    for row in rows:
        figure = row.figure
        verdict = row.verdict if row.verdict not in (MISS, CLOSE) else f"**{row.verdict}**"
        if row.verdict == NOT_COMPARABLE:
            verdict += f": {row.n_runs} run{'s' if row.n_runs > 1 else ''} of {figure['n_runs']}"
        lines.append(
            f"| {figure['place_label']} | `{figure['indicator_id']}` | {figure['context_id']} "
            f"| {STATISTICS[figure['statistic']]} | {row.published} | {_number(row.ours, figure)} "
            f"| {_number(row.difference, figure, signed=True)} | {'; '.join(filter(None, (verdict, figure['note'])))} |"
        )
    return lines


def _by_indicator(rows: Sequence[Comparison]) -> list[str]:
    """One line per indicator, then a line for each figure that is not equal."""
    lines = ["| indicator | figures | equal | largest difference | |", "|---|--:|--:|--:|---|"]
    for indicator in dict.fromkeys(row.figure["indicator_id"] for row in rows):
        of = [row for row in rows if row.figure["indicator_id"] == indicator]
        differences = [row.difference for row in of if row.difference is not None]
        largest = max(differences, key=abs, default=None)
        n_equal = sum(row.verdict == EQUAL for row in of)
        absent = ", ".join(row.figure["place_label"] for row in of if row.verdict == ABSENT) if differences else "all"
        absent = f"{ABSENT}: {absent}" if absent else ""
        lines.append(
            f"| `{indicator}` | {len(of)} | {n_equal} | {_number(largest, of[0].figure, signed=True)} | {absent} |"
        )
    missed = [row for row in rows if row.verdict in (CLOSE, MISS, NOT_COMPARABLE)]
    noted = {row.figure["place_label"]: row.figure["note"] for row in rows if row.figure["note"]}
    lines += ["", *(f"- {place}: {note}." for place, note in noted.items())]
    return [*lines, "", *_table(missed)] if missed else lines


def _number(value: float | None, figure: dict[str, str], *, signed: bool = False) -> str:
    """With one decimal more than the published figure has."""
    if value is None or not math.isfinite(value):
        return "–"
    published = figure["low"] or figure["high"]
    decimals = len(published.partition(".")[2]) + 1
    if abs(value) < 0.5 * 10**-decimals:
        value = 0.0
    return f"{value:{'+' if signed and value else ''}.{decimals}f}".replace("-", "−")


def _golden(folder: Path) -> list[str]:
    """Départements against the golden figures of TRACC-2023, printed with two decimals."""
    golden = paths.REFERENCE / "tracc_departement.csv"
    with duckdb.connect(str(folder / "climart.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            """
            select
                golden.indicator_id, count(*), count(facts.q50),
                max(abs(facts.q05 - golden.q05)), max(abs(facts.q50 - golden.q50)), max(abs(facts.q95 - golden.q95)),
                count(*) filter (facts.n_runs <> golden.n_runs)
            from read_csv(?, types = {'departement': 'varchar'}) as golden
            left join fct_indicator as facts
                on facts.territory_id = 'departement:' || golden.departement
                and facts.indicator_id = golden.indicator_id and facts.context_id = golden.context_id
                and facts.dataset_id = 'drias_tracc2023' and facts.weighting = 'area'
            group by golden.indicator_id
            order by golden.indicator_id
            """,
            [str(golden)],
        ).fetchall()
    lines = [
        "",
        "## Départements: TRACC-2023",
        "",
        "Published: aggregates of the 51 exports, 96 départements × 4 contexts, two decimals "
        "(`data/reference/tracc_departement.csv`) [V]. Largest difference:",
        "",
        "| indicator | figures | compared | q05 | q50 | q95 | other number of runs |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for indicator, n, n_compared, *differences, n_runs_differ in rows:
        shown = " | ".join("–" if value is None else f"{value:.4f}" for value in differences)
        lines.append(f"| `{indicator}` | {n} | {n_compared} | {shown} | {n_runs_differ} |")
    return lines


def _fires(folder: Path) -> list[str]:
    """Observed forest fires against the fire weather of the reference: how many fall where the index is high."""
    with duckdb.connect(str(folder / "climart.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            """
            with communes as (
                select
                    facts.q50 as days,
                    fires.value as n,
                    area.value as area,
                    fires.date_start, fires.date_end,
                    percent_rank() over (order by facts.q50 desc) as share
                from fct_indicator as facts
                inner join fct_exposure as fires
                    on facts.territory_id = fires.territory_id and fires.dataset_id = 'bdiff'
                    and fires.measure_id = 'fires_n'
                inner join fct_exposure as area
                    on facts.territory_id = area.territory_id and area.dataset_id = 'bdiff'
                    and area.measure_id = 'fires_area'
                where facts.territory_id like 'commune:%' and facts.dataset_id = 'drias_tracc2023'
                    and facts.indicator_id = 'fwi40_days' and facts.context_id = 'ref' and facts.weighting = 'area'
                    and facts.q50 is not null
            )
            select
                top, count(*) filter (share < top), count(*), sum(n) filter (share < top) / sum(n),
                sum(area) filter (share < top) / sum(area), min(days) filter (share < top),
                sum(n), min(year(date_start)), max(year(date_end))
            from communes cross join (select unnest([0.05, 0.1, 0.2, 0.5]) as top)
            group by top order by top
            """
        ).fetchall()
    if not rows or rows[0][6] is None:
        return []
    n_fires, first, last = rows[0][6:]
    lines = [
        "",
        "## Fire weather: TRACC-2023 at the reference against observed fires",
        "",
        f"{n_fires:.0f} forest fires of BDIFF ({first}-{last}) in {rows[0][2]} communes, put in the order of their "
        "days with an index of 40 or more (`fwi40_days`, 1976-2005). An index without skill would hold as large "
        "a share of the fires as of the communes. Fires need people and fuel too; one is counted where it began.",
        "",
        "| communes with the highest index | at least (d/yr) | share of the fires | share of the area burnt |",
        "|---|--:|--:|--:|",
    ]
    for top, n, _, fires, area, days, *_ in rows:
        lines.append(f"| {100 * top:.0f} % ({n}) | {days:.1f} | {100 * fires:.0f} % | {100 * area:.0f} % |")
    return lines


def _is_national(folder: Path) -> bool:
    """Whether a release holds the real TRACC-2023 exports, which most of the page speaks of."""
    with duckdb.connect(str(folder / "climart.duckdb"), read_only=True) as connection:
        held = connection.execute("select count(*) from dim_dataset where dataset_id = 'drias_tracc2023'").fetchall()
    return bool(held[0][0])


if __name__ == "__main__":
    stable = release.stable()
    if stable is not None and _is_national(stable):
        atomic_text(Path(sys.argv[1]), markdown(stable))
    else:
        print(f"{sys.argv[1]} is left as it is: it is written from the national mart (make national, CLIMART_DATA).")
