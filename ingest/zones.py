"""Territories made of listed communes: farm zones, appellations of origin, the user's own groups.

A list speaks in the commune codes of its own year. ``memberships`` carries them to today's communes, and says of
each how much of today's commune the list names (``extent``); what cannot be carried is handed back, never dropped.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import shapely

from ingest.readers.commune_lists import slug
from ingest.shapes import Shapes, project, simplify

KINDS = ("zone", "aoc", "group")
TOLERANCE = 900  # metres by which a zone's outline on a map may move from the official one


def memberships(lists: pd.DataFrame, communes: pd.DataFrame, former: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Today's communes in each list, and the entries that could not be carried.

    ``lists``: group_id, kind, source_id, code, name. ``communes``: code, name of today's. ``former``: code, commune
    (today's code), ended_on (ISO date, None where unknown).

    Returns ``(members, left)``. members: group_id, kind, source_id, code, listed_codes (joined by ``;``), extent. left:
    group_id, code, name, why (``unknown_code``, ``name_differs``).

    ``extent`` is ``whole``; ``part``, where the list names some of the communes that were merged into today's and
    not all; ``unknown``, where it names only the code that today's commune shares with one of its parts, and other
    parts were merged after the year that the list speaks of.
    """
    entries = lists.drop_duplicates(["group_id", "code", "name"])
    name_of = dict(zip(communes["code"], communes["name"], strict=True))
    # A code listed under two names: the line whose name is that of the commune stands, the other is a misprint.
    official = pd.Series(
        [
            slug(name) == slug(name_of.get(code, ""))
            for code, name in zip(entries["code"], entries["name"], strict=True)
        ],
        index=entries.index,
        dtype=bool,
    )
    differs = ~official & official.groupby([entries["source_id"], entries["code"]]).transform("any")
    carried_to = dict(zip(former["code"], former["commune"], strict=True))
    current = entries["code"].where(entries["code"].isin(name_of), entries["code"].map(carried_to))
    why = pd.Series(None, index=entries.index, dtype=object)
    why[current.isna()] = "unknown_code"
    why[differs] = "name_differs"
    left = entries.assign(why=why).loc[why.notna(), ["group_id", "code", "name", "why"]]
    kept = entries.assign(current=current)[why.isna()]
    parts: dict[str, list[tuple[str, str | None]]] = {}
    for code, commune, ended in zip(former["code"], former["commune"], former["ended_on"], strict=True):
        parts.setdefault(commune, []).append((code, ended if isinstance(ended, str) else None))
    rows = []
    for (group, kind, source), of_group in kept.groupby(["group_id", "kind", "source_id"]):
        year = _year_of_list(of_group["code"], name_of, former)
        for commune, listed in of_group.groupby("current")["code"]:
            extent = _extent(str(commune), set(listed), parts.get(str(commune), []), year)
            rows.append((group, kind, source, commune, ";".join(sorted(set(listed))), extent))
    members = pd.DataFrame(rows, columns=["group_id", "kind", "source_id", "code", "listed_codes", "extent"])
    return members, left.reset_index(drop=True)


def _year_of_list(codes: pd.Series, current: Iterable[str], former: pd.DataFrame) -> str | None:
    """The day on which most of a list's outdated codes ended: the list is older. None if it has no dated one."""
    outdated = set(codes) - set(current)
    ended = former.loc[former["code"].isin(outdated), "ended_on"].dropna()
    return None if ended.empty else str(ended.mode().max())


def _extent(commune: str, listed: set[str], parts: list[tuple[str, str | None]], year: str | None) -> str:
    named = [(code, ended) for code, ended in parts if code in listed]
    if named:  # the list tells the parts of this commune apart: those that lived as long as the first one named count
        since = min((ended or "" for _, ended in named), default="")
        asked = {commune, *(code for code, ended in parts if (ended or "") >= since)}
        return "whole" if asked <= listed else "part"
    if year is not None and any((ended or "") >= year for _, ended in parts):
        return "unknown"
    return "whole"


def territories(lists: pd.DataFrame, members: pd.DataFrame, communes: pd.DataFrame) -> pd.DataFrame:
    """One territory per list, of its metropolitan communes.

    ``lists``: group_id, kind, name_fr, name_en. ``communes``: code, zone, population, area_km2, shape (WGS 84),
    geometry_method. Returns territory_id, kind, code, name, name_en, zone, population, area_km2, geometry_method,
    shape, outline.
    """
    of_group = {
        group: rows
        for group, rows in members.merge(communes[communes["zone"] == "metro"], on="code").groupby("group_id")
    }
    rows = []
    for entry in lists.drop_duplicates("group_id").sort_values("group_id").itertuples():
        row: dict[str, object] = {
            "territory_id": entry.group_id,
            "kind": entry.kind,
            "code": str(entry.group_id).split(":", 1)[1],
            "name": entry.name_fr,
            "name_en": entry.name_en,
            "zone": "metro",
        }
        if entry.group_id in of_group:
            inside = of_group[str(entry.group_id)]
            drawn = inside[inside["shape"].notna()]
            row["population"] = inside["population"].sum(min_count=1)
            if len(drawn):
                union = _union(drawn["shape"].to_numpy())
                row["shape"] = union
                row["outline"] = simplify(project(_one(union)), TOLERANCE)[0]
                row["area_km2"] = drawn["area_km2"].sum()
                row["geometry_method"] = drawn["geometry_method"].iloc[0]
        rows.append(row)
    columns = [
        "territory_id", "kind", "code", "name", "name_en", "zone", "population", "area_km2", "geometry_method", "shape",
        "outline",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _union(parts: Shapes) -> shapely.Geometry:
    """Joining a valid coverage drops inner borders without computing any intersection: much faster, where it may."""
    return shapely.coverage_union_all(parts) if shapely.coverage_is_valid(parts) else shapely.union_all(parts)


def _one(shape: shapely.Geometry) -> Shapes:
    array: Shapes = np.empty(1, dtype=object)
    array[0] = shape
    return array
