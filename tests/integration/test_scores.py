"""Scores of the sample: recomputed from the raw values and the bins, and taken apart by hand."""

from __future__ import annotations

import re

import duckdb

from climart import paths
from tests.conftest import Mart

KEY = "dataset_id, axis, score_id, mode, context_id, territory_id"


def test_every_score_recomputes_from_the_raw_values_and_the_bins(sample_mart: Mart) -> None:
    """The query of the how-to, against every row: the same scores, the same classes, none more and none fewer."""
    page = (paths.PROJECT / "docs" / "how-to" / "scores.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql recompute\n(.*?)```", page, flags=re.DOTALL)
    ((n, n_scored, n_found, differing),) = sample_mart.query(
        f"select count(*), count(f.score), count(again.score), count(*) filter ("
        f"f.score::float is distinct from again.score::float or f.class is distinct from again.class) "
        f"from fct_score f full join ({query}) again using ({KEY})"
    )
    assert int(str(n_scored)) > 500_000 and n_found == n_scored and int(str(n)) > int(str(n_scored))
    assert differing == 0


def test_the_map_of_clay_is_that_of_the_day(sample_mart: Mart) -> None:
    """The how-to's query: the map of 2020 until 30 June 2026, that of 2026 from 1 July."""
    page = (paths.PROJECT / "docs" / "how-to" / "clay.md").read_text(encoding="utf-8")
    (query,) = re.findall(r"```sql as-of\n(.*?)```", page, flags=re.DOTALL)
    assert query.count("2026-06-30") == 2
    before = sample_mart.query(query)
    after = sample_mart.query(query.replace("2026-06-30", "2026-07-01"))
    assert [row[1] for row in before] == ["sample_rga_2020"] and [row[1] for row in after] == ["sample_rga_2026"]
    # Chambéry lies across the border that the map of 2026 moves: all of it is in the strong zone since
    assert 0 < float(str(before[0][2])) < 100 and after[0][2] == 100


def test_another_bin_is_another_version(sample_mart: Mart) -> None:
    """The build's own SQL of the versions, on its bins and on bins of which one weight has changed."""
    folder = sample_mart.root / ".dbt" / "target" / "compiled" / "climart" / "models" / "intermediate" / "scores"
    sql = (folder / "int_score_versions.sql").read_text(encoding="utf-8").replace('"warehouse"."main".', "")
    with duckdb.connect() as copy:
        copy.execute("attach ? as built (read_only)", [str(sample_mart.root / "warehouse.duckdb")])
        for table in ("int_score_bins", "int_score_classes"):
            copy.execute(f"create table {table} as from built.{table}")
        before = dict(
            copy.execute(f"select (dataset_id, axis, score_id)::varchar, bin_version from ({sql})").fetchall()
        )
        copy.execute("update int_score_bins set weight = weight + 0.01 where score_id = 'heat' and part_id = 'tx35'")
        after = dict(copy.execute(f"select (dataset_id, axis, score_id)::varchar, bin_version from ({sql})").fetchall())
    published = sample_mart.query("select distinct (dataset_id, axis, score_id)::varchar, bin_version from fct_score")
    assert before == dict(published)
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {key for key in before if "heat" in key}


def test_no_row_is_without_its_parts_and_every_gap_has_its_reason(sample_mart: Mart) -> None:
    ((n, bare, unexplained),) = sample_mart.query(
        "select count(*), count(*) filter (len(parts) = 0), count(*) filter ((score is null) = (reason is null)) "
        "from fct_score"
    )
    assert int(str(n)) > 500_000 and bare == 0 and unexplained == 0
    reasons = {row[0] for row in sample_mart.query("select distinct reason from fct_score")}
    assert {"missing_parts", "low_coverage", "missing_pillars"} <= reasons


def test_a_demonstration_says_that_it_is_one(sample_mart: Mart) -> None:
    assert '"is_synthetic": true' in (sample_mart.release / "release.json").read_text(encoding="utf-8")
    assert sample_mart.query("select distinct validation_status from fct_score") == [("synthetic",)]


def test_the_profile_of_exports_has_four_pillars_and_that_of_daily_runs_five(sample_mart: Mart) -> None:
    found = sample_mart.query(
        "select dataset_id, max(n_pillars), count(comfort) > 0 from mart_habitability where score is not null "
        "group by all order by 1"
    )
    assert ("sample_tracc2023", 4, False) in found and ("sample_daily_drias", 5, True) in found


def test_no_label_promises_safety(sample_mart: Mart) -> None:
    for table in ("dim_hazard", "dim_score_class"):
        texts = " ".join(str(row).lower() for row in sample_mart.query(f"select * from {table}"))
        assert not re.search(r"\bsafe\b|\bsûre?s?\b|sans risque|no risk", texts), table
    unsaid = sample_mart.query(
        "select score_id from dim_hazard where is_hazard_only "
        "and not (contains(notice_fr, 'aléa, pas un risque') and contains(notice_en, 'hazard, not a risk'))"
    )
    assert unsaid == []
