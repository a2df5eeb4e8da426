"""The national mart on the 51 real exports and the real contours: the contract of issue 2."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from tests.conftest import Mart, climart
from tests.support import real_data

pytestmark = pytest.mark.real_data


def test_cells_and_territories_are_all_there(national_mart: Mart) -> None:
    by_kind = dict(
        ((kind, reason), n)
        for kind, reason, n in national_mart.query(
            "select kind, coalesce(f.reason, 'values'), count(*) "
            "from fct_indicator f join dim_territory using (territory_id) "
            "where indicator_id = 't_mean' and context_id = 'rwl40' and weighting = 'area' group by all"
        )
    )
    assert by_kind[("commune", "values")] + by_kind[("commune", "no_geometry")] == 34_746
    assert by_kind[("commune", "no_geometry")] == 7
    assert by_kind[("commune", "outside_grid")] == 223
    assert by_kind[("caisse", "values")] == 36 and by_kind[("caisse", "outside_grid")] == 3
    assert by_kind[("epci", "values")] == 1_232 and by_kind[("epci", "outside_grid")] == 23
    assert by_kind[("departement", "values")] == 96 and by_kind[("region", "values")] == 13
    weights = pd.read_parquet(national_mart.root / "lake" / "cell_weight.parquet")
    indices = national_mart.root / "lake" / "producer_index" / "dataset=drias_tracc2023"
    cells = pd.read_parquet(next(indices.rglob("*.parquet")), columns=["cell_id"])["cell_id"]
    assert cells.nunique() == 8_981
    assert set(weights["cell_id"]) <= set(cells)


def test_communes_without_shape_are_the_seven_known(national_mart: Mart) -> None:
    codes = national_mart.query(
        "select code from dim_territory where reason = 'no_geometry' and kind = 'commune' order by 1"
    )
    assert [code for (code,) in codes] == ["14666", "15031", "15035", "15047", "15171", "85165", "85212"]


def test_island_communes_follow_the_nearest_cell(national_mart: Mart) -> None:
    found = national_mart.query(
        "select distinct t.name, f.method, f.n_cells from fct_indicator f join dim_territory t using (territory_id) "
        "where f.method = 'nearest_cell' order by 1"
    )
    assert found == [("Ouessant", "nearest_cell", 1), ("Île-de-Sein", "nearest_cell", 1)]


def test_weights_sum_to_one(national_mart: Mart) -> None:
    # every grouping, 58 massifs, three zones and two appellations; a commune has the weights of its area
    for table, n in (("cell_weight", 36_181), ("exposure_weight", 1_232 + 96 + 36 + 13 + 1 + 58 + 3 + 2)):
        weights = pd.read_parquet(national_mart.root / "lake" / f"{table}.parquet")
        totals = weights.groupby("territory_id")["weight"].sum()
        assert (totals - 1).abs().max() <= 1e-9
        assert len(totals) == n


def test_zones_and_appellations_hold_the_communes_of_the_files(national_mart: Mart) -> None:
    # lines of each list in the file, less the two that cannot be carried
    listed = {
        "aoc:alsace-grand-cru": 47, "aoc:champagne": 635, "zone:defavorisee-simple": 9_336 - 1,
        "zone:handicap-specifique": 885 - 1, "zone:montagne": 6_182,
    }  # fmt: skip
    found = national_mart.query(
        "select group_id, sum(len(string_split(listed_codes, ';')))::integer, count(*), "
        "count(*) filter (extent <> 'whole') from dim_territory_membership group by group_id order by group_id"
    )
    assert {str(group): n for group, n, *_ in found} == listed
    # today's communes, and those that a list names in part or perhaps
    assert [tuple(row[2:]) for row in found] == [(46, 1), (617, 2), (9_190, 20), (877, 4), (6_090, 8)]
    said = national_mart.said["zones"]
    assert "Not carried: 48116 SAINT-JULIEN-D'ODDES (zone:defavorisee-simple): name_differs." in said
    assert "Not carried: 97127 Saint-Martin (zone:handicap-specifique): unknown_code." in said
    assert said.count("Not carried") == 2
    # Kaysersberg is not in the grand cru area, Kientzheim and Sigolsheim, now in the same commune, are
    assert national_mart.query(
        "select listed_codes, extent from dim_territory_membership "
        "where territory_id = 'commune:68162' and group_id = 'aoc:alsace-grand-cru'"
    ) == [("68164;68310", "part")]


def test_every_zone_and_appellation_has_values_in_both_weightings(national_mart: Mart) -> None:
    found = national_mart.query(
        "select weighting, count(distinct territory_id), count(*) filter (f.q50 is null) from fct_indicator f "
        "join dim_territory using (territory_id) where kind in ('zone', 'aoc') and dataset_id = 'drias_tracc2023' "
        "group by all order by all"
    )
    assert found == [("area", 5, 0), ("population", 5, 0)]


def test_champagne_is_the_mean_of_its_communes_by_area(national_mart: Mart) -> None:
    """Cells of the union of the communes: within a commune's rounding, their area-weighted mean, run by run."""
    ((direct, by_commune),) = national_mart.query(
        "with runs as (select t.territory_id, t.area_km2, m.group_id, r.run_values[1] as v from fct_indicator_run r "
        "join dim_territory t using (territory_id) left join dim_territory_membership m using (territory_id) "
        "where r.dataset_id = 'drias_tracc2023' and indicator_id = 't_mean' and context_id = 'rwl40' "
        "and weighting = 'area') "
        "select any_value(v) filter (territory_id = 'aoc:champagne'), "
        "sum(v * area_km2) filter (group_id = 'aoc:champagne') / sum(area_km2) filter (group_id = 'aoc:champagne') "
        "from runs"
    )
    assert float(str(direct)) == pytest.approx(float(str(by_commune)), abs=1e-3)


