"""The sample's snow: massifs as circles, and PRO files in the layout of S2M-ADAMONT for three of them.

Simulated weather (``weather``) at one altitude of each massif, taken to every 300 m at −6 °C per km, with the rain of
the massif; its snow is that of the degree-day model, so that it lies longer higher up and less long in a warmer
climate. One more massif has an outline and no snow: what a reader sees where data lack. Nothing here is a projection,
nor the snow of Crocus.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import netCDF4
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from climart.files import atomic
from ingest import grid
from ingest.sample import weather
from ingest.sample.daily import CORRECTION, INSTITUTION, compact
from ingest.sample.weather import Values, Warming
from ingest.states import snow, soil

FIRST = np.datetime64("1975-08-01")
SPLIT = np.datetime64("2005-07-31")  # the end of the historical file
LAST = np.datetime64("2100-07-31")
BAND = 300  # m
ZONE, DEPARTEMENT, AT = "savoie", "73", 1500.0  # whose mean climate, and at which altitude (m)
DEPTH_STEP, SWE_STEP = 2.0**-8, 2.0**-2  # m, mm: what a stored value is a multiple of

TITLE = "Valeurs simulées par Climart dans le format de S2M-ADAMONT"
COMMENT = (
    "Neige simulée pour démonstration : ce n'est ni une projection climatique, ni la neige de Crocus. Simulated snow "
    "for demonstration: neither a climate projection nor the snow of Crocus."
)


@dataclass(frozen=True)
class Massif:
    """A massif of the sample: a circle around its middle (degrees), its altitudes (m), its rain against the zone's."""

    number: int
    name: str
    longitude: float
    latitude: float
    radius_km: float
    lowest: int
    median: int
    highest: int
    rain: float = 1.0
    has_snow: bool = True

    @property
    def bands(self) -> list[int]:
        """Altitudes of its bands, m."""
        return list(range(-(-self.lowest // BAND) * BAND, self.highest + 1, BAND))


# The rain is chosen so that the median over the runs of each band's reliability never rises from one level to the next:
# with twenty winters a level, chance alone would make it do so here and there.
MASSIFS = (
    Massif(4, "Bauges", 6.10, 45.66, 14, 300, 900, 2100, 1.1),
    Massif(5, "Beaufortain", 6.58, 45.66, 11, 600, 1600, 2700, 1.15),
    Massif(9, "Maurienne", 6.35, 45.33, 6, 600, 1400, 3000, has_snow=False),
    Massif(10, "Vanoise", 6.62, 45.41, 16, 600, 2100, 3300),
)
SNOWY = tuple(massif for massif in MASSIFS if massif.has_snow)
# The simulated climate runs of the daily sample (``daily.RUNS``), whose warming years these follow.
RUNS = (
    ("CLIMART-JOUR1", Warming(2030, 2048, 2076)),
    ("CLIMART-JOUR2", Warming(2037, 2055, 2085)),
    ("CLIMART-JOUR3", Warming(2024, 2040, 2066)),
)
SKI_AREAS = (  # name, massif, lowest and highest altitude, m
    ("Domaine de démonstration (bas)", 0, 900, 1500),
    ("Domaine de démonstration (moyen)", 1, 1200, 2100),
    ("Domaine de démonstration (haut)", 3, 1500, 3000),
    ("Domaine de démonstration (sans neige connue)", 2, 1200, 2000),
)


def write_massifs(path: Path) -> Path:
    """GeoJSON of the massifs, with the columns of the real shapefile: code, title, Zstat_min, Zstat_medi, Zstat_max."""
    to_degrees = pyproj.Transformer.from_crs(grid.CRS, "EPSG:4326", always_xy=True)
    to_metres = pyproj.Transformer.from_crs("EPSG:4326", grid.CRS, always_xy=True)
    features = []
    for massif in MASSIFS:
        circle = shapely.Point(to_metres.transform(massif.longitude, massif.latitude)).buffer(
            1000 * massif.radius_km, 8
        )
        outline = shapely.transform(circle, lambda xy: np.column_stack(to_degrees.transform(*xy.T)).round(5))
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "code": massif.number,
                    "title": massif.name,
                    "Zstat_min": massif.lowest,
                    "Zstat_medi": massif.median,
                    "Zstat_max": massif.highest,
                },
                "geometry": shapely.geometry.mapping(outline),
            }
        )
    with atomic(path) as handle:
        handle.write(json.dumps({"type": "FeatureCollection", "features": features}).encode())
    return path


def write_ski_areas(path: Path) -> Path:
    """CSV of invented ski areas with the columns of OpenSkiMap that are read."""
    rows = [
        {
            "id": f"demo{number}",
            "name": name,
            "status": "operating",
            "min_elevation_m": low,
            "max_elevation_m": high,
            "lat": MASSIFS[massif].latitude,
            "lng": MASSIFS[massif].longitude,
        }
        for number, (name, massif, low, high) in enumerate(SKI_AREAS, start=1)
    ]
    with atomic(path) as handle:
        handle.write(pd.DataFrame(rows).to_csv(index=False, lineterminator="\n").encode())
    return path


