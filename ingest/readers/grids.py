"""The horizontal grid of a CF file: recognised, checked, with cell ids and cell polygons.

Five grids are known: the 8 km Lambert grid of SAFRAN and DRIAS (``ingest.grid``), a rotated pole, rows of latitude by
columns of longitude, the altitude bands of massifs, whose cells are no place on a map, and weather stations, whose
cells are points. A file's own Lambert
attributes are never used (their latitude of origin is in gons).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import netCDF4
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from climart.errors import UserError
from ingest import grid as grid_8km

Variable: TypeAlias = "netCDF4.Variable[Any]"

GRID_8KM = "lambert_8km"
MASSIF_BANDS = "s2m_massif_band"  # flat ground at an altitude of a massif, as in S2M
STATIONS = "mf_station"  # points of Météo-France's network; the cell is the station's number
PARIS = ("Paris-Montsouris", 2.34, 48.82)
METROPOLITAN = (-5.6, 41.2, 10.0, 51.3)  # longitudes and latitudes that hold metropolitan France
# x = 52 000 + 8 000·i where DRIAS-Eau files carry the index i, from 1, instead of metres (formats.md); y alike.
INDEX_ORIGIN = 1
HALF_CELL = grid_8km.SIZE / 2
BAND_STEP = 10_000  # between the numbers of two massifs: altitudes are below
BAND_PLACE = ("lat", "lon")  # variables of a file of massif bands
BAND_POINTS = "Number_of_points"  # its dimension, as in S2M
STATION_POINTS = "station"  # the dimension of a file of stations, as ``ingest.readers.mf_stations`` writes it
BAND_INPUTS = "climart_inputs"  # its attribute: what it was made from

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """The nodes of a file's spatial dimensions, flattened in the file's order."""

    grid_id: str  # lambert_8km, s2m_massif_band, mf_station, or kind_rows×columns_hash
    kind: str  # lambert_8km, s2m_massif_band, mf_station, rotated, regular
    shape: tuple[int, ...]
    cell_id: npt.NDArray[np.int32]  # the 8 km grid's or the band's id, elsewhere row · columns + column; -1: no cell
    longitude: Floats  # degrees, -180 … 180
    latitude: Floats
    crs: str  # of ``edges``
    edges: Floats  # (nodes, 4): x min, y min, x max, y max in ``crs``
    fault: str = ""  # why its cells cannot be trusted to lie where the file says

    def nodes(self, box: tuple[float, float, float, float] | None) -> npt.NDArray[np.int64]:
        """Positions of the cells to keep, by cell id: those that meet ``box`` (degrees), all of them without a box.

        On the 8 km grid a box keeps the 8 981 cells of France that DRIAS uses; massif bands and stations are all kept.
        """
        wanted = self.cell_id >= 0
        if box is not None and self.kind == GRID_8KM:
            wanted &= np.isin(self.cell_id, grid_8km.cells()["cell_id"].to_numpy())
        elif box is not None and self.kind not in (MASSIF_BANDS, STATIONS):
            west, south, east, north = box
            x0, y0, x1, y1 = shapely.bounds(self.polygons(np.arange(self.cell_id.size))).T
            wanted &= (x1 >= west) & (x0 <= east) & (y1 >= south) & (y0 <= north)
        positions = np.flatnonzero(wanted)
        return positions[np.argsort(self.cell_id[positions], kind="stable")]

    def polygons(self, nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
        """Cell polygons in longitude and latitude (WGS 84), four corners each."""
        x0, y0, x1, y1 = self.edges[nodes].T
        x, y = np.stack([x0, x1, x1, x0], axis=1), np.stack([y0, y0, y1, y1], axis=1)
        if self.crs != "EPSG:4326":
            to_degrees = pyproj.Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True)
            x, y = to_degrees.transform(x, y)
        return np.asarray(shapely.polygons(np.stack([x, y], axis=2)), dtype=object)


def recognise(where: str, dataset: netCDF4.Dataset, variable: Variable, dims: tuple[str, ...]) -> Grid:
    """The grid of ``variable`` over its spatial dimensions ``dims``. ``where`` begins the message of any UserError."""
    if dims == (BAND_POINTS,):
        return _massif_bands(where, dataset)
    if dims == (STATION_POINTS,) and "station_number" in dataset.variables:
        return _stations(dataset)
    lon = _coordinate(dataset, variable, "longitude", ("lon", "longitude"), dims)
    lat = _coordinate(dataset, variable, "latitude", ("lat", "latitude"), dims)
    rlon = _axis_of(dataset, dims, "grid_longitude", ("rlon",))
    rlat = _axis_of(dataset, dims, "grid_latitude", ("rlat",))
    if rlon is not None and rlat is not None:
        return _rotated(where, dataset, variable, rlon, rlat, lon, lat)
    if len(dims) == 2 and lon is not None and lat is not None and lon.ndim == lat.ndim == 1:
        return _regular(where, dataset, variable, dims, lon, lat)
    shape = tuple(len(dataset.dimensions[name]) for name in dims)
    lattice = _lattice(dataset, dims) if len(dims) == 2 else None
    points = None if lon is None or lat is None else _points(lon, lat, shape)
    if lattice is None and points is None:
        raise UserError(
            f"{where}: the grid is missing: no latitudes and longitudes along {dims}, and no x, y of the 8 km grid"
        )
    return _lambert(where, shape, lattice, points, _declared_ids(dataset, dims))


def _declared_ids(dataset: netCDF4.Dataset, dims: tuple[str, ...]) -> npt.NDArray[np.int64] | None:
    """The DRIAS point numbers that a list of points carries, if it does."""
    variable = dataset.variables.get("drias_point")
    if variable is None or variable.dimensions != dims:
        return None
    return np.asarray(variable[:], dtype=np.int64)


def _coordinate(
    dataset: netCDF4.Dataset,
    variable: Variable,
    standard_name: str,
    names: tuple[str, ...],
    dims: tuple[str, ...],
) -> Floats | None:
    """Longitudes or latitudes over ``dims``: by standard name, then by units, then by name."""
    units = ("degrees_east", "degree_east") if standard_name == "longitude" else ("degrees_north", "degree_north")
    inside = [v for v in dataset.variables.values() if v.dimensions and set(v.dimensions) <= set(dims)]
    for found in (
        [v for v in inside if getattr(v, "standard_name", "") == standard_name],
        [v for v in inside if getattr(v, "units", "") in units],
        [v for v in inside if v.name.lower() in names],
    ):
        if found:
            return np.ma.filled(np.ma.asarray(found[0][:], dtype=np.float64), np.nan)
    return None


def _axis_of(
    dataset: netCDF4.Dataset, dims: tuple[str, ...], standard_name: str, names: tuple[str, ...]
) -> Floats | None:
    for name in dims:
        variable = dataset.variables.get(name)
        if variable is not None and (
            getattr(variable, "standard_name", "") == standard_name
            or (name in names and not getattr(variable, "standard_name", ""))
        ):
            return np.asarray(variable[:], dtype=np.float64)
    return None


# Massif bands


def band_cell_id(massif: npt.ArrayLike, altitude_m: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """The cell of an altitude (m) of a massif (Météo-France number): massif · 10 000 + altitude."""
    return (np.asarray(massif, dtype=np.int64) * BAND_STEP + np.asarray(altitude_m, dtype=np.int64)).astype(np.int32)


def band_of(cell_id: npt.ArrayLike) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Massif numbers and altitudes (m) of cells, the inverse of ``band_cell_id``."""
    massif, altitude = np.divmod(np.asarray(cell_id, dtype=np.int64), BAND_STEP)
    return massif, altitude