def test_heat_where_people_live(national_mart: Mart) -> None:
    ((people, area, n_people),) = national_mart.query(
        "select any_value(q50) filter (weighting = 'population'), any_value(q50) filter (weighting = 'area'), "
        "count(*) filter (weighting = 'population') from fct_indicator "
        "where territory_id = 'country:FR' and indicator_id = 'tx35' and context_id = 'rwl40' "
        "and dataset_id = 'drias_tracc2023'"
    )
    assert n_people == 1 and float(str(people)) > float(str(area))
    # seven of the fifteen indices are heat; people are spread evenly, so communes have the area's value
    assert national_mart.query(
        "select count(distinct indicator_id) from fct_indicator "
        "where weighting = 'population' and dataset_id = 'drias_tracc2023'"
    ) == [(7,)]
    found = national_mart.query(
        "select p.method, count(*), max(abs(p.q50 - a.q50)) from fct_indicator p join fct_indicator a "
        "using (territory_id, dataset_id, indicator_id, context_id) join dim_territory using (territory_id) "
        "where p.weighting = 'population' and a.weighting = 'area' and kind = 'commune' and indicator_id = 'tx35' "
        "and context_id = 'rwl40' and dataset_id = 'drias_tracc2023' and p.q50 is not null group by all order by all"
    )
    assert found == [("area_fallback", 901, 0), ("areal", 33_838, 0)]
    assert national_mart.query("select weighting from dim_weighting where reason = 'no_exposure_data' order by 1") == [
        ("agricultural",), ("grassland",), ("vineyard",)
    ]  # fmt: skip


def test_number_of_runs(national_mart: Mart) -> None:
    found = national_mart.query(
        "select indicator_id, n_runs from fct_indicator "
        "where reason is null and dataset_id = 'drias_tracc2023' group by all"
    )
    assert dict(found).pop("fwi40_days") == 10
    assert {n for indicator, n in found if indicator != "fwi40_days"} == {17}
    assert len(found) == 15


def test_national_mean_temperature(national_mart: Mart) -> None:
    # mean over cells, median over runs
    import duckdb

    with duckdb.connect(str(national_mart.root / "warehouse.duckdb"), read_only=True) as warehouse:
        means = dict(
            warehouse.execute(
                "select context_id, median(m) from (select simulation_id, context_id, avg(t_mean) as m "
                "from int_cell_indicators where dataset_id = 'drias_tracc2023' group by all) group by all"
            ).fetchall()
        )
    assert means["ref"] == pytest.approx(10.8, abs=0.1)
    assert means["rwl40"] == pytest.approx(14.2, abs=0.1)


def test_départements_equal_the_golden_figures(national_mart: Mart) -> None:
    golden = pd.read_csv(real_data().parent / "spec" / "golden" / "tracc_departement.csv", dtype={"departement": str})
    found = pd.DataFrame(
        national_mart.query(
            "select code, indicator_id, context_id, q05, q50, q95, n_runs from fct_indicator "
            "join dim_territory using (territory_id) "
            "where kind = 'departement' and dataset_id = 'drias_tracc2023' and weighting = 'area'"
        ),
        columns=golden.columns,
    )
    both = golden.merge(found, on=["departement", "indicator_id", "context_id"], suffixes=("", "_found"))
    assert len(both) == 96 * 14 * 4
    for column in ("q05", "q50", "q95"):
        # the golden file prints two decimals
        assert (both[column] - both[f"{column}_found"]).abs().max() <= 0.0051, column
    assert (both["n_runs"] == both["n_runs_found"]).all()


def _read_export(path: Path) -> pd.DataFrame:
    header = next(line for line in path.read_text().splitlines() if line.startswith("# Point;"))
    names = [name.strip() for name in header.lstrip("# ").rstrip(";").split(";")]
    return pd.read_csv(path, sep=";", comment="#", header=None, names=[*names, "end"]).set_index("Point")


