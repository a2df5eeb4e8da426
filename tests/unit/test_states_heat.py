"""Heat alert days, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.states import heat


def block(*values: float) -> np.ndarray:
    return np.array([values], dtype=np.float32)


def test_canicule_is_a_mean_of_three_days() -> None:
    """Paris, 21 °C by night and 31 °C by day: from a day on, not on it alone."""
    tn = block(20, 21, 22, 21, 19, 21, np.nan, 21, 21)
    tx = block(30, 31, 32, 31, 40, 31, 31, 31, 31)
    out = np.empty((1, 1, 9), dtype=np.float32)
    heat.canicule(tn, tx, np.array([21.0]), np.array([31.0]), out)
    assert out[0, 0] == pytest.approx([1, 1, 0, 0, np.nan, np.nan, np.nan, np.nan, np.nan], nan_ok=True)
    heat.canicule(tn, tx, np.array([21.0]), np.array([31.1]), out)
    assert out[0, 0, :2].tolist() == [0, 1]
    heat.canicule(tn, tx, np.array([np.nan]), np.array([31.0]), out)
    assert np.isnan(out).all()
