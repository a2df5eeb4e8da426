"""Territories that altitude makes: massif bands and ski areas; massifs and communes by the altitudes that they hold.

The snow of a massif is known at altitudes 300 m apart (grid ``s2m_massif_band``). A value at another altitude is read
on the straight line between the two bands around it; within half a band of the lowest or the highest it is that
one's. So each territory is a set of altitudes with their shares:

- ``massif_band:10-1800``: its own;
- a massif, a commune: every altitude that it holds, by area (``hypsometry``), where a raster is loaded (command
  ``ingest elevation``); a commune moreover at its 5 % lowest and highest (weightings ``altitude_low``,
  ``altitude_high``). Without raster a massif stands at its median altitude, and a commune has none (``no_elevation``);
- a ski area: at its lower third, its middle and its top (weightings of these names).

What has no weight has a row of ``weight_gap`` that says why.
"""

from __future__ import annotations

from pathlib import Path

import exactextract
import exactextract.raster
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import rasterio
import rasterio.windows
import shapely

from climart.errors import UserError
from climart.files import sha256_of
from ingest import grid, lake, registry, weights
from ingest.readers.grids import MASSIF_BANDS, Grid, band_cell_id, band_of

Shapes = npt.NDArray[np.object_]

CLASS = 50  # m, of the altitude classes of a hypsometry
BAND_HEIGHT = 300  # m, between two bands
MIN_COVERED = 0.5  # share of a territory's altitudes that the bands must hold
RANGE = (0.05, 0.95)  # of a commune's area: its low and its high
LOW, HIGH = "altitude_low", "altitude_high"
# Of the way from the lowest point to the highest; the area of a ski area is its middle.
SKI_SHARES = {"area": 1 / 2, "lower_third": 1 / 3, "middle": 1 / 2, "top": 1.0}
KINDS = ("massif_band", "ski_area")  # of the territories that are made here
SKI_COLUMNS = ("id", "name", "status", "min_elevation_m", "max_elevation_m", "lat", "lng")


# Bands


def add_bands(of_run: Grid) -> None:
    """Add a run's bands to the lake's cells, and weigh again where they are new."""
    held = lake.read("cell")
    known = held.filter(pc.equal(held["grid_id"], MASSIF_BANDS))
    place = pd.DataFrame(
        {"cell_id": of_run.cell_id, "longitude": of_run.longitude, "latitude": of_run.latitude}
    ).set_index("cell_id")
    before = known.to_pandas().set_index("cell_id")[["longitude", "latitude"]]
    every = before.combine_first(place).sort_index()
    if every.equals(before):
        return
    rows = every.reset_index().assign(grid_id=MASSIF_BANDS, x=None, y=None, is_extrapolated=False, polygon=None)
    lake.upsert("cell", pa.Table.from_pandas(rows, schema=lake.SCHEMAS["cell"], preserve_index=False), "grid_id")
    weigh()


def weigh() -> None:
    """Write the territories that altitude makes and all the weights of the massif bands, from what the lake holds.

    Does nothing where no territory is loaded, or no band and no ski area.
    """
    cells = lake.read("cell").to_pandas()
    cells = cells[cells["grid_id"] == MASSIF_BANDS]
    ski_areas = lake.read("ski_area").to_pandas()
    if not lake.table_path("territory").exists() or (cells.empty and ski_areas.empty):
        return
    table = lake.read("territory")
    table = table.filter(pc.invert(pc.is_in(table["kind"], value_set=pa.array(KINDS))))
    territories = table.select(
        ["territory_id", "kind", "code", "name", "zone", "altitude_m", "geometry", "cog_year", "epci_id",
        "departement_id",
         "region_id", "caisse_id", "caisse_shared_with"]
    ).to_pandas()  # fmt: skip
    massifs = territories[(territories["kind"] == "massif") & territories["geometry"].notna()]
    bands = _bands(cells, massifs)
    stations = _ski_areas(ski_areas, massifs, territories)
    made = pd.concat([frame for frame in (bands, stations) if len(frame)], ignore_index=True)
    cog_year = int(territories["cog_year"].iloc[0])
    lake.write("territory", pa.concat_tables([table, _territory_rows(made, cog_year)]))
    altitudes = pd.concat(
        [_of_bands(bands), _of_massifs(massifs), _of_communes(territories, massifs), _of_ski_areas(stations)],
        ignore_index=True,
    )
    _write_weights(*_weights(altitudes, cells["cell_id"].to_numpy()))


