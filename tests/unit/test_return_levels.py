"""Return levels: the SQL of ``macros/gev.sql``, on samples whose fit is published or known to another library."""

from __future__ import annotations

from itertools import combinations

import duckdb
import jinja2
import numpy as np
import pytest
from scipy.stats import genextreme

from climart import paths

MACROS = (paths.DBT_PROJECT / "macros" / "gev.sql").read_text(encoding="utf-8")
# Annual maximum sea levels at Port Pirie, 1923-1987, metres (Coles 2001)
PORT_PIRIE = [
    4.03, 3.83, 3.65, 3.88, 4.01, 4.08, 4.18, 3.80, 4.36, 3.96, 3.98, 4.69, 3.85, 3.96, 3.85, 3.93, 3.75, 3.63,
    3.57, 4.25, 3.97, 4.05, 4.24, 4.22, 3.73, 4.37, 4.06, 3.71, 3.96, 4.06, 4.55, 3.79, 3.89, 4.11, 3.85, 3.86,
    3.86, 4.21, 4.01, 4.11, 4.24, 3.96, 4.21, 3.74, 3.85, 3.88, 3.66, 4.11, 3.71, 4.18, 3.90, 3.78, 3.91, 3.72,
    4.00, 3.66, 3.62, 4.33, 4.55, 3.75, 4.08, 3.90, 3.88, 3.94, 4.33,
]  # fmt: skip
VECTOR = [2, 3, 4, 2.4, 5.5, 1.2, 5.4, 2.2, 7.1, 1.3, 1.5]  # the sample of the tests of lmoments3


def select(expressions: str, sample: list[float] | None = None) -> tuple[float, ...]:
    """The values of SQL expressions that call the macros; b0 … b3 are the weighted moments of ``sample``."""
    moments = ", ".join(f"{{{{ weighted_moment('value', 'rank', {order}) }}}} as b{order}" for order in range(4))
    source = (
        f"select {moments} from (select value, row_number() over (order by value) as rank "
        "from (select unnest($sample::double[]) as value))"
        if sample
        else "select 1"
    )
    sql = jinja2.Template(f"{MACROS}\nselect {expressions} from ({source})").render()
    with duckdb.connect() as connection:
        found = connection.execute(sql, {"sample": sample} if sample else None).fetchone()
    assert found is not None
    return tuple(found)


RATIOS = (
    "b0, {{ l_scale('b0', 'b1') }}, {{ l_skewness('b0', 'b1', 'b2') }}, {{ l_kurtosis('b0', 'b1', 'b2', 'b3') }}, "
    "{{ gev_shape(l_skewness('b0', 'b1', 'b2')) }}"
)


def fit(sample: list[float]) -> tuple[float, float, float]:
    """Shape, scale and location of a sample."""
    l1, l2, _, _, k = select(RATIOS, sample)
    (scale,) = select(f"{{{{ gev_scale('{l2}', '({k})') }}}}")
    (location,) = select(f"{{{{ gev_location('{l1}', '{scale}', '({k})') }}}}")
    return k, scale, location


def level(location: float, scale: float, k: float, period: int) -> float:
    return select(f"{{{{ gev_level('{location}', '{scale}', '({k})', {period}) }}}}")[0]


def test_port_pirie() -> None:
    assert len(PORT_PIRIE) == 65
    l1, l2, t3, t4, k = select(RATIOS, PORT_PIRIE)
    assert (l1, l2, t3, t4) == pytest.approx((3.980615, 0.134644, 0.137433, 0.132831), abs=5e-7)
    assert k == pytest.approx(0.051477, abs=5e-7)  # Hosking's approximation; the exact root is 0.051212
    shape, scale, location = fit(PORT_PIRIE)
    assert (shape, location, scale) == pytest.approx((0.051212, 3.873148, 0.203222), abs=3e-4)
    assert level(location, scale, shape, 100) == pytest.approx(4.7058, abs=5e-5)
    levels = [level(location, scale, shape, period) for period in (10, 20, 50, 100)]
    assert levels == pytest.approx([4.3051, 4.4331, 4.5919, 4.7060], abs=3e-4)


def test_the_vector_of_lmoments3() -> None:
    l1, l2, t3, t4, _ = select(RATIOS, VECTOR)
    assert (l1, l2, t3, t4) == pytest.approx((3.236364, 1.141818, 0.273885, 0.023355), abs=5e-7)
    assert fit(VECTOR) == pytest.approx((-0.155561, 1.395640, 2.179288), abs=1.5e-3)  # the approximation's own error


def test_a_shape_of_zero_is_gumbel() -> None:
    l1, l2, _, _, _ = select(RATIOS, VECTOR)
    (scale,) = select(f"{{{{ gev_scale('{l2}', '0.0') }}}}")
    (location,) = select(f"{{{{ gev_location('{l1}', '{scale}', '0.0') }}}}")
    assert (location, scale) == pytest.approx((2.285519, 1.647295), abs=5e-7)


@pytest.mark.parametrize("shape", [-0.3, -0.1, 0.1, 0.3])
def test_levels_agree_with_scipy(shape: float) -> None:
    levels = [level(50, 12, shape, period) for period in (10, 20, 50, 100)]
    expected = genextreme(shape, loc=50, scale=12).ppf([1 - 1 / period for period in (10, 20, 50, 100)])
    assert levels == pytest.approx(list(expected), rel=1e-9)
    assert levels == sorted(levels)


def test_l_moments_are_those_of_the_definition() -> None:
    """L-moments by their definition: expectations of the order statistics of pairs and triples."""
    sample = list(genextreme(-0.12, loc=45, scale=11).rvs(30, random_state=20261121))
    pairs = np.sort(list(combinations(sample, 2)), axis=1).mean(axis=0)
    low, middle, high = np.sort(list(combinations(sample, 3)), axis=1).mean(axis=0)
    l2 = (pairs[1] - pairs[0]) / 2
    expected = (np.mean(sample), l2, (high - 2 * middle + low) / 3 / l2)
    assert select(RATIOS, sample)[:3] == pytest.approx(expected, rel=1e-9)
