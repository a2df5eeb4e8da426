"""The method of the scores on figures that can be counted by hand."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from climart import paths

NAN = float("nan")


@pytest.fixture(scope="module")
def scores() -> ModuleType:
    path = paths.DBT_PROJECT / "models" / "intermediate" / "scores" / "int_scores.py"
    spec = importlib.util.spec_from_file_location("int_scores", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def part(pillar: str, weight: float = 1, **other: Any) -> dict[str, Any]:
    about = {"pillar_id": pillar, "weight": weight, "pillar_weight": 0.2, "min_pillar_weight": 0.6, "min_pillars": 4}
    return {**about, "direction": "up", "low": 0.0, "high": 50.0, **other}


def test_goalposts_clip_and_direction_inverts(scores: ModuleType) -> None:
    values = np.array([-10, 0, 25, 50, 90, NAN])
    assert scores.sub_score(values, part("p")).tolist()[:5] == [0, 0, 50, 100, 100]
    assert scores.sub_score(values, part("p", direction="down")).tolist()[:5] == [100, 100, 50, 0, 0]
    assert np.isnan(scores.sub_score(values, part("p"))[5])  # missing is not zero
    assert np.isnan(scores.sub_score(values, part("p", high=0.0))).all()  # goalposts that are one say nothing
    assert np.isnan(scores.sub_score(values, part("p", low=None, high=None))).all()


def test_a_missing_part_lowers_the_coverage_and_never_counts_as_zero(scores: ModuleType) -> None:
    parts = [part("p", 0.4), part("p", 0.2), part("p", 0.2), part("p", 0.2)]
    subs = [np.array([80.0, 80]), np.array([20.0, 20]), np.array([NAN, NAN]), np.array([NAN, 50])]
    score, _, coverage = scores.combined(subs, parts)
    # (0.4 × 80 + 0.2 × 20) / 0.6 = 60, with 60 % of the weight; then 10 / 0.2 more: 46 / 0.8 = 57.5
    assert score.tolist() == [60, 57.5] and coverage.tolist() == pytest.approx([0.6, 0.8])
    subs[1] = np.array([NAN, NAN])  # 40 % of the weight in the first place: no score
    score, _, coverage = scores.combined(subs, parts)
    assert np.isnan(score[0]) and coverage[0] == pytest.approx(0.4) and score[1] == 70


def test_the_composite_is_a_geometric_mean_of_at_least_four_pillars(scores: ModuleType) -> None:
    parts = [part(name) for name in "abcde"]
    high = np.array([100.0])
    score, _, coverage = scores.combined([high, high, high, high, np.array([0.0])], parts)
    assert score.tolist() == [39.81]  # 100^(4/5) × 1^(1/5): a pillar at zero counts as one, and pulls hard
    assert coverage.tolist() == pytest.approx([1.0])
    nothing = np.array([NAN])
    assert scores.combined([high, high, high, high, nothing], parts)[0].tolist() == [100]
    assert np.isnan(scores.combined([high, high, high, nothing, nothing], parts)[0]).all()


def test_ranks_share_their_ties(scores: ModuleType) -> None:
    found = scores.percentile(np.array([10.0, 20, 20, 30, NAN, 40]))
    assert found.tolist()[:4] == [10, 40, 40, 70] and np.isnan(found[4]) and found[5] == 90
    assert np.isnan(scores.percentile(np.array([1.0, 2, 3, 4]))).all()  # too few to rank


def test_quantiles_over_runs_are_those_of_type_7_and_leave_missing_runs_out(scores: ModuleType) -> None:
    squares = np.array([*(i * i for i in range(1, 18)), NAN])  # golden of the specification: 3.4, 81, 262.6
    assert [round(float(q), 6) for q in scores.quantiles(squares)] == [3.4, 81, 262.6]


def test_class_five_is_always_the_most_exposed(scores: ModuleType) -> None:
    values = np.array([10.0, 20, 30, 90, NAN])
    assert scores.classes(values, [20, 40, 60, 80], False).tolist() == [1, 1, 2, 5, 0]
    assert scores.classes(values, [80, 60, 40, 20], True).tolist() == [5, 4, 4, 1, 0]


def test_drawn_weights_leave_the_best_and_the_worst_where_they_are(scores: ModuleType) -> None:
    """A commune that is first in every pillar is first under any weights; two that trade pillars trade places."""
    pillars = np.array([[90.0] * 4, [80, 20, 50, 50], [20, 80, 50, 50], [50, 50, 50, 50], [5] * 4])
    low, high = scores.drawn_ranks(pillars, list("abcd"), 4)
    assert (low[0], high[0]) == (90, 90) and (low[4], high[4]) == (10, 10)
    assert low[1] < 40 and high[1] > 60
    again = scores.drawn_ranks(pillars, list("abcd"), 4)
    assert np.array_equal(again[0], low)  # a fixed seed
