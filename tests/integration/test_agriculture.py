"""Heat and agriculture in the built marts: order of stages, dates without event, reasons, the real DRIAS exports."""

from __future__ import annotations

import duckdb
import netCDF4
import numpy as np
import pytest

from tests.conftest import Mart

STAGES = ("budburst", "flowering", "veraison", "harvest")


def lake_years(mart: Mart, select: str) -> list[tuple[object, ...]]:
    """A query on the annual features of the sample's daily runs, as ``years``."""
    files = str(mart.root / "lake" / "cell_year" / "**" / "*.parquet")
    with duckdb.connect() as connection:
        return connection.execute(
            f"with years as (select * from read_parquet($files, hive_partitioning = true)) {select}", {"files": files}
        ).fetchall()


@pytest.mark.parametrize("profile", ["", "_early", "_middle", "_late"])
def test_stages_follow_each_other_in_every_valid_year(sample_mart: Mart, profile: str) -> None:
    """And a stage that is not reached has no date, nor the stages after it."""
    doy = [f"vine_{stage}_doy{profile}" for stage in STAGES]
    event = [f"{name}_event" for name in doy]
    ((valid, ordered, unreached, dated, out_of_turn),) = lake_years(
        sample_mart,
        f"""
        select
            count(*) filter ({event[3]} = 1),
            count(*) filter ({event[3]} = 1 and {doy[0]} < {doy[1]} and {doy[1]} < {doy[2]} and {doy[2]} < {doy[3]}),
            count(*) filter ({event[3]} = 0),
            count(*) filter ({event[3]} = 0 and {doy[3]} is not null),
            count(*) filter ({event[3]} > {event[2]} or {event[2]} > {event[1]} or {event[1]} > {event[0]})
        from years
        """,
    )
    assert valid == ordered > 40_000
    assert unreached > 100 and dated == 0 and out_of_turn == 0


def test_a_date_that_does_not_occur_is_null_with_its_frequency(sample_mart: Mart) -> None:
    """At the coldest cells of Savoie maturity is reached in some of the years only; nowhere is a date 0."""
    found = sample_mart.query(
        "select count(*) filter (event_frequency < 1), count(*) filter (event_frequency < 1 and event_frequency > 0), "
        "count(*) filter (q50 = 0 or q05 = 0) from fct_indicator join dim_indicator using (indicator_id) "
        "where unit = 'DOY' and dataset_id = 'sample_daily_drias' and reason is null"
    )
    assert found[0][0] > 0 and found[0][1] > 0 and found[0][2] == 0


def test_every_indicator_of_heat_and_agriculture_has_values_in_the_sample(sample_mart: Mart) -> None:
    """The daily sample brings every variable but snow: what is missing is missing for a reason."""
    missing = sample_mart.query(
        "select indicator_id, reason from dim_indicator_availability join dim_indicator using (indicator_id) "
        "where dataset_id = 'sample_daily_drias' and theme in ('heat', 'agriculture', 'rain') and reason is not null"
    )
    assert missing == []
    without = sample_mart.query(
        "select indicator_id from dim_indicator where theme in ('heat', 'agriculture') and indicator_id not in "
        "(select indicator_id from fct_indicator where dataset_id = 'sample_daily_drias' and q50 is not null)"
    )
    assert without == []


def test_a_missing_variable_is_the_reason_in_the_wide_mart(sample_mart: Mart) -> None:
    """The exports hold no grass: their rows of mart_agriculture say so, and their other columns have values."""
    found = sample_mart.query(
        "select distinct grass_yield, grass_yield_reason from mart_agriculture where dataset_id = 'sample_tracc2023'"
    )
    assert found == [(None, "not_in_exports")]


