"""Series that need one day only: means and differences of variables, degree days."""

from __future__ import annotations

from math import nan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Cells = npt.NDArray[np.float64]


@compiled()
def mean_of_extremes(tasmin: Block, tasmax: Block, out: Block) -> None:
    """(Tn + Tx) / 2, °C."""
    for c in range(tasmin.shape[0]):
        for i in range(tasmin.shape[1]):
            out[0, c, i] = (tasmin[c, i] + tasmax[c, i]) * np.float32(0.5)


@compiled()
def difference(a: Block, b: Block, out: Block) -> None:
    """a − b."""
    for c in range(a.shape[0]):
        for i in range(a.shape[1]):
            out[0, c, i] = a[c, i] - b[c, i]


@compiled()
def huglin_day(tasmin: Block, tasmax: Block, coefficient: Cells, out: Block) -> None:
    """k ((T̄ − 10) + (Tx − 10)) / 2 with T̄ = (Tn + Tx) / 2, °C (Huglin 1978), before the cut at 0.

    ``coefficient`` (cells): k, of ``vine.huglin_coefficient``.
    """
    for c in range(tasmin.shape[0]):
        k = np.float32(coefficient[c])
        for i in range(tasmin.shape[1]):
            mean = (tasmin[c, i] + tasmax[c, i]) * np.float32(0.5)
            out[0, c, i] = k * ((mean + tasmax[c, i]) * np.float32(0.5) - np.float32(10.0))


@compiled()
def maize_day(tasmin: Block, tasmax: Block, out: Block) -> None:
    """Mean of Tn and Tx, each brought within 6 … 30 °C, less 6 (Arvalis, base 6, cap 30), °C."""
    low, high = np.float32(6.0), np.float32(30.0)
    for c in range(tasmin.shape[0]):
        for i in range(tasmin.shape[1]):
            if tasmin[c, i] == tasmin[c, i] and tasmax[c, i] == tasmax[c, i]:
                tn, tx = min(max(tasmin[c, i], low), high), min(max(tasmax[c, i], low), high)
                out[0, c, i] = (tn + tx) * np.float32(0.5) - low
            else:
                out[0, c, i] = np.float32(np.nan)


@compiled("float64(float64,float64,float64)")
def costic(tn: float, tx: float, base: float) -> float:
    """Heating degree days of a day by the COSTIC formula (°C d), from its extreme temperatures (°C)."""
    if tn != tn or tx != tx:
        return nan
    if base > tx:
        return base - 0.5 * (tn + tx)
    if base <= tn:
        return 0.0
    lack = base - tn
    return lack * (0.08 + 0.42 * lack / (tx - tn))


@compiled()
def costic_day(tasmin: Block, tasmax: Block, out: Block) -> None:
    """Heating degree days base 18 by the COSTIC formula, °C d."""
    for c in range(tasmin.shape[0]):
        for i in range(tasmin.shape[1]):
            out[0, c, i] = np.float32(costic(np.float64(tasmin[c, i]), np.float64(tasmax[c, i]), 18.0))
