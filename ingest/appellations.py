"""Delimited parcels of wine appellations (INAO): shares of communes, and where an appellation's vines may be.

A parcel names every appellation that it may bear. Who owns what: a list of communes (``climart ingest zones``) owns its
territory ``aoc:<name>`` and the communes in it; an appellation that no list names gets a list of the communes of its
parcels, until one comes. The parcels own the weights: an appellation is weighed by them, in the weighting ``vineyard``,
and not by what its communes grow (docs/decisions/0010-appellations.md).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from climart.errors import UserError
from ingest import communes, grid, lake, registry, territories
from ingest.readers import geojson
from ingest.readers.commune_lists import CommuneList, slug
from ingest.shapes import Shapes, project

NAME, NUMBER = "denom", "crinao"
BETWEEN = re.compile(r",(?! )")  # a comma and a space are of one name: "Côtes de Bourg, Bourg et Bourgeais"
BATCH = 20_000
SQUARE = 1000  # metres: squares that nest in the cells of 8 km
MIN_PART = 0.001  # of an appellation in a commune: less is two outlines that disagree on one border
Texts = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass
class Loaded:
    """What a load did: area by appellation (territory id → km²), those that got their list of communes from it."""

    n_parcels: int = 0
    n_communes: int = 0
    areas: dict[str, float] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def load(files: list[Path], source_id: str = "aoc_viticulture", progress: Progress = lambda _: None) -> Loaded:
    """Read every parcel, in the place of those loaded before. Raises UserError, with nothing written, where a file is
    not as the WFS gives it."""
    source = registry.get(source_id)
    ground = communes.polygons(grid.CRS)
    done = Loaded()
    shapes, names, counts = _parcels(files, done, progress)
    progress("communes")
    outlines = ground.geometry.to_numpy()
    i_commune, i_shape = shapely.STRtree(shapes).query(outlines, predicate="intersects")
    pieces = shapely.area(shapely.intersection(outlines[i_commune], shapes[i_shape]))
    pairs = pd.DataFrame({"commune": i_commune, "shape": i_shape, "area": pieces})
    pairs = pairs[pairs["area"] > 0]
    under = pairs.groupby("commune")["shape"].agg(
        lambda held: shapely.area(
            shapely.intersection(outlines[pairs.loc[held.index[0], "commune"]], shapely.union_all(shapes[held]))
        )
    )
    done.n_communes = len(under)
    progress("appellations")
    held_by: dict[str, list[int]] = {}
    for n, of_parcel in enumerate(names):
        for name in of_parcel:
            held_by.setdefault(f"aoc:{slug(name)}", []).append(n)
    labels = {f"aoc:{slug(name)}": name for of_parcel in names for name in sorted(of_parcel, reverse=True)}
    places = []
    for group, held in sorted(held_by.items()):
        found = _by_square(shapely.union_all(shapes[held]))
        done.areas[group] = float(found["amount"].sum())
        places.append(found.assign(group_id=group, source_id=source.id))
    by_shape = {shape: part for shape, part in pairs.groupby("shape")[["commune", "area"]]}
    owned = _owned(source.id)
    lists = [
        (source, _list(group, labels[group], [by_shape[n] for n in held if n in by_shape], ground["code"]))
        for group, held in sorted(held_by.items())
        if group not in owned
    ]
    done.made = [found.territory_id for _, found in lists]
    progress("writing")
    lake.open_registers()
    registry.record_dataset(source)
    ids = [registry.record_file(path, source, n) for path, n in zip(files, counts, strict=True)]
    codes = ground["code"].to_numpy()[under.index]
    shares = 100 * under.to_numpy() / shapely.area(outlines)[under.index]
    _keep_facts(source, ids[0] if len(ids) == 1 else None, codes, under.to_numpy() / 1e6, shares)
    schema = lake.SCHEMAS["appellation_place"]
    lake.write("appellation_place", pa.Table.from_pandas(pd.concat(places), schema, preserve_index=False))
    territories.keep_lists(lists, pc.equal(lake.read("commune_list")["source_id"], source.id), progress)
    return done


def _parcels(files: list[Path], done: Loaded, progress: Progress) -> tuple[Shapes, list[set[str]], list[int]]:
    """Shapes (EPSG:27572, valid), the appellations of each, the parcels of each file."""
    shapes: list[Shapes] = []
    names: list[set[str]] = []
    counts: list[int] = []
    left: Counter[str] = Counter()
    for path in files:
        before = len(names)
        for piece in geojson.read(path, BATCH):
            for n, row in enumerate(piece.rows):
                if missing := [name for name in (NAME, NUMBER) if name not in row]:
                    raise UserError(
                        f"{path.name}, feature {piece.start + n}: no {', '.join(missing)} (it has {', '.join(row)}). "
                        "Expected AOC-VITICOLES:aire_parcellaire."
                    )
            drawn = np.array([shape is not None and not shape.is_empty for shape in piece.shapes])
            left["without an outline"] += int((~drawn).sum())
            of_parcel = [split(str(row[NAME] or "")) for row in piece.rows]
            named = np.array([bool(found) for found in of_parcel])
            left["without an appellation"] += int((drawn & ~named).sum())
            kept = np.flatnonzero(drawn & named)
            if broken := int((~shapely.is_valid(piece.shapes[kept])).sum()):
                left["invalid"] += broken
            shapes.append(project(piece.shapes[kept]))
            names += [of_parcel[n] for n in kept]
            progress(f"{path.name}, {len(names)} parcels")
        counts.append(len(names) - before)
    if not names:
        raise UserError(f"{', '.join(path.name for path in files)}: no parcel of an appellation.")
    done.n_parcels = len(names)
    done.remarks = [
        f"{n} parcel(s) were invalid and repaired." if why == "invalid" else f"{n} parcel(s) {why} were left out."
        for why, n in sorted(left.items())
        if n
    ]
    return np.concatenate(shapes), names, counts


def split(denomination: str) -> set[str]:
    """The appellations that a parcel's ``denom`` names."""
    return {name.strip() for name in BETWEEN.split(denomination) if slug(name)}


