"""Lists of communes: farm zones (CSV, a column per zone), appellations of origin (JSON, a file per appellation), own
groups.

Three formats:

* ``zones_montagne_defavorisees_communes.csv``: cp1252, ``;``, ``CodeCommune`` without its leading zero, ``NomCommune``,
  then one column per zone, empty or the zone's token.
* ``winemap_*-communes.json``: ``aire_geographique``, ``provenance``, ``communes`` (``insee``, ``name``).
* own groups: a CSV of two columns, the group's name and a commune code, any header, ``;``, ``,`` or a tab between.
"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from climart.errors import UserError
from ingest.registry import FarmZone, Source

OWN_GROUPS = "own_groups"
CODE = re.compile(r"(?:\d{2}|2[AB])\d{3}")


@dataclass(frozen=True)
class CommuneList:
    """A named list of communes, as it was received: ``entries`` has the columns code and name, a row per line."""

    territory_id: str
    kind: str
    name_fr: str
    name_en: str
    entries: pd.DataFrame


def read(path: Path, source: Source) -> list[CommuneList]:
    """The lists of one file. Raises UserError naming the file, the line or the key that is wrong."""
    if source.id == OWN_GROUPS:
        return read_groups(path)
    if path.suffix.lower() == ".csv":
        return read_farm_zones(path, source.farm_zones)
    if path.suffix.lower() == ".json":
        return [read_appellation(path)]
    raise UserError(f"{path.name}: expected a .csv of farm zones or a .json of an appellation.")


def read_farm_zones(path: Path, zones: tuple[FarmZone, ...]) -> list[CommuneList]:
    """One list per farm zone of the source, from a CSV with a column per zone."""
    if not zones:
        raise UserError(f"{path.name}: the source given does not describe farm zones. Give another --source.")
    try:
        text = path.read_text(encoding="cp1252")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name}, byte {error.start}: not cp1252. Give the file as it was received.") from error
    lines = text.splitlines()
    header = lines[0].split(";") if lines else []
    if missing := {"CodeCommune", "NomCommune", *(zone.column for zone in zones)} - set(header):
        raise UserError(f"{path.name}, line 1: no column {', '.join(sorted(missing))} (found {', '.join(header)}).")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip(" ;"):
            continue
        cells = line.split(";")
        if len(cells) != len(header):
            raise UserError(f"{path.name}, line {number}: {len(cells)} cells, expected {len(header)}.")
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        code = row["CodeCommune"].zfill(5)
        if not CODE.fullmatch(code):
            raise UserError(f"{path.name}, line {number}: {row['CodeCommune']!r} is not a commune code.")
        for zone in zones:
            if row[zone.column] not in ("", zone.token):
                raise UserError(
                    f"{path.name}, line {number}: {zone.column} is {row[zone.column]!r}, "
                    f"expected {zone.token} or nothing."
                )
        rows.append({**row, "code": code, "name": row["NomCommune"]})
    frame = pd.DataFrame(rows, columns=["code", "name", *(zone.column for zone in zones)])
    return [
        CommuneList(
            zone.territory_id,
            "zone",
            zone.name_fr,
            zone.name_en,
            frame.loc[frame[zone.column] == zone.token, ["code", "name"]].reset_index(drop=True),
        )
        for zone in zones
    ]


def read_appellation(path: Path) -> CommuneList:
    """The communes of one appellation of origin, from its JSON."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path.name}: not JSON ({error}). Give the file as it was received.") from error
    if not isinstance(content, dict) or not content.get("aire_geographique") or not content.get("communes"):
        raise UserError(f"{path.name}: no aire_geographique or no communes. Expected the JSON of an appellation.")
    name = str(content["aire_geographique"])
    rows = []
    for number, commune in enumerate(content["communes"], start=1):
        code = str(commune.get("insee", ""))
        if not CODE.fullmatch(code):
            raise UserError(f"{path.name}, commune {number}: insee is {code!r}, not a commune code.")
        rows.append({"code": code, "name": str(commune.get("name", ""))})
    said = content.get("commune_count", len(rows))
    if said != len(rows):
        raise UserError(
            f"{path.name}: commune_count is {said}, {len(rows)} communes are listed. The file is cut short."
        )
    return CommuneList(f"aoc:{slug(name)}", "aoc", f"AOC {name}", f"{name} AOC", pd.DataFrame(rows))


def read_groups(path: Path) -> list[CommuneList]:
    """One list per group of a two-column CSV: name of the group, code of a commune. Lost leading zeros are restored."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file.") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    lines = text.splitlines()
    separator = max(";,\t", key=lines[0].count) if lines else ";"
    groups: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for number, cells in enumerate(csv.reader(lines[1:], delimiter=separator), start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != 2 or not cells[0].strip():
            raise UserError(
                f"{path.name}, line {number}: expected two cells, a group and a commune code; found {cells}."
            )
        name, code = cells[0].strip(), cells[1].strip().upper().zfill(5)
        if not CODE.fullmatch(code):
            raise UserError(f"{path.name}, line {number}: {cells[1]!r} is not a commune code.")
        group = slug(name)
        if not group or names.setdefault(group, name) != name:
            other = f"is that of {names[group]!r} too" if group else "has no letter or digit"
            raise UserError(f"{path.name}, line {number}: the id of group {name!r} {other}. Give it another name.")
        groups.setdefault(group, []).append(code)
    if not groups:
        raise UserError(f"{path.name}: no group there. Expected a header, then lines of a group and a commune code.")
    return [
        CommuneList(f"group:{group}", "group", names[group], names[group], pd.DataFrame({"code": codes, "name": ""}))
        for group, codes in groups.items()
    ]


def slug(text: str) -> str:
    """``Alsace grand cru`` → ``alsace-grand-cru``; no accent, no capital."""
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe")).encode("ascii", "ignore")
    return re.sub(r"[^a-z0-9]+", "-", plain.decode().lower()).strip("-")