def _massif_bands(where: str, dataset: netCDF4.Dataset) -> Grid:
    """The bands of a file as ``ingest.snow`` writes them: massif_num, ZS, lat and lon by point."""
    if BAND_INPUTS not in dataset.ncattrs():
        raise UserError(f"{where}: massifs and altitudes: load this file with `climart ingest snow`")
    cell_id = band_cell_id(dataset["massif_num"][:], dataset["ZS"][:])
    if np.unique(cell_id).size != cell_id.size:
        raise UserError(f"{where}: two points have the same massif and altitude")
    latitude, longitude = (
        np.ma.filled(np.ma.asarray(dataset[name][:], dtype=np.float64), np.nan) for name in BAND_PLACE
    )
    edges = np.stack([longitude, latitude, longitude, latitude], axis=1)
    return Grid(MASSIF_BANDS, MASSIF_BANDS, cell_id.shape, cell_id, longitude, latitude, "EPSG:4326", edges)


def _stations(dataset: netCDF4.Dataset) -> Grid:
    """The stations of a file: station_number, lat and lon by station."""
    number = np.asarray(dataset["station_number"][:], dtype=np.int32)
    latitude, longitude = (np.asarray(dataset[name][:], dtype=np.float64) for name in BAND_PLACE)
    edges = np.stack([longitude, latitude, longitude, latitude], axis=1)
    return Grid(STATIONS, STATIONS, number.shape, number, longitude, latitude, "EPSG:4326", edges)


