"""INSEE's Melodi, saved answers: observations of a cube → facts per commune.

A file is the list of observations that ``climart fetch`` keeps, or one answer, {observations: [...], paging}. An
observation has ``dimensions`` (GEO, TIME_PERIOD, and the codes that say what it counts) and
``measures.OBS_VALUE_NIVEAU.value``. The source's YAML says which codes make which measure; every dimension that it does
not name must be at its total, so that a total is never added to its parts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from climart.errors import UserError
from ingest.communes import ARRONDISSEMENTS, COMMUNE_OF
from ingest.readers.commune_table import commune_code
from ingest.registry import Melodi

PLACE, PERIOD = "GEO", "TIME_PERIOD"
GEO = re.compile(r"(?:(?P<year>\d{4})-)?(?P<kind>[A-Z0-9]+)-(?P<code>\w+)")
MERGED = "K"  # OBS_STATUS: the figure is in that of another commune
FREE = "F"  # CONF_STATUS: no secret

Key = tuple[str, str, str]  # kind of place (COM, ARM), code, TIME_PERIOD
Cells = dict[Key, dict[tuple[str, ...], tuple[float | None, str | None, str, date | None]]]


def read(
    paths: Sequence[Path], ids: Sequence[str], options: Melodi
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``commune_fact`` rows of the latest period of each measure. A value under secret is NULL with its reason.

    An arrondissement of Paris, Lyon or Marseille counts in its commune where the file has no row of the commune.
    Raises UserError naming the file and the observation: not an answer of Melodi, a code that cannot be a commune's,
    two values for one key, a negative one, a measure whose codes are nowhere in the files.
    """
    found: dict[str, Cells] = {measure: {} for measure in options.measures}
    left: Counter[str] = Counter()
    for path, file_id in zip(paths, ids, strict=True):
        for number, row in enumerate(_observations(path), start=1):
            _take(row, f"{path.name}, observation {number}", file_id, options, found, left)
    rows: list[dict[str, Any]] = []
    for measure, cells in found.items():
        if not cells:
            codes = ", ".join(f"{name}={'+'.join(code)}" for name, code in options.measures[measure].items())
            raise UserError(
                f"{', '.join(path.name for path in paths)}: no observation of {measure} ({codes}; every other "
                f"dimension at {options.total}). Did the producer change its codes? Then correct the source's YAML."
            )
        latest = max(period for _, _, period in cells)
        if earlier := sum(period != latest for _, _, period in cells):
            left[f"of {measure} before {latest}"] += earlier
        now = {(kind, code): parts for (kind, code, period), parts in cells.items() if period == latest}
        rows += _rows(measure, int(latest), now, options, left)
    return {"commune_fact": rows}, [f"{n} observation(s) {why} were left out." for why, n in sorted(left.items())]


def _observations(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}: not utf-8 (byte {error.start}). Fetch it again.") from error
    except ValueError as error:
        raise UserError(f"{path.name}: not JSON ({error}). Was an error page saved?") from error
    rows = content.get("observations") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{path.name}: not an answer of Melodi: expected a list of observations.")
    paging = content.get("paging") if isinstance(content, dict) else None
    if isinstance(paging, dict) and paging.get("isLast") is False:
        raise UserError(f"{path.name}: a page that is not the last one. Give the whole answer: `climart fetch`.")
    return rows


def _take(
    row: dict[str, Any], where: str, file_id: str, options: Melodi, found: dict[str, Cells], left: Counter[str]
) -> None:
    """Put an observation into the measures that it is of."""
    dimensions, measures = row.get("dimensions"), row.get("measures")
    if not isinstance(dimensions, dict) or not isinstance(measures, dict):
        raise UserError(f"{where}: no dimensions or no measures (it has {', '.join(row)}).")
    if missing := [name for name in (PLACE, PERIOD) if name not in dimensions]:
        raise UserError(f"{where}: no {', '.join(missing)}. Found: {', '.join(dimensions)}.")
    kind, code, vintage = _place(str(dimensions[PLACE]), where, options)
    if kind not in ("COM", "ARM"):
        left["of other places than communes"] += 1
        return
    period = str(dimensions[PERIOD])
    if not re.fullmatch(r"\d{4}", period):
        raise UserError(f"{where}: {PERIOD} is {period!r}, expected a year.")
    said = row.get("attributes")
    attributes = {**(said if isinstance(said, dict) else {}), **dimensions}
    for measure, wanted in options.measures.items():
        if missing := sorted(set(wanted) - set(dimensions)):
            raise UserError(f"{where}: no dimension {', '.join(missing)}. Found: {', '.join(dimensions)}.")
        others = set(dimensions) - set(wanted) - {PLACE, PERIOD} - set(options.ignored)
        if any(str(dimensions[name]) not in codes for name, codes in wanted.items()):
            continue
        if any(str(dimensions[name]) != options.total for name in others):
            continue
        value, reason = _value(measures, attributes, where)
        part = tuple(str(dimensions[name]) for name in wanted)
        cells = found[measure].setdefault((kind, code, period), {})
        if part in cells and cells[part][:2] != (value, reason):
            raise UserError(
                f"{where}: {measure} of {dimensions[PLACE]} in {period} is {value}, and {cells[part][0]} before: "
                "one value was expected."
            )
        cells[part] = (value, reason, file_id, vintage)


