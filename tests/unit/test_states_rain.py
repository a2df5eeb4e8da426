"""The wettest days of each year."""

from __future__ import annotations

import numpy as np

from ingest.states import rain


def test_the_sixteen_largest_of_each_year_downwards() -> None:
    days = np.random.default_rng(1).permutation(40).astype(np.float32)
    x = np.concatenate([days, days + 100])[None]
    x[0, 3] = 39 if x[0, 3] == 39 else x[0, 3]
    out = np.empty((1, 2, rain.WETTEST), dtype=np.float32)
    rain.wettest_days(x, np.array([0, 40, 80]), out)
    assert out[0, 0].tolist() == list(range(39, 23, -1))
    assert out[0, 1].tolist() == list(range(139, 123, -1))


def test_ties_are_kept_and_a_missing_day_voids_the_year() -> None:
    x = np.zeros((1, 40), dtype=np.float32)
    x[0, :3] = 5
    x[0, 30] = np.nan
    out = np.empty((1, 2, rain.WETTEST), dtype=np.float32)
    rain.wettest_days(x, np.array([0, 20, 40]), out)
    assert out[0, 0].tolist() == [5, 5, 5] + [0] * 13
    assert np.isnan(out[0, 1]).all()
