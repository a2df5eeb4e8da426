"""What is exposed, where: people and farmed land per cell, and the weights of cells in territories that follow.

Two steps. ``load_population`` and ``load_land`` read a source once and keep amounts at places, by commune
(``exposure_place``), with the communes that the source speaks of (``exposure_cover``). ``refresh`` turns them into
weights of every grid (``exposure_weight``) and says of every territory whether it has a weighted value, and if not
why (``territory_weighting``). Whatever changes territories, lists or grids ends with ``refresh``.

People are always there: where no source places them inside a commune, the commune's population is spread evenly
over its area (``areal``), and its weights are then those of the area; the commune is not weighed twice. Where a
source does (``dasymetric``), it gives the pattern and the official population the total (Tobler 1979, the volume is
preserved).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from climart.errors import UserError
from ingest import grid, lake, registry, relief, weights
from ingest.groupings import group_members
from ingest.readers import parcels, population_grid
from ingest.readers.grids import MASSIF_BANDS
from ingest.shapes import project

POPULATION, VINEYARD = "population", "vineyard"
OFFICIAL = "official_population"  # registry id: the populations of communes.json
MIN_PEOPLE = 50  # below, a territory takes the weights of its area
MIN_SHARE = 0.01  # of the territory's area: below, a crop is not grown there
MIN_GRID_SHARE = weights.MIN_GRID_SHARE  # of a territory's people or land on the grid
MIN_PART = 0.001  # of a commune in a massif: less is two outlines that disagree on one border
SQUARE = 1000  # places are gathered by commune and square of this side, metres, at their common centre
COVER_IN_NAME = (
    (re.compile(r"_R(\d{2})[_-]"), "region:{}"),
    (re.compile(r"_D0?(\d{2}|2[AB])[_-]"), "departement:{}"),
    (re.compile(r"_(?:FXX|FRA|FR)[_-]"), "country:FR"),
)
# What `climart fetch rpg --only bbox=…` asked for: west, south, east, north, in degrees.
BOX_IN_NAME = re.compile(r"_(-?[\d.]+),(-?[\d.]+),(-?[\d.]+),(-?[\d.]+),EPSG:4326\.json$")
Progress = Callable[[str], None]


@dataclass
class Loaded:
    """What a load placed: amount by weighting (people, or km²), and what it could not place, by cause."""

    placed: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, float] = field(default_factory=dict)
    n_communes: int = 0


def load_population(path: Path, source_id: str = "insee_population_200m") -> Loaded:
    """Place people from INSEE's 200 m squares; a commune takes those of the squares whose centre is in it.

    A square whose centre is in no commune (coast) goes to the first commune that the file names for it. Replaces the
    squares loaded before in the communes of this file.
    """
    source, communes = registry.get(source_id), Communes.read()
    squares = population_grid.read(path)
    places = squares.places.assign(weighting=POPULATION)
    places["commune"] = communes.holding(places["x"].to_numpy(), places["y"].to_numpy())
    places["commune"] = places["commune"].fillna(places["listed"].map(communes.today))
    done = Loaded(left_out={"squares overseas": float(squares.n_overseas)})
    done.left_out["people in no commune"] = float(places.loc[places["commune"].isna(), "amount"].sum())
    places = places[places["commune"].notna() & (places["amount"] > 0)]
    _keep(_gathered(places), set(places["commune"]), (POPULATION,), source, done)
    registry.record_file(path, source, len(squares.places) + squares.n_overseas)
    refresh()
    return done


def load_land(
    files: list[Path], covers: str | None = None, source_id: str = "rpg", progress: Progress = lambda _: None
) -> Loaded:
    """Place crops, grassland and vines from parcels of the RPG.

    covers: the territory that the files speak of (``region:84``, ``departement:21``, ``country:FR``); by default
    what the name of each says (``_R84_``, ``_D021_``, ``_FXX_``, or the box that was fetched: its communes are those
    that lie wholly in it). Parcels beyond it are left out and counted: elsewhere the file's silence would be read as a
    zero. Files of one territory are its parts and add up; a box is whole. A commune of two covers is taken from the
    first that is given, and what the others have there is left out and counted. Replaces what was loaded before in the
    same communes.
    """
    source, communes = registry.get(source_id), Communes.read()
    covered = [_covered(path, covers, communes) for path in files]
    owner: dict[str, str] = {}  # commune → the cover that it is taken from
    done = Loaded()
    pieces, n_parcels = [], dict.fromkeys(files, 0)
    for path, (cover, spoken_of) in zip(files, covered, strict=True):
        own = {commune for commune in spoken_of if owner.setdefault(commune, cover) == cover}
        for piece in parcels.read(path):
            piece["commune"] = communes.holding(piece["x"].to_numpy(), piece["y"].to_numpy())
            inside, twice = piece["commune"].isin(own), piece["commune"].isin(spoken_of - own)
            _count(done, piece[twice], "in communes taken from an earlier file")
            _count(done, piece[~inside & ~twice], "beyond the territory covered")
            pieces.append(_gathered(piece[inside]))
            n_parcels[path] += int(piece.attrs["n_parcels"])
            progress(f"{path.name}, {n_parcels[path]} parcels")
    if not pieces:
        raise UserError(f"{', '.join(path.name for path in files)}: no parcel.")
    _keep(_gathered(pd.concat(pieces)), set(owner), parcels.weightings(), source, done)
    for path, n in n_parcels.items():
        registry.record_file(path, source, n)
    refresh()
    return done


def _count(done: Loaded, left: pd.DataFrame, why: str) -> None:
    for weighting, amount in left.groupby("weighting")["amount"].sum().items():
        cause = f"km² of {weighting} {why}"
        done.left_out[cause] = done.left_out.get(cause, 0) + float(amount)


def _covered(path: Path, covers: str | None, communes: Communes) -> tuple[str, set[str]]:
    """What a file covers: the territory, or the box, which is no other file's; and its communes, of which the file's
    silence says that there is nothing."""
    if covers:
        return covers, communes.inside(covers)
    if box := BOX_IN_NAME.search(path.name):
        west, south, east, north = map(float, box.groups())
        return str(path), communes.within(west, south, east, north, path)
    for pattern, territory in COVER_IN_NAME:
        if found := pattern.search(path.name):
            cover = territory.format(*found.groups())
            return cover, communes.inside(cover)
    raise UserError(
        f"{path.name}: the name does not say which territory the file covers. Say it: --covers region:84, "
        "--covers departement:21 or --covers country:FR."
    )


def _gathered(places: pd.DataFrame) -> pd.DataFrame:
    """Amounts by weighting, commune and square, at the mean place of what was gathered."""
    weighed = places.assign(
        column=places["x"] // SQUARE,
        row=places["y"] // SQUARE,
        x=places["x"] * places["amount"],
        y=places["y"] * places["amount"],
    )
    summed = weighed.groupby(["weighting", "commune", "column", "row"])[["x", "y", "amount"]].sum().reset_index()
    summed = summed[summed["amount"] > 0]
    summed[["x", "y"]] = summed[["x", "y"]].div(summed["amount"], axis=0)
    return pd.DataFrame(summed.drop(columns=["column", "row"]))


def _keep(
    places: pd.DataFrame, covered: set[str], names: tuple[str, ...], source: registry.Source, done: Loaded
) -> None:
    """Write places and the communes covered, in place of what was known of these communes."""
    registry.record_dataset(source)
    cover = lake.read("exposure_cover").to_pandas()
    for name in names:
        old = _read_places(name)
        new = places[places["weighting"] == name].assign(source_id=source.id)
        kept = pd.concat([old[~old["commune"].isin(covered)], new], ignore_index=True)
        lake.write(
            "exposure_place", pa.Table.from_pandas(kept, lake.SCHEMAS["exposure_place"], preserve_index=False), name
        )
        cover = cover[~((cover["weighting"] == name) & cover["commune"].isin(covered))]
        added = pd.DataFrame({"weighting": name, "source_id": source.id, "commune": sorted(covered)})
        cover = pd.concat([cover, added], ignore_index=True)
        done.placed[name] = float(new["amount"].sum())
    done.n_communes = len(covered)
    lake.write("exposure_cover", pa.Table.from_pandas(cover, lake.SCHEMAS["exposure_cover"], preserve_index=False))


def _read_places(weighting: str) -> pd.DataFrame:
    path = lake.table_path("exposure_place", weighting)
    schema = lake.SCHEMAS["exposure_place"]
    table = pq.read_table(path, schema=schema, partitioning=None) if path.exists() else schema.empty_table()
    return pd.DataFrame(table.to_pandas())


class Communes:
    """Today's metropolitan communes: which of them holds a point, which of them a code is today."""

    def __init__(self, frame: pd.DataFrame, former: pd.DataFrame) -> None:
        self.frame = frame
        drawn = frame[frame["geometry"].notna()]
        self._codes = drawn["code"].to_numpy(dtype=object)
        self._shapes = project(shapely.from_wkb(drawn["geometry"].to_numpy(dtype=object)))
        shapely.prepare(self._shapes)
        self._today = dict(zip(former["code"], former["commune"], strict=True)) | {c: c for c in frame["code"]}

    @classmethod
    def read(cls) -> Communes:
        """From the lake. Raises UserError if it has none."""
        if not lake.table_path("territory").exists():
            raise UserError("The lake has no communes: run `climart ingest territories DIR` first (CLIMART_DATA/lake).")
        frame = lake.read("territory").to_pandas()
        frame = frame[frame["kind"].eq("commune") & frame["zone"].eq("metro")]
        return cls(frame, lake.read("former_commune").to_pandas())

    def today(self, code: object) -> str | None:
        """The commune that holds the land of ``code`` today, or None."""
        return self._today.get(str(code))

    def holding(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
        """Code of the commune that holds each point (EPSG:27572, m), None where there is none."""
        found = np.full(len(x), None, dtype=object)
        i_point, i_shape = shapely.STRtree(self._shapes).query(shapely.points(x, y), predicate="intersects")
        found[i_point] = self._codes[i_shape]
        return found

    def within(self, west: float, south: float, east: float, north: float, path: Path) -> set[str]:
        """Codes of the communes that lie wholly in a box, in degrees. Raises UserError if there are none."""
        drawn = self.frame[self.frame["geometry"].notna()]
        bounds = shapely.bounds(shapely.from_wkb(drawn["geometry"].to_numpy(dtype=object)))
        held = (bounds[:, :2] >= (west, south)).all(axis=1) & (bounds[:, 2:] <= (east, north)).all(axis=1)
        if not held.any():
            raise UserError(
                f"{path.name}: no commune lies wholly in the box {west:g},{south:g},{east:g},{north:g} (degrees west, "
                "south, east, north). Fetch a larger one."
            )
        return set(drawn["code"].to_numpy()[held])

    def inside(self, territory_id: str) -> set[str]:
        """Codes of the communes of a département, a région, an EPCI, or the country. Raises UserError if there are
        none."""
        kind = territory_id.split(":")[0]
        frame = self.frame
        if kind == "country":
            return set(frame["code"])
        column = f"{kind}_id"
        found = set(frame.loc[frame[column] == territory_id, "code"]) if column in frame else set()
        if not found:
            raise UserError(f"no metropolitan commune in {territory_id!r}. Give a territory such as region:84.")
        return found


def refresh() -> None:
    """Compute ``exposure_weight`` and ``territory_weighting`` again, from the lake. Does nothing without
    territories."""
    if not lake.table_path("territory").exists():
        return
    frame = lake.read("territory")
    light = frame.drop_columns(["geometry", "outline"]).to_pandas()
    communes = light[(light["kind"] == "commune") & (light["zone"] == "metro")]
    members = group_members(communes, lake.read("territory_membership").to_pandas())
    massifs = _massif_pieces(frame)
    area = lake.read("cell_weight").to_pandas()
    area = area[(area["weighting"] == "area") & (area["grid_id"] != MASSIF_BANDS)]
    cells = _cells()
    cover = lake.read("exposure_cover").to_pandas()
    delimited = lake.read("appellation_place").to_pandas()
    delimited = delimited[delimited["group_id"].isin(light["territory_id"])]
    asked = {POPULATION} | set(cover["weighting"]) | ({VINEYARD} if len(delimited) else set())
    former = lake.read("former_commune").to_pandas()
    today = dict(zip(former["code"], former["commune"], strict=True))
    all_weights, states = [], []
    for weighting in sorted(asked):
        places = _read_places(weighting)
        places["commune"] = places["commune"].map(lambda code: today.get(code, code))
        covered = cover[cover["weighting"] == weighting].assign(
            commune=lambda f: f["commune"].map(lambda code: today.get(code, code))
        )
        exposed = Exposed.of(
            weighting, places, dict(zip(covered["commune"], covered["source_id"], strict=True)), communes
        )
        state = _states(exposed, light, communes, members, massifs)
        if weighting == VINEYARD:
            state = _of_appellations(state, delimited)
        states.append(state)
        own = set(state.loc[state["computed_as"] == weighting, "territory_id"])
        totals = state.set_index("territory_id")["drawn"]
        methods = state.set_index("territory_id")["method"]
        for grid_id, of_grid in area.groupby("grid_id"):
            of_cells = cells[cells["grid_id"] == grid_id]
            amounts = _cell_amounts(exposed, of_grid, of_cells, members, massifs)
            if weighting == VINEYARD:
                amounts = _by_delimitation(amounts, delimited, of_cells)
            amounts = amounts[amounts["territory_id"].isin(own & set(of_grid["territory_id"])) & (amounts["area"] > 0)]
            on_grid = amounts.groupby("territory_id")["area"].transform("sum")
            amounts = amounts[on_grid >= MIN_GRID_SHARE * amounts["territory_id"].map(totals).astype(float)]
            rows = weights.from_areas(amounts, "")
            rows["method"] = rows["territory_id"].map(methods)
            all_weights.append(weights.as_arrow(rows, weighting, str(grid_id)))
    empty = lake.SCHEMAS["exposure_weight"].empty_table()
    tables = [table.select(empty.column_names).cast(empty.schema) for table in all_weights]
    lake.write("exposure_weight", pa.concat_tables([empty, *tables]))
    lake.write(
        "territory_weighting",
        pa.Table.from_pandas(
            pd.concat(states).drop(columns=["drawn", "area_km2"]),
            lake.SCHEMAS["territory_weighting"],
            preserve_index=False,
        ),
    )


@dataclass(frozen=True)
class Exposed:
    """What is exposed of one weighting, by commune (territory_id).

    places: territory_id, x, y, amount, of the communes that a source places. amounts: total by commune, NaN where
    nobody knows it. spread: communes whose amount is spread evenly over their area. source: source_id by commune.
    """

    weighting: str
    places: pd.DataFrame
    amounts: pd.Series
    spread: set[str]
    source: dict[str, str]

    @classmethod
    def of(cls, weighting: str, places: pd.DataFrame, covered: dict[str, str], communes: pd.DataFrame) -> Exposed:
        places = places.assign(territory_id="commune:" + places["commune"].astype(str))
        places = places[places["territory_id"].isin(communes["territory_id"])]
        source = {f"commune:{code}": name for code, name in covered.items()}
        placed = places.groupby("territory_id")["amount"].sum()
        if weighting != POPULATION:
            amounts = placed.reindex(communes["territory_id"])
            known = amounts.index.isin(list(source))
            return cls(weighting, places, amounts.where(~known, amounts.fillna(0)), set(), source)
        official = communes.set_index("territory_id")["population"].astype(float)
        amounts = official.fillna(placed)
        # the source gives the pattern inside a commune, the official population its total
        factor = (amounts / placed).reindex(places["territory_id"]).to_numpy()
        places = places.assign(amount=places["amount"].to_numpy() * factor)
        spread = set(amounts.index[amounts.notna()]) - set(placed.index)
        return cls(weighting, places, amounts, spread, source | dict.fromkeys(spread, OFFICIAL))


def _states(
    exposed: Exposed, territories: pd.DataFrame, communes: pd.DataFrame, members: pd.DataFrame, massifs: pd.DataFrame
) -> pd.DataFrame:
    """``territory_weighting`` of one weighting: by territory, how much is exposed, and how it is weighed or why not.

    Two more columns. drawn: the amount of the communes that have a contour, hence a place; area_km2.
    """
    parts = _parts(exposed, communes, members, massifs)
    known = parts.groupby("group_id").agg(
        amount=("amount", "sum"),
        drawn=("drawn", "sum"),
        placed=("placed", "sum"),
        unknown=("unknown", "sum"),
        n=("unknown", "size"),
    )
    largest = parts.sort_values("amount", ascending=False).drop_duplicates("group_id")
    known["source_id"] = largest.set_index("group_id")["source_id"]
    weighable = (territories["zone"] == "metro") & ~territories["kind"].isin(relief.KINDS)
    frame = territories.loc[weighable, ["territory_id", "area_km2"]].join(known, on="territory_id")
    frame = frame.assign(weighting=exposed.weighting, computed_as=exposed.weighting, share=np.nan)
    frame["reason"] = pd.Series(None, index=frame.index, dtype=object)
    if exposed.weighting == POPULATION:
        frame["method"] = "areal"
        frame.loc[frame["placed"] * 2 > frame["amount"], "method"] = "dasymetric"
        few = frame["amount"] < MIN_PEOPLE
        frame.loc[few, "method"] = "area_fallback"
        frame.loc[few | frame["territory_id"].isin(exposed.spread), "computed_as"] = "area"
        silent = frame["n"].isna() | (frame["unknown"] == frame["n"])
    else:
        frame["method"] = "parcels"
        frame["share"] = frame["amount"] / frame["area_km2"]
        frame.loc[~(frame["share"] >= MIN_SHARE), "reason"] = "not_grown_here"
        # one commune that no source speaks of: the sum of the others is not that of the territory
        silent = frame["n"].isna() | (frame["unknown"] > 0)
    frame.loc[silent, "reason"] = "no_exposure_data"
    frame.loc[silent, ["amount", "share"]] = np.nan
    frame.loc[silent, "source_id"] = None
    frame.loc[frame["reason"].notna(), ["computed_as", "method"]] = None
    return frame[[*(field.name for field in lake.SCHEMAS["territory_weighting"]), "drawn", "area_km2"]]


def _of_appellations(states: pd.DataFrame, delimited: pd.DataFrame) -> pd.DataFrame:
    """``_states`` of vines, where an appellation has its delimited parcels: they, and not what its communes grow, say
    where its vines may be."""
    states = states.set_index("territory_id")
    amounts = delimited.groupby("group_id")["amount"].sum()
    amounts = amounts[amounts.index.isin(states.index)]
    at = amounts.index
    states = states.astype({"amount": float, "drawn": float, "share": float, "source_id": object, "reason": object})
    states = states.astype({"computed_as": object, "method": object})
    states.loc[at, "amount"] = states.loc[at, "drawn"] = amounts
    states.loc[at, "share"] = amounts / states.loc[at, "area_km2"]
    states.loc[at, ["computed_as", "method"]] = [VINEYARD, "parcels"]
    states.loc[at, "source_id"] = delimited.groupby("group_id")["source_id"].first().reindex(at)
    states.loc[at, "reason"] = None
    return states.reset_index()


def _by_delimitation(amounts: pd.DataFrame, delimited: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """``_cell_amounts`` of vines, those of the appellations from their delimited parcels."""
    placed = delimited.assign(cell_id=_cell_of(delimited, cells)).dropna(subset=["cell_id"])
    placed = placed.astype({"cell_id": np.int32}).rename(columns={"group_id": "territory_id", "amount": "area"})
    others = amounts[~amounts["territory_id"].isin(delimited["group_id"])]
    return pd.concat([others, _summed(placed[["territory_id", "cell_id", "area"]])], ignore_index=True)


def _parts(exposed: Exposed, communes: pd.DataFrame, members: pd.DataFrame, massifs: pd.DataFrame) -> pd.DataFrame:
    """Every commune in every territory that it is a part of (itself included), with what is exposed there:
    territory_id, group_id, amount, drawn (0 where the commune has no contour), placed (0 where it is only spread by
    area), unknown, source_id."""
    names = communes["territory_id"]
    own = pd.DataFrame({"territory_id": names, "group_id": names})
    frame = pd.concat([own.assign(part=1.0), members.assign(part=1.0), massifs[["territory_id", "group_id", "part"]]])
    frame = frame.reset_index(drop=True)
    frame["amount"] = frame["territory_id"].map(exposed.amounts).astype(float) * frame["part"].astype(float)
    if len(massifs) and len(exposed.places):  # what a source places is counted where it is, not shared by area
        inside = _places_in_massifs(exposed.places, massifs).groupby(["territory_id", "group_id"])["amount"].sum()
        counted = frame["territory_id"].isin(exposed.places["territory_id"]) & frame["group_id"].isin(
            massifs["group_id"]
        )
        keys = pd.MultiIndex.from_frame(frame.loc[counted, ["territory_id", "group_id"]])
        frame.loc[counted, "amount"] = inside.reindex(keys).fillna(0).to_numpy()
    frame["placed"] = frame["amount"].where(~frame["territory_id"].isin(exposed.spread), 0)
    frame["drawn"] = frame["amount"].where(frame["territory_id"].isin(names[communes["area_km2"].notna()]), 0)
    frame["unknown"] = frame["amount"].isna()
    frame["source_id"] = frame["territory_id"].map(exposed.source)
    return frame


def _cell_amounts(
    exposed: Exposed, area: pd.DataFrame, cells: pd.DataFrame, members: pd.DataFrame, massifs: pd.DataFrame
) -> pd.DataFrame:
    """Amount by territory and cell of one grid: territory_id, cell_id, area (the amount, as ``weights`` calls it)."""
    communes = area[area["territory_id"].str.startswith("commune:")]
    spread = communes[communes["territory_id"].isin(exposed.spread)]
    spread = spread.assign(area=spread["territory_id"].map(exposed.amounts).astype(float) * spread["weight"])
    nearest = communes[communes["method"] == "nearest_cell"].set_index("territory_id")["cell_id"]
    placed = exposed.places[exposed.places["territory_id"].isin(communes["territory_id"])]
    placed = placed.assign(cell_id=_cell_of(placed, cells), area=placed["amount"])
    placed["cell_id"] = placed["territory_id"].map(nearest).fillna(placed["cell_id"])
    placed = placed.dropna(subset=["cell_id"]).astype({"cell_id": np.int32})
    columns = ["territory_id", "cell_id", "area"]
    pairs = _summed(pd.concat([spread[columns], placed[columns]]))
    found = [pairs, weights.of_groups(pairs, members)]
    if len(massifs):
        pieces = massifs[massifs["territory_id"].isin(exposed.spread)]
        split = weights.intersections(pieces.index, pieces["shape"].to_numpy(), cells)
        whole = pieces["commune_area"].reindex(split["territory_id"]).to_numpy()
        people = pieces["territory_id"].map(exposed.amounts).astype(float).reindex(split["territory_id"]).to_numpy()
        split = split.assign(
            area=split["area"] / whole * people,
            territory_id=pieces["group_id"].reindex(split["territory_id"]).to_numpy(),
        )
        inside = (
            _places_in_massifs(placed, massifs)
            .drop(columns="territory_id")
            .rename(columns={"group_id": "territory_id"})
        )
        found.append(_summed(pd.concat([split[columns], inside[columns]])))
    return pd.DataFrame(pd.concat(found, ignore_index=True))


def _summed(pairs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(pairs.groupby(["territory_id", "cell_id"])["area"].sum().reset_index())


def _cells() -> pd.DataFrame:
    """Cells of every grid that covers the ground, with their polygon in EPSG:27572."""
    frame: pd.DataFrame = lake.read("cell").to_pandas()
    frame = frame[frame["grid_id"] != MASSIF_BANDS].reset_index(drop=True)
    if frame.empty:
        return frame
    safran = frame["grid_id"] == grid.GRID_ID
    half = grid.SIZE / 2
    x, y = frame.loc[safran, "x"].to_numpy(), frame.loc[safran, "y"].to_numpy()
    polygons = np.full(len(frame), None, dtype=object)
    polygons[safran.to_numpy()] = shapely.box(x - half, y - half, x + half, y + half)
    if not safran.all():
        polygons[~safran.to_numpy()] = project(shapely.from_wkb(frame.loc[~safran, "polygon"].to_numpy()))
    frame["polygon"] = polygons
    return frame


def _cell_of(places: pd.DataFrame, cells: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The cell that holds each place, NaN where the grid holds none."""
    found = np.full(len(places), np.nan)
    points = shapely.points(places["x"].to_numpy(dtype=float), places["y"].to_numpy(dtype=float))
    i_point, i_cell = shapely.STRtree(cells["polygon"].to_numpy()).query(points, predicate="intersects")
    found[i_point] = cells["cell_id"].to_numpy()[i_cell]
    return found


def _massif_pieces(territories: pa.Table) -> pd.DataFrame:
    """The parts of communes that lie in each massif: territory_id (commune), group_id (massif), shape (EPSG:27572),
    part (of the commune's area), commune_area (m²), massif (the whole shape)."""
    drawn = territories.filter(
        pc.and_(
            pc.is_in(territories["kind"], value_set=pa.array(["commune", "massif"])),
            pc.is_valid(territories["geometry"]),
        )
    ).to_pandas()
    drawn = drawn[drawn["zone"] == "metro"]
    massifs, communes = drawn[drawn["kind"] == "massif"], drawn[drawn["kind"] == "commune"]
    columns = ["territory_id", "group_id", "shape", "part", "commune_area", "massif"]
    if massifs.empty or communes.empty:
        return pd.DataFrame(columns=columns)
    around = shapely.from_wkb(massifs["geometry"].to_numpy(dtype=object))
    outlines = shapely.from_wkb(communes["geometry"].to_numpy(dtype=object))
    i_massif, i_commune = shapely.STRtree(outlines).query(around)  # by bounding box: only these are projected
    near, position = np.unique(i_commune, return_inverse=True)
    if not len(near):
        return pd.DataFrame(columns=columns)
    near_shapes, massif_shapes = project(outlines[near]), project(around)
    shapely.prepare(massif_shapes)
    pieces = shapely.intersection(near_shapes[position], massif_shapes[i_massif])
    whole = shapely.area(near_shapes)[position]
    frame = pd.DataFrame(
        {
            "territory_id": communes["territory_id"].to_numpy()[i_commune],
            "group_id": massifs["territory_id"].to_numpy()[i_massif],
            "shape": pieces,
            "part": shapely.area(pieces) / whole,
            "commune_area": whole,
            "massif": massif_shapes[i_massif],
        }
    )
    return frame[frame["part"] >= MIN_PART].reset_index(drop=True)


def _places_in_massifs(places: pd.DataFrame, massifs: pd.DataFrame) -> pd.DataFrame:
    """``places`` inside each massif, with its ``group_id``."""
    unique = massifs.drop_duplicates("group_id")
    points = shapely.points(places["x"].to_numpy(dtype=float), places["y"].to_numpy(dtype=float))
    i_massif, i_point = shapely.STRtree(points).query(unique["massif"].to_numpy(), predicate="contains")
    inside: pd.DataFrame = places.iloc[i_point].assign(group_id=unique["group_id"].to_numpy()[i_massif])
    return inside
