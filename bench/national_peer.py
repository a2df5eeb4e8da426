"""What a competent analyst would write by hand: the tables of a national mart, with pandas and geopandas.

It shares no code with Climart and serves as its peer: same input files, same tables (dim_territory, fct_indicator,
fct_indicator_run, as Parquet and in DuckDB), independent computation. It checks none of the traps of the exports, and
stops short of labels, provenance and data tests.

    python bench/national_peer.py DRIAS_FOLDER ADMIN_FOLDER MASSIFS.shp OUTPUT_FOLDER
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

LAMBERT = "EPSG:27572"
CONTEXTS = {"GWL15": "rwl20", "GWL20": "rwl27", "GWL30": "rwl40"}
INDICATORS = {  # indicator: (level column, change column, the change is a fraction: "Ecart relatif" in the header)
    "t_mean": ("NORTMm_yr", "ATMm_yr", False),
    "t_mean_jja": ("NORTMm_seas_JJA", "ATMm_seas_JJA", False),
    "t_mean_djf": ("NORTMm_seas_DJF", "ATMm_seas_DJF", False),
    "tx_mean_jja": ("NORTXm_seas_JJA", "ATXm_seas_JJA", False),
    "tx35": ("NORTX35D_yr", "ATX35D_yr", False),
    "tx30": ("NORTX30D_yr", "ATX30D_yr", False),
    "tr20": ("NORTR_yr", "ATR_yr", False),
    "rr_yr": ("NORRR_yr", "ARRR_yr", True),
    "rr_jja": ("NORRR_seas_JJA", "ARRR_seas_JJA", True),
    "rr_djf": ("NORRR_seas_DJF", "ARRR_seas_DJF", True),
    "p99_all": ("NORRRq99_yr", "ARRRq99_yr", True),
    "p99_ref_days": ("NORRRq99refD_yr", "ARRq99refD_yr", False),
    "rx1d": ("NORRx1d_yr", "ARRx1d_yr", True),
    "fwi40_days": ("NORIFM40_yr", "AIFM40_yr", False),
    "dry_soil_days": ("NORSWI04_yr", "ASWI04_yr", False),
}
TOLERANCE = {
    "commune": 300,
    "epci": 500,
    "departement": 900,
    "region": 1500,
    "caisse": 900,
    "massif": 500,
    "country": 1500,
}
GROUPS = {  # the column that names a group: the kind of territory whose shapes make it up
    "epci_id": "commune",
    "departement_id": "commune",
    "region_id": "departement",
    "caisse_id": "departement",
    "country_id": "region",
}
QUANTILES = [0.05, 0.5, 0.95]


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Print how long the block took."""
    start = time.perf_counter()
    yield
    print(f"{name:<12} {time.perf_counter() - start:6.1f} s", flush=True)


def read_export(path: Path) -> pd.DataFrame:
    """One export: Point, run, context and the columns that it has."""
    with path.open(encoding="utf-8") as handle:
        header = list(takewhile(lambda line: line.startswith("#"), handle))
    run = next(line.split(":")[1].strip() for line in header if "Modele" in line)
    columns = next(line for line in header if line.startswith("# Point;")).strip("# \n").split(";")[:-1]
    frame = pd.read_csv(path, sep=";", names=columns, usecols=range(len(columns)), skiprows=len(header))
    frame["context"] = frame["Niveau"].map(CONTEXTS)
    return frame.drop(columns="Niveau").assign(run=run)


def read_exports(folder: Path) -> pd.DataFrame:
    """Cells × runs × contexts, one column per indicator; ``ref`` recovered from the +2 °C files."""
    raw = pd.concat([read_export(path) for path in sorted(folder.glob("*.txt"))], ignore_index=True)
    keys = raw[["run", "context", "Point"]]
    levels = keys.assign(**{name: raw[level] for name, (level, _, _) in INDICATORS.items()})
    recovered = {
        name: raw[level] / (1 + raw[change]) if relative else raw[level] - raw[change]
        for name, (level, change, relative) in INDICATORS.items()
    }
    reference = keys.assign(**recovered)[raw["context"] == "rwl20"].assign(context="ref")
    return pd.concat([levels, reference], ignore_index=True)


