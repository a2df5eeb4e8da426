"""Territories: the official geographic code, its groupings and their outlines, and the weights of cells in each.

``load`` reads a folder of official files (``communes.json``, ``epci.json``, ``departements.json``, ``regions.json``
of @etalab/decoupage-administratif, a GeoParquet of commune contours, ``caisses_regionales.csv``, INSEE's movements of
communes) and writes the lake's ``territory``, ``cell_weight`` and the history of communes. ``load_lists`` adds the
territories that lists of communes make (farm zones, appellations).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from climart.errors import UserError
from ingest import commune_history, exposure, grid, lake, registry, relief, weights, zones
from ingest.groupings import COUNTRY, group_members
from ingest.readers import commune_lists
from ingest.readers.grids import MASSIF_BANDS, STATIONS
from ingest.shapes import area_km2, project, simplify, valid

COG_YEAR = 2026
# How far an outline drawn on a map may move from the official one, metres. Shared borders stay shared.
OUTLINE_TOLERANCE = {
    "commune": 300,
    "epci": 500,
    "departement": 900,
    "region": 1500,
    "caisse": 900,
    "massif": 500,
    "country": 1500,
}
# Altitudes of a massif in its shapefile: lowest, median, highest.
MASSIF_ALTITUDES = {"altitude_low_m": "Zstat_min", "altitude_m": "Zstat_medi", "altitude_high_m": "Zstat_max"}
LIST_SOURCES = {".csv": "farm_zones", ".json": "inao_aoc_communes"}
Progress = Callable[[str], None]


@dataclass(frozen=True)
class ListsLoaded:
    """What a load of lists did: by territory_id, how many communes are listed, how many of today's hold them, and
    how many of these only in part or perhaps; the entries that could not be carried to today's code (group_id,
    code, name, why)."""

    groups: dict[str, tuple[int, int, int]]
    left: pd.DataFrame


@dataclass(frozen=True)
class Loaded:
    """How many territories of each kind, how many of them have no shape, how many weights and movements of communes."""

    by_kind: dict[str, int]
    without_values: dict[tuple[str, str], int]
    n_weights: int
    n_changes: int


def load(folder: Path, massifs: Path | None = None, progress: Progress = lambda _: None) -> Loaded:
    """Read the official files of ``folder`` (and a shapefile of massifs), write the lake. Atomic, repeatable.

    Raises UserError naming the missing or broken file.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder. Give the one that holds the official files; see data/README.md.")
    progress("codes")
    movements = _one(folder, commune_history.PATTERN)
    territories, contours = _codes(folder), _contours(folder)
    progress("contours")
    cells = grid.cells()
    frame = territories.join(contours, on="code").where(lambda f: f.notna(), None)
    is_commune = frame["kind"] == "commune"
    for column in ("shape", "geometry_method"):
        frame.loc[~is_commune, column] = None
    progress("weights")
    communes = frame[is_commune & frame["shape"].notna()]
    metropolitan = communes[communes["zone"] == "metro"]
    shapes = project(metropolitan["shape"].to_numpy())
    pairs = weights.intersections(metropolitan["territory_id"], shapes, cells)
    shares = [weights.from_areas(pairs, "area_share")]
    isolated = ~metropolitan["territory_id"].isin(pairs["territory_id"]).to_numpy()
    if isolated.any():
        shares.append(weights.nearest_cells(metropolitan["territory_id"][isolated], shapes[isolated], cells))
    members = group_members(metropolitan, pd.DataFrame(columns=["territory_id", "group_id"]))
    shares.append(weights.from_areas(weights.of_groups(pairs, members), "area_share"))
    progress("outlines")
    frame["area_km2"] = np.nan
    frame.loc[communes.index, "area_km2"] = area_km2(communes["shape"].to_numpy())
    frame = _with_groups(frame)
    frame["outline"] = _outlines(frame, {"commune": pd.Series(shapes, index=metropolitan["territory_id"])})
    if massifs is not None:
        progress("massifs")
        massif_frame, massif_pairs = _massifs(massifs, cells)
        frame = pd.concat([frame, massif_frame], ignore_index=True)
        shares.append(weights.from_areas(massif_pairs, "area_share"))
    all_weights = pd.concat(shares, ignore_index=True)
    frame["reason"] = _reasons(frame, set(all_weights["territory_id"]))
    progress("writing")
    lake.open_registers()
    registry.record_dataset(registry.get(exposure.OFFICIAL))
    lake.write("territory", _as_arrow(frame))
    lake.write("cell_weight", weights.as_arrow(all_weights, "area"))
    lake.upsert("cell", grid.as_arrow(), "grid_id")
    n_changes = commune_history.load(movements, _read_json(folder / "communes.json"), COG_YEAR)
    lake.write("former_commune", _former(_read_json(folder / "communes.json")))
    progress("lists")
    listed, _ = _make_listed()
    _weigh_other_grids()
    relief.weigh()
    exposure.refresh()
    frame = pd.concat([frame, listed])
    return Loaded(
        by_kind=dict(Counter(frame["kind"])),
        without_values=dict(
            Counter((k, r) for k, r in zip(frame["kind"], frame["reason"], strict=True) if isinstance(r, str))
        ),
        n_weights=len(all_weights),
        n_changes=n_changes,
    )