def _bands(cells: pd.DataFrame, massifs: pd.DataFrame) -> pd.DataFrame:
    if cells.empty:
        return pd.DataFrame()
    massif, altitude = band_of(cells["cell_id"])
    named = {
        int(c): (str(n), str(z)) for c, n, z in zip(massifs["code"], massifs["name"], massifs["zone"], strict=True)
    }
    facts = [named.get(int(number), (f"Massif {number}", "metro")) for number in massif]
    return pd.DataFrame(
        {
            "kind": "massif_band",
            "code": [f"{number}-{band}" for number, band in zip(massif, altitude, strict=True)],
            "name": [f"{name} {band} m" for (name, _), band in zip(facts, altitude, strict=True)],
            "zone": [zone for _, zone in facts],
            "massif_id": [f"massif:{number}" for number in massif],
            "altitude_low_m": altitude,
            "altitude_m": altitude,
            "altitude_high_m": altitude,
            "longitude": cells["longitude"].to_numpy(),
            "latitude": cells["latitude"].to_numpy(),
        }
    )


def _ski_areas(ski_areas: pd.DataFrame, massifs: pd.DataFrame, territories: pd.DataFrame) -> pd.DataFrame:
    """Ski areas, with the massif and the commune's groupings of the place where each is."""
    if ski_areas.empty:
        return pd.DataFrame()
    points = shapely.points(ski_areas["longitude"], ski_areas["latitude"])
    communes = territories[(territories["kind"] == "commune") & territories["geometry"].notna()]
    commune = _holding(points, shapely.from_wkb(communes["geometry"].to_numpy()))
    massif = _holding(points, shapely.from_wkb(massifs["geometry"].to_numpy()))
    inside = commune >= 0
    groups = communes.iloc[commune[inside]]
    rows = pd.DataFrame(
        {
            "kind": "ski_area",
            "code": ski_areas["ski_area_id"],
            "name": ski_areas["name"],
            "zone": "metro",
            "massif_id": [massifs["territory_id"].iloc[m] if m >= 0 else None for m in massif],
            "altitude_low_m": ski_areas["altitude_low_m"],
            "altitude_m": (ski_areas["altitude_low_m"] + ski_areas["altitude_high_m"]) / 2,
            "altitude_high_m": ski_areas["altitude_high_m"],
            "longitude": ski_areas["longitude"],
            "latitude": ski_areas["latitude"],
        }
    )
    for column in ("epci_id", "departement_id", "region_id", "caisse_id", "caisse_shared_with"):
        rows[column] = pd.Series(None, index=rows.index, dtype=object)
        rows.loc[inside, column] = groups[column].to_numpy()
    return rows


def _holding(points: Shapes, shapes: Shapes) -> npt.NDArray[np.int64]:
    """For each point, the position of a shape that holds it, -1 without."""
    found = np.full(len(points), -1, dtype=np.int64)
    point, shape = shapely.STRtree(shapes).query(points, predicate="intersects")
    found[point[::-1]] = shape[::-1]
    return found


