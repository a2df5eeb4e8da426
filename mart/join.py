"""A portfolio joined to a release: every line once, its amounts as they were, and why a line has no values.

By commune code, of any year: codes are carried to today's communes with ``dim_commune_crosswalk``. By point: the value
of the grid's cell, and that of the commune around it. Nothing leaves the machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pyproj
import shapely
from openpyxl import Workbook

from climart.errors import UserError
from climart.files import atomic
from climart.spreadsheet import harmless
from mart import portfolio as portfolios
from mart import release

# What a first look at a place asks for; those that the release lacks are left out.
DEFAULT_INDICATORS: Final = ("t_mean", "tx35", "tr20", "rr_yr", "rx1d", "fwi40_days")
MEASURES: Final = ("q50", "q05", "q95", "ref_q50", "delta_q50", "delta_q05", "delta_q95")
DEFAULT_MEASURES: Final = ("q50", "q05", "q95")
CELL_MEASURES: Final = ("q50", "q05", "q95", "delta_q50", "delta_q05", "delta_q95")
WEIGHTING: Final = "area"
# The 8 km grid: the square of 8 km around x, y of dim_cell (ingest.grid, which a test compares).
GRID, GRID_CRS, GRID_SIZE = "lambert_8km", "EPSG:27572", 8_000
METROPOLITAN: Final = (-5.6, 41.2, 9.8, 51.3)  # west, south, east, north, degrees: only to tell swapped coordinates
CAUSES_FR: Final = {
    "blank_code": "code vide",
    "unknown_code": "code inconnu",
    "ambiguous_split": "commune partagée depuis entre plusieurs",
    "abolished": "sortie du code officiel",
    "outside_grid": "hors de la grille",
    "no_geometry": "commune sans contour",
    "bad_coordinate": "coordonnée illisible",
    "no_commune": "hors de toute commune",
}


@dataclass
class Joined:
    """A joined portfolio.

    ``table``: one row per line (wide), or per line × indicator × context (long). ``unmatched``: one row per line that
    has no values: its number, its key, the cause, the communes that it may be. ``sums``: column → its exact sum.
    """

    table: pa.Table
    unmatched: pa.Table
    n_lines: int
    by_cause: dict[str, int]
    notes: dict[str, int]
    sums: dict[str, Decimal | int | float]
    choices: dict[str, str]  # indicator → dataset
    contexts: tuple[str, ...]
    about: dict[str, Any]
    remarks: list[str] = field(default_factory=list)
    separator: str = ";"
    decimal: str = ","

    def to_pandas(self) -> Any:
        """The table as a pandas DataFrame."""
        return self.table.to_pandas()

    def report(self) -> str:
        """What was done, in French and English, as Markdown."""
        datasets = {d["dataset_id"]: d for d in self.about["datasets"]}
        used = sorted(set(self.choices.values()))
        n_without = sum(self.by_cause.values())
        lines = [
            "# Jointure · Join",
            "",
            f"Climart {self.about['version']} ({self.about['published_at']}). "
            f"{self.n_lines} lignes reçues et rendues · lines in and out; {self.n_lines - n_without} avec valeurs · "
            f"with values, {n_without} sans · without.",
            "",
        ]
        if self.by_cause:
            lines += ["| cause | | lignes · lines |", "|---|---|---:|"]
            lines += [f"| `{cause}` | {CAUSES_FR[cause]} | {n} |" for cause, n in sorted(self.by_cause.items())]
            lines.append("")
        if self.notes:
            lines += ["| réparé ou reporté · repaired or carried | lignes · lines |", "|---|---:|"]
            lines += [f"| `{note}` | {n} |" for note, n in sorted(self.notes.items())] + [""]
        if self.sums:
            lines += ["| somme conservée · sum kept | |", "|---|---:|"]
            lines += [f"| {name} | {total} |" for name, total in self.sums.items()] + [""]
        lines += [f"- {remark}" for remark in self.remarks]
        lines += ["", "Indicateurs · Indicators: " + ", ".join(f"`{i}` ({d})" for i, d in self.choices.items()) + "."]
        lines += [f"Contextes · Contexts: {', '.join(f'`{context}`' for context in self.contexts)}.", ""]
        for name in used:
            dataset = datasets[name]
            lines.append(f"- {dataset['citation']} ({dataset['licence']}, {dataset['validation_status']})")
        return "\n".join(lines) + "\n"

    def write(self, path: Path) -> list[Path]:
        """Write the table (.parquet, .csv, .xlsx), ``<name>.report.md`` and, if any, ``<name>.unmatched.csv``.

        A CSV has the portfolio's own separator and decimal sign. Text cells that a spreadsheet would run are
        neutralised; numbers stay numbers. Returns the paths written.
        """
        writers = {".parquet": self._write_parquet, ".csv": self._write_csv, ".xlsx": self._write_workbook}
        if path.suffix.lower() not in writers:
            raise UserError(f"{path.name}: expected .parquet, .csv or .xlsx.")
        writers[path.suffix.lower()](path)
        written = [path, path.with_suffix(".report.md")]
        with atomic(written[1]) as handle:
            handle.write(self.report().encode())
        if self.unmatched.num_rows:
            written.append(path.with_suffix(".unmatched.csv"))
            with atomic(written[2]) as handle:
                handle.write(_csv(self.unmatched, self.separator, self.decimal))
        return written

    def _write_parquet(self, path: Path) -> None:
        metadata = {
            "version": self.about["version"],
            "licence": "; ".join(self.about["licences"]),
            "sources": "; ".join(d["citation"] for d in self.about["datasets"]),
        }
        with atomic(path) as handle:
            pq.write_table(self.table.replace_schema_metadata(metadata), handle, compression="zstd")

    def _write_csv(self, path: Path) -> None:
        with atomic(path) as handle:
            handle.write(_csv(self.table, self.separator, self.decimal))

    def _write_workbook(self, path: Path) -> None:
        book = Workbook(write_only=True)
        for title, table in (("join", self.table), ("unmatched", self.unmatched)):
            sheet = book.create_sheet(title)
            sheet.append([harmless(name) for name in table.column_names])
            safe = _harmless_columns(table)
            for row in zip(*(safe.column(i).to_pylist() for i in range(safe.num_columns)), strict=True):
                sheet.append(row)
        about = book.create_sheet("about")
        for line in self.report().splitlines():
            about.append([harmless(line)])
        with atomic(path) as handle:
            book.save(handle)


def join(
    portfolio: Path | str | Any,
    on: str | Sequence[str],
    *,
    release_path: Path | str = "stable",
    vintage: int | None = None,
    indicators: Sequence[str] | None = None,
    contexts: Sequence[str] | None = None,
    dataset: str | None = None,
    measures: Sequence[str] = DEFAULT_MEASURES,
    long: bool = False,
) -> Joined:
    """Join a portfolio (a file, or a pandas, polars or Arrow table) to a release.

    on: the column of commune codes, or the two of latitude and longitude (``"lat,lon"`` or a pair).
    release_path: a version, ``stable``, or a release's folder.
    vintage: the year of the official geographic code that the codes are of; without it a code has its latest meaning.
    indicators, contexts: their ids; by default DEFAULT_INDICATORS, at the reference and the warming levels.
    dataset: by default, for each indicator, one that is not under evaluation, has warming levels, and speaks of most
    territories, in this order.
    measures: of MEASURES; long: one row per line, indicator and context, instead of columns.

    Raises UserError for a column, an indicator, a context or a release that there is not.
    """
    keys = [part.strip() for part in (on.split(",") if isinstance(on, str) else on)]
    if len(keys) not in (1, 2):
        raise UserError(f"--on {on!r}: expected the column of commune codes, or the columns of latitude and longitude.")
    if unknown := set(measures) - set(MEASURES):
        raise UserError(f"measure {', '.join(sorted(unknown))}: expected {', '.join(MEASURES)}.")
    given = portfolios.read(portfolio, keys)
    columns = [portfolios.column(given, key) for key in keys]
    mart = _Release(release.found(str(release_path)))
    with mart.connection:
        choices, asked = mart.choose(indicators, contexts, dataset)
        texts = [portfolios.typed_as_text(given.table[column]) for column in columns]
        lines = mart.by_code(texts[0], vintage) if len(columns) == 1 else mart.by_point(texts[0], texts[1], choices)
        work = _Work(mart, given, columns, lines, choices, asked, tuple(measures))
        table = work.long() if long else work.wide()
    before = portfolios.sums(given.table, [c for c in given.table.column_names if c not in columns])
    after = portfolios.sums(table, before) if not long else before
    if before != after or (not long and table.num_rows != given.table.num_rows):
        raise AssertionError(
            f"the join changed the portfolio: {before} became {after}"
        )  # never: the lines are one to one
    causes = lines["climart_cause"].to_pylist()
    missing = pc.is_valid(lines["climart_cause"])
    keys_shown = {column: given.table[column] for column in columns}
    unmatched = pa.table(
        {"climart_line": lines["climart_line"], **keys_shown, "climart_cause": lines["climart_cause"],
         "climart_candidates": lines["climart_candidates"]}
    ).filter(missing)  # fmt: skip
    notes = Counter(note for text in lines["climart_note"].to_pylist() if text for note in text.split(", "))
    return Joined(
        table, unmatched, given.table.num_rows, dict(Counter(c for c in causes if c)), dict(notes), before, choices,
        asked, mart.about, given.remarks, given.separator, given.decimal,
    )  # fmt: skip


@dataclass
class _Work:
    """One join under way: the lines with what they were matched with, and the values to give them."""

    mart: _Release
    given: portfolios.Portfolio
    keys: list[str]
    lines: pa.Table
    choices: dict[str, str]
    contexts: tuple[str, ...]
    measures: tuple[str, ...]

    @property
    def by_point(self) -> bool:
        return "climart_grid_km" in self.lines.column_names

    def wide(self) -> pa.Table:
        """The portfolio, what it was matched with, and one column per indicator, context and measure."""
        pairs = [(i, c) for i in self.choices for c in self.contexts]
        values = [
            f"any_value({measure}) filter (indicator_id = '{i}' and context_id = '{c}') as \"{i}_{c}_{measure}\""
            for i, c in pairs
            for measure in self.measures
            if not (c == "ref" and measure.startswith("delta"))
        ]
        values.append("any_value(resolution_km) as climart_resolution_km")
        values += [f"any_value(reason) filter (indicator_id = '{i}') as \"{i}_reason\"" for i in self.choices]
        territories = f"select territory_id, {', '.join(values)} from asked_values group by territory_id"
        selected, joins = "territories.* exclude (territory_id)", ""
        if self.by_point:
            cell = [m for m in self.measures if m in CELL_MEASURES]
            listed = ", ".join(
                f"any_value({m}) filter (indicator_id = '{i}' and context_id = '{c}') as \"grid_{i}_{c}_{m}\""
                for i, c in pairs
                for m in cell
                if not (c == "ref" and m.startswith("delta"))
            )
            joins = (
                f"left join (select grid_id, cell_id, {listed} from asked_cells group by all) as cells "
                "on lines.climart_grid_id = cells.grid_id and lines.climart_cell_id = cells.cell_id"
            )
            selected += ", cells.* exclude (grid_id, cell_id)"
        connection = self._open()
        found = _arrow(
            connection,
            f"select lines.climart_line, {selected} from lines left join ({territories}) as territories "
            f"on lines.climart_territory_id = territories.territory_id {joins} order by lines.climart_line",
        )
        shown = self.lines.drop_columns(["climart_line", "climart_candidates", "climart_grid_id"][: 2 + self.by_point])
        return _beside(self.given.table, shown, found.drop_columns(["climart_line"]))

    def long(self) -> pa.Table:
        """One row per line, indicator and context, without the portfolio's columns: an amount is never there twice."""
        measures = ", ".join(f"v.{m}" for m in self.measures)
        joins, cells = "", ""
        if self.by_point:
            cells = ", " + ", ".join(f"g.{m} as grid_{m}" for m in self.measures if m in CELL_MEASURES)
            joins = (
                "left join asked_cells as g on l.climart_grid_id = g.grid_id and l.climart_cell_id = g.cell_id "
                "and g.indicator_id = a.indicator_id and g.context_id = a.context_id"
            )
        connection = self._open()
        return _arrow(
            connection,
            f"""
            select l.* exclude (climart_candidates {", climart_grid_id" if self.by_point else ""}),
                a.indicator_id, a.dataset_id, a.context_id, i.unit, {measures}, v.n_runs,
                coalesce(v.reason, l.climart_cause) as reason {cells}
            from lines as l cross join asked as a
            left join dim_indicator as i on i.indicator_id = a.indicator_id
            left join asked_values as v on v.territory_id = l.climart_territory_id
                and v.indicator_id = a.indicator_id and v.context_id = a.context_id
            {joins}
            order by l.climart_line, a.position
            """,
        )

    def _open(self) -> duckdb.DuckDBPyConnection:
        """The release's connection, with ``lines``, ``asked``, ``asked_values`` and, for points, ``asked_cells``."""
        connection = self.mart.connection
        pairs = [(i, d, c) for i, d in self.choices.items() for c in self.contexts]
        asked = pa.table(
            {
                "position": pa.array(range(len(pairs)), pa.int32()),
                **{
                    name: pa.array([pair[k] for pair in pairs], pa.string())
                    for k, name in enumerate(("indicator_id", "dataset_id", "context_id"))
                },
            }
        )
        connection.register("lines", self.lines)
        connection.register("asked", asked)
        connection.execute(
            "create or replace temp table asked_values as select f.* from fct_indicator as f "
            "semi join asked using (indicator_id, dataset_id, context_id) "
            "semi join lines on f.territory_id = lines.climart_territory_id where f.weighting = ?",
            [WEIGHTING],
        )
        if self.by_point:
            connection.execute(
                "create or replace temp table asked_cells as select f.* from fct_cell as f "
                "semi join asked using (indicator_id, dataset_id, context_id) "
                "semi join lines on f.grid_id = lines.climart_grid_id and f.cell_id = lines.climart_cell_id"
            )
        return connection