def load_lists(files: list[Path], source_id: str | None = None, progress: Progress = lambda _: None) -> ListsLoaded:
    """Read lists of communes (farm zones, appellations, own groups), make a territory of each, write the lake.

    ``source_id``: where the files come from (default: ``LIST_SOURCES``, by their format). A list takes the place of
    the one that made the same territory. Raises UserError naming the wrong file, if there are no territories yet,
    or if the source is unknown.
    """
    if not lake.table_path("territory").exists():
        raise UserError("The lake has no communes: run `climart ingest territories DIR` first (CLIMART_DATA/lake).")
    sources = {path: registry.get(source_id or LIST_SOURCES.get(path.suffix.lower(), "farm_zones")) for path in files}
    read = {path: commune_lists.read(path, source) for path, source in sources.items()}
    lists = [(sources[path], found) for path, of_file in read.items() for found in of_file]
    ids = Counter(found.territory_id for _, found in lists)
    if repeated := [name for name, n in ids.items() if n > 1]:
        raise UserError(f"two of the files make the same territory, {repeated[0]}: give one of them.")
    progress("reading")
    for path, source in sources.items():
        registry.record_dataset(source)
        registry.record_file(path, source, sum(len(found.entries) for found in read[path]))
    kept = lake.read("commune_list")
    replaced = pc.is_in(kept["group_id"], value_set=pa.array(ids))  # a list may have become empty
    if commune_lists.OWN_GROUPS in {source.id for source in sources.values()}:  # one file holds all of them
        replaced = pc.or_(replaced, pc.equal(kept["source_id"], commune_lists.OWN_GROUPS))
    return keep_lists(lists, replaced, progress)


def keep_lists(
    lists: Sequence[tuple[registry.Source, commune_lists.CommuneList]],
    replaced: pa.ChunkedArray,
    progress: Progress = lambda _: None,
) -> ListsLoaded:
    """Write lists in the place of the lines ``replaced`` of ``commune_list``; make their territories and weights."""
    kept = lake.read("commune_list").filter(pc.invert(replaced))
    added = [
        found.entries.assign(
            group_id=found.territory_id,
            kind=found.kind,
            name_fr=found.name_fr,
            name_en=found.name_en,
            source_id=source.id,
        )
        for source, found in lists
    ]
    rows = pd.concat(added) if added else pd.DataFrame(columns=kept.column_names, dtype=object)
    tables = [kept, pa.Table.from_pandas(rows, preserve_index=False).select(kept.column_names).cast(kept.schema)]
    lake.write("commune_list", pa.concat_tables(tables))
    progress("territories")
    _, left = _make_listed()
    _weigh_other_grids()
    exposure.refresh()
    members = lake.read("territory_membership").to_pandas()
    groups = {}
    for group, n in rows["group_id"].value_counts().sort_index().items():
        extents = members.loc[members["group_id"] == group, "extent"]
        groups[str(group)] = (int(n), len(extents), int((extents != "whole").sum()))
    return ListsLoaded(groups, left[left["group_id"].isin(groups)].reset_index(drop=True))