def grid_cells(points: pd.Series) -> gpd.GeoDataFrame:
    """The 8 km squares of the points, in Lambert II étendu."""
    point = np.sort(points.unique())
    x, y = 60_000 + 8_000 * (point % 143), 1_617_000 + 8_000 * (point // 143)
    boxes = shapely.box(x - 4_000, y - 4_000, x + 4_000, y + 4_000)
    return gpd.GeoDataFrame({"Point": point}, geometry=boxes, crs=LAMBERT)


def read_territories(admin: Path) -> pd.DataFrame:
    """Every territory but the massifs: territory_id, kind, code, name, zone, parents, population."""
    tables = {
        name: pd.DataFrame(json.loads((admin / f"{name}.json").read_text()))
        for name in ("communes", "departements", "regions")
    }
    caisses = pd.read_csv(admin / "caisses_regionales.csv", dtype=str)
    caisse_of = ("caisse:" + caisses["caisse_regionale_id"]).set_axis(caisses["departement_code"])
    epci = json.loads((admin / "epci.json").read_text())
    epci_of = {member["code"]: "epci:" + group["code"] for group in epci for member in group["membres"]}

    communes = tables["communes"].query("type == 'commune-actuelle'").reset_index(drop=True)
    communes = pd.DataFrame(
        {
            "kind": "commune",
            "code": communes["code"],
            "name": communes["nom"],
            "zone": communes["zone"],
            "epci_id": communes["code"].map(epci_of),
            "departement_id": "departement:" + communes["departement"],
            "region_id": "region:" + communes["region"],
            "caisse_id": communes["departement"].map(caisse_of),
            "population": communes["population"],
        }
    )
    departements = tables["departements"].assign(
        kind="departement",
        region_id=lambda frame: "region:" + frame["region"],
        caisse_id=lambda frame: frame["code"].map(caisse_of),
    )
    regions = tables["regions"].assign(kind="region")
    groups = pd.DataFrame([{"kind": "epci", "code": group["code"], "nom": group["nom"]} for group in epci])
    banks = caisses.drop_duplicates("caisse_regionale_id").rename(
        columns={"caisse_regionale_id": "code", "caisse_regionale_nom": "nom"}
    )
    banks["zone"] = banks["departement_code"].map(departements.set_index("code")["zone"])
    country = pd.DataFrame([{"kind": "country", "code": "FR", "nom": "France métropolitaine", "zone": "metro"}])
    others = pd.concat([groups, departements, regions, banks.assign(kind="caisse"), country], ignore_index=True)
    columns = ["kind", "code", "nom", "zone", "region_id", "caisse_id"]
    frame = pd.concat([communes, others[columns].rename(columns={"nom": "name"})], ignore_index=True)
    frame.insert(0, "territory_id", frame["kind"] + ":" + frame["code"])
    zone_of_epci = communes.dropna(subset="epci_id").groupby("epci_id")["zone"].first()
    frame["zone"] = frame["zone"].fillna(frame["territory_id"].map(zone_of_epci))
    people = communes.assign(country_id=np.where(communes["zone"] == "metro", "country:FR", None))
    for column in GROUPS:
        totals = people.groupby(column)["population"].sum()
        frame["population"] = frame["population"].fillna(frame["territory_id"].map(totals))
    return frame


def mended(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Valid shapes; polygons stay polygons."""
    return shapes.make_valid(method="structure", keep_collapsed=False)


def weigh(frame: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> pd.DataFrame:
    """Area of every territory ∩ cell: territory_id, Point, area."""
    pieces = gpd.overlay(frame[["territory_id", "geometry"]], cells, how="intersection", keep_geom_type=True)
    return pd.DataFrame({"territory_id": pieces["territory_id"], "Point": pieces["Point"], "area": pieces.area})


def territories_and_weights(
    admin: Path, massif_file: Path, cells: gpd.GeoDataFrame
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """dim_territory with shapes and outlines, and the weights: territory_id, Point, weight, method."""
    frame = read_territories(admin)
    contours = gpd.read_parquet(next(admin.glob("communes*.parquet")))[["code", "geometry"]]
    contours["geometry"] = mended(contours.geometry)
    frame["country_id"] = np.where(frame["zone"] == "metro", "country:FR", None)
    shaped = contours.merge(frame[frame["kind"] == "commune"], on="code")

    metropolitan = shaped[shaped["zone"] == "metro"].to_crs(LAMBERT)
    metropolitan["geometry"] = mended(metropolitan.geometry)
    areas = weigh(metropolitan, cells)
    parents = metropolitan.set_index("territory_id")
    groups, shapes = [], {"commune": shaped[["territory_id", "geometry"]]}
    for column, parts in GROUPS.items():
        parent = areas["territory_id"].map(parents[column])
        groups.append(
            areas.groupby([parent, "Point"])["area"].sum().rename_axis(["territory_id", "Point"]).reset_index()
        )
        members = shapes[parts].merge(frame[["territory_id", column]], on="territory_id")
        union = members[[column, "geometry"]].dissolve(column)
        shapes[column.removesuffix("_id")] = union.rename_axis("territory_id").reset_index()

    massifs = gpd.read_file(massif_file)
    massifs = gpd.GeoDataFrame(
        {
            "territory_id": "massif:" + massifs["code"].astype(str),
            "kind": "massif",
            "code": massifs["code"].astype(str),
            "name": massifs["title"],
        },
        geometry=mended(massifs.geometry.to_crs(LAMBERT)),
        crs=LAMBERT,
    )
    massif_areas = weigh(massifs, cells)
    share = massif_areas.groupby("territory_id")["area"].sum() / massifs.set_index("territory_id").area
    in_france = massifs["territory_id"].map(share).fillna(0) >= 0.5
    massifs["zone"] = np.where(in_france, "metro", "foreign")
    massif_areas = massif_areas[massif_areas["territory_id"].isin(massifs["territory_id"][in_france])]

    weights = pd.concat([areas, *groups, massif_areas], ignore_index=True)
    weights["weight"] = weights["area"] / weights.groupby("territory_id")["area"].transform("sum")
    islands = metropolitan[~metropolitan["territory_id"].isin(areas["territory_id"])]
    nearest = islands[["territory_id", "geometry"]].sjoin_nearest(cells)[["territory_id", "Point"]]
    weights = pd.concat(
        [
            weights.drop(columns="area").assign(method="area_share"),
            nearest.assign(weight=1.0, method="nearest_cell"),
        ],
        ignore_index=True,
    )

    frame = pd.concat([frame, massifs.drop(columns="geometry")], ignore_index=True)
    shapes["massif"] = massifs[["territory_id", "geometry"]].to_crs(shaped.crs)
    frame = frame.drop(columns="country_id").merge(
        pd.concat(shapes.values(), ignore_index=True), on="territory_id", how="left"
    )
    frame = gpd.GeoDataFrame(frame, crs=shaped.crs)
    frame["area_km2"] = frame.to_crs("EPSG:6933").area / 1e6
    inside = frame.geometry.representative_point()
    frame["longitude"], frame["latitude"] = inside.x, inside.y
    outlines = [
        mended(part.geometry.to_crs(LAMBERT)).simplify_coverage(TOLERANCE[kind]).to_crs(shaped.crs)
        for kind, part in frame[(frame["zone"] == "metro") & frame.geometry.notna()].groupby("kind")
    ]
    frame["outline"] = pd.concat(outlines).reindex(frame.index)
    counted = weights.groupby("territory_id").agg(n_cells=("Point", "size"), method=("method", "first"))
    frame = frame.join(counted, on="territory_id")
    frame["reason"] = np.select(
        [frame["n_cells"].notna(), frame["zone"] != "metro"], [None, "outside_grid"], default="no_geometry"
    )
    frame["n_cells"] = frame["n_cells"].fillna(0).astype(int)
    return frame, weights


def territory_means(cells: pd.DataFrame, weights: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """context → one row per territory and run, one column per indicator: the weighted mean over the cells."""
    names = list(INDICATORS)
    means: dict[str, list[pd.DataFrame]] = {}
    for (run, context), values in cells.groupby(["run", "context"]):
        joined = weights.merge(values, on="Point")
        weighted = joined[names].mul(joined["weight"], axis=0)
        mean = weighted.groupby(joined["territory_id"]).sum(min_count=1)
        means.setdefault(context, []).append(mean.assign(run=run))
    return {context: pd.concat(runs).set_index("run", append=True) for context, runs in means.items()}


def facts(means: dict[str, pd.DataFrame], territories: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """fct_indicator and fct_indicator_run: quantiles over runs of the values and of the run-by-run changes, last."""
    quantiles, lists = [], []
    for name in INDICATORS:
        reference = means["ref"][name].unstack("run")
        with_runs = reference.columns[reference.notna().any()]
        reference_median = np.quantile(reference[with_runs], 0.5, axis=1)
        for context, mean in means.items():
            values = mean[name].unstack("run")
            changes = values - reference
            q05, q50, q95 = np.quantile(values[with_runs], QUANTILES, axis=1)
            delta = np.full((3, len(values)), np.nan)
            agreement = np.full(len(values), np.nan)
            if context != "ref":
                delta = np.quantile(changes[with_runs], QUANTILES, axis=1)
                same = np.sign(changes[with_runs]).eq(np.sign(delta[1]), axis=0).mean(axis=1)
                agreement = np.where(delta[1] == 0, np.nan, same)
            key = {"territory_id": values.index, "indicator_id": name, "context_id": context}
            numbers = {
                "ref_q50": reference_median,
                "q05": q05,
                "q50": q50,
                "q95": q95,
                "delta_q05": delta[0],
                "delta_q50": delta[1],
                "delta_q95": delta[2],
                "agreement": agreement,
            }
            numbers = {column: number.astype("float32") for column, number in numbers.items()}
            quantile_rows = pd.DataFrame({**key, **numbers, "n_runs": len(with_runs)})
            every = territories[["territory_id", "n_cells", "method", "reason"]].merge(quantile_rows, how="left")
            every["n_runs"] = every["n_runs"].fillna(0).astype("int16")
            quantiles.append(every.assign(indicator_id=name, context_id=context))
            run_changes = None if context == "ref" else list(changes.to_numpy("float32"))
            lists.append(
                pd.DataFrame({**key, "run_values": list(values.to_numpy("float32")), "run_changes": run_changes})
            )
    return pd.concat(quantiles, ignore_index=True), pd.concat(lists, ignore_index=True)


def main() -> None:
    """Read, compute, write; print seconds per phase and the peak memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drias", type=Path, help="folder of the 51 TRACC-2023 exports")
    parser.add_argument("admin", type=Path, help="folder of the official geography")
    parser.add_argument("massifs", type=Path, help="shapefile of massifs")
    parser.add_argument("output", type=Path, help="folder to write")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    with phase("read"):
        cells = read_exports(arguments.drias)
    with phase("territories"):
        territories, weights = territories_and_weights(arguments.admin, arguments.massifs, grid_cells(cells["Point"]))
    with phase("means"):
        means = territory_means(cells, weights)
    with phase("quantiles"):
        fct_indicator, fct_indicator_run = facts(means, territories)
    with phase("write"):
        territories.to_parquet(arguments.output / "dim_territory.parquet", compression="zstd", index=False)
        fct_indicator.to_parquet(arguments.output / "fct_indicator.parquet", compression="zstd", index=False)
        fct_indicator_run.to_parquet(arguments.output / "fct_indicator_run.parquet", compression="zstd", index=False)
        with duckdb.connect(arguments.output / "mart.duckdb") as connection:
            for path in sorted(arguments.output.glob("*.parquet")):
                connection.read_parquet(str(path)).create(path.stem)
    print(f"peak memory  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:6.2f} GiB")


if __name__ == "__main__":
    main()
