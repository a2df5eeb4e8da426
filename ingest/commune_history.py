"""The history of communes: INSEE's file of movements since 1943, and the parts that communes have today.

``load`` reads ``*mouvements-communes*.csv`` and ``communes.json`` of the folder of official files and writes the lake's
``territory_change`` (every movement, as published) and ``commune_part`` (communes associées and déléguées,
arrondissements of Paris, Lyon, Marseille, with their commune). What a code has become follows from the two, in SQL
(``int_commune_crosswalk``).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from climart.errors import UserError
from climart.files import sha256_of
from ingest import lake, registry

SOURCE = "insee_cog"
PATTERN = "*mouvements-communes*.csv"
# INSEE's codes of movements (MOD), documentation of the official geographic code.
CHANGES = {
    10: "name_change",
    20: "creation",
    21: "reestablishment",
    30: "suppression",
    31: "merger",
    32: "new_commune",
    33: "associated_merger",
    34: "associated_to_simple_merger",
    35: "delegated_suppressed",
    41: "code_change_of_departement",
    50: "code_change_of_seat",
    70: "associated_to_delegated",
    71: "delegated_reestablished",
    72: "delegated_created",
}
KINDS = {"COM": "commune", "COMA": "associated", "COMD": "delegated", "ARM": "arrondissement"}
PART_KINDS = {
    "commune-associee": "associated",
    "commune-deleguee": "delegated",
    "arrondissement-municipal": "arrondissement",
}
COLUMNS = ("MOD", "DATE_EFF", "TYPECOM_AV", "COM_AV", "LIBELLE_AV", "TYPECOM_AP", "COM_AP", "LIBELLE_AP")


def load(path: Path, communes: Iterable[Mapping[str, Any]], cog_year: int) -> int:
    """Write ``territory_change`` from ``path`` and ``commune_part`` from the rows of ``communes.json``.

    Returns how many movements there are. Raises UserError naming the line that is not as INSEE writes it.
    """
    digest = sha256_of(path)
    changes = read_changes(path, digest[:16])
    lake.open_registers()
    lake.write("territory_change", changes)
    lake.write("commune_part", parts(communes, cog_year))
    source = registry.sources()[SOURCE]
    file = {
        **dict.fromkeys(lake.SCHEMAS["source_file"].names),
        "source_file_id": digest[:16],
        "source_id": source.id,
        "name": path.name,
        "bytes": path.stat().st_size,
        "sha256": digest,
        "rows": len(changes),
        "licence": source.licence,
    }
    lake.upsert("source_file", pa.Table.from_pylist([file], schema=lake.SCHEMAS["source_file"]), "source_file_id")
    return len(changes)


def read_changes(path: Path, source_file_id: str) -> pa.Table:
    """Every movement of the file, one row each: the lake's ``territory_change``.

    Raises UserError for a missing column, an unknown movement or kind of commune, a date that is none.
    """
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        if missing := set(COLUMNS) - set(reader.fieldnames or ()):
            raise UserError(
                f"{path.name}, line 1: no column {', '.join(sorted(missing))}. Expected INSEE's file of "
                f"movements of communes ({', '.join(COLUMNS)})."
            )
        try:
            rows = [_change(row, f"{path.name}, line {reader.line_num}") for row in reader]
        except UnicodeDecodeError as error:
            raise UserError(f"{path.name}: not UTF-8 ({error}). Download it again.") from error
    schema = lake.SCHEMAS["territory_change"]
    return pa.Table.from_pylist([{**row, "source_file_id": source_file_id} for row in rows], schema=schema)


def _change(row: Mapping[str, str | None], where: str) -> dict[str, Any]:
    code = row["MOD"] or ""
    if not code.isdigit() or int(code) not in CHANGES:
        raise UserError(f"{where}: movement {code!r}, expected one of {', '.join(map(str, CHANGES))}.")
    try:
        effective_on = date.fromisoformat(row["DATE_EFF"] or "")
    except ValueError as error:
        raise UserError(f"{where}: DATE_EFF {row['DATE_EFF']!r}, expected year-month-day.") from error
    change: dict[str, Any] = {"effective_on": effective_on, "change_code": int(code), "change": CHANGES[int(code)]}
    for side, suffix in (("from", "AV"), ("to", "AP")):
        kind = row[f"TYPECOM_{suffix}"]
        if kind and kind not in KINDS:
            raise UserError(f"{where}: TYPECOM_{suffix} {kind!r}, expected one of {', '.join(KINDS)}, or nothing.")
        change[f"{side}_kind"] = KINDS[kind] if kind else None
        change[f"{side}_code"] = row[f"COM_{suffix}"] or None
        change[f"{side}_name"] = row[f"LIBELLE_{suffix}"] or None
    return change


def parts(communes: Iterable[Mapping[str, Any]], cog_year: int) -> pa.Table:
    """The lake's ``commune_part``: the rows of ``communes.json`` that are a part of a commune of today."""
    rows = [
        {
            "code": row["code"],
            "kind": PART_KINDS[row["type"]],
            "name": row["nom"],
            "commune_code": row.get("commune") or row.get("chefLieu"),
            "cog_year": cog_year,
        }
        for row in communes
        if row["type"] in PART_KINDS
    ]
    return pa.Table.from_pylist(rows, schema=lake.SCHEMAS["commune_part"])
