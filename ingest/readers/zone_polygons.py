"""Official zones as polygons (GeoPackage, Shapefile, zipped or not) → shares of each commune, by class of zone.

Polygons are repaired where invalid, cut by commune, joined (union) within each class and over all classes: overlaps
count once. A commune is studied where the study's perimeter covers it, partly studied where the perimeter covers at
least half of it or where a zone is all that is known; elsewhere nothing is known and no row is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely

from climart.errors import UserError
from ingest import communes, rasters
from ingest.readers.parts import by_part
from ingest.registry import ZonePolygons

MIN_PERIMETER_SHARE = 0.5  # of a commune without any zone: below it, the study says nothing of the commune
MIN_AREA = 1e-4  # m²: what projecting a border back and forth may move across it
ANY = "any"
Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]


def read(
    paths: Sequence[Path], ids: Sequence[str], options: ZonePolygons
) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    """``commune_fact`` rows (areas in km², shares in %), and how many polygons were repaired.

    Raises UserError naming the file and what is wrong: no CRS, no column, an unknown class, other things than polygons.
    """
    main, parts = by_part(paths, {str(part): pattern for part, pattern in options.files.items()})
    file_ids = dict(zip(paths, ids, strict=True))
    remarks: list[str] = []
    zones = pd.concat([_zones(path, options, remarks) for path in main], ignore_index=True)
    ground = communes.polygons(options.crs)
    shapes = ground.geometry.to_numpy()
    cut = _cut(shapes, zones)
    about = cut[ANY][["study", "date"]]
    known = _areas(cut[ANY], np.arange(len(shapes))) / shapely.area(shapes)  # share of each commune that was studied
    if "perimeter" in parts:
        perimeter = _described(polygons(parts["perimeter"], options.crs, remarks), options)
        looked_at = _cut(shapes, perimeter)[ANY]
        covered = _areas(looked_at, np.arange(len(shapes))) / shapely.area(shapes)
        about = about.combine_first(looked_at[["study", "date"]])  # a dry commune has the study's date and name too
        known = np.where((covered >= MIN_PERIMETER_SHARE) | (known > 0), np.maximum(covered, known), 0)
    if options.departement:
        known = np.where(_mapped(main, options.departement, ground["code"].astype(str).tolist()), 1.0, 0.0)
    studied = np.flatnonzero(known)
    amounts: dict[str, dict[str, Floats]] = {"area": {"all": shapely.area(shapes[studied]) / 1e6}}
    for name, zone in cut.items():
        amounts["area"][name] = _areas(zone, studied) / 1e6
    for part in ("people", "dwellings", "built"):
        if part in parts:
            amounts[part] = _amounts(parts[part], options, shapes[studied], cut, studied)
    source = file_ids[main[0]] if len(paths) == 1 else None
    about = about.reindex(studied)
    rows = []
    for measure, values in _measures(options, amounts).items():
        for position, value in zip(studied, values, strict=True):
            rows.append(
                {
                    "source_file_id": source,
                    "commune_code": ground["code"].iloc[position],
                    "measure_id": measure,
                    "date_start": options.date_start,
                    "date_end": _day(about["date"].get(position)) or options.date_end,
                    "value": None if np.isnan(value) else float(value),
                    "studied_share": known[position],
                    "reason": "no_weight" if np.isnan(value) else None,
                    "note": " · ".join(filter(None, (_text(about["study"].get(position)), options.scale))) or None,
                }
            )
    return {"commune_fact": rows}, remarks


def _mapped(paths: Sequence[Path], pattern: str, codes: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Whether each commune is in a département that the files map whole: outside their zones there is none."""
    departements: set[str] = set()
    for path in paths:
        # a member of an archive lies in a folder of the archive's name
        found = re.search(pattern, path.name) or re.search(pattern, path.parent.name)
        if found is None:
            raise UserError(f"{path.name}: expected a name that says its département ({pattern}).")
        departements.add(found[1])
    return np.array(["Fxx" in departements or code[: 3 if code[:2] == "97" else 2] in departements for code in codes])


def polygons(path: Path, crs: str, remarks: list[str]) -> gpd.GeoDataFrame:
    """Every layer of a file, in ``crs``, repaired."""
    try:
        layers = [gpd.read_file(path, layer=name) for name, _ in pyogrio.list_layers(path)]
    except (pyogrio.errors.DataSourceError, OSError) as error:
        raise UserError(f"{path.name}: cannot be read as polygons ({error}).") from error
    for layer in layers:
        if layer.crs is None:
            raise UserError(f"{path.name}: no coordinate system. A shapefile needs its .prj; expected {crs}.")
    frame = pd.concat([layer.to_crs(crs) for layer in layers], ignore_index=True)
    frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty]
    if frame.empty:
        raise UserError(f"{path.name}: no polygon in it.")
    if other := sorted(set(frame.geom_type) - {"Polygon", "MultiPolygon"}):
        raise UserError(f"{path.name}: {', '.join(other)} found, expected polygons.")
    broken = ~frame.is_valid
    if broken.any():
        frame.loc[broken, frame.geometry.name] = shapely.make_valid(
            frame.geometry[broken].to_numpy(), method="structure", keep_collapsed=False
        )
        remarks.append(f"{path.name}: {int(broken.sum())} of {len(frame)} polygons were invalid and repaired.")
    return frame