def test_communes_agree_with_an_independent_computation(national_mart: Mart) -> None:
    """200 communes: intersections in Lambert-93, numpy's type-7 quantiles, files read by pandas."""
    data = real_data()
    contours = gpd.read_parquet(next((data / "admin").glob("communes_cog2026*.parquet"))).sort_values("code")
    contours = contours[~contours["code"].str.startswith("97")].iloc[::174].to_crs(2154)
    assert len(contours) == 200
    exports = [_read_export(path) for path in sorted((data / "drias" / "tracc2023").glob("*.txt"))]
    by_run = [exports[i : i + 3] for i in range(0, 51, 3)]
    points = exports[0].index.to_numpy()
    x, y = 60_000 + 8_000 * (points % 143), 1_617_000 + 8_000 * (points // 143)
    squares = gpd.GeoSeries(shapely.box(x - 4000, y - 4000, x + 4000, y + 4000), crs=27572).to_crs(2154).values
    columns = {
        "t_mean": ("NORTMm_yr", "ATMm_yr", False),
        "rr_yr": ("NORRR_yr", "ARRR_yr", True),
        "tx35": ("NORTX35D_yr", "ATX35D_yr", False),
    }
    levels = {"GWL15": "rwl20", "GWL20": "rwl27", "GWL30": "rwl40"}
    found = {
        (territory, indicator, context): values
        for territory, indicator, context, *values in national_mart.query(
            "select territory_id, indicator_id, context_id, q05, q50, q95, delta_q05, delta_q50, delta_q95 "
            "from fct_indicator where dataset_id = 'drias_tracc2023' and weighting = 'area'"
        )
    }
    n_compared = 0
    for code, shape in zip(contours["code"], contours.geometry, strict=True):
        area = shapely.area(shapely.intersection(squares, shape))
        weight = area / area.sum()
        for indicator, (level_column, change_column, relative) in columns.items():
            values: dict[str, list[float]] = {"ref": [], "rwl20": [], "rwl27": [], "rwl40": []}
            for run in by_run:
                for export in run:
                    token = export["Niveau"].iloc[0]
                    level, change = export[level_column].to_numpy(), export[change_column].to_numpy()
                    values[levels[token]].append(float(weight @ level))
                    if token == "GWL15":
                        values["ref"].append(float(weight @ (level / (1 + change) if relative else level - change)))
            for context, runs in values.items():
                expected = np.quantile(runs, [0.05, 0.5, 0.95])
                got = found[f"commune:{code}", indicator, context]
                assert np.abs(expected - np.array(got[:3], dtype=float)).max() <= 0.02, (
                    code,
                    indicator,
                    context,
                )
                if context != "ref":
                    changes = np.quantile(np.subtract(runs, values["ref"]), [0.05, 0.5, 0.95])
                    assert np.abs(changes - np.array(got[3:], dtype=float)).max() <= 0.02, (
                        code,
                        indicator,
                        context,
                    )
                n_compared += 1
    assert n_compared == 200 * 3 * 4


def test_value_leads_to_its_file_in_one_query(national_mart: Mart) -> None:
    found = national_mart.query(
        "select count(*), count(distinct name), min(length(sha256)) from dim_indicator_source "
        "join dim_source_file using (source_file_id) where indicator_id = 't_mean' and context_id = 'rwl40'"
    )
    assert found == [(17, 17, 64)]


def test_truncated_export_is_refused_with_the_others(tmp_path: Path) -> None:
    folder = real_data() / "drias" / "drias2020"
    said = climart(tmp_path, "ingest", "drias", folder, code=2)
    assert "DRIAS_2020_4_5.txt, line 9863" in said
    assert "Nothing was loaded" in said
    assert not (tmp_path / "lake").exists()
    said = climart(tmp_path, "ingest", "drias", folder, "--skip-bad")
    assert "3 file(s) loaded" in said and "Skipped: DRIAS_2020_4_5.txt, line 9863" in said


def test_dwellings_and_prices_of_flats(national_mart: Mart) -> None:
    """Paris is summed over its arrondissements; what has no sale or no census is not studied, never zero."""
    found = dict(
        national_mart.query(
            "select measure_id, value from fct_exposure where territory_id = 'commune:75056' "
            "and dataset_id in ('insee_iris_housing', 'dvf_flats')"
        )
    )
    housing = pd.read_parquet(real_data() / "exposure" / "iris_2021.parquet")
    paris = housing[housing["com"].str.startswith("751")]
    assert found["dwellings"] == paris["logements"].sum() and found["houses"] == paris["maisons"].sum()
    sales = pd.read_csv(
        real_data() / "exposure" / "gazetteer_dvf_communes_2023_2025.csv", sep=";", dtype={"INSEE_C": str}
    )
    assert found["flat_sales"] == sales.loc[sales["INSEE_C"].str.startswith("751"), "n"].sum()
    assert national_mart.query(
        "select value, reason from fct_exposure where territory_id = 'commune:67482' and measure_id = 'flat_price_p50'"
    ) == [(None, "not_studied")]
