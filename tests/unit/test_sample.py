"""The embedded sample: same bytes twice, real counts, a real file's layout, départements like the real
ensemble.

The calibration is measured from the written files only, with pandas and shapely, by none of the sample's
functions.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from climart import paths
from ingest import sample
from ingest.sample import climate, drias, geography

LEVEL_CODES = {
    "t_mean": "NORTMm_yr",
    "t_mean_jja": "NORTMm_seas_JJA",
    "t_mean_djf": "NORTMm_seas_DJF",
    "tx_mean_jja": "NORTXm_seas_JJA",
    "tx35": "NORTX35D_yr",
    "tx30": "NORTX30D_yr",
    "tr20": "NORTR_yr",
    "rr_yr": "NORRR_yr",
    "rr_jja": "NORRR_seas_JJA",
    "rr_djf": "NORRR_seas_DJF",
    "p99_all": "NORRRq99_yr",
    "rx1d": "NORRx1d_yr",
    "fwi40_days": "NORIFM40_yr",
    "dry_soil_days": "NORSWI04_yr",
}
RELATIVE = {
    "NORRR_yr": "ARRR_yr",
    "NORRR_seas_JJA": "ARRR_seas_JJA",
    "NORRR_seas_DJF": "ARRR_seas_DJF",
    "NORRRq99_yr": "ARRRq99_yr",
    "NORRx1d_yr": "ARRx1d_yr",
}
ABSOLUTE = {
    "NORTMm_yr": "ATMm_yr",
    "NORTMm_seas_JJA": "ATMm_seas_JJA",
    "NORTMm_seas_DJF": "ATMm_seas_DJF",
    "NORTXm_seas_JJA": "ATXm_seas_JJA",
    "NORTX35D_yr": "ATX35D_yr",
    "NORTX30D_yr": "ATX30D_yr",
    "NORTR_yr": "ATR_yr",
    "NORRRq99refD_yr": "ARRq99refD_yr",
    "NORIFM40_yr": "AIFM40_yr",
    "NORSWI04_yr": "ASWI04_yr",
}
STATEMENT = "Valeurs simulées, calées par département sur DRIAS TRACC-2023 (Météo-France, Licence Ouverte 2.0)"
TOKENS = {"GWL15": "rwl20", "GWL20": "rwl27", "GWL30": "rwl40"}

Exports = dict[tuple[str, str], pd.DataFrame]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> sample.SampleFiles:
    return sample.generate(tmp_path_factory.mktemp("sample"), with_daily=False)


@pytest.fixture(scope="module")
def exports(files: sample.SampleFiles) -> Exports:
    """(model, token) → records as printed, by point."""
    found = {}
    for path in files.drias:
        lines = path.read_text(encoding="utf-8").splitlines()
        head = [line for line in lines if line.startswith("#")]
        names = next(line for line in head if line.startswith("# Point;"))[2:].split(";")
        model = next(line for line in head if line.startswith("# Modele")).split(":")[1].strip()
        frame = pd.read_csv(path, sep=";", skiprows=len(head), names=names, index_col="Point").iloc[:, :-1]
        found[model, frame["Niveau"].iloc[0]] = frame
    return found


@pytest.fixture(scope="module")
def contours(files: sample.SampleFiles) -> gpd.GeoDataFrame:
    rows = json.loads((files.territories / "communes.json").read_text(encoding="utf-8"))
    shapes = gpd.read_parquet(files.territories / "communes_contours.parquet")
    communes = pd.DataFrame(rows).query("type == 'commune-actuelle'")
    return shapes.merge(communes[["code", "departement"]], on="code", validate="one_to_one")


@pytest.fixture(scope="module")
def weights(contours: gpd.GeoDataFrame, exports: Exports) -> pd.DataFrame:
    """(département × point): area shares, from the written contours."""
    points = next(iter(exports.values())).index
    x = 60_000 + 8_000 * (points.to_numpy() % 143)
    y = 1_617_000 + 8_000 * (points.to_numpy() // 143)
    cells = gpd.GeoDataFrame(
        {"point": points}, geometry=shapely.box(x - 4_000, y - 4_000, x + 4_000, y + 4_000), crs=27572
    )
    parts = gpd.overlay(contours.dissolve("departement", method="coverage").reset_index().to_crs(27572), cells)
    area = parts.assign(area=parts.area).pivot_table(index="departement", columns="point", values="area", aggfunc="sum")
    area = area.reindex(columns=points).fillna(0.0)
    return area.div(area.sum(axis=1), axis=0)


def reference(frame: pd.DataFrame, code: str) -> pd.Series:
    """The reference, as a reader recovers it from a level and its change."""
    if code in RELATIVE:
        return frame[code] / (1 + frame[RELATIVE[code]])
    return frame[code] - frame[ABSOLUTE[code]]


def test_departements_match_the_real_ensemble(exports: Exports, weights: pd.DataFrame) -> None:
    models = sorted({model for model, _ in exports})
    golden = pd.read_csv(paths.REFERENCE / "tracc_departement.csv", dtype={"departement": str})
    checked, wrong = 0, []
    for (indicator, context), wanted in golden.groupby(["indicator_id", "context_id"]):
        code = LEVEL_CODES[str(indicator)]
        runs = []
        for model in models:
            if code not in exports[model, "GWL15"]:
                continue
            if context == "ref":
                values = reference(exports[model, "GWL15"], code)
            else:
                values = exports[model, next(token for token, c in TOKENS.items() if c == context)][code]
            runs.append(weights.to_numpy() @ values.loc[weights.columns].to_numpy())
        assert len(runs) == (3 if indicator == "fwi40_days" else 5)
        found = np.quantile(runs, [0.05, 0.5, 0.95], axis=0).T
        expected = wanted.set_index("departement").loc[weights.index, ["q05", "q50", "q95"]].to_numpy()
        error = np.abs(found - expected)
        allowed = np.maximum(0.03 * np.abs(expected), 0.3)
        checked += error.size
        wrong += [
            f"{indicator} {context} {weights.index[d]}: {found[d, q]:.2f} for {expected[d, q]:.2f}"
            for d, q in np.argwhere(~(error <= allowed))
        ]
    assert checked == 14 * 4 * 96 * 3
    assert not wrong, "\n".join(wrong)


def test_the_three_levels_give_one_reference(exports: Exports) -> None:
    for model in {model for model, _ in exports}:
        for code, change_code in (ABSOLUTE | RELATIVE).items():
            if code not in exports[model, "GWL15"]:
                continue
            low, high = [], []
            for token in TOKENS:
                level, change = exports[model, token][code], exports[model, token][change_code]
                if code in RELATIVE:
                    low.append((level - 0.005) / (1 + change + 0.005))
                    high.append((level + 0.005) / (1 + change - 0.005))
                else:
                    low.append(level - change - 1e-9)
                    high.append(level - change + 1e-9)
            assert (np.max(low, axis=0) <= np.min(high, axis=0)).all(), (model, code)


def test_cell_values_are_plausible(exports: Exports) -> None:
    temperatures = [LEVEL_CODES[name] for name in ("t_mean_djf", "t_mean", "t_mean_jja", "tx_mean_jja")]
    for frame in exports.values():
        contexts = [
            frame[[code for code in (*ABSOLUTE, *RELATIVE) if code in frame]],
            pd.DataFrame({c: reference(frame, c).round(2) for c in (*ABSOLUTE, *RELATIVE) if c in frame}),
        ]
        for values in contexts:
            assert not values.isna().any().any()
            for colder, warmer in pairwise(temperatures):
                assert (values[colder] < values[warmer]).all()
            assert (values["NORTX35D_yr"] <= values["NORTX30D_yr"]).all()
            assert (values["NORRR_seas_JJA"] + values["NORRR_seas_DJF"] < values["NORRR_yr"]).all()
            assert (values["NORRRq99_yr"] < values["NORRx1d_yr"]).all()
            amounts = values.drop(columns=temperatures)
            assert (amounts >= 0).all().all()
            days = [code for code in amounts if code in ABSOLUTE]
            assert len(days) >= 5
            assert (amounts[days] <= 366).all().all()
    warming = [exports["SIMULE1_CLIMART", token]["NORTMm_yr"].mean() for token in TOKENS]
    assert warming == sorted(warming)
    assert exports["SIMULE1_CLIMART", "GWL30"]["ATMm_yr"].mean() == pytest.approx(3.4, abs=0.5)


def test_exports_have_the_layout_of_real_ones(files: sample.SampleFiles, exports: Exports) -> None:
    assert len(exports) == len(files.drias) == 15
    assert sorted(len(frame.columns) + 1 for frame in exports.values()) == [32] * 6 + [34] * 9
    for path in files.drias:
        text = path.read_bytes().decode("utf-8")
        lines = text.split("\n")
        assert lines.pop() == ""
        head = [line for line in lines if line.startswith("#")]
        assert "# Producteur : CLIMART" in head
        assert "# Experience : TRACC2023" in head
        assert head.count(f"# {STATEMENT}") == 1
        columns = head[-2].removeprefix("# ").rstrip(";").split(";")
        assert columns[:4] == ["Point", "Latitude", "Longitude", "Niveau"]
        labels = dict(line.lstrip("# ").split(" : ", 1) for line in head if line.startswith("#     "))
        assert columns[4:] == [code for code in labels if not code.startswith("GWL")]
        for code in columns[4:]:
            assert labels[code].startswith("Ecart relatif") == (code in RELATIVE.values())
        records = lines[len(head) :]
        assert len(records) == 8_981
        assert all(record.count(";") == len(columns) for record in records)
        assert all(record.endswith(";") and "-0;" not in record for record in records)
        assert "e-" not in "".join(records)
    first = next(iter(exports.values())).loc[139]
    assert (first["Latitude"], first["Longitude"]) == (41.3373, 9.1495)  # as in the real exports


def test_decimals_are_those_of_real_exports(files: sample.SampleFiles) -> None:
    lines = files.drias[0].read_text(encoding="utf-8").splitlines()
    names = next(line for line in lines if line.startswith("# Point;"))[2:].split(";")
    fields = [line.split(";") for line in lines if not line.startswith("#")]
    widest = {
        name: max(len(value.partition(".")[2]) for value in values)
        for name, values in zip(names, zip(*fields, strict=True), strict=True)
    }
    none = {"NORIFM40_yr", "NORSWI04_yr", "AIFM40_yr", "ASWI04_yr"}
    one = {code for code in (*ABSOLUTE, *ABSOLUTE.values()) if "D_yr" in code or "TR_yr" in code}
    assert one == {
        *("NORTX35D_yr", "NORTX30D_yr", "NORTR_yr", "NORRRq99refD_yr"),
        *("ATX35D_yr", "ATX30D_yr", "ATR_yr", "ARRq99refD_yr"),
    }
    for name in names[4:-1]:
        assert widest[name] == (0 if name in none else 1 if name in one else 2), name


def test_counts_of_territories(files: sample.SampleFiles) -> None:
    def rows(name: str) -> pd.DataFrame:
        return pd.DataFrame(json.loads((files.territories / f"{name}.json").read_text(encoding="utf-8")))

    every = rows("communes")
    assert every["type"].value_counts().to_dict() == {
        "commune-actuelle": 34_969,
        "commune-deleguee": 2_105,
        "commune-associee": 471,
        "arrondissement-municipal": 45,
    }
    communes = every[every["type"] == "commune-actuelle"]
    assert len(communes) == communes["code"].nunique() == 34_969
    assert communes["zone"].value_counts().to_dict() == {"metro": 34_746, "drom": 129, "com": 94}
    epci = rows("epci")
    members = [member["code"] for members in epci["membres"] for member in members]
    assert (len(epci), len(members)) == (1_255, 34_871)
    assert len(set(members)) == len(members)
    assert set(members) <= set(communes["code"])
    assert (len(rows("departements")), len(rows("regions"))) == (109, 26)
    caisses = pd.read_csv(files.territories / "caisses_regionales.csv", dtype=str)
    assert list(caisses.columns) == [
        *("departement_code", "departement_nom", "caisse_regionale_id", "caisse_regionale_nom", "shared_with")
    ]
    assert caisses["caisse_regionale_id"].nunique() == 39


def test_contours_fill_the_departements(contours: gpd.GeoDataFrame) -> None:
    assert len(contours) == 13_995  # communes matched with a GeoNames place by the build script
    assert set(contours["geometry_method"]) == {"approximate"}
    assert contours.crs == "EPSG:4326"
    shapes = contours.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert not shapely.is_empty(shapes).any()
    assert shapely.coverage_is_valid(shapes)
    outlines = geography.outlines()
    assert len(outlines) == 96
    assert shapely.coverage_is_valid(outlines.to_numpy())
    for code, members in contours.groupby("departement"):
        union = shapely.coverage_union_all(members.geometry.to_numpy())
        assert shapely.symmetric_difference(union, outlines[code]).area < 1e-9 * outlines[code].area


def test_a_known_place_lies_in_its_commune(contours: gpd.GeoDataFrame) -> None:
    place = shapely.Point(7.7455, 48.5839)  # Strasbourg, cathedral square
    assert contours.loc[contours.contains(place), "code"].tolist() == ["67482"]


def test_same_bytes_twice(files: sample.SampleFiles, tmp_path: Path) -> None:
    steps: list[str] = []
    again = sample.generate(tmp_path, steps.append, with_daily=False)
    assert steps == ["territories", "farming", "climate", "DRIAS exports", "observed data"]
    first, second = (
        (*f.territory_files, *f.zones, *f.parcels, *f.drias, *f.observed, f.elevation, f.massifs, f.ski_areas)
        for f in (files, again)
    )
    assert len(first) > 15 + 13 + 3
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(second)
    for one, other in zip(first, second, strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes(), one.name


def test_quantile_ladder_by_hand() -> None:
    def ladder(q05: float, q50: float, q95: float, n: int) -> list[float]:
        return climate.quantile_ladder(*(np.array([q]) for q in (q05, q50, q95)), n, 0.0)[:, 0].tolist()

    # 5 runs: the second is half-way, 6; the first (4 - 0.2·6)/0.8 = 3.5; the last (16 - 0.2·12)/0.8 = 17
    assert ladder(4, 8, 16, 5) == pytest.approx([3.5, 6, 8, 12, 17])
    # 0 at q05 leaves no room below: the two first are 0
    assert ladder(0, 8, 16, 5) == pytest.approx([0, 0, 8, 12, 17])
    # 3 runs: (4 - 0.1·8)/0.9 and (16 - 0.1·8)/0.9
    assert ladder(4, 8, 16, 3) == pytest.approx([3.2 / 0.9, 8, 15.2 / 0.9])
    with pytest.raises(ValueError, match="4 runs"):
        ladder(4, 8, 16, 4)


def test_rounding_keeps_the_mean() -> None:
    # One département of 5 equal cells at 0.4 day: 2 of the 5 cells get a day, the largest ones.
    shares = np.full((1, 5), 0.2)
    field = np.array([0.42, 0.39, 0.38, 0.41, 0.40])
    assert drias.round_keeping_means(field, shares).tolist() == [1, 0, 0, 1, 0]
    # 0.6 everywhere: plain rounding gives 1 to all; two go back to 0.
    assert drias.round_keeping_means(1 - field, shares).tolist() == [0, 1, 1, 0, 1]


def test_interpolation_keeps_constants_and_means() -> None:
    shares = geography.cell_shares(geography.outlines())
    assert np.abs(shares.sum(axis=1) - 1).max() < 1e-12
    spread = climate.interpolator(shares)
    # equal means give a flat field, in the cells outside the outlines too
    assert np.abs(spread.sum(axis=1) - 1).max() < 1e-9
    assert np.abs(shares @ spread - np.eye(96)).max() < 1e-9
