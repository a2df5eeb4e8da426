"""Scores of the sample: recomputed from the raw values and the bins, and taken apart by hand."""

from __future__ import annotations

import re


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
