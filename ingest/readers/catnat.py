"""CatNat recognitions (natural-disaster orders): the dated national file of GASPAR, and undated counts per commune."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from climart.errors import UserError
from ingest.readers.commune_table import commune_code
from ingest.registry import CatnatCounts, CatnatEvents

# Columns of catnat_gaspar.csv → lake; dat_maj and the commune's name are not kept.
COLUMNS = {
    "cod_nat_catnat": "national_code",
    "cod_commune": "commune_code",
    "num_risque_jo": "peril_code",
    "lib_risque_jo": "peril_label",
    "dat_deb": "date_start",
    "dat_fin": "date_end",
    "dat_pub_arrete": "date_order",
    "dat_pub_jo": "date_published",
}
UNREAD = {"lib_commune", "dat_maj"}
DATES = ("date_start", "date_end", "date_order", "date_published")


def read_events(
    paths: Sequence[Path], ids: Sequence[str], _options: CatnatEvents
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``catnat_event`` rows of ``catnat_gaspar.csv`` (UTF-8, ``;``, ISO dates). The same row twice counts once.

    Raises UserError naming the file and the line that is not as GASPAR writes it.
    """
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    remarks: list[str] = []
    n_read = 0
    for path, file_id in zip(paths, ids, strict=True):
        for where, line in _lines(path):
            n_read += 1
            event = without_impossible_end(_event(line, where), where, remarks)
            rows.setdefault(tuple(event.values()), {**event, "source_file_id": file_id})
    if n_read > len(rows):
        remarks.append(f"{n_read - len(rows)} row(s) that repeat another were counted once.")
    return {"catnat_event": list(rows.values())}, remarks


def _lines(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Each line with where it is."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            lines = csv.DictReader(handle, delimiter=";")
            names = lines.fieldnames or []
            if missing := sorted(COLUMNS.keys() - set(names)):
                raise UserError(f"{path.name}: no column {', '.join(missing)}. Found: {', '.join(names)}.")
            if extra := sorted(set(names) - COLUMNS.keys() - UNREAD):
                raise UserError(f"{path.name}: column {', '.join(extra)} is not known. Expected {', '.join(COLUMNS)}.")
            for number, line in enumerate(lines, start=2):
                yield f"{path.name}, line {number}", line
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: not utf-8 (byte {error.start}). Download it again.") from error


def _event(line: dict[str, str], where: str) -> dict[str, Any]:
    if None in line.values() or None in line:
        raise UserError(f"{where}: another number of fields than the header has. Is the file whole?")
    event: dict[str, Any] = {name: line[column].strip() or None for column, name in COLUMNS.items()}
    event["commune_code"] = commune_code(event["commune_code"] or "", where)
    for name in DATES:
        try:
            event[name] = date.fromisoformat(event[name][:10]) if event[name] else None
        except ValueError as error:
            raise UserError(f"{where}: {name} is {event[name]!r}, expected a date such as 2024-10-17.") from error
    if event["date_start"] is None:
        raise UserError(f"{where}: no start date (dat_deb). An event without one cannot be told from another.")
    return event


def without_impossible_end(event: dict[str, Any], where: str, remarks: list[str]) -> dict[str, Any]:
    """The event; without its last day, and remarked, where that comes before the first."""
    if event["date_end"] is None or event["date_end"] >= event["date_start"]:
        return event
    remarks.append(
        f"{where}: ends on {event['date_end']}, before it starts on {event['date_start']}: the end was left out."
    )
    return {**event, "date_end": None}


def read_counts(
    paths: Sequence[Path], ids: Sequence[str], options: CatnatCounts
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``commune_fact`` rows of {ref_year, communes: [{insee, total, …}]}. A field that a commune lacks is 0.

    Raises UserError naming the file and what it lacks, or the commune that appears twice.
    """
    rows: list[dict[str, Any]] = []
    for path, file_id in zip(paths, ids, strict=True):
        content = path.read_bytes()
        try:
            counts = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
        except (ValueError, OSError) as error:
            raise UserError(f"{path.name}: not JSON ({error}). Download it again.") from error
        if not isinstance(counts, dict) or not {"ref_year", "communes"} <= counts.keys():
            raise UserError(f"{path.name}: expected an object with ref_year and communes.")
        seen: set[str] = set()
        for position, commune in enumerate(counts["communes"], start=1):
            code = commune_code(str(commune.get("insee", "")), f"{path.name}, commune {position}")
            if code in seen:
                raise UserError(f"{path.name}: commune {code} appears twice.")
            seen.add(code)
            for measure, field in options.measures.items():
                rows.append(
                    {
                        "source_file_id": file_id,
                        "commune_code": code,
                        "vintage": date(counts["ref_year"], 12, 31),
                        "measure_id": measure,
                        "date_start": options.date_start,
                        "date_end": date(counts["ref_year"], 12, 31),
                        "value": float(commune.get(field, 0)),
                    }
                )
    return {"commune_fact": rows}, []
