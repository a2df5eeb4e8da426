"""Published ensembles, SIM2 and stations beside projections in one small mart: every figure counted by hand.

Four cells in a row; three runs of TRACC-2023 exports; 30 years of SIM2, all alike; two stations.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest

from ingest import grid, stations
from ingest.variables import VARIABLES
from mart import observation
from tests.app.conftest import Page
from tests.app.test_pages import texts
from tests.conftest import Mart, climart
from tests.ensembles import climadiag_archive, duration, tracc_archive
from tests.factories import admin_folder, tracc_export
from tests.observations import (
    STATION_COLUMNS,
    days_of,
    hectometres,
    sim2_file,
    sim2_lines,
    station_file,
    station_line,
)

CELLS = (7220, 7221, 7222, 7223)  # row 50: centres x 620 000, 628 000, 636 000, 644 000; y 2 017 000
A = "commune:01001"
YEARS = range(1976, 2006)
LEVELS = {"GWL15": "RWL-20", "GWL20": "RWL-27", "GWL30": "RWL-40"}
MEANS = (10, 14, 12, 13)  # °C, of the projections, by cell
OBSERVED = (9.5, 13.0, 13.0, 12.0)  # of SIM2
# two stations, at the centres of the first two cells; the second has no altitude
STATIONS = tuple(
    f"0100{n}001;{name};{lat:.6f};{lon:.6f};{altitude}"
    for n, name, altitude, lon, lat in zip(
        (1, 2), ("BASSE", "HAUTE"), ("100", ""), *grid.longitudes_latitudes(np.array(CELLS[:2])), strict=True
    )
)


def year_of(year: int, mean: float) -> list[tuple[date, float]]:
    """Days and their temperature: a whole period of a cosine, so that the mean of the year is ``mean`` (± 0.002)."""
    days = days_of(year)
    return [(day, mean - 8 * math.cos(2 * math.pi * n / len(days))) for n, day in enumerate(days)]


def sim2_year(folder: Path, year: int) -> Path:
    lines = []
    for cell, mean in zip(CELLS, OBSERVED, strict=True):
        for day, t in year_of(year, mean):
            # no rain: alike every year, it would make no drought index
            values = {
                "PRELIQ_Q": "",
                "PRENEI_Q": "",
                "T_Q": f"{t:.1f}",
                "TINF_H_Q": f"{t - 5:.1f}",
                "TSUP_H_Q": f"{t + 5:.1f}",
            }
            lines += sim2_lines([hectometres(cell)], [day], **values)
    return sim2_file(folder / f"QUOT_SIM2_{year}.csv.gz", lines)


def station_years(station: str, years: Iterable[int]) -> list[str]:
    return [
        station_line(station, day, {"TN": f"{t - 5:.1f}", "TX": f"{t + 5:.1f}", "TM": f"{t:.1f}"}, STATION_COLUMNS)
        for year in years
        for day, t in year_of(year, 9)
    ]


@pytest.fixture(scope="module")
def mart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mart]:
    root = tmp_path_factory.mktemp("observed_climate")
    # A: 2 km of the first cell and 6 km of the second, the same height: weights 1/4 and 3/4
    admin = admin_folder(root / "admin", {"01001": (622_000, 2_014_000, 630_000, 2_016_000)})
    exports = [
        tracc_export(
            root / f"run{run}{level}.txt",
            f"RCM{run}_GCM",
            level,
            {
                c: {
                    "NORTMm_yr": f"{m + run * step:.2f}",
                    "ATMm_yr": f"{run * step:.2f}",
                    "NORIFM40_yr": 4,
                    "AIFM40_yr": 0,
                }
                for c, m in zip(CELLS, MEANS, strict=True)
            },
        )
        for run in (1, 2, 3)
        for step, level in enumerate(LEVELS, start=1)
    ]
    # The tables: what the exports give, but 0.5 °C more in the first cell; days above 30 °C as durations.
    tables = []
    for step, level in enumerate(("historical", *LEVELS.values())):
        means = {
            c: tuple(f"{m + (c == CELLS[0]) * 0.5 + run * step:.2f}" for run in (1, 2, 3))
            for c, m in zip(CELLS, MEANS, strict=True)
        }
        hot = {c: tuple(duration(step + n) for n in (0, 0.95, 2)) for c in CELLS}
        tables.append(tracc_archive(root / f"{level}.tar", level, {"TMm": means, "TX30D": hot, "ETP": means}))
    rows = [
        "S1,annuel,2030,,1,1,2,4",
        "G1,saisonnier,2030,été,18.4,19.2,19.9,20.4",
        "AG2,annuel,2030,,06/03,20/02,23/02,01/03",
    ]
    communes = climadiag_archive(root / "climadiag.tar", {"01001": rows, "01888": rows})
    sim2 = [sim2_year(root / "sim2", year) for year in YEARS]
    folder = root / "stations"
    long = [line for station in STATIONS for line in station_years(station, YEARS)]
    station_file(folder / "Q_01_previous-1950-2024_RR-T-Vent.csv.gz", long)
    # a département of three years only
    short = station_years(STATIONS[0].replace("01001001", "02001001"), (2001, 2002, 2003))
    station_file(folder / "Q_02_previous-1950-2024_RR-T-Vent.csv.gz", short)
    said = {
        "territories": climart(root, "ingest", "territories", admin),
        "drias": climart(root, "ingest", "drias", *exports),
        "tables": climart(root, "ingest", "published", "tracc2023_tables", *tables),
        "climadiag": climart(root, "ingest", "published", "climadiag_commune", communes),
        "sim2": climart(root, "ingest", "sim2", *sim2),
        "stations": climart(root, "ingest", "stations", folder),
        "altitude": _altitude(root),
        "build": climart(root, "build"),
        "publish": climart(root, "publish"),
    }
    yield Mart(root, said)


def _altitude(root: Path) -> str:
    """The first cell lies at 60 m, as a raster would have said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIMART_DATA", str(root))
        cell = {"grid_id": grid.GRID_ID, "cell_id": CELLS[0], "altitude_m": 60.0, "source_file_id": None}
        stations._put("cell_altitude", [cell])
    return ""