def _make_listed() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Memberships, territories and 8 km weights of every list in the lake, in place of those there: the territories
    made, and the entries left out."""
    lists = lake.read("commune_list").to_pandas()
    kept = lake.read("territory")
    kept = kept.filter(pc.invert(pc.is_in(kept["kind"], value_set=pa.array(zones.KINDS))))
    communes = kept.filter(pc.equal(kept["kind"], "commune")).to_pandas()
    members, left = zones.memberships(lists, communes[["code", "name"]], lake.read("former_commune").to_pandas())
    communes = communes[communes["code"].isin(members["code"])]
    communes = communes.assign(shape=shapely.from_wkb(communes["geometry"].to_numpy(dtype=object)))
    members = members.assign(territory_id="commune:" + members["code"])
    made = zones.territories(lists, members.drop(columns=["kind", "territory_id"]), communes)
    drawn = communes[communes["zone"].eq("metro") & communes["shape"].notna()]
    pairs = weights.intersections(drawn["territory_id"], project(drawn["shape"].to_numpy()), grid.cells())
    shares = weights.from_areas(weights.of_groups(pairs, members[["territory_id", "group_id"]]), "area_share")
    made["reason"] = _reasons(made, set(shares["territory_id"]))
    lake.write("territory_membership", pa.Table.from_pandas(members.drop(columns="code"), preserve_index=False))
    lake.write("territory", pa.concat_tables([kept, _as_arrow(made).select(kept.column_names).cast(kept.schema)]))
    weighed = lake.read("cell_weight")
    listed = pc.match_substring_regex(weighed["territory_id"], f"^({'|'.join(zones.KINDS)}):")
    weighed = weighed.filter(pc.invert(listed))
    rows = weights.as_arrow(shares, "area").select(weighed.column_names).cast(weighed.schema)
    lake.write("cell_weight", pa.concat_tables([weighed, rows]))
    return made, left


def _former(communes: list[dict[str, Any]]) -> pa.Table:
    """The lake's ``former_commune``, from ``communes.json`` (its ``anciensCodes``) and the history of communes.

    An arrondissement of Paris, Lyon or Marseille counts as a part that its commune has always had.
    """
    rows = [
        {"code": former, "commune": commune["code"]}
        for commune in communes
        if commune["type"] == "commune-actuelle"
        for former in commune.get("anciensCodes", [])
    ]
    changes = lake.read("territory_change").to_pandas()
    ends = changes[(changes["from_kind"] == "commune") & (changes["from_code"] != changes["to_code"])]
    ended_on = ends.groupby("from_code")["effective_on"].max().astype(str).to_dict()
    rows = [{**row, "ended_on": ended_on.get(row["code"])} for row in rows]
    parts = lake.read("commune_part").to_pylist()
    rows += [
        {"code": part["code"], "commune": part["commune_code"], "ended_on": None}
        for part in parts
        if part["kind"] == "arrondissement"
    ]
    return pa.Table.from_pylist(rows, schema=lake.SCHEMAS["former_commune"])


def weigh_grid(grid_id: str) -> int:
    """Weights of another grid than the 8 km one, from the polygons of its cells in the lake; how many there are.

    A territory that the grid covers by less than half gets no weight: its value would be that of another place.
    """
    n_weights = _weigh_grid(grid_id)
    exposure.refresh()
    return n_weights


def _weigh_other_grids() -> None:
    for grid_id in sorted(set(lake.read("cell")["grid_id"].to_pylist()) - {grid.GRID_ID, MASSIF_BANDS, STATIONS}):
        _weigh_grid(grid_id)


def _weigh_grid(grid_id: str) -> int:
    cells = lake.read("cell").to_pandas()
    cells = cells[cells["grid_id"] == grid_id].assign(
        polygon=lambda f: project(shapely.from_wkb(f["polygon"].to_numpy()))
    )
    frame = lake.read("territory").to_pandas()
    frame = frame[frame["zone"].eq("metro") & frame["geometry"].notna()]
    drawn = frame[frame["kind"].isin(["commune", "massif"])]
    shapes = project(shapely.from_wkb(drawn["geometry"].to_numpy()))
    pairs = weights.intersections(drawn["territory_id"], shapes, cells)
    communes = drawn[drawn["kind"] == "commune"]
    members = group_members(communes, lake.read("territory_membership").to_pandas())
    every = pd.concat([pairs, weights.of_groups(pairs, members)])
    covered = every.groupby("territory_id")["area"].transform("sum") / 1e6
    whole = every["territory_id"].map(frame.set_index("territory_id")["area_km2"])
    shares = weights.from_areas(every[covered >= weights.MIN_GRID_SHARE * whole], "area_share")
    table = weights.as_arrow(shares, "area", grid_id)
    kept = lake.read("cell_weight")
    kept = kept.filter(pc.not_equal(kept["grid_id"], grid_id))
    lake.write("cell_weight", pa.concat_tables([kept, table.select(kept.column_names).cast(kept.schema)]))
    return len(shares)


def _read_json(path: Path) -> list[dict[str, Any]]:
    try:
        return list(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise UserError(
            f"{path.name} is not in {path.parent.name}/. Expected the official files; see data/README.md."
        ) from error
    except json.JSONDecodeError as error:
        raise UserError(f"{path.name}, line {error.lineno}: not JSON ({error.msg}). Download it again.") from error


def _codes(folder: Path) -> pd.DataFrame:
    """One row per territory but the massifs, parents filled in, no shape yet."""
    caisses = pd.read_csv(_one(folder, "caisses_regionales.csv"), dtype=str).fillna("")
    caisse_of = dict(zip(caisses["departement_code"], "caisse:" + caisses["caisse_regionale_id"], strict=True))
    shared = dict(zip(caisses["departement_code"], caisses["shared_with"], strict=True))
    departements = pd.DataFrame(_read_json(folder / "departements.json"))
    regions = pd.DataFrame(_read_json(folder / "regions.json"))
    communes = pd.DataFrame(_read_json(folder / "communes.json"))
    communes = communes[communes["type"] == "commune-actuelle"]
    epci = _read_json(folder / "epci.json")
    epci_of = {member["code"]: f"epci:{group['code']}" for group in epci for member in group["membres"]}

    def prefixed(kind: str, codes: pd.Series) -> pd.Series:
        return (f"{kind}:" + codes.astype(str)).where(codes.notna(), None)

    commune_rows = pd.DataFrame(
        {
            "kind": "commune",
            "code": communes["code"],
            "name": communes["nom"],
            "zone": communes["zone"],
            "epci_id": communes["code"].map(epci_of),
            "departement_id": prefixed("departement", communes["departement"]),
            "region_id": prefixed("region", communes["region"]),
            "caisse_id": communes["departement"].map(caisse_of),
            "caisse_shared_with": communes["departement"].map(shared),
            "population": communes["population"],
        }
    )
    departement_rows = pd.DataFrame(
        {
            "kind": "departement",
            "code": departements["code"],
            "name": departements["nom"],
            "zone": departements["zone"],
            "region_id": prefixed("region", departements["region"]),
            "caisse_id": departements["code"].map(caisse_of),
            "caisse_shared_with": departements["code"].map(shared),
        }
    )
    region_rows = pd.DataFrame(
        {"kind": "region", "code": regions["code"], "name": regions["nom"], "zone": regions["zone"]}
    )
    zone_of = dict(zip(departements["code"], departements["zone"], strict=True))
    caisse_rows = (
        caisses.assign(zone=caisses["departement_code"].map(zone_of))
        .groupby(["caisse_regionale_id", "caisse_regionale_nom"])["zone"]
        .first()
        .reset_index()
        .rename(columns={"caisse_regionale_id": "code", "caisse_regionale_nom": "name"})
        .assign(kind="caisse")
    )
    epci_rows = _epci(epci, commune_rows)
    country = pd.DataFrame({"kind": ["country"], "code": ["FR"], "name": ["France métropolitaine"], "zone": ["metro"]})
    frame = pd.concat([commune_rows, epci_rows, departement_rows, region_rows, caisse_rows, country], ignore_index=True)
    for kind, column in (("departement", "departement_id"), ("region", "region_id"), ("caisse", "caisse_id")):
        totals = commune_rows.groupby(column)["population"].sum(min_count=1)
        rows = frame["kind"] == kind
        frame.loc[rows, "population"] = (f"{kind}:" + frame.loc[rows, "code"]).map(totals)
    frame.loc[frame["kind"] == "country", "population"] = commune_rows.loc[
        commune_rows["zone"] == "metro", "population"
    ].sum()
    frame["caisse_shared_with"] = frame["caisse_shared_with"].replace("", None)
    frame.insert(0, "territory_id", frame["kind"] + ":" + frame["code"])
    if (repeated := frame["territory_id"][frame["territory_id"].duplicated()]).size:
        raise UserError(f"{folder.name}/: {repeated.iloc[0]} appears twice in the official files. Download them again.")
    return frame


def _epci(epci: list[dict[str, Any]], communes: pd.DataFrame) -> pd.DataFrame:
    """EPCI rows. One that spans départements is placed in the one where most of its people live."""
    members = communes.dropna(subset=["epci_id"])
    main = (
        members.groupby(["epci_id", "departement_id", "region_id", "caisse_id", "zone"], dropna=False)["population"]
        .sum()
        .reset_index()
        .sort_values(["epci_id", "population", "departement_id"], ascending=[True, False, True])
        .drop_duplicates("epci_id")
        .drop(columns="population")
    )
    rows = pd.DataFrame(
        {
            "kind": "epci",
            "code": [group["code"] for group in epci],
            "name": [group["nom"] for group in epci],
            "population": [group.get("populationMunicipale") for group in epci],
        }
    )
    return rows.merge(main, left_on="epci:" + rows["code"], right_on="epci_id", how="left").drop(
        columns=["key_0", "epci_id"], errors="ignore"
    )


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise UserError(f"no {pattern} in {folder.name}/. Expected the official files; see data/README.md.")
    return found[-1]


def _contours(folder: Path) -> pd.DataFrame:
    """Commune contours by code: ``shape`` (valid, WGS 84) and ``geometry_method``."""
    path = _one(folder, "communes*.parquet")
    try:
        frame = gpd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise UserError(f"{path.name}: not a GeoParquet file ({error}). Download it again.") from error
    if "code" not in frame:
        raise UserError(f"{path.name}: no column 'code' (found {', '.join(frame.columns)}).")
    shapes = valid(frame.to_crs("EPSG:4326").geometry.values)
    method = frame.get("geometry_method", "official")
    return pd.DataFrame({"shape": shapes, "geometry_method": method}).set_index(pd.Index(frame["code"], name="code"))


def _with_groups(frame: pd.DataFrame) -> pd.DataFrame:
    """Fill ``shape`` of the groupings: the union of their members'. Their members cover them edge to edge."""
    frame = frame.set_index("territory_id", drop=False)
    level: dict[str, pd.Series] = {}
    communes = frame[(frame["kind"] == "commune") & frame["shape"].notna()]
    # One check for all: joining a valid coverage drops inner borders without computing any intersection.
    edge_to_edge = shapely.coverage_is_valid(communes.loc[communes["zone"] == "metro", "shape"].to_numpy())
    union = shapely.coverage_union_all if edge_to_edge else shapely.union_all
    for kind, parts, column in (
        ("epci", communes, "epci_id"),
        ("departement", communes, "departement_id"),
        ("region", "departement", "region_id"),
        ("caisse", "departement", "caisse_id"),
    ):
        rows = frame[(frame["kind"] == parts) & frame["shape"].notna()] if isinstance(parts, str) else parts
        level[kind] = rows.groupby(column)["shape"].agg(lambda shapes: union(shapes.to_numpy()))
        frame.loc[level[kind].index, "shape"] = level[kind]
        methods = rows.groupby(column)["geometry_method"].first()
        frame.loc[methods.index, "geometry_method"] = methods
        areas = rows.groupby(column)["area_km2"].sum()
        frame.loc[areas.index, "area_km2"] = areas
    metropolitan = frame[(frame["kind"] == "region") & (frame["zone"] == "metro") & frame["shape"].notna()]
    if len(metropolitan):
        frame.at[COUNTRY, "shape"] = union(metropolitan["shape"].to_numpy())
        frame.at[COUNTRY, "geometry_method"] = metropolitan["geometry_method"].iloc[0]
        frame.at[COUNTRY, "area_km2"] = metropolitan["area_km2"].sum()
    return frame.reset_index(drop=True)


