"""What changed between two releases: tables, columns, rows added, removed, or changed beyond a stated tolerance.

A value in an indicator's unit has changed where it moved by more than half of the last decimal that the catalogue
shows for that indicator; any other floating-point number where it moved by more than a millionth of itself; everything
else where it differs at all. What only got another name is said to be renamed: a column with the same type and the same
value on every common row, a table with the same columns, an indicator with the same name, unit and definition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow.parquet as pq

from climart.errors import UserError
from climart.files import atomic_text
from mart import release

RELATIVE: Final = 1e-6  # above float32 noise
ROWS: Final = ("added", "removed", "changed")


@dataclass
class TableDiff:
    """What changed in one table. ``rows``: indicator (or an empty text) → how many rows added, removed, changed."""

    name: str
    was: str
    columns_added: list[str] = field(default_factory=list)
    columns_removed: list[str] = field(default_factory=list)
    columns_renamed: dict[str, str] = field(default_factory=dict)
    columns_retyped: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    without_key: bool = False

    @property
    def unchanged(self) -> bool:
        """Whether there is nothing to say of it."""
        columns = (self.columns_added, self.columns_removed, self.columns_renamed, self.columns_retyped)
        return self.name == self.was and not self.rows and not any(columns)


@dataclass
class Diff:
    """Two releases, by version, and what lies between them."""

    before: str
    after: str
    tables_added: list[str] = field(default_factory=list)
    tables_removed: list[str] = field(default_factory=list)
    indicators_renamed: dict[str, str] = field(default_factory=dict)
    tolerances: dict[str, tuple[float, str]] = field(default_factory=dict)
    tables: list[TableDiff] = field(default_factory=list)

    def markdown(self) -> str:
        """The differences for a reader, in French and English."""
        lines = [f"# Changements · Changes: {self.before} → {self.after}", ""]
        changed = [table for table in self.tables if not table.unchanged]
        if not (changed or self.tables_added or self.tables_removed):
            return "\n".join([*lines, "Aucune différence. No difference."]) + "\n"
        for title, names in (
            ("Tables ajoutées · added", self.tables_added),
            ("Tables retirées · removed", self.tables_removed),
            ("Indicateurs renommés · Indicators renamed", _arrows(self.indicators_renamed)),
            ("Tables renommées · renamed", [f"`{t.was}` → `{t.name}`" for t in changed if t.was != t.name]),
        ):
            if names:
                shown = (name if "→" in name else f"`{name}`" for name in names)
                lines += [f"{title} : {', '.join(shown)}.", ""]
        for table in changed:
            lines += [f"## `{table.name}`", "", *table_lines(table)]
        touched = sorted({name for table in changed for name in table.rows if name in self.tolerances})
        if touched:
            lines += [
                "## Tolérances · Tolerances",
                "",
                "| indicateur · indicator | ± | unité · unit |",
                "|---|---:|---|",
            ]
            lines += [f"| `{name}` | {self.tolerances[name][0]:g} | {self.tolerances[name][1]} |" for name in touched]
            lines.append("")
        same = [f"`{table.name}`" for table in self.tables if table.unchanged]
        if same:
            lines += [f"Sans différence · Unchanged : {', '.join(same)}.", ""]
        return "\n".join(lines).rstrip() + "\n"


def table_lines(table: TableDiff) -> list[str]:
    """The Markdown lines of one table."""
    retyped = [f"`{name}` {old} → {new}" for name, (old, new) in table.columns_retyped.items()]
    lines = [
        f"- {title} : {', '.join(names)}"
        for title, names in (
            ("colonnes ajoutées · columns added", [f"`{name}`" for name in table.columns_added]),
            ("colonnes retirées · columns removed", [f"`{name}`" for name in table.columns_removed]),
            ("colonnes renommées · columns renamed", _arrows(table.columns_renamed)),
            ("types changés · types changed", retyped),
        )
        if names
    ]
    if table.without_key:
        lines.append("- pas de clé : lignes comparées entières · no key: whole rows compared")
    if lines:
        lines.append("")
    if table.rows:
        lines += [
            "| indicateur · indicator | ajoutées · added | retirées · removed | changées · changed |",
            "|---|---:|---:|---:|",
        ]
        for indicator, counts in sorted(table.rows.items()):
            lines.append(f"| {indicator or '–'} | " + " | ".join(str(counts[kind]) for kind in ROWS) + " |")
        lines.append("")
    return lines


def _arrows(renamed: dict[str, str]) -> list[str]:
    return [f"`{old}` → `{new}`" for old, new in renamed.items()]


def compare(before: Path, after: Path, to: Path | None = None) -> Diff:
    """What changed from the release in folder ``before`` to the one in ``after``.

    ``to``: a folder that gets ``changes.md`` and ``changes.parquet`` (one row per added, removed or changed row: its
    table, indicator, key as JSON, the columns that changed and the largest change).
    """
    found = Diff(release.describe(before)["version"], release.describe(after)["version"])
    with duckdb.connect() as connection:
        connection.execute("create table changes (table_name text, indicator_id text, change text, key text, "
                           "columns text[], largest_change double)")  # fmt: skip
        old, new = _shapes(before), _shapes(after)
        renamed = _renamed_tables(old, new)
        found.tables_added = sorted(new.keys() - old.keys() - set(renamed.values()))
        found.tables_removed = sorted(old.keys() - new.keys() - renamed.keys())
        found.tolerances = _tolerances(connection, after)
        found.indicators_renamed = _renamed_indicators(connection, before, after)
        was = {new_name: old_name for old_name, new_name in renamed.items()}
        for name in sorted(new.keys() - set(found.tables_added)):
            former = was.get(name, name)
            files = before / "parquet" / f"{former}.parquet", after / "parquet" / f"{name}.parquet"
            table = TableDiff(name, former)
            _compare_table(connection, table, files, old[former], new[name], found)
            found.tables.append(table)
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"copy (select * from changes order by all) to {_text(to / 'changes.parquet')} "
                "(format parquet, compression zstd)"
            )
    if to is not None:
        atomic_text(to / "changes.md", found.markdown())
    return found


def write_changes(previous: Path | None, folder: Path) -> None:
    """Write ``CHANGES.md`` of the release in ``folder``, against ``previous``."""
    if previous is None:
        text = f"# {release.describe(folder)['version']}\n\nPremière version. First release.\n"
    else:
        text = compare(previous, folder).markdown()
    (folder / "CHANGES.md").write_text(text, encoding="utf-8")


def _shapes(folder: Path) -> dict[str, dict[str, str]]:
    """Table → column → type, of a release's Parquet files."""
    found = {}
    with duckdb.connect() as connection:
        for path in sorted((folder / "parquet").glob("*.parquet")):
            rows = connection.execute(
                "select column_name, column_type from (describe from read_parquet(?))", [str(path)]
            )
            # a geometry's type tells its whole coordinate system: not here
            found[path.stem] = {str(name): str(kind).split("(")[0] for name, kind in rows.fetchall()}
    if not found:
        raise UserError(f"{folder}: no table there. Expected the folder of a release.")
    return found