# The 8 km grid


@cache
def _to_lambert() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", grid_8km.CRS, always_xy=True)


def _points(lon: Floats, lat: Floats, shape: tuple[int, ...]) -> tuple[Floats, Floats] | None:
    """x, y (m, EPSG:27572) of each node from its longitude and latitude."""
    if lon.shape != shape or lat.shape != shape:
        return None
    x, y = _to_lambert().transform(lon.ravel(), lat.ravel(), errcheck=False)
    return np.asarray(x), np.asarray(y)


def _lattice(dataset: netCDF4.Dataset, dims: tuple[str, ...]) -> tuple[Floats, Floats] | None:
    """x, y (m) of each node from the 1-D coordinates of the 8 km grid, in metres or as indices from 1."""
    axes = []
    for name, origin, count in (
        (dims[0], grid_8km.Y0, grid_8km.N_ROWS),
        (dims[1], grid_8km.X0, grid_8km.N_COLS),
    ):
        variable = dataset.variables.get(name)
        if variable is None or variable.ndim != 1:
            return None
        values = np.asarray(variable[:], dtype=np.float64)
        if values.size and values.min() >= INDEX_ORIGIN and values.max() <= count and (values % 1 == 0).all():
            values = origin + grid_8km.SIZE * (values - INDEX_ORIGIN)
        axes.append(values)
    y, x = np.meshgrid(axes[0], axes[1], indexing="ij")
    return (x.ravel(), y.ravel()) if _rows_columns(x, y)[2] < HALF_CELL else None


def _rows_columns(x: Floats, y: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], float]:
    """Row and column of the nearest node of the 8 km grid, and the largest distance to it (m)."""
    col = np.rint((x - grid_8km.X0) / grid_8km.SIZE)
    row = np.rint((y - grid_8km.Y0) / grid_8km.SIZE)
    distance = np.hypot(x - grid_8km.X0 - grid_8km.SIZE * col, y - grid_8km.Y0 - grid_8km.SIZE * row)
    known = np.isfinite(distance)
    worst = float(distance[known].max()) if known.any() else 0.0
    return np.where(known, row, -1).astype(np.int64), np.where(known, col, -1).astype(np.int64), worst