def _outlines(frame: pd.DataFrame, projected: dict[str, pd.Series]) -> pd.Series:
    """Light outlines for maps, WGS 84, simplified so that neighbours still share their border.

    ``projected``: by kind, the shapes that are known in EPSG:27572 already, by territory_id.
    """
    drawn = frame[frame["shape"].notna() & (frame["zone"] == "metro")]
    kinds = [kind for kind in OUTLINE_TOLERANCE if (drawn["kind"] == kind).any()]
    shapes = {kind: drawn.loc[drawn["kind"] == kind, "shape"] for kind in kinds}
    outlines = pd.Series(None, index=frame.index, dtype=object)

    def in_lambert(kind: str) -> npt.NDArray[np.object_]:
        if kind not in projected:
            return project(shapes[kind].to_numpy())
        return np.asarray(projected[kind].loc[frame.loc[shapes[kind].index, "territory_id"]], dtype=object)

    with ThreadPoolExecutor(os.cpu_count()) as pool:  # shapely lets go of the interpreter's lock
        simple = pool.map(lambda kind: simplify(in_lambert(kind), OUTLINE_TOLERANCE[kind]), kinds)
        for kind, found in zip(kinds, simple, strict=True):
            outlines[shapes[kind].index] = found
    return outlines


def _massifs(path: Path, cells: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Massif rows, and their intersections with the grid where it covers at least half of them."""
    try:
        frame = gpd.read_file(path)
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path.name}: cannot be read as a shapefile ({error}).") from error
    if missing := {"code", "title"} - set(frame.columns):
        raise UserError(f"{path.name}: no column {', '.join(sorted(missing))} (found {', '.join(frame.columns)}).")
    code = frame["code"].astype(str)
    projected = valid(frame.geometry.to_crs(grid.CRS).values)
    shapes = valid(frame.geometry.to_crs("EPSG:4326").values)
    ids = ("massif:" + code).to_numpy()
    pairs = weights.intersections(ids, projected, cells)
    covered = pairs.groupby("territory_id")["area"].sum().reindex(ids).fillna(0).to_numpy() / shapely.area(projected)
    on_grid = covered >= weights.MIN_GRID_SHARE
    outline = np.full(len(ids), None, dtype=object)
    outline[on_grid] = simplify(projected[on_grid], OUTLINE_TOLERANCE["massif"])
    rows = pd.DataFrame(
        {
            "territory_id": ids,
            "kind": "massif",
            "code": code,
            "name": frame["title"],
            "zone": np.where(on_grid, "metro", "foreign"),
            "shape": shapes,
            "geometry_method": "official",
            "area_km2": area_km2(shapes),
            "outline": outline,
            **{
                name: frame[column].where(frame[column] > 0).to_numpy(dtype=np.float64)
                for name, column in MASSIF_ALTITUDES.items()
                if column in frame
            },
        }
    )
    return rows, pairs[pairs["territory_id"].isin(ids[on_grid])]


def _reasons(frame: pd.DataFrame, weighted: set[str]) -> pd.Series:
    """Why a territory has no values: ``outside_grid``, ``no_geometry``, or None."""
    reasons = pd.Series(None, index=frame.index, dtype=object)
    empty = ~frame["territory_id"].isin(weighted)
    reasons[empty] = "no_geometry"
    reasons[empty & (frame["zone"] != "metro")] = "outside_grid"
    return reasons


def _as_arrow(frame: pd.DataFrame) -> pa.Table:
    frame = frame.reindex(columns=frame.columns.union([f.name for f in lake.SCHEMAS["territory"]], sort=False))
    frame["name_en"] = frame["name_en"].where(frame["name_en"].notna(), frame["name"])  # official names stay
    has_shape = frame["shape"].notna()
    shapes = frame.loc[has_shape, "shape"].to_numpy()
    points = shapely.point_on_surface(shapes)
    columns: dict[str, pa.Array] = {
        name: pa.array(frame[name], from_pandas=True)
        for name in (
            "territory_id", "kind", "code", "name", "name_en", "zone", "epci_id", "departement_id", "region_id",
            "caisse_id", "caisse_shared_with", "geometry_method", "reason",
        )
    }  # fmt: skip
    columns["population"] = pa.array(
        frame["population"].astype("Float64").round().astype("Int64"), pa.int64(), from_pandas=True
    )
    columns["massif_id"] = pa.nulls(len(frame), pa.string())
    columns["area_km2"] = pa.array(frame["area_km2"].astype(float), pa.float32(), from_pandas=True)
    for name in MASSIF_ALTITUDES:
        columns[name] = (
            pa.array(frame[name].astype(float), pa.float32(), from_pandas=True)
            if name in frame
            else pa.nulls(len(frame), pa.float32())
        )
    columns["cog_year"] = pa.array(np.full(len(frame), COG_YEAR), pa.int16())
    for name, coordinate in (("longitude", shapely.get_x(points)), ("latitude", shapely.get_y(points))):
        full = pd.Series(np.nan, index=frame.index)
        full[has_shape] = coordinate
        columns[name] = pa.array(full, from_pandas=True)
    for name, source in (("geometry", "shape"), ("outline", "outline")):
        geometries = frame[source].where(frame[source].notna(), None).to_numpy(dtype=object)
        columns[name] = pa.array(shapely.to_wkb(geometries), pa.binary(), from_pandas=True)
    return pa.table(columns)