def _by_square(union: shapely.Geometry) -> pd.DataFrame:
    """The area of a shape by square of 1 km: x, y (centre of what lies there, m), amount (km²)."""
    parts = shapely.get_parts(union)
    bounds = np.floor(shapely.bounds(parts) / SQUARE).astype(int)
    cut = []
    for part, (west, south, east, north) in zip(parts, bounds, strict=True):
        columns, rows = np.meshgrid(np.arange(west, east + 1), np.arange(south, north + 1))
        x, y = columns.ravel() * SQUARE, rows.ravel() * SQUARE
        cut.append(shapely.intersection(part, shapely.box(x, y, x + SQUARE, y + SQUARE)))
    pieces = np.concatenate(cut)
    pieces = pieces[shapely.area(pieces) > 0]
    centres = shapely.centroid(pieces)
    found = pd.DataFrame(
        {"x": shapely.get_x(centres), "y": shapely.get_y(centres), "amount": shapely.area(pieces) / 1e6}
    )
    weighed = found.assign(
        column=found["x"] // SQUARE,
        row=found["y"] // SQUARE,
        x=found["x"] * found["amount"],
        y=found["y"] * found["amount"],
    )
    summed = weighed.groupby(["column", "row"])[["x", "y", "amount"]].sum().reset_index(drop=True)
    summed[["x", "y"]] = summed[["x", "y"]].div(summed["amount"], axis=0)
    return summed


def _owned(source_id: str) -> set[str]:
    """Territories that a list of another source makes."""
    lists = lake.read("commune_list")
    return set(lists.filter(pc.not_equal(lists["source_id"], source_id))["group_id"].to_pylist())


def _list(group: str, name: str, pieces: list[pd.DataFrame], codes: pd.Series) -> CommuneList:
    """The communes that hold parcels of an appellation."""
    areas = pd.concat(pieces).groupby("commune")["area"].sum() if pieces else pd.Series(dtype=float)
    held = areas.index[areas >= MIN_PART * areas.sum()]
    entries = pd.DataFrame({"code": codes.iloc[held].to_numpy(dtype=object), "name": ""}).astype(object)
    return CommuneList(group, "aoc", f"AOC {name}", f"{name} AOC", entries)


def _keep_facts(source: registry.Source, file_id: str | None, codes: Texts, areas: Floats, shares: Floats) -> None:
    rows = [
        {"source_file_id": file_id, "commune_code": code, "measure_id": measure, "value": float(value)}
        for measure, values in (("aoc_area", areas), ("aoc_area_share", np.minimum(shares, 100)))
        for code, value in zip(codes, values, strict=True)
    ]
    schema = lake.SCHEMAS["commune_fact"]
    table = pa.Table.from_pylist([{"dataset_id": source.id, **row} for row in rows], schema=schema)
    lake.write("commune_fact", table, source.id)