class _Release:
    """A release opened for a join."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.about = release.describe(folder)
        self.connection = duckdb.connect(str(folder / "climart.duckdb"), read_only=True)

    def choose(
        self, indicators: Sequence[str] | None, contexts: Sequence[str] | None, dataset: str | None
    ) -> tuple[dict[str, str], tuple[str, ...]]:
        """Indicator → dataset, and the contexts. Raises UserError naming what the release has not."""
        offered = self.connection.execute(
            """
            select f.indicator_id, f.dataset_id, f.context_id, c.axis, c.position, d.validation_status, f.n
            from (select indicator_id, dataset_id, context_id, count(*) as n from fct_indicator
                where weighting = ? and q50 is not null group by all) as f
            inner join dim_context as c using (context_id)
            inner join dim_dataset as d using (dataset_id)
            """,
            [WEIGHTING],
        ).fetchall()
        known = {row[0] for row in offered}
        wanted = list(dict.fromkeys(indicators or [i for i in DEFAULT_INDICATORS if i in known]))
        if unknown := [i for i in wanted if i not in known]:
            raise UserError(f"no values of {', '.join(unknown)} in this release. It has {', '.join(sorted(known))}.")
        if dataset is not None and dataset not in {row[1] for row in offered}:
            raise UserError(f"no dataset {dataset!r} here. There are {', '.join(sorted({row[1] for row in offered}))}.")
        choices = {}
        for indicator in wanted:
            # validated first, then with warming levels, then the one that speaks of most territories
            ranks: dict[str, tuple[bool, bool, int]] = {}
            for name, candidate, _, axis, _, status, n in offered:
                if name == indicator and dataset in (None, candidate):
                    _, without_levels, most = ranks.get(candidate, (True, True, 0))
                    without_levels = without_levels and axis != "warming_level"
                    ranks[candidate] = (status == "under_evaluation", without_levels, min(most, -n))
            if not ranks:
                raise UserError(f"dataset {dataset} has no values of {indicator}.")
            choices[indicator] = min(ranks, key=lambda d: (*ranks[d], d))
        here = {(row[4], row[2], row[3]) for row in offered if choices.get(row[0]) == row[1]}
        levels = {(p, c) for p, c, axis in here if axis in ("reference", "warming_level")}
        has_levels = any(axis == "warming_level" for _, _, axis in here)
        default = sorted(levels if has_levels else {(p, c) for p, c, _ in here})
        asked = tuple(contexts or [context for _, context in default])
        if unknown := [c for c in asked if c not in {row[2] for row in offered}]:
            raise UserError(
                f"no context {', '.join(unknown)} here. There are {', '.join(sorted({r[2] for r in offered}))}."
            )
        return choices, asked

    def by_code(self, codes: pa.Array, vintage: int | None) -> pa.Table:
        """Lines matched by commune code: number, territory, cause, note, candidates, name, resolution."""
        if vintage is not None and not 1943 <= vintage <= 2200:
            raise UserError(f"--vintage {vintage}: expected a year of the official geographic code, 1943 or later.")
        written = pc.utf8_upper(pc.utf8_trim_whitespace(codes))
        plain = pc.replace_substring_regex(written, r"^COMMUNE:", "")
        plain = pc.replace_substring_regex(plain, r"^(\d+)\.0+$", r"\1")
        short = pc.match_substring_regex(plain, r"^\d{4}$")
        plain = pc.if_else(short, pc.binary_join_element_wise("0", plain, ""), plain)
        self.connection.register(
            "coded", pa.table({"line": pa.array(np.arange(1, len(codes) + 1)), "code": plain, "repaired": short})
        )
        return _arrow(
            self.connection,
            """
            with chosen as (
                select *, coalesce(vintage_from, 0) <= $vintage and $vintage <= coalesce(vintage_to, 9999) as covers
                from dim_commune_crosswalk
                qualify row_number() over (
                    partition by code order by coalesce(covers, false) desc, is_latest desc, valid_from desc nulls last
                ) = 1
            )
            select
                coded.line as climart_line,
                chosen.territory_id as climart_territory_id,
                territory.name as climart_name,
                case
                    when coded.code = '' then 'blank_code'
                    when chosen.code is null then 'unknown_code'
                    when chosen.reason is not null then chosen.reason
                    else territory.reason
                end as climart_cause,
                nullif(concat_ws(', ',
                    case when coded.repaired and chosen.code is not null then 'leading_zero_restored' end,
                    case when chosen.kind = 'arrondissement' then 'arrondissement'
                        when chosen.territory_id <> 'commune:' || coded.code then 'code_carried' end,
                    case when not chosen.covers then 'not_in_vintage' end
                ), '') as climart_note,
                array_to_string(chosen.candidates, ' ') as climart_candidates,
                territory.n_cells as climart_n_cells
            from coded
            left join chosen using (code)
            left join dim_territory as territory on territory.territory_id = chosen.territory_id
            order by coded.line
            """,
            {"vintage": vintage},
        )

    def by_point(self, latitudes: pa.Array, longitudes: pa.Array, choices: dict[str, str]) -> pa.Table:
        """Lines matched by point: the commune around it and the cell of the grid of the asked datasets."""
        latitude, longitude = _degrees(latitudes), _degrees(longitudes)
        west, south, east, north = METROPOLITAN
        inside = (latitude >= south) & (latitude <= north) & (longitude >= west) & (longitude <= east)
        swapped = ~inside & (longitude >= south) & (longitude <= north) & (latitude >= west) & (latitude <= east)
        latitude, longitude = np.where(swapped, longitude, latitude), np.where(swapped, latitude, longitude)
        bad = ~(np.isfinite(latitude) & np.isfinite(longitude)) | (np.abs(latitude) > 90) | (np.abs(longitude) > 180)
        bad |= (latitude == 0) & (longitude == 0)
        good = np.flatnonzero(~bad)
        grid_id, cells, spacing = self._cells(longitude[good], latitude[good], choices)
        cell, commune = np.full(len(bad), -1), np.full(len(bad), None, dtype=object)
        cell[good] = cells
        commune[good] = self._communes(longitude[good], latitude[good])
        self.connection.register(
            "points",
            pa.table(
                {
                    "line": pa.array(np.arange(1, len(bad) + 1)),
                    "territory_id": pa.array(commune, pa.string()),
                    "cell_id": pa.array(cell, pa.int32(), mask=cell < 0),
                    "bad": bad,
                    "swapped": swapped,
                }
            ),
        )
        return _arrow(
            self.connection,
            """
            select
                points.line as climart_line,
                points.territory_id as climart_territory_id,
                territory.name as climart_name,
                case
                    when points.bad then 'bad_coordinate'
                    when points.cell_id is null then 'outside_grid'
                end as climart_cause,
                nullif(concat_ws(', ',
                    case when points.swapped then 'latitude_longitude_swapped' end,
                    case when points.cell_id is not null and points.territory_id is null then 'no_commune' end
                ), '') as climart_note,
                '' as climart_candidates,
                territory.n_cells as climart_n_cells,
                $grid_id as climart_grid_id,
                points.cell_id as climart_cell_id,
                $spacing::float as climart_grid_km,
                sqrt(territory.area_km2)::float as climart_commune_km
            from points
            left join dim_territory as territory using (territory_id)
            order by points.line
            """,
            {"grid_id": grid_id, "spacing": spacing},
        )

    def _cells(
        self, longitude: npt.NDArray[np.float64], latitude: npt.NDArray[np.float64], choices: dict[str, str]
    ) -> tuple[str, npt.NDArray[np.int64], float]:
        """The grid of the asked datasets, the cell of each point (−1 outside it), the grid's spacing in km."""
        grids = self.connection.execute(
            "select distinct s.grid_id, d.resolution_km from dim_simulation as s "
            "inner join dim_dataset as d using (dataset_id) where list_contains($datasets, s.dataset_id)",
            {"datasets": sorted(set(choices.values()))},
        ).fetchall()
        if len(grids) != 1:
            raise UserError(
                f"the datasets {', '.join(sorted(set(choices.values())))} are on {len(grids)} grids; a point has one "
                "cell. Name a dataset with --dataset."
            )
        ((grid_id, spacing),) = grids
        rows = _arrow(
            self.connection,
            "select cell_id, x, y, polygon::blob as polygon from dim_cell where grid_id = $grid_id order by cell_id",
            {"grid_id": grid_id},
        )
        if spacing is None:
            raise UserError(
                f"the datasets {', '.join(sorted(set(choices.values())))} are of stations or of massifs: a point lies "
                "in no cell of theirs. Name another dataset with --dataset."
            )
        found = np.full(len(longitude), -1, dtype=np.int64)
        ids = rows["cell_id"].to_numpy().astype(np.int64)
        if grid_id == GRID:
            x, y = pyproj.Transformer.from_crs("EPSG:4326", GRID_CRS, always_xy=True).transform(longitude, latitude)
            known = dict(zip(zip(rows["x"].to_pylist(), rows["y"].to_pylist(), strict=True), ids, strict=True))
            x0, y0 = rows["x"][0].as_py(), rows["y"][0].as_py()
            column = np.rint((x - x0) / GRID_SIZE).astype(int) * GRID_SIZE + x0
            row = np.rint((y - y0) / GRID_SIZE).astype(int) * GRID_SIZE + y0
            found[:] = [known.get((int(a), int(b)), -1) for a, b in zip(column, row, strict=True)]
        else:
            shapes = shapely.from_wkb(rows["polygon"].to_numpy())
            point, shape = shapely.STRtree(shapes).query(shapely.points(longitude, latitude), predicate="intersects")
            found[point[::-1]] = ids[shape[::-1]]  # on a border: the first of the cells
        return str(grid_id), found, float(spacing)

    def _communes(
        self, longitude: npt.NDArray[np.float64], latitude: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.object_]:
        """The commune around each point, None where there is none."""
        ids, shapes = self.communes
        point, shape = shapely.STRtree(shapes).query(shapely.points(longitude, latitude), predicate="intersects")
        found = np.full(len(longitude), None, dtype=object)
        found[point[::-1]] = ids[shape[::-1]]
        return found

    @cached_property
    def communes(self) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_]]:
        """Ids and outlines of the communes that have one."""
        rows = pq.read_table(
            self.folder / "parquet" / "dim_territory.parquet",
            columns=["territory_id", "geometry"],
            filters=(pc.field("kind") == "commune") & pc.field("geometry").is_valid(),
        )
        return np.asarray(rows["territory_id"].to_pylist(), dtype=object), shapely.from_wkb(rows["geometry"].to_numpy())