def _place(text: str, where: str, options: Melodi) -> tuple[str, str, date | None]:
    """Kind, code and vintage of ``2025-COM-73065``."""
    place = GEO.fullmatch(text)
    if place is None:
        raise UserError(f"{where}: {PLACE} is {text!r}, expected such as COM-73065 or 2025-COM-73065.")
    kind, code = place["kind"], place["code"]
    if kind in ("COM", "ARM"):
        code = commune_code(code, where)
    if kind == "ARM" and code not in COMMUNE_OF:
        raise UserError(f"{where}: {text!r} is no arrondissement of Paris, Lyon or Marseille.")
    return kind, code, date(int(place["year"]), 1, 1) if place["year"] else options.vintage


def _value(measures: dict[str, Any], attributes: dict[str, Any], where: str) -> tuple[float | None, str | None]:
    """The value, or None and why."""
    if attributes.get("OBS_STATUS") == MERGED:
        return None, "merged_elsewhere"
    level = measures.get("OBS_VALUE_NIVEAU")
    if level is None and measures:
        raise UserError(f"{where}: no measure OBS_VALUE_NIVEAU. Found: {', '.join(measures)}.")
    value = level.get("value") if isinstance(level, dict) else None
    if value is None:
        return None, "secret" if attributes.get("CONF_STATUS", FREE) != FREE else "not_published"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{where}: OBS_VALUE_NIVEAU is {value!r}, expected a number.")
    if value < 0:
        raise UserError(f"{where}: OBS_VALUE_NIVEAU is {value:g}, expected 0 or more.")
    return float(value), None


def _rows(
    measure: str, year: int, now: dict[tuple[str, str], Any], options: Melodi, left: Counter[str]
) -> list[dict[str, Any]]:
    """Facts of one measure: each commune, or its arrondissements where it has no row of its own."""
    n_parts = 1
    for codes in options.measures[measure].values():
        n_parts *= len(codes)
    communes = {code for kind, code in now if kind == "COM"}
    arms: dict[str, set[str]] = {}
    for kind, code in now:
        if kind == "ARM":
            arms.setdefault(COMMUNE_OF[code], set()).add(code)
    for commune, parts in arms.items():
        if commune not in communes and (lacking := sorted(set(ARRONDISSEMENTS[commune]) - parts)):
            raise UserError(
                f"{measure}, commune {commune}: {len(parts)} of its {len(ARRONDISSEMENTS[commune])} arrondissements "
                f"(not {lacking[0]}), and not the commune itself. Fetch what is missing."
            )
    rows = []
    for (kind, code), parts in sorted(now.items()):
        # of what is given for both, the commune's own figure counts
        if kind == "ARM" and COMMUNE_OF[code] in communes:
            left[f"of {measure} in arrondissements whose commune has its own"] += 1
            continue
        value, reason = None, next((reason for _, reason, _, _ in parts.values() if reason), None)
        if reason is None and len(parts) < n_parts:
            reason = "not_published"
        if reason is None:
            value = sum(part[0] for part in parts.values())
        _, _, file_id, vintage = next(iter(parts.values()))
        rows.append(
            {
                "source_file_id": file_id,
                "commune_code": code,
                "vintage": vintage,
                "measure_id": measure,
                "date_start": date(year, 1, 1),
                "date_end": date(year, 1, 1),
                "value": value,
                "reason": reason,
            }
        )
    return rows