# Published ensembles


def test_a_producers_index_and_ours_stand_side_by_side(mart: Mart) -> None:
    """tx30 and t_mean of the producer's tables, t_mean of the exports: each under its own dataset, in its own table."""
    found = mart.query(
        "select dataset_id, indicator_id, low, median, high, low_statistic, high_statistic, n_runs, unit "
        "from fct_published_ensemble where place_id = 'cell:7220' and context_id = 'rwl40' order by index_code"
    )
    assert found == [
        (
            "tracc2023_tables",
            None,
            pytest.approx(13.5),
            pytest.approx(16.5),
            pytest.approx(19.5),
            "min",
            "max",
            17,
            "mm",
        ),
        ("tracc2023_tables", "t_mean", 13.5, 16.5, 19.5, "min", "max", 17, "°C"),
        ("tracc2023_tables", "tx30", 3.0, pytest.approx(3.95), 5.0, "min", "max", 17, "d/yr"),
    ]
    # ours, from the runs: 13, 16, 19 at +4 °C, of which type 7 gives 13.3 and 18.7; nothing of the tables among them
    assert mart.query(
        "select dataset_id, q05, q50, q95 from fct_cell where cell_id = 7220 and indicator_id = 't_mean' "
        "and context_id = 'rwl40'"
    ) == [("drias_tracc2023", pytest.approx(13.3), 16, pytest.approx(18.7))]
    for table in ("fct_indicator", "fct_indicator_run", "fct_cell", "dim_simulation", "fct_score"):
        (count,) = mart.query(
            f"select count(*) from {table} where dataset_id in ('tracc2023_tables', 'climadiag_commune')"
        )
        assert count == (0,), table
    ours = "from fct_indicator where indicator_id = 'tx30' and dataset_id = 'drias_tracc2023' and q50 is not null"
    assert mart.query(f"select count(*) {ours}") == [(0,)]


def test_climadiag_is_at_its_commune_or_at_none(mart: Mart) -> None:
    found = mart.query(
        "select place_id, territory_id, index_code, season, indicator_id, context_id, low, median, high, unit "
        "from fct_published_ensemble where dataset_id = 'climadiag_commune' order by place_id, index_code, context_id"
    )
    assert found[:6] == [
        ("commune:01001", A, "AG2", "YR", None, "ref", None, 65, None, "DOY"),
        ("commune:01001", A, "AG2", "YR", None, "rwl20", 51, 54, 60, "DOY"),
        ("commune:01001", A, "G1", "JJA", "t_mean_jja", "ref", None, pytest.approx(18.4), None, "°C"),
        ("commune:01001", A, "G1", "JJA", "t_mean_jja", "rwl20", *map(pytest.approx, (19.2, 19.9, 20.4)), "°C"),
        ("commune:01001", A, "S1", "YR", "tx35", "ref", None, 1, None, "d/yr"),
        ("commune:01001", A, "S1", "YR", "tx35", "rwl20", 1, 2, 4, "d/yr"),
    ]
    # a former commune: its cell was chosen for an outline that is no more
    assert {row[:2] for row in found[6:]} == {("commune:01888", None)} and len(found) == 12