def write_pro(folder: Path) -> list[Path]:
    """PRO files, historical and rcp85 of each run, from 1 August to 31 July; the same bytes at every call."""
    days = weather.days_between(FIRST, LAST)
    month_day = days.astype("datetime64[D]").astype(object)
    august = np.array([n for n, day in enumerate(month_day) if (day.month, day.day) == (8, 1) and n], dtype=np.int64)
    places = pd.DataFrame(
        {
            "cell_id": [massif.number for massif in SNOWY],
            "zone": ZONE,
            "departement": DEPARTEMENT,
            "altitude_m": AT,
            "latitude": [massif.latitude for massif in SNOWY],
        }
    )
    written = []
    for number, (rcm, warming) in enumerate(RUNS):
        values = weather.simulate(number, warming, days, places)
        depth, swe = _snow(values["tas"] - np.float32(weather.KELVIN), values["prtot"], august)
        stop = int((SPLIT - FIRST).astype(int)) + 1
        for experiment, period in (("historical", slice(0, stop)), ("rcp85", slice(stop, days.size))):
            span = days[period]
            name = f"PRO_massifs_CLIMART_{experiment}_r1i1p1_{rcm}_v1_{CORRECTION}_day"
            path = folder / f"{name}_{compact(span[0])}-{compact(span[-1])}.nc"
            _write(path, span, depth[:, period], swe[:, period])
            written.append(path)
    return written


def points() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Position among ``SNOWY`` and altitude (m) of each point of the files."""
    found = np.array([(row, band) for row, massif in enumerate(SNOWY) for band in massif.bands])
    return found[:, 0], found[:, 1]


def _snow(tas: Values, prtot: Values, august: npt.NDArray[np.int64]) -> tuple[Values, Values]:
    """Depth (m) and SWE (mm), each (points, days), from the weather (days, massifs) at ``AT``, °C and kg m-2 s-1."""
    of_massif, altitude = points()
    share = np.array([massif.rain for massif in SNOWY], dtype=np.float32)[of_massif]
    t = tas.T[of_massif] - np.float32(snow.LAPSE_RATE / 1000) * (altitude - AT).astype(np.float32)[:, None]
    rain = prtot.T[of_massif] * np.float32(weather.SECONDS) * share[:, None]
    prsn = np.empty((1, *t.shape), dtype=np.float32)
    soil.snowfall(np.ascontiguousarray(rain), np.ascontiguousarray(t), prsn)
    out, imbalance = np.empty((3, *t.shape), dtype=np.float32), np.empty(len(t))
    snow.degree_day(prsn[0], np.ascontiguousarray(t), np.append(august, t.shape[1]), out, imbalance)
    return weather.rounded(out[1], DEPTH_STEP), weather.rounded(out[0], SWE_STEP)


def _write(path: Path, days: npt.NDArray[np.datetime64], depth: Values, swe: Values) -> None:
    of_massif, altitude = points()
    with atomic(path) as handle, netCDF4.Dataset(handle.name, "w", format="NETCDF4_CLASSIC") as dataset:
        dataset.createDimension("time", None)
        dataset.createDimension("Number_of_points", altitude.size)
        time = dataset.createVariable("time", "f8", ("time",), chunksizes=(4096,))
        time.setncatts({"units": "days since 1950-01-01 06:00:00", "calendar": "standard", "long_name": "time"})
        time[:] = (days - np.datetime64("1950-01-01")).astype(np.float64)
        place = [(massif.number, massif.latitude, massif.longitude) for massif in SNOWY]
        numbers, latitudes, longitudes = (np.array(facts)[of_massif] for facts in zip(*place, strict=True))
        for name, kind, values, unit, words in (
            ("massif_num", "i4", numbers, "", "Massif number"),
            ("ZS", "f8", altitude, "m", "altitude"),
            ("aspect", "f8", np.full(altitude.size, -1.0), "degrees from north", "slope aspect"),
            ("slope", "f8", np.zeros(altitude.size), "degrees from horizontal", "slope angle"),
            ("LAT", "f8", latitudes, "degrees_north", "latitude"),
            ("LON", "f8", longitudes, "degrees_east", "longitude"),
        ):
            stored = dataset.createVariable(name, kind, ("Number_of_points",))
            stored.setncatts({"long_name": words, **({"units": unit} if unit else {})})
            stored[:] = values
        for name, values, unit, words in (
            ("DSN_T_ISBA", depth, "m", "Snow depth"),
            ("WSN_T_ISBA", swe, "kg m-2", "Snow water equivalent"),
        ):
            stored = dataset.createVariable(
                name,
                "f4",
                ("time", "Number_of_points"),
                chunksizes=(2048, altitude.size),
                compression="zlib",
                complevel=1,
                shuffle=True,
            )
            stored.setncatts({"units": unit, "long_name": words})
            stored[:] = values.T
        dataset.setncatts({"title": TITLE, "institution": INSTITUTION, "comment": COMMENT})
