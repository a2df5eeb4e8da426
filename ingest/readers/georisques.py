"""Answers of the Géorisques API v1 about communes: natural-disaster orders, plans, clay. Fetched, or saved by hand.

Radon, cavities and ground movements have their own sources, whose tables may be saved answers too (``commune_table``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from climart.errors import UserError
from ingest.readers import answers, catnat
from ingest.readers.commune_table import commune_code
from ingest.registry import GeorisquesAnswers

TOPICS = ("catnat", "pprn", "rga")  # how a file's name begins
CATNAT = {  # field of a row → lake; the API gives no code of the peril
    "code_national_catnat": "national_code",
    "libelle_risque_jo": "peril_label",
    "date_debut_evt": "date_start",
    "date_fin_evt": "date_end",
    "date_publication_arrete": "date_order",
    "date_publication_jo": "date_published",
}
PLAN_CODES = ("codeInsee", "code_insee")  # UNVERIFIED: the fields of a row of a plan
EXPOSURES = {"0": 0, "1": 1, "2": 2, "3": 3}
NO_ZONE = 0  # an empty answer with status 200: the commune is in no zone, which is known
Row = dict[str, Any]


def read(
    paths: Sequence[Path], ids: Sequence[str], _options: GeorisquesAnswers
) -> tuple[dict[str, list[Row]], list[str]]:
    """``catnat_event`` rows, and ``commune_fact`` rows of plans (``pprn``) and clay (``rga_class``).

    Raises UserError naming the file and the row that is not as the API writes it.
    """
    by_topic: dict[str, list[tuple[Path, str]]] = {topic: [] for topic in TOPICS}
    for path, file_id in zip(paths, ids, strict=True):
        topic = next((topic for topic in TOPICS if path.name.lower().startswith(topic)), None)
        if topic is None:
            raise UserError(
                f"{path.name}: expected a name that begins with {', '.join(TOPICS)}, the path that was asked."
            )
        by_topic[topic].append((path, file_id))
    facts = _plans(by_topic["pprn"]) + _clay(by_topic["rga"])
    remarks: list[str] = []
    events = _events(by_topic["catnat"], remarks)
    return {"catnat_event": events, "commune_fact": facts}, remarks


def _events(files: Sequence[tuple[Path, str]], remarks: list[str]) -> list[Row]:
    events: dict[tuple[Any, ...], Row] = {}
    n_rows = 0
    for file_id, where, row in _rows(files):
        _expect(row, (*CATNAT, "code_insee"), where)
        n_rows += 1
        event: Row = {name: str(row[field] or "").strip() or None for field, name in CATNAT.items()}
        event["commune_code"] = commune_code(str(row["code_insee"]), where)
        for name in catnat.DATES:
            event[name] = _day(event[name], f"{where}, {name}") if event[name] else None
        if event["date_start"] is None:
            raise UserError(f"{where}: no date_debut_evt. An event without one cannot be told from another.")
        event = catnat.without_impossible_end(event, where, remarks)
        events.setdefault(tuple(event.values()), {**event, "source_file_id": file_id})

    if n_rows > len(events):
        remarks.append(f"{n_rows - len(events)} row(s) that repeat another were counted once.")
    return list(events.values())


def _plans(files: Sequence[tuple[Path, str]]) -> list[Row]:
    """A commune with a plan; of one that no row names, nothing is said."""
    found: dict[str, str] = {}
    for file_id, where, row in _rows(files):
        field = next((name for name in PLAN_CODES if row.get(name)), None)
        if field is None:
            raise UserError(f"{where}: no {' or '.join(PLAN_CODES)}. Found: {', '.join(row)}.")
        found.setdefault(commune_code(str(row[field]), where), file_id)
    return [_fact(code, "pprn", 100, file_id) for code, file_id in found.items()]


def _clay(files: Sequence[tuple[Path, str]]) -> list[Row]:
    """The class of each commune that was asked about; which map it is of, and since when, the answer does not say."""
    facts: dict[str, Row] = {}
    for path, file_id in files:
        for number, row in enumerate(answers.rows([path])[path], start=1):
            where = f"{path.name}, row {number}"
            _expect(row, ("asked", "answer"), where)
            code = commune_code(str(row["asked"].get("code_insee", "")), where)
            if code in facts:
                raise UserError(f"{where}: commune {code} was asked about above. Expected each once.")
            value, note = NO_ZONE, "in no zone"
            if row["answer"] is not None:
                _expect(row["answer"], ("codeExposition", "exposition"), where)
                value, note = _exposure(row["answer"]["codeExposition"], where), row["answer"]["exposition"]
            facts[code] = {**_fact(code, "rga_class", value, file_id), "note": note}
    return list(facts.values())


def _exposure(code: object, where: str) -> int:
    if str(code) not in EXPOSURES:
        raise UserError(f"{where}: codeExposition is {code!r}, expected {', '.join(EXPOSURES)}.")
    return EXPOSURES[str(code)]


def _rows(files: Sequence[tuple[Path, str]]) -> list[tuple[str, str, Row]]:
    """Every row with the id of its file and where it is; no page of an answer is missing."""
    found = answers.rows([path for path, _ in files])
    return [
        (file_id, f"{path.name}, row {number}", row)
        for path, file_id in files
        for number, row in enumerate(found[path], start=1)
    ]


def _expect(row: Row, fields: Sequence[str], where: str) -> None:
    if missing := [field for field in fields if field not in row]:
        raise UserError(f"{where}: no {', '.join(missing)}. Found: {', '.join(row)}. Did the API change its fields?")


def _fact(code: str, measure: str, value: float, file_id: str) -> Row:
    return {"source_file_id": file_id, "commune_code": code, "measure_id": measure, "value": float(value)}


def _day(text: str, where: str) -> date:
    """A day, ISO or as the API prints it (17/10/2024)."""
    for pattern in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text[:10], pattern).date()
        except ValueError:
            continue
    raise UserError(f"{where}: {text!r} is not a date such as 2024-10-17 or 17/10/2024.")