def _lambert(
    where: str,
    shape: tuple[int, ...],
    lattice: tuple[Floats, Floats] | None,
    points: tuple[Floats, Floats] | None,
    declared: npt.NDArray[np.int64] | None,
) -> Grid:
    """The 8 km grid, from x and y, from latitudes and longitudes, or from both if they agree."""
    fault = _misplaced(lattice, points) if lattice is not None and points is not None else ""
    x, y = lattice if lattice is not None else points if points is not None else (np.empty(0), np.empty(0))
    row, col, worst = _rows_columns(x, y)
    # Four printed decimals of a degree are at most 11 m; 1 km tells the grid from any other.
    if worst > 1000:
        raise UserError(
            f"{where}: not a known grid: its points lie up to {worst:.0f} m from the nodes of the 8 km grid, and it "
            "has neither rows of latitude by columns of longitude nor a rotated pole"
        )
    inside = (row >= 0) & (row < grid_8km.N_ROWS) & (col >= 0) & (col < grid_8km.N_COLS)
    cell_id = np.where(inside, row * grid_8km.N_COLS + col, -1).astype(np.int32)
    if declared is not None and not np.array_equal(declared, cell_id):
        n = int((declared != cell_id).sum())
        raise UserError(f"{where}: {n} of {cell_id.size} points have another number than their place gives")
    if np.unique(cell_id[inside]).size != inside.sum():
        raise UserError(f"{where}: two points of the grid fall in the same 8 km cell")
    centre_x = grid_8km.X0 + grid_8km.SIZE * col.astype(np.float64)
    centre_y = grid_8km.Y0 + grid_8km.SIZE * row.astype(np.float64)
    to_degrees = pyproj.Transformer.from_crs(grid_8km.CRS, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(centre_x, centre_y)
    edges = np.stack([centre_x - HALF_CELL, centre_y - HALF_CELL, centre_x + HALF_CELL, centre_y + HALF_CELL], axis=1)
    return Grid(GRID_8KM, GRID_8KM, shape, cell_id, longitude, latitude, grid_8km.CRS, edges, fault)


def _misplaced(lattice: tuple[Floats, Floats], points: tuple[Floats, Floats]) -> str:
    """Why latitudes and longitudes that contradict x and y cannot be trusted (the CRS trap of formats.md), or ''."""
    distance = np.hypot(lattice[0] - points[0], lattice[1] - points[1])
    known = np.flatnonzero(np.isfinite(distance))
    if known.size == 0 or distance[known].max() <= HALF_CELL:
        return ""
    name, lon, lat = PARIS
    x, y = _to_lambert().transform(lon, lat)
    nearest = known[np.argmin(np.hypot(lattice[0][known] - x, lattice[1][known] - y))]
    if distance[nearest] <= HALF_CELL:
        name, nearest = "one of its points", known[np.argmax(distance[known])]
    return (
        f"its x and y put {name} {distance[nearest] / 1000:.0f} km from where its latitude and longitude do: half a "
        "cell is allowed. Was it placed with its grid_mapping, whose latitude of origin is in gons? Fetch the original"
    )


# Other grids


def _rotated(
    where: str,
    dataset: netCDF4.Dataset,
    variable: Variable,
    rlon: Floats,
    rlat: Floats,
    lon: Floats | None,
    lat: Floats | None,
) -> Grid:
    mapping = dataset.variables.get(str(getattr(variable, "grid_mapping", "")))
    if mapping is None:
        mapping = next(
            (
                v
                for v in dataset.variables.values()
                if getattr(v, "grid_mapping_name", "") == "rotated_latitude_longitude"
            ),
            None,
        )
    if mapping is None or not hasattr(mapping, "grid_north_pole_latitude"):
        raise UserError(f"{where}: the grid is missing: rotated coordinates without their grid_mapping")
    crs = (
        f"+proj=ob_tran +o_proj=longlat +o_lon_p={float(getattr(mapping, 'north_pole_grid_longitude', 0.0))}"
        f" +o_lat_p={float(mapping.grid_north_pole_latitude)}"
        f" +lon_0={180 + float(mapping.grid_north_pole_longitude)} +datum=WGS84 +no_defs +type=crs"
    )
    y, x = np.meshgrid(rlat, rlon, indexing="ij")
    to_degrees = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    longitude, latitude = (np.asarray(v).ravel() for v in to_degrees.transform(x, y))
    fault = ""
    if lon is not None and lat is not None and lon.shape == lat.shape == y.shape:
        off_lat = np.abs(latitude - lat.ravel())
        off_lon = np.abs((longitude - lon.ravel() + 180) % 360 - 180) * np.cos(np.radians(latitude))
        off, step = float(np.nanmax(np.hypot(off_lat, off_lon))), float(abs(np.diff(rlat)).min())
        if off > step:
            fault = (
                f"its rotated pole ({float(mapping.grid_north_pole_latitude):g}, "
                f"{float(mapping.grid_north_pole_longitude):g}) puts a point {off:.1f}° from where its own latitude "
                f"and longitude do, more than a cell ({step:.2f}°). Correct the pole in {mapping.name!r}, or fetch the "
                "original"
            )
    axes = (rlon, rlat)
    return _rows_by_columns("rotated", crs, _edges(rlon, None), _edges(rlat, None), longitude, latitude, axes, fault)


def _regular(
    where: str,
    dataset: netCDF4.Dataset,
    variable: Variable,
    dims: tuple[str, ...],
    lon: Floats,
    lat: Floats,
) -> Grid:
    if lat.size != len(dataset.dimensions[dims[0]]) or lon.size != len(dataset.dimensions[dims[1]]):
        raise UserError(f"{where}: dimensions {dims}: expected latitude, then longitude")
    if np.isnan(lon).any() or np.isnan(lat).any() or np.abs(lat).max() > 90:
        raise UserError(f"{where}: its latitudes or longitudes are missing or impossible")
    x_edges = _edges(lon, _bounds(dataset, dims[1]))
    y_edges = np.clip(_edges(lat, _bounds(dataset, dims[0])), -90, 90)
    wrapped = (lon + 180) % 360 - 180
    x_edges = x_edges + (wrapped - lon)[:, None]  # 0 … 360 becomes -180 … 180, cell by cell
    latitude, longitude = (v.ravel() for v in np.meshgrid(lat, wrapped, indexing="ij"))
    return _rows_by_columns("regular", "EPSG:4326", x_edges, y_edges, longitude, latitude, (lon, lat))


def _bounds(dataset: netCDF4.Dataset, name: str) -> Floats | None:
    variable = dataset.variables.get(name)
    bounds = dataset.variables.get(str(getattr(variable, "bounds", "")))
    if bounds is None or bounds.ndim != 2 or bounds.shape[1] != 2:
        return None
    return np.sort(np.asarray(bounds[:], dtype=np.float64), axis=1)


def _edges(centres: Floats, bounds: Floats | None) -> Floats:
    """Both edges of each centre: its bounds, else half-way to its neighbours. Shape (centres, 2), ascending."""
    if bounds is not None:
        return bounds
    if centres.size == 1:
        return np.array([[centres[0] - 0.5, centres[0] + 0.5]])
    middles = (centres[1:] + centres[:-1]) / 2
    ends = np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])
    return np.sort(np.stack([ends[:-1], ends[1:]], axis=1), axis=1)


def _rows_by_columns(
    kind: str,
    crs: str,
    x_edges: Floats,
    y_edges: Floats,
    longitude: Floats,
    latitude: Floats,
    axes: tuple[Floats, Floats],
    fault: str = "",
) -> Grid:
    rows, cols = len(y_edges), len(x_edges)
    row, col = (v.ravel() for v in np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij"))
    edges = np.stack([x_edges[col, 0], y_edges[row, 0], x_edges[col, 1], y_edges[row, 1]], axis=1)
    content = crs.encode() + b"".join(np.round(axis, 6).tobytes() for axis in axes)
    grid_id = f"{kind}_{rows}x{cols}_{hashlib.sha256(content).hexdigest()[:8]}"
    return Grid(
        grid_id,
        kind,
        (rows, cols),
        np.arange(rows * cols, dtype=np.int32),
        longitude,
        latitude,
        crs,
        edges,
        fault,
    )