def _territory_rows(made: pd.DataFrame, cog_year: int) -> pa.Table:
    schema = lake.SCHEMAS["territory"]
    made = made.assign(territory_id=made["kind"] + ":" + made["code"], name_en=made["name"], cog_year=cog_year)
    place = made[["longitude", "latitude"]].notna().all(axis=1) & (made["kind"] == "ski_area")
    made["geometry"] = None
    made.loc[place, "geometry"] = shapely.to_wkb(
        shapely.points(made.loc[place, "longitude"], made.loc[place, "latitude"])
    )
    return pa.table(
        {
            field.name: pa.array(made[field.name].where(made[field.name].notna(), None), field.type, from_pandas=True)
            if field.name in made
            else pa.nulls(len(made), field.type)
            for field in schema
        }
    )


# Altitudes of territories: territory_id, weighting, massif (number), altitude (m; NaN: none, then why), share, method


def _altitudes(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"weighting": "area", "share": 1.0, "method": "", "why": None, **columns})


def _number(massif_id: pd.Series[str]) -> pd.Series[float]:
    return pd.to_numeric(massif_id.str.removeprefix("massif:"))


def _of_bands(bands: pd.DataFrame) -> pd.DataFrame:
    if bands.empty:
        return pd.DataFrame()
    ids = bands["kind"] + ":" + bands["code"]
    return _altitudes(
        territory_id=ids, massif=_number(bands["massif_id"]), altitude=bands["altitude_m"], method="massif_band"
    )


def _hypsometry() -> pd.DataFrame:
    """The hypsometries that hold at least half of their territory."""
    rows = lake.read("hypsometry").to_pandas()
    covered = rows.groupby("territory_id")["share"].transform("sum") >= MIN_COVERED
    return pd.DataFrame(rows[covered])


def _of_massifs(massifs: pd.DataFrame) -> pd.DataFrame:
    measured = _hypsometry()
    measured = measured[measured["territory_id"].isin(massifs["territory_id"])]
    others = massifs[~massifs["territory_id"].isin(measured["territory_id"])]
    return pd.concat(
        [
            _altitudes(
                territory_id=measured["territory_id"],
                massif=_number(measured["massif_id"]),
                altitude=measured["altitude_m"],
                share=measured["share"],
                method="hypsometry",
            ),
            _altitudes(
                territory_id=others["territory_id"],
                massif=_number(others["territory_id"]),
                altitude=others["altitude_m"],
                method="median_altitude",
                why="no_elevation",
            ),
        ]
    )


def _of_communes(territories: pd.DataFrame, massifs: pd.DataFrame) -> pd.DataFrame:
    """Communes of which at least half lies in massifs: every altitude, their low and their high; or why none."""
    measured = _hypsometry()
    measured = measured[measured["territory_id"].str.startswith("commune:")]
    measured = measured.sort_values(["territory_id", "altitude_m", "massif_id"])
    total = measured.groupby("territory_id")["share"].transform("sum")
    passed = measured.groupby("territory_id")["share"].cumsum() / total
    frames = []
    for weighting, limit in (("area", None), (LOW, RANGE[0]), (HIGH, RANGE[1])):
        rows = measured if limit is None else measured[passed >= limit].drop_duplicates("territory_id")
        frames.append(
            _altitudes(
                territory_id=rows["territory_id"],
                weighting=weighting,
                massif=_number(rows["massif_id"]),
                altitude=rows["altitude_m"],
                share=rows["share"] if limit is None else 1.0,
                method="hypsometry",
            )
        )
    inside = _communes_of_massifs(territories, massifs)
    unknown = inside[~inside.isin(measured["territory_id"])]
    frames.append(_altitudes(territory_id=unknown, massif=np.nan, altitude=np.nan, why="no_elevation"))
    return pd.concat(frames)


def _communes_of_massifs(territories: pd.DataFrame, massifs: pd.DataFrame) -> pd.Series[str]:
    pairs, areas = _pairs(territories, massifs)
    share = pairs.groupby("territory_id")["area"].sum() / areas
    return pd.Series(share.index[share >= MIN_COVERED].to_numpy(), dtype=object)


