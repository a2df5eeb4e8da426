"""Hub'Eau hydrometry (API v2), saved answers: stations, and daily and maximum flows, l/s → m³/s.

A file is one answer, {count, data: [...]}, or the list of its rows; which kind it is follows from their fields.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from climart.errors import UserError
from ingest.registry import HubeauFlows

LITRES = 1_000  # l/s in 1 m³/s
# Flows among the quantities of obs_elab: daily and monthly mean, maximum, minimum. The API is not constant about
# capitals. Heights (HIXM, HIXnJ) are left out: they are no flows.
QUANTITIES = {"QMNJ": "QmnJ", "QMM": "QmM", "QIXNJ": "QIXnJ", "QIXM": "QIXM", "QINNJ": "QINnJ", "QINM": "QINM"}
STATION = ("code_station", "libelle_station", "longitude_station", "latitude_station")
FLOW = ("code_station", "date_obs_elab", "resultat_obs_elab", "grandeur_hydro_elab")


def read(
    paths: Sequence[Path], ids: Sequence[str], options: HubeauFlows
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``river_station`` and ``river_flow`` rows (m³/s). Pages may repeat rows; the last page's prevails.

    Raises UserError naming the file: not an answer of Hub'Eau, an incomplete one, a station that no list describes.
    """
    stations: dict[str, dict[str, Any]] = {}
    flows: dict[tuple[str, date, str], dict[str, Any]] = {}
    heights = wrong = changed = 0
    for path, file_id in zip(paths, ids, strict=True):
        for number, row in enumerate(_rows(path), start=1):
            where = f"{path.name}, row {number}"
            if "resultat_obs_elab" in row:
                flow = _flow(row, where)
                key = None if flow is None else (flow["station_code"], flow["date"], flow["quantity"])
                if flow is None or key is None:
                    heights += 1
                elif row.get("libelle_qualification") in options.wrong:
                    wrong += 1
                else:
                    changed += key in flows and flows[key]["flow_m3s"] != flow["flow_m3s"]
                    flows[key] = {**flow, "source_file_id": file_id}
            else:
                station = _station(row, where)
                stations[station["station_code"]] = {**station, "source_file_id": file_id}
    if unknown := sorted({code for code, _, _ in flows} - stations.keys()):
        raise UserError(
            f"{', '.join(unknown[:5])}: flows of {len(unknown)} station(s) that no station list describes. "
            "Give the answer of referentiel/stations too."
        )
    said = {
        "observation(s) of heights or without a value were left out.": heights,
        f"observation(s) that the producer calls {', '.join(options.wrong)} were left out.": wrong,
        "observation(s) were given twice with two values; the last one counts.": changed,
    }
    remarks = [f"{n} {words}" for words, n in said.items() if n]
    return {"river_station": list(stations.values()), "river_flow": list(flows.values())}, remarks


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path.name}: not JSON ({error}). Was an error page saved?") from error
    rows = content.get("data") if isinstance(content, dict) else content
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{path.name}: not an answer of Hub'Eau: expected an object with `data`, a list of rows.")
    if isinstance(content, dict) and content.get("next") is None and len(rows) < content.get("count", 0) <= 20_000:
        raise UserError(f"{path.name}: {len(rows)} rows of {content['count']}: an incomplete answer. Fetch its pages.")
    return rows


def _station(row: dict[str, Any], where: str) -> dict[str, Any]:
    if missing := [name for name in STATION if row.get(name) is None]:
        raise UserError(f"{where}: no {', '.join(missing)}. Expected a station of referentiel/stations.")
    return {
        "station_code": str(row["code_station"]),
        "name": str(row["libelle_station"]),
        "river": row.get("libelle_cours_eau"),
        "commune_code": row.get("code_commune_station"),
        "longitude": float(row["longitude_station"]),
        "latitude": float(row["latitude_station"]),
    }


def _flow(row: dict[str, Any], where: str) -> dict[str, Any] | None:
    """One observation in m³/s, or None for a height or an empty result."""
    if missing := [name for name in FLOW if name not in row]:
        raise UserError(f"{where}: no {', '.join(missing)}. Expected an observation of obs_elab.")
    quantity = QUANTITIES.get(str(row["grandeur_hydro_elab"]).upper())
    if quantity is None or row["resultat_obs_elab"] is None:
        return None
    litres = float(row["resultat_obs_elab"])
    if litres < 0:
        raise UserError(f"{where}: a flow of {litres:g} l/s. Expected 0 or more.")
    try:
        day = date.fromisoformat(str(row["date_obs_elab"])[:10])
    except ValueError as error:
        raise UserError(f"{where}: date_obs_elab is {row['date_obs_elab']!r}, expected 2024-10-17.") from error
    return {
        "station_code": str(row["code_station"]),
        "date": day,
        "quantity": quantity,
        "flow_m3s": litres / LITRES,
        "qualification": None if row.get("code_qualification") is None else str(row["code_qualification"]),
    }