def test_files_and_datasets_of_published_ensembles_are_known(mart: Mart) -> None:
    assert mart.query(
        "select f.name, count(*) from fct_published_ensemble p join dim_source_file f using (source_file_id) "
        "where p.dataset_id = 'tracc2023_tables' group by all order by 1"
    ) == [(f"{level}.tar", 12) for level in ("RWL-20", "RWL-27", "RWL-40", "historical")]  # 4 cells × 3 indices


def test_a_table_in_another_unit_stops_the_build(mart: Mart, tmp_path: Path) -> None:
    """Annual means in kelvin are beyond the catalogue's bounds."""
    root = tmp_path / "copy"
    shutil.copytree(mart.root, root, symlinks=True)
    kelvin = {"TMm": {CELLS[0]: ("283.1", "284.2", "285.3")}}
    climart(root, "ingest", "published", "tracc2023_tables", tracc_archive(root / "k.tar", "RWL-20", kelvin))
    assert "assert_published_as_mapped" in climart(root, "build", code=1)


# SIM2


def test_sim2_has_its_reference_and_nothing_else(mart: Mart) -> None:
    assert mart.query("select distinct context_id from fct_cell where dataset_id = 'sim2'") == [("ref",)]
    found = mart.query(
        "select cell_id, q50, n_runs from fct_cell where dataset_id = 'sim2' and indicator_id = 't_mean' order by 1"
    )
    assert found == [(c, pytest.approx(m, abs=0.01), 1) for c, m in zip(CELLS, OBSERVED, strict=True)]
    # 1/4 × 9.5 + 3/4 × 13 = 12.125 °C; 10 °C between the extremes of each day
    columns = "q05, q50, q95, n_runs, n_years, delta_q50, validation_status"
    for indicator, value in (("t_mean", 12.125), ("dtr", 10)):
        (row,) = mart.query(
            f"select {columns} from fct_indicator where territory_id = ? and dataset_id = 'sim2' "
            "and indicator_id = ? and context_id = 'ref' and weighting = 'area'",
            [A, indicator],
        )
        assert row == (*[pytest.approx(value, abs=0.01)] * 3, 1, 30, None, "observed")
    assert mart.query("select scenario, gcm, grid_id from dim_simulation where dataset_id = 'sim2'") == [
        ("observed", None, "lambert_8km")
    ]


def test_observations_are_neither_projected_nor_scored(mart: Mart) -> None:
    assert mart.query(
        "select count(*) from dim_context_crosswalk where simulation_id like 'sim2%' or simulation_id like 'mf_%'"
    ) == [(0,)]
    assert mart.query("select count(*) from fct_score where dataset_id in ('sim2', 'mf_stations')") == [(0,)]


# Stations


def test_stations_are_points_with_their_altitude(mart: Mart) -> None:
    assert mart.query(
        "select station_code, name, altitude_m, lambert_cell_id, cell_altitude_m, departement from dim_weather_station "
        "order by 1"
    ) == [
        ("01001001", "BASSE", 100, 7220, 60, "01"),
        ("01002001", "HAUTE", None, 7221, None, "01"),
        ("02001001", "BASSE", 100, 7220, 60, "02"),
    ]
    # the three years of the third are no reference: no value, never a mean of three years
    assert mart.query(
        "select cell_id, context_id, q50 from fct_cell where dataset_id = 'mf_stations' and indicator_id = 't_mean' "
        "order by 1"
    ) == [(number, "ref", pytest.approx(9, abs=0.01)) for number in (1001001, 1002001)]
    # they stand for no territory
    assert mart.query("select count(*) from fct_indicator where dataset_id = 'mf_stations'") == [(0,)]


def test_too_few_years_are_said(mart: Mart) -> None:
    found = mart.query(
        "select n_runs, n_runs_available, reason from dim_indicator_availability "
        "where dataset_id = 'mf_stations' and indicator_id = 't_mean'"
    )
    assert found == [(2, 1, "too_few_years")]
    ((reason,),) = mart.query(
        "select reason from dim_indicator_availability "
        "where dataset_id = 'mf_stations' and indicator_id = 'grass_yield'"
    )
    assert "missing_variable:rsds" in str(reason)


