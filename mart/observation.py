"""The part of the validation page on observations: reference means of a release beside SIM2 and stations.

Also, beside our own quantiles, what producers publish already reduced over the same runs. Everything is compared at the
cell, before any territory. Rank correlations are Spearman's, ties with their mean rank.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

SIM2, STATIONS = "sim2", "mf_stations"
MIN_PLACES = 3  # fewer have no rank correlation to speak of
PLACES = {"cell": "grid points", "commune": "communes"}

_SIM2 = """
    select ours.dataset_id, ours.indicator_id, ours.cell_id as place, ours.q50 as ours, theirs.q50 as theirs,
        null::float as rise
    from fct_cell as ours
    inner join fct_cell as theirs using (grid_id, cell_id, indicator_id, context_id)
    inner join dim_cell as cells using (grid_id, cell_id)
    inner join dim_dataset as datasets on ours.dataset_id = datasets.dataset_id
    where theirs.dataset_id = $observed and ours.context_id = 'ref' and datasets.validation_status <> 'observed'
        and not cells.is_extrapolated
"""
_STATIONS = """
    select ours.dataset_id, ours.indicator_id, stations.cell_id as place, ours.q50 as ours, theirs.q50 as theirs,
        stations.altitude_m - stations.cell_altitude_m as rise
    from dim_weather_station as stations
    inner join fct_cell as theirs
        on stations.grid_id = theirs.grid_id and stations.cell_id = theirs.cell_id
        and stations.dataset_id = theirs.dataset_id
    inner join fct_cell as ours
        on stations.lambert_cell_id = ours.cell_id and ours.grid_id = 'lambert_8km'
        and theirs.indicator_id = ours.indicator_id and theirs.context_id = ours.context_id
    where theirs.dataset_id = $observed and theirs.context_id = 'ref'
"""
_SCORED = """
    with pairs as ({pairs}),
    ranked as (
        select
            *,
            rank() over (series order by ours) + (count(*) over (of_ours) - 1) / 2 as our_rank,
            rank() over (series order by theirs) + (count(*) over (of_theirs) - 1) / 2 as their_rank
        from pairs
        where ours is not null and theirs is not null
        window
            series as (partition by dataset_id, indicator_id),
            of_ours as (partition by dataset_id, indicator_id, ours),
            of_theirs as (partition by dataset_id, indicator_id, theirs)
    )
    select
        dataset_id, indicator_id, any_value(catalogue.unit), count(*), avg(theirs::double), avg(ours::double - theirs),
        case
            when count(*) >= $least and stddev_pop(our_rank) > 0 and stddev_pop(their_rank) > 0
                then corr(our_rank, their_rank)
        end,
        median(rise), count(rise)
    from ranked
    inner join dim_indicator as catalogue using (indicator_id)
    group by dataset_id, indicator_id
    order by dataset_id, indicator_id