def _renamed_tables(old: dict[str, dict[str, str]], new: dict[str, dict[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in sorted(old.keys() - new.keys()):
        same = [n for n in sorted(new.keys() - old.keys()) if new[n] == old[name] and n not in found.values()]
        if same:
            found[name] = same[0]
    return found


def _tolerances(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, tuple[float, str]]:
    """Indicator → (half of its last shown decimal, its unit)."""
    rows = connection.execute(
        "select indicator_id, 0.5 * power(10, -decimals), unit from read_parquet(?)",
        [str(folder / "parquet" / "dim_indicator.parquet")],
    )
    return {name: (float(tolerance), unit) for name, tolerance, unit in rows.fetchall()}


def _renamed_indicators(connection: duckdb.DuckDBPyConnection, before: Path, after: Path) -> dict[str, str]:
    rows = connection.execute(
        """
        select old.indicator_id, new.indicator_id
        from read_parquet($before) as old
        inner join read_parquet($after) as new using (label_en, label_fr, unit, definition_en)
        where old.indicator_id not in (select indicator_id from read_parquet($after))
            and new.indicator_id not in (select indicator_id from read_parquet($before))
        order by all
        """,
        {
            name: str(folder / "parquet" / "dim_indicator.parquet")
            for name, folder in (("before", before), ("after", after))
        },
    )
    return dict(rows.fetchall())


def _compare_table(
    connection: duckdb.DuckDBPyConnection,
    table: TableDiff,
    files: tuple[Path, Path],
    old: dict[str, str],
    new: dict[str, str],
    diff: Diff,
) -> None:
    added, removed = [c for c in new if c not in old], [c for c in old if c not in new]
    key = [name for name in _key(files[1]) if name in old and name in new]
    table.without_key = not key
    _view(connection, "old", files[0], {}, diff.indicators_renamed if "indicator_id" in old else {})
    _view(connection, "new", files[1], {}, {})
    if added and removed and key:
        table.columns_renamed = _renamed_columns(
            connection, key, {c: old[c] for c in removed}, {c: new[c] for c in added}
        )
    renamed = {name: was for was, name in table.columns_renamed.items()}
    table.columns_added = [c for c in added if c not in renamed]
    table.columns_removed = [c for c in removed if c not in table.columns_renamed]
    table.columns_retyped = {c: (old[c], new[c]) for c in new if c in old and old[c] != new[c]}
    _view(connection, "old", files[0], table.columns_renamed, diff.indicators_renamed if "indicator_id" in old else {})
    common = [c for c in new if c in old or c in renamed]
    if _same_rows(connection, common):
        return
    if not key:
        key = common
    _compare_rows(connection, table, key, [c for c in common if c not in key], new, files[1], diff)


def _key(path: Path) -> list[str]:
    """The key that the newer release's Parquet footer tells."""
    text = (pq.read_schema(path).metadata or {}).get(b"key", b"").decode()
    return text.split(",") if text else []


def _view(
    connection: duckdb.DuckDBPyConnection, name: str, path: Path, columns: dict[str, str], indicators: dict[str, str]
) -> None:
    """``old`` or ``new``: the rows of a file under the newer release's names."""
    renames = ", ".join(f"{_name(old)} as {_name(new)}" for old, new in columns.items())
    replace = ""
    if indicators:
        cases = " ".join(f"when {_text(old)} then {_text(new)}" for old, new in indicators.items())
        replace = f" replace (case indicator_id {cases} else indicator_id end as indicator_id)"
    selected = f"* rename ({renames})" if renames else f"*{replace}"
    source = f"(select *{replace} from read_parquet({_text(path)}))" if renames else f"read_parquet({_text(path)})"
    connection.execute(f"create or replace temp view {name} as select {selected} from {source}")


def _renamed_columns(
    connection: duckdb.DuckDBPyConnection, key: list[str], removed: dict[str, str], added: dict[str, str]
) -> dict[str, str]:
    """Removed column → added column of the same type with the same values, some not NULL, on every common row."""
    found: dict[str, str] = {}
    for was, kind in removed.items():
        for name in (name for name, other in added.items() if other == kind and name not in found.values()):
            ((same,),) = connection.execute(
                f"select coalesce(bool_and(old.{_name(was)} is not distinct from new.{_name(name)}), false) "
                f"and bool_or(new.{_name(name)} is not null) from old inner join new on {_on(key)}"
            ).fetchall()
            if same:
                found[was] = name
                break
    return found


def _same_rows(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> bool:
    """Whether both hold the same rows, in any order, as far as the columns that they share go."""
    listed = ", ".join(_name(column) for column in columns)
    sums = [
        connection.execute(f"select count(*), sum(hash({listed})) from {side}").fetchall() for side in ("old", "new")
    ]
    return sums[0] == sums[1]


def _compare_rows(
    connection: duckdb.DuckDBPyConnection,
    table: TableDiff,
    key: list[str],
    values: list[str],
    types: dict[str, str],
    path: Path,
    diff: Diff,
) -> None:
    indicator = "coalesce(new.indicator_id, old.indicator_id)" if "indicator_id" in types else "''"
    units = _units(path)
    tests, sizes = [], ["null::double"]
    for column in values:
        a, b = f"old.{_name(column)}", f"new.{_name(column)}"
        tolerance = _tolerance_of(column, types, units, diff.tolerances)
        if re.fullmatch(r"(FLOAT|DOUBLE)", types[column]):
            tests.append(
                f"if(({a} is null) <> ({b} is null) or abs({a} - {b}) > {tolerance.format(a=a, b=b)}, "
                f"{_text(column)}, null)"
            )
            if "tolerance" in tolerance:
                sizes.append(f"abs({a} - {b})")
        elif re.fullmatch(r"(FLOAT|DOUBLE)\[\]", types[column]):
            gap = f"list_max(list_transform(list_zip({a}, {b}), lambda p: abs(p[1] - p[2])))"
            nulls = (
                f"list_transform({a}, lambda v: v is null) is distinct from list_transform({b}, lambda v: v is null)"
            )
            limit = tolerance if "tolerance" in tolerance else str(RELATIVE)
            tests.append(f"if({nulls} or {gap} > {limit}, {_text(column)}, null)")
        else:
            tests.append(f"if({a} is distinct from {b}, {_text(column)}, null)")
    has_old, has_new = "old.is_old is not null", "new.is_new is not null"
    columns = f"list_filter([{', '.join(tests)}]::text[], lambda c: c is not null)" if tests else "[]::text[]"
    keys = ", ".join(f"{_name(k)} := coalesce(new.{_name(k)}, old.{_name(k)})" for k in key)
    tolerances = ", ".join(f"({_text(name)}, {value})" for name, (value, _) in diff.tolerances.items())
    connection.execute(
        f"""
        insert into changes
        select {_text(table.name)}, indicator_id, change, key, columns, largest
        from (
            select
                {indicator} as indicator_id,
                case when not {has_old} then 'added' when not {has_new} then 'removed' else 'changed' end as change,
                to_json(struct_pack({keys}))::text as key,
                case when {has_old} and {has_new} then {columns} end as columns,
                case when {has_old} and {has_new} then greatest({", ".join(sizes)}) end as largest
            from (select *, true as is_old from old) as old
            full join (select *, true as is_new from new) as new on {_on(key)}
            left join (values {tolerances}) as t(indicator, tolerance) on t.indicator = {indicator}
        )
        where change <> 'changed' or len(columns) > 0
        """
    )
    rows = connection.execute(
        "select indicator_id, change, count(*) from changes where table_name = ? group by all", [table.name]
    )
    for name, change, n in rows.fetchall():
        table.rows.setdefault(name, dict.fromkeys(ROWS, 0))[change] = n


def _tolerance_of(
    column: str, types: dict[str, str], units: dict[str, str], known: dict[str, tuple[float, str]]
) -> str:
    """SQL of the largest difference that is none, for a floating-point column; ``{a}``, ``{b}``: the two values."""
    if units.get(column) == "dim_indicator.unit" and "indicator_id" in types:
        return f"coalesce(t.tolerance, {RELATIVE})"
    named = [name for name in known if column == name or column.startswith(f"{name}_")]
    if named and "indicator_id" not in types:
        return str(known[max(named, key=len)][0])
    return f"{RELATIVE} * greatest(abs({{a}}), abs({{b}}))"


def _units(path: Path) -> dict[str, str]:
    columns = json.loads((pq.read_schema(path).metadata or {}).get(b"columns", b"{}"))
    return {name: text["unit"] for name, text in columns.items()}


def _on(key: Iterable[str]) -> str:
    return " and ".join(f"old.{_name(k)} is not distinct from new.{_name(k)}" for k in key)


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