def _zones(path: Path, options: ZonePolygons, remarks: list[str]) -> pd.DataFrame:
    """Columns shape, zone_class, study, date."""
    frame = polygons(path, options.crs, remarks)
    named = [name for name in (options.class_column, options.study_column, options.date_column) if name]
    if missing := sorted(set(named) - set(frame.columns)):
        raise UserError(f"{path.name}: no column {', '.join(missing)}. Found: {', '.join(map(str, frame.columns))}.")
    classes = pd.Series(ANY, index=frame.index)
    if options.class_column:
        found = frame[options.class_column].astype(str)
        if unknown := sorted(set(found) - set(options.classes) - set(options.ignored)):
            raise UserError(
                f"{path.name}, {options.class_column}: {', '.join(map(repr, unknown))} is not a class of the YAML "
                f"({', '.join(options.classes)}; ignored: {', '.join(options.ignored) or 'none'})."
            )
        classes = found.map(options.classes)
        if left_out := int(found.isin(options.ignored).sum()):
            remarks.append(f"{path.name}: {left_out} polygons of {', '.join(options.ignored)} were left out.")
    return _described(frame, options).assign(zone_class=classes).dropna(subset=["zone_class"])


def _described(frame: gpd.GeoDataFrame, options: ZonePolygons) -> pd.DataFrame:
    """Columns shape, zone_class (any), study, date: what a layer says of each polygon, where it does."""
    nothing = pd.Series(None, index=frame.index, dtype=object)
    return pd.DataFrame(
        {
            "shape": frame.geometry.to_numpy(),
            "zone_class": ANY,
            "study": frame.get(options.study_column, nothing),
            "date": pd.to_datetime(frame.get(options.date_column, nothing)),
        },
        index=frame.index,
    )


def _cut(shapes: Shapes, zones: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By class, and for any class: columns shape (commune ∩ union of zones), study, date; by commune's position."""
    tree = shapely.STRtree(zones["shape"].to_numpy())
    i_commune, i_zone = tree.query(shapes, predicate="intersects")
    pieces = zones.iloc[i_zone].assign(
        commune=i_commune, shape=shapely.intersection(shapes[i_commune], zones["shape"].to_numpy()[i_zone])
    )
    pieces = pieces[shapely.area(pieces["shape"].to_numpy()) > MIN_AREA]

    def joined(frame: pd.DataFrame) -> pd.DataFrame:
        groups = frame.groupby("commune")
        return pd.DataFrame(
            {
                "shape": groups["shape"].agg(lambda shape: shapely.union_all(shape.to_numpy())),
                "study": groups["study"].agg(lambda study: ", ".join(sorted(set(study.dropna().astype(str)))) or None),
                "date": groups["date"].max(),
            }
        )

    classes = {str(name): joined(frame) for name, frame in pieces.groupby("zone_class") if name != ANY}
    return {ANY: joined(pieces), **classes}


def _areas(cut: pd.DataFrame, studied: npt.NDArray[np.int64]) -> Floats:
    areas = pd.Series(shapely.area(cut["shape"].to_numpy()), index=cut.index)
    return np.asarray(areas.reindex(studied).fillna(0), dtype=np.float64)


def _amounts(
    path: Path, options: ZonePolygons, whole: Shapes, cut: dict[str, pd.DataFrame], studied: npt.NDArray[np.int64]
) -> dict[str, Floats]:
    """People, dwellings or built area: in the whole commune, and in each class of zone."""
    found = {"all": inside(path, options, whole)}
    for name, zone in cut.items():
        part = pd.Series(inside(path, options, zone["shape"].to_numpy()), index=zone.index)
        found[name] = np.asarray(part.reindex(studied).fillna(0), dtype=np.float64)
    return found


def inside(path: Path, options: ZonePolygons, shapes: Shapes) -> Floats:
    """How much of a raster (total per pixel) or of a layer of counted points or polygons lies in each shape.

    A polygon counts for the share of its area that lies inside.
    """
    if not len(shapes):
        return np.zeros(0)
    if path.suffix.lower() in (".tif", ".tiff"):
        raster = rasters.opened(path, options.crs)
        with raster:
            pixels = rasters.Pixels(raster, lambda window: rasters.not_negative(raster, window), "amount")
            return rasters.zonal_sums({"amount": pixels}, shapes, options.crs)["amount"]
    layer = gpd.read_file(path)
    if options.amount_column not in layer:
        raise UserError(f"{path.name}: no column {options.amount_column}. Found: {', '.join(map(str, layer.columns))}.")
    counted = layer.to_crs(options.crs).geometry.to_numpy()
    amount = layer[options.amount_column].to_numpy(dtype=np.float64)
    i_shape, i_counted = shapely.STRtree(counted).query(shapes, predicate="intersects")
    area = shapely.area(counted)[i_counted]
    part = np.ones(len(area))
    wide = area > 0
    part[wide] = shapely.area(shapely.intersection(shapes[i_shape[wide]], counted[i_counted[wide]])) / area[wide]
    return np.bincount(i_shape, weights=part * amount[i_counted], minlength=len(shapes)).astype(np.float64)


def _measures(options: ZonePolygons, amounts: dict[str, dict[str, Floats]]) -> dict[str, Floats]:
    """Measure id → value of each studied commune: what is in any zone, the whole, and the share in each class, in %."""
    shares = {"area": "area_share", "people": "pop_share", "dwellings": "dwelling_share", "built": "built_share"}
    found: dict[str, Floats] = {}
    for what, by_class in amounts.items():
        whole = by_class["all"]
        found[f"{options.topic}_{what}"] = by_class[ANY]
        found[f"{options.topic}_{what}_studied"] = whole
        for name in by_class.keys() - {"all"}:
            suffix = "" if name == ANY else f"_{name}"
            with np.errstate(invalid="ignore"):
                # rounding may put a zone that fills its commune an ulp beyond it
                found[f"{options.topic}_{shares[what]}{suffix}"] = np.minimum(100 * by_class[name] / whole, 100)
    return found


def _day(stamp: Any) -> date | None:
    return None if stamp is None or pd.isna(stamp) else pd.Timestamp(stamp).date()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