def _arrow(connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any] | None = None) -> pa.Table:
    return connection.sql(query, params=parameters).to_arrow_table()


def _degrees(texts: pa.Array) -> npt.NDArray[np.float64]:
    """Degrees as written, with a point or a comma; NaN where there is no number."""
    plain = pc.replace_substring(pc.utf8_trim_whitespace(texts), ",", ".")
    number = pc.match_substring_regex(plain, r"^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$")
    plain = pc.replace_substring(plain, "+", "")
    return np.asarray(pc.cast(pc.if_else(number, plain, "nan"), pa.float64()).to_numpy(zero_copy_only=False))


def _beside(*tables: pa.Table) -> pa.Table:
    names = [name for table in tables for name in table.column_names]
    if repeated := [name for name, n in Counter(names).items() if n > 1]:
        raise UserError(f"the portfolio has columns that the join makes: {', '.join(repeated)}. Rename or remove them.")
    return pa.table([column for table in tables for column in table.columns], names=names)


def _harmless_columns(table: pa.Table) -> pa.Table:
    for i, kind in enumerate(table.schema.types):
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            cells = [text if text is None else harmless(text) for text in table.column(i).to_pylist()]
            table = table.set_column(i, table.column_names[i], pa.array(cells, pa.string()))
    return table


def _csv(table: pa.Table, separator: str, decimal: str) -> bytes:
    """UTF-8 with BOM, so that spreadsheets read the accents; numbers with the decimal sign of the portfolio."""
    table = _harmless_columns(table)
    for i, kind in enumerate(table.schema.types):
        if decimal == "," and (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
            shown = pc.replace_substring(pc.cast(table.column(i), pa.string()), ".", ",")
            table = table.set_column(i, table.column_names[i], shown)
    table = table.rename_columns([harmless(name) for name in table.column_names])
    out = pa.BufferOutputStream()
    pa.csv.write_csv(table, out, pa.csv.WriteOptions(delimiter=separator, quoting_style="needed"))
    return b"\xef\xbb\xbf" + bytes(out.getvalue())