# Validation


def test_bias_and_rank_correlation_against_sim2(mart: Mart) -> None:
    """Differences +0.5, +1, −1, +1: a bias of 0.375. Ranks 1, 4, 2, 3 against 1, 3.5, 3.5, 2, the two at 13 °C tied:
    deviations −1.5, 1.5, −0.5, 0.5 and −1.5, 1, 1, −0.5; products 2.25, 1.5, −0.5, −0.25 = 3 over √5 × √4.5 = 0.6325.
    """
    with duckdb.connect(str(mart.release / "climart.duckdb"), read_only=True) as connection:
        found = observation.scores(connection, observation._SIM2, "sim2")
    assert [row[:4] for row in found] == [("drias_tracc2023", "t_mean", "°C", 4)]
    assert found[0][4:7] == pytest.approx((sum(OBSERVED) / 4, 0.375, 3 / (5 * 4.5) ** 0.5), abs=0.01)


def test_bias_against_stations(mart: Mart) -> None:
    """Two stations at 9 °C, in the first two cells: 10 and 14 °C in the projections, 9.5 and 13 in SIM2."""
    with duckdb.connect(str(mart.release / "climart.duckdb"), read_only=True) as connection:
        found = {row[:2]: row[2:] for row in observation.scores(connection, observation._STATIONS, "mf_stations")}
    ours = found["drias_tracc2023", "t_mean"]
    assert ours[:4] == ("°C", 2, pytest.approx(9, abs=0.01), pytest.approx(3, abs=0.01))
    # too few for a correlation; the first stands 40 m above its cell, the altitude of the other is not known
    assert ours[4:] == (None, 40, 1)
    assert found["sim2", "t_mean"][3] == pytest.approx(2.25, abs=0.01)
    assert found["sim2", "dtr"][:4] == ("°C", 2, pytest.approx(10), pytest.approx(0, abs=0.01))


def test_the_page_says_what_it_compares(mart: Mart) -> None:
    page = "\n".join(observation.markdown(mart.release))
    # 11.875, 0.375 and −0.125, give or take the printed decimals
    assert re.search(r"\| `drias_tracc2023` \| `t_mean` \(°C\) \| 4 \| 11\.8[78] \| \+0\.3[78] \| 0\.63 \|", page)
    assert "| `sim2` | `t_mean` (°C) | 2 | 9.00 | +2.25 | – | +40 (1) |" in page
    # the tables' medians beside ours at the four cells: equal but for the first, where ours is 0.5 °C lower
    beside = r"TMm \| `t_mean` \(°C\) \| rwl40 \| `drias_tracc2023` \| 4 grid points \| −0\.1[23] \| 0\.50 \|"
    assert re.search(beside, page)


def test_the_page_says_what_is_not_loaded(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "climart.duckdb")) as connection:
        connection.execute("create table dim_dataset as select 'drias_tracc2023' as dataset_id")
        connection.execute("create table fct_published_ensemble (dataset_id varchar)")
    page = "\n".join(observation.markdown(tmp_path))
    assert page.count("Not loaded: this release holds no") == 3


def test_every_variable_of_sim2_is_canonical() -> None:
    from ingest.readers import mf_stations, sim2

    assert set(sim2.COLUMNS) | set(mf_stations.COLUMNS) <= set(VARIABLES)


def test_the_sheet_of_a_commune_shows_what_climadiag_says_of_it(mart: Mart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIMART_DATA", str(mart.root))
    test = Page(mart.root).open(view="territoire", territory=A)
    assert not test.exception
    said = texts(test).replace("\u00a0", " ")
    assert "2 (1 à 4)" in said  # very hot days at +2 °C, median and 90 % interval of the producer
    assert "23 février (20 février à 1er mars)" in said  # AG2, a day of the year: 54 (51 to 60)
    assert "donné pour 90 % des simulations" in said
    # two stations of the Ain have the 30 years, both at 9 °C; the third, three years only
    (near,) = [one for one in test.expander if one.label.startswith("Stations météo les plus proches")]
    table = next(str(one.proto.body) for one in near.html).replace("\u00a0", " ")
    assert table.count("9,0 °C") == 2 and table.count("BASSE") == 2 and "HAUTE" in table
    assert "trop peu d&#x27;années" in table