"""
Row = tuple[str, str, str, int, float, float, float | None, float | None, int]


def scores(connection: duckdb.DuckDBPyConnection, pairs: str, observed: str) -> list[Row]:
    """By dataset and indicator: unit, places, observed mean, bias, rank correlation, median rise (m) and its places."""
    found = connection.execute(_SCORED.format(pairs=pairs), {"observed": observed, "least": MIN_PLACES}).fetchall()
    return [(str(r[0]), str(r[1]), str(r[2]), int(r[3]), r[4], r[5], r[6], r[7], int(r[8])) for r in found]


def markdown(folder: Path) -> list[str]:
    """The sections of the page; where an observation is not loaded, that it is not."""
    with duckdb.connect(str(folder / "climart.duckdb"), read_only=True) as connection:
        held = {str(name) for (name,) in connection.execute("select dataset_id from dim_dataset").fetchall()}
        return [*_sim2(connection, held), *_stations(connection, held), *_published(connection, held)]


def _sim2(connection: duckdb.DuckDBPyConnection, held: set[str]) -> list[str]:
    lines = ["", "## Observed: SIM2, 1976-2005", ""]
    if SIM2 not in held:
        return [*lines, "Not loaded: this release holds no SIM2 (`climart fetch sim2`, `climart ingest sim2`)."]
    rows = scores(connection, _SIM2, SIM2)
    if not rows:
        return [*lines, "Loaded, but no indicator has a mean of 1976-2005 both in SIM2 and in a projection."]
    return [
        *lines,
        "Reference mean of each dataset (median of its runs) at every point of the 8 km grid that SIM2 holds, without "
        "the extrapolated ones. Bias: ours less SIM2. Projections are corrected towards SAFRAN, which SIM2 goes on: "
        "a small bias shows the correction and the indicator's definition, not the skill of a model.",
        "",
        "| dataset | indicator | points | SIM2 | bias | rank correlation |",
        "|---|---|--:|--:|--:|--:|",
        *(
            f"| `{dataset}` | `{indicator}` ({unit}) | {n} | {theirs:.2f} | {_signed(bias)} | {_number(ranks)} |"
            for dataset, indicator, unit, n, theirs, bias, ranks, _, _ in rows
        ),
    ]


def _stations(connection: duckdb.DuckDBPyConnection, held: set[str]) -> list[str]:
    lines = ["", "## Observed: stations, 1976-2005", ""]
    if STATIONS not in held:
        return [
            *lines,
            "Not loaded: this release holds no station (`climart fetch mf_stations`, `climart ingest stations`).",
        ]
    rows = scores(connection, _STATIONS, STATIONS)
    if not rows:
        return [*lines, "Loaded, but no station has a mean of 1976-2005 in a cell that a gridded dataset holds."]
    return [
        *lines,
        "Each station beside the 8 km cell that it stands in; SIM2 is there too, to tell the cell from the model. "
        "Bias: ours less the station. Rise: altitude of the station less the mean one of its cell, median (stations "
        "whose rise is known); a station 100 m higher is about 0.6 °C colder.",
        "",
        "| dataset | indicator | stations | measured | bias | rank correlation | rise (m) |",
        "|---|---|--:|--:|--:|--:|--:|",
        *(
            f"| `{dataset}` | `{indicator}` ({unit}) | {n} | {theirs:.2f} | {_signed(bias)} | {_number(ranks)} | "
            f"{_signed(rise, 0)} ({n_rise}) |"
            for dataset, indicator, unit, n, theirs, bias, ranks, rise, n_rise in rows
        ),
    ]


def _published(connection: duckdb.DuckDBPyConnection, held: set[str]) -> list[str]:
    lines = ["", "## Published ensembles beside our quantiles", ""]
    if not held & {
        name for (name,) in connection.execute("select distinct dataset_id from fct_published_ensemble").fetchall()
    }:
        return [*lines, "Not loaded: this release holds no published ensemble (`climart ingest published`)."]
    rows = connection.execute(
        """
        with published as (
            select dataset_id, index_code, indicator_id, context_id, grid_id, cell_id, territory_id, median
            from fct_published_ensemble
            where indicator_id is not null and median is not null
        ),
        pairs as (
            select p.dataset_id, p.index_code, p.indicator_id, p.context_id, o.dataset_id as ours_id, 'cell' as kind,
                p.median as theirs, o.q50 as ours
            from published as p
            inner join fct_cell as o using (grid_id, cell_id, indicator_id, context_id)
            union all
            select p.dataset_id, p.index_code, p.indicator_id, p.context_id, o.dataset_id, 'commune', p.median, o.q50
            from published as p
            inner join fct_indicator as o using (territory_id, indicator_id, context_id)
            where o.weighting = 'area' and o.q50 is not null
        )
        select
            pairs.dataset_id, index_code, indicator_id, any_value(catalogue.unit), context_id, ours_id, kind, count(*),
            avg(ours::double - theirs), max(abs(ours::double - theirs))
        from pairs
        inner join dim_indicator as catalogue using (indicator_id)
        inner join dim_context as contexts using (context_id)
        inner join dim_dataset as datasets on pairs.ours_id = datasets.dataset_id
        where datasets.validation_status = 'validated'
        group by all
        order by pairs.dataset_id, indicator_id, any_value(contexts.position), ours_id
        """
    ).fetchall()
    if not rows:
        return [*lines, "Loaded, but no index of theirs is at a place, in a context and under an indicator of ours."]
    return [
        *lines,
        "Median of the producer beside ours, at the same grid point, or at the commune for which Climadiag chose one "
        "grid point (ours is the mean of its cells). Difference: ours less theirs.",
        "",
        "| published | index | indicator | context | ours | places | mean difference | largest |",
        "|---|---|---|---|---|--:|--:|--:|",
        *(
            f"| `{dataset}` | {index} | `{indicator}` ({unit}) | {context} | `{ours}` | {n} {PLACES[kind]} | "
            f"{_signed(mean)} | {largest:.2f} |"
            for dataset, index, indicator, unit, context, ours, kind, n, mean, largest in rows
        ),
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def _signed(value: float | None, decimals: int = 2) -> str:
    if value is None:
        return "–"
    if abs(value) < 0.5 * 10**-decimals:
        value = 0.0
    return f"{value:{'+' if value else ''}.{decimals}f}".replace("-", "−")