def _pairs(territories: pd.DataFrame, massifs: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Area (m²) of each commune ∩ massif (its row in ``cell_id``), and of each commune."""
    communes = territories[
        (territories["kind"] == "commune") & (territories["zone"] == "metro") & territories["geometry"].notna()
    ]
    near, _ = shapely.STRtree(shapely.from_wkb(massifs["geometry"].to_numpy())).query(
        shapely.from_wkb(communes["geometry"].to_numpy())
    )
    communes = communes.iloc[np.unique(near)]
    shapes = _projected(communes["geometry"])
    cells = pd.DataFrame({"cell_id": np.arange(len(massifs)), "polygon": _projected(massifs["geometry"])})
    areas = pd.Series(shapely.area(shapes), index=communes["territory_id"].to_numpy())
    return weights.intersections(communes["territory_id"], shapes, cells), areas


def _projected(wkb: pd.Series[bytes], crs: object = grid.CRS) -> Shapes:
    shapes = np.array(gpd.GeoSeries(shapely.from_wkb(wkb.to_numpy()), crs="EPSG:4326").to_crs(crs).values, dtype=object)
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return shapes


def _of_ski_areas(stations: pd.DataFrame) -> pd.DataFrame:
    if stations.empty:
        return pd.DataFrame()
    low, high = stations["altitude_low_m"], stations["altitude_high_m"]
    outside = stations["massif_id"].isna()
    return pd.concat(
        [
            _altitudes(
                territory_id=stations["kind"] + ":" + stations["code"],
                weighting=weighting,
                massif=_number(stations["massif_id"]),
                altitude=(low + share * (high - low)).where(~outside),
                method="altitude",
                why=np.where(outside, "outside_massifs", "no_elevation"),
            )
            for weighting, share in SKI_SHARES.items()
        ]
    )


# Altitudes → bands


def _weights(altitudes: pd.DataFrame, cell_ids: npt.NDArray[np.int32]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weights of the bands (territory_id, weighting, cell_id, weight, method), and gaps (…, reason)."""
    key = ["territory_id", "weighting"]
    parts = []
    massif_of, altitude_of = band_of(np.sort(cell_ids))
    placed = altitudes.dropna(subset=["massif", "altitude"])
    for massif in np.unique(placed["massif"].to_numpy(dtype=np.int64)):
        rows, held = placed[placed["massif"] == massif], altitude_of[massif_of == massif]
        if held.size:
            lower, upper, part = between(rows["altitude"].to_numpy(dtype=np.float64), held)
            for band, share in ((lower, 1 - part), (upper, part)):
                cell = np.where(band >= 0, band_cell_id(massif, band), -1)
                parts.append(rows.assign(cell_id=cell, weight=rows["share"] * share))
    found = pd.concat(parts) if parts else altitudes.head(0).assign(cell_id=0, weight=0.0)
    found = found[(found["cell_id"] >= 0) & (found["weight"] > 0)]
    summed = found.groupby([*key, "cell_id"], as_index=False).agg(weight=("weight", "sum"), method=("method", "first"))
    covered = summed.groupby(key)["weight"].transform("sum")
    summed = summed[covered >= MIN_COVERED - 1e-9]
    summed["weight"] /= summed.groupby(key)["weight"].transform("sum")
    facts = altitudes.assign(none=altitudes["altitude"].isna(), known=altitudes["massif"].isin(massif_of))
    gaps = facts.groupby(key, as_index=False).agg(none=("none", "all"), known=("known", "any"), why=("why", "first"))
    gaps = gaps.merge(summed[key].drop_duplicates(), on=key, how="left", indicator=True)
    gaps = gaps[gaps["_merge"] == "left_only"]
    unserved = np.where(gaps["known"], "outside_bands", "missing_cells")
    gaps["reason"] = np.where(gaps["none"], gaps["why"], unserved)
    return summed, gaps[[*key, "reason"]]


def between(
    altitude: npt.NDArray[np.float64], bands: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The bands (m) below and above each altitude (m) and the share of the upper one; -1 where none is near.

    ``bands``: ascending. Beyond the ends an altitude takes the end band, up to half a band away. Two bands more than
    600 m apart say nothing of what lies between, but half a band from each.
    """
    upper = np.clip(np.searchsorted(bands, altitude, side="left"), 0, bands.size - 1)
    lower = np.clip(np.searchsorted(bands, altitude, side="right") - 1, 0, bands.size - 1)
    low, high = bands[lower], bands[upper]
    wide = high - low > 2 * BAND_HEIGHT
    nearest = np.where(np.abs(altitude - low) <= np.abs(high - altitude), low, high)
    low, high = np.where(wide, nearest, low), np.where(wide, nearest, high)
    far = (low == high) & (np.abs(altitude - low) > BAND_HEIGHT / 2)
    part = np.divide(altitude - low, high - low, out=np.zeros(altitude.shape), where=high > low)
    return np.where(far, -1, low), np.where(far, -1, high), part


def _write_weights(shares: pd.DataFrame, gaps: pd.DataFrame) -> None:
    for table, rows in (("cell_weight", shares), ("weight_gap", gaps)):
        kept = lake.read(table)
        kept = kept.filter(pc.not_equal(kept["grid_id"], MASSIF_BANDS))
        schema = lake.SCHEMAS[table]
        new = pa.Table.from_pandas(rows.assign(grid_id=MASSIF_BANDS), schema=schema, preserve_index=False)
        lake.write(table, pa.concat_tables([kept, new]))


# Elevation


def measure(raster: Path) -> None:
    """Record the altitudes of the massifs and of their communes that a raster holds, and weigh again.

    ``raster``: metres above the sea, with a CRS and a nodata value. Read massif by massif; every pixel counts for the
    part of it that lies in the territory.
    """
    if not lake.table_path("territory").exists():
        return
    territories = lake.read("territory").select(["territory_id", "kind", "zone", "geometry"]).to_pandas()
    massifs = territories[(territories["kind"] == "massif") & territories["geometry"].notna()]
    pairs, _ = _pairs(territories, massifs)
    frames = []
    with rasterio.open(raster) as source:
        communes = territories[territories["territory_id"].isin(pairs["territory_id"])]
        shape_of = pd.Series(_projected(communes["geometry"], source.crs), index=communes["territory_id"].to_numpy())
        outlines = _projected(massifs["geometry"], source.crs)
        for row, (massif_id, outline) in enumerate(zip(massifs["territory_id"], outlines, strict=True)):
            members = pairs.loc[pairs["cell_id"] == row, "territory_id"]
            parts = shapely.intersection(shape_of[members].to_numpy(), outline)
            ids, shapes = [massif_id, *members], np.array([outline, *parts], dtype=object)
            whole = np.array([shapely.area(outline), *shapely.area(shape_of[members].to_numpy())])
            frames.append(_classes(source, ids, shapes, whole).assign(massif_id=massif_id))
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    if found.empty:
        return
    before = lake.read("hypsometry").to_pandas()
    before = before[~before["territory_id"].isin(found["territory_id"])]
    rows = pd.concat([before, found], ignore_index=True)
    lake.write("hypsometry", pa.Table.from_pandas(rows, schema=lake.SCHEMAS["hypsometry"], preserve_index=False))
    weigh()


def _classes(
    source: rasterio.DatasetReader, ids: list[str], shapes: Shapes, whole: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Share of each territory's area (``whole``) by class of altitude; nothing where the raster does not reach."""
    nothing = pd.DataFrame({"territory_id": [], "altitude_m": [], "share": []})
    full = rasterio.windows.Window(0, 0, source.width, source.height)
    window = rasterio.windows.from_bounds(*shapely.total_bounds(shapes), source.transform)
    left, top = int(np.floor(window.col_off)), int(np.floor(window.row_off))
    right, bottom = int(np.ceil(window.col_off + window.width)), int(np.ceil(window.row_off + window.height))
    window = rasterio.windows.Window(left, top, right - left, bottom - top)
    if not rasterio.windows.intersect(window, full):
        return nothing
    window = window.intersection(full)
    values = source.read(1, window=window, masked=True)
    classes = np.floor(values.filled(0) / CLASS).astype(np.int32)
    classes[np.ma.getmaskarray(values)] = np.iinfo(np.int32).min
    west, south, east, north = rasterio.windows.bounds(window, source.transform)
    raster = exactextract.raster.NumPyRasterSource(
        classes, west, south, east, north, nodata=np.iinfo(np.int32).min, srs_wkt=source.crs.to_wkt()
    )
    frame = gpd.GeoDataFrame({"territory_id": ids}, geometry=list(shapes), crs=source.crs)
    found = exactextract.exact_extract(
        raster, frame, ["unique", "frac", "count"], include_cols=["territory_id"], output="pandas"
    )
    pixel = abs(source.transform.a * source.transform.e)
    covered = found["count"].to_numpy() * pixel / whole
    rows = [
        pd.DataFrame({"territory_id": t, "altitude_m": np.asarray(u) * CLASS + CLASS // 2, "share": np.asarray(f) * c})
        for t, u, f, c in zip(found["territory_id"], found["unique"], found["frac"], covered, strict=True)
        if c > 0
    ]
    return pd.concat(rows) if rows else nothing


# Ski areas


def load_ski_areas(path: Path, source_id: str) -> int:
    """Record the ski areas of an OpenSkiMap export (CSV) and weigh them; how many there are.

    Raises UserError for a missing column, a repeated id, or an altitude out of order.
    """
    try:
        source = registry.sources()[source_id]
    except KeyError as error:
        raise UserError(
            f"source {source_id!r} is not in the registry (known: {', '.join(registry.sources())})"
        ) from error
    try:
        frame = pd.read_csv(path, dtype={"id": str, "name": str})
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name}: cannot be read as CSV ({error})") from error
    if missing := [column for column in SKI_COLUMNS if column not in frame]:
        raise UserError(f"{path.name}: no column {', '.join(missing)} (found {', '.join(frame.columns)})")
    if (repeated := frame["id"][frame["id"].duplicated()]).size:
        raise UserError(f"{path.name}: the ski area {repeated.iloc[0]} appears twice")
    wrong = frame[frame["min_elevation_m"] > frame["max_elevation_m"]]
    if len(wrong):
        line = int(wrong.index[0]) + 2
        raise UserError(f"{path.name}, line {line}: min_elevation_m is above max_elevation_m")
    frame = frame[frame["lat"].notna() & frame["lng"].notna()]
    digest = sha256_of(path)
    lake.open_registers()
    file = dict.fromkeys(lake.SCHEMAS["source_file"].names) | {
        "source_file_id": digest[:16],
        "source_id": source.id,
        "name": path.name,
        "bytes": path.stat().st_size,
        "sha256": digest,
        "rows": len(frame),
        "licence": source.licence,
    }
    lake.upsert("source_file", pa.Table.from_pylist([file], schema=lake.SCHEMAS["source_file"]), "source_file_id")
    registry.record_dataset(source)
    rows = pd.DataFrame(
        {
            "ski_area_id": frame["id"],
            "name": frame["name"].fillna("sans nom"),
            "status": frame["status"],
            "altitude_low_m": frame["min_elevation_m"],
            "altitude_high_m": frame["max_elevation_m"],
            "longitude": frame["lng"],
            "latitude": frame["lat"],
            "source_file_id": digest[:16],
        }
    )
    lake.write("ski_area", pa.Table.from_pandas(rows, schema=lake.SCHEMAS["ski_area"], preserve_index=False))
    weigh()
    return len(rows)