def test_evapotranspiration_has_one_method_per_dataset(sample_mart: Mart) -> None:
    found = sample_mart.query("select distinct dataset_id, pet_method from dim_simulation order by 1")
    assert {("sample_daily_drias", "file_hg0175"), ("sample_daily_socle", "file_hg0175")} <= set(found)
    assert ("sample_tracc2023", None) in found and len(found) == len({dataset for dataset, _ in found})


def test_drought_scores_are_0_in_the_reference_and_fall_with_warming(sample_mart: Mart) -> None:
    rows = sample_mart.query(
        "select indicator_id, context_id, avg(q50) from fct_indicator where dataset_id = 'sample_daily_drias' "
        "and indicator_id in ('spei3', 'sswi3') and context_id in ('ref', 'rwl40') group by all"
    )
    found = {(indicator, context): value for indicator, context, value in rows}
    for indicator in ("spei3", "sswi3"):
        assert abs(found[indicator, "ref"]) < 0.1
        assert found[indicator, "rwl40"] < -0.3


@pytest.mark.real_data
def test_the_real_agricultural_exports(national_mart: Mart) -> None:
    """8 981 points at the reference and 8 602 in RCP8.5; means of 96 départements within bounds; no false zero."""
    points = national_mart.query(
        "select context_id, n_records from dim_source_file join (select distinct source_file_id, context_id from "
        "dim_indicator_source where indicator_id = 'tsum0_oct_jul') using (source_file_id) order by 1"
    )
    assert points == [("rcp85_h1", 3 * 8602), ("rcp85_h2", 3 * 8602), ("rcp85_h3", 3 * 8602), ("ref", 8981)]
    for indicator in ("p_apr_oct", "tsum0_oct_jul", "gst200_jan", "last_frost_doy", "first_frost_doy"):
        found = national_mart.query(
            "select count(*), count(*) filter (q50 between bound_lo and bound_hi) "
            "from fct_indicator join dim_indicator using (indicator_id) where indicator_id = ? and "
            "dataset_id = 'drias_2020' and context_id = 'ref' and weighting = 'area' and reason is null and "
            "territory_id in (select territory_id from dim_territory where kind = 'departement')",
            [indicator],
        )
        assert found == [(96, 96)], indicator
    # A false zero would stand out among its neighbours: the last frost of a cell at 0 (1 July) is 183 days before.
    ((lowest,),) = national_mart.query(
        "select min(q05) from fct_indicator where indicator_id = 'last_frost_doy' and dataset_id = 'drias_2020'"
    )
    assert lowest > -100
    ((zeros,),) = national_mart.query(
        "select count(*) from fct_indicator where indicator_id in ('gst200_jan', 'first_frost_doy') "
        "and dataset_id = 'drias_2020' and least(q05, q50, q95) <= 0"
    )
    assert zeros == 0


def test_the_99th_percentile_of_all_days_is_numpys(sample_mart: Mart) -> None:
    """From the sixteen wettest days of each year; beside all the days of one run's reference, read from its file."""
    (path,) = (sample_mart.root / "sample" / "netcdf").rglob("prtotAdjust*historical*JOUR1*.nc")
    with netCDF4.Dataset(path) as dataset:
        days = netCDF4.num2date(dataset["time"][:], dataset["time"].units, only_use_cftime_datetimes=False)
        inside = np.array([1976 <= day.year <= 2005 for day in days])
        rain = np.asarray(dataset["prtotAdjust"][inside].filled(np.nan)) * 86400
    expected = np.quantile(rain.reshape(rain.shape[0], -1), 0.99, axis=0)
    with duckdb.connect(str(sample_mart.root / "warehouse.duckdb"), read_only=True) as warehouse:
        found = warehouse.execute(
            "select p99_all from int_cell_rain_quantiles where context_id = 'ref' and simulation_id like '%JOUR1%'"
        ).fetchall()
    assert len(found) == 128 and None not in [value for (value,) in found]
    assert sorted(value for (value,) in found) == pytest.approx(sorted(expected[np.isfinite(expected)]), rel=1e-5)
