"""Daily series that features read: the canonical variables, and what is derived from them day by day.

A derived series is a pure function of blocks (cells × days, float32, NaN where missing) to a block. Those that compare
with a reference period need it inside the run. Series that need yesterday (snowpack, soil water, fire weather) will
join this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from ingest.calendars import Axis
from ingest.jit import compiled

Block = npt.NDArray[np.float32]

REFERENCE = (1976, 2005)  # indicators.md §0.2
REFERENCE_MIN_YEARS = 27  # 90 % of 30 years, indicators.md §0.3
HALF_WINDOW = 2  # days each side of a calendar day: the five-day window of ETCCDI percentiles and of the DRIAS normals
WET_DAY = 1.0  # mm, ETCCDI


@dataclass(frozen=True)
class Reference:
    """The days of the reference period on a run's axis."""

    start: int  # first day
    stop: int  # last day + 1
    anchors: npt.NDArray[np.int32]  # calendar day × year of the reference: day index
    calendar_day: npt.NDArray[np.int32]  # for each day of the axis, its row in ``anchors``


def reference_of(axis: Axis) -> Reference | None:
    """The reference period as far as the axis covers it, or None with fewer than 27 of its 30 years."""
    first, last = max(axis.first_year, REFERENCE[0]), min(axis.last_year, REFERENCE[1])
    if last - first + 1 < REFERENCE_MIN_YEARS:
        return None
    columns = slice(first - axis.first_year, last - axis.first_year + 1)
    return Reference(
        start=int(axis.year_starts[columns.start]),
        stop=int(axis.year_starts[columns.stop]),
        anchors=np.ascontiguousarray(axis.anchors[:, columns]),
        calendar_day=axis.calendar_day,
    )


@compiled("void(float32[:,::1],float32[:,::1],float32[:,:,::1])")
def mean_of_extremes(tasmin: Block, tasmax: Block, out: Block) -> None:
    """(Tn + Tx) / 2, °C."""
    for c in range(tasmin.shape[0]):
        for i in range(tasmin.shape[1]):
            out[0, c, i] = (tasmin[c, i] + tasmax[c, i]) * np.float32(0.5)


@compiled("void(float32[:,::1],float32[:,::1],float32[:,:,::1])")
def difference(a: Block, b: Block, out: Block) -> None:
    """a − b."""
    for c in range(a.shape[0]):
        for i in range(a.shape[1]):
            out[0, c, i] = a[c, i] - b[c, i]


@compiled("void(float32[:,::1],float32[:,::1],float32[:,:,::1])")
def huglin_day(tasmin: Block, tasmax: Block, out: Block) -> None:
    """((T̄ − 10) + (Tx − 10)) / 2 with T̄ = (Tn + Tx) / 2, °C (Huglin 1978), before the cut at 0 and the factor k."""
    for c in range(tasmin.shape[0]):
        for i in range(tasmin.shape[1]):
            mean = (tasmin[c, i] + tasmax[c, i]) * np.float32(0.5)
            out[0, c, i] = (mean + tasmax[c, i]) * np.float32(0.5) - np.float32(10.0)


@compiled("void(float32[:,::1],float32[:,::1],float32[:,:,::1])")
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


@compiled("void(float32[:,::1],float32[:,::1],float32[:,:,::1])")
def costic_day(tasmin: Block, tasmax: Block, out: Block) -> None:
    """Heating degree day base 18 by the COSTIC formula (indicators.md §1), °C."""
    base = 18.0
    for c in range(tasmin.shape[0]):
        for i in range(tasmin.shape[1]):
            tn, tx = float(tasmin[c, i]), float(tasmax[c, i])
            if base > tx:
                out[0, c, i] = np.float32(base - 0.5 * (tn + tx))
            elif base <= tn:
                out[0, c, i] = np.float32(0.0)
            else:
                lack = base - tn
                out[0, c, i] = np.float32(lack * (0.08 + 0.42 * lack / (tx - tn)))


@compiled("void(float32[:,::1],int32[:,::1],int32[::1],int64,int64,int64,float32[:,:,::1])")
def anomaly(
    x: Block,
    anchors: npt.NDArray[np.int32],
    calendar_day: npt.NDArray[np.int32],
    start: int,
    stop: int,
    half: int,
    out: Block,
) -> None:
    """x minus its normal: the reference mean of the calendar day and its ``half`` neighbours each side."""
    n_rows, n_years = anchors.shape
    normal = np.empty(n_rows, dtype=np.float32)
    for c in range(x.shape[0]):
        for row in range(n_rows):
            total, n = 0.0, 0
            for year in range(n_years):
                day = anchors[row, year]
                for i in range(max(start, day - half), min(stop, day + half + 1)):
                    if x[c, i] == x[c, i]:
                        total += float(x[c, i])
                        n += 1
            normal[row] = np.float32(total / n) if n > 0 else np.float32(np.nan)
        for i in range(x.shape[1]):
            out[0, c, i] = x[c, i] - normal[calendar_day[i]]


@compiled("int64(float32[::1],int64,int64,float32)")
def keep_largest(top: npt.NDArray[np.float32], filled: int, size: int, value: np.float32) -> int:
    """Insert ``value`` among the ``size`` largest values seen (``filled`` of them so far), descending; how many now."""
    if filled == size:
        if value <= top[size - 1]:
            return filled
        j = size - 1
    else:
        j = filled
        filled += 1
    while j > 0 and top[j - 1] < value:
        top[j] = top[j - 1]
        j -= 1
    top[j] = value
    return filled


@compiled("void(float32[:,::1],int32[:,::1],int32[::1],int64,int64,int64,float64,float32[:,:,::1])")
def above_daily_percentile(
    x: Block,
    anchors: npt.NDArray[np.int32],
    calendar_day: npt.NDArray[np.int32],
    start: int,
    stop: int,
    half: int,
    probability: float,
    out: Block,
) -> None:
    """x minus its reference percentile for the calendar day, from the days within ``half`` calendar days in every year.

    Quantiles of type 8 (Hyndman & Fan 1996), as ETCCDI and xclim take them; no bootstrap inside the reference. The
    largest values of each calendar day are sorted once, then those of neighbouring calendar days are merged.
    """
    n_rows, n_years = anchors.shape
    threshold = np.empty(n_rows, dtype=np.float32)
    size = int((1.0 - probability) * n_years * (2 * half + 1)) + 3
    own = min(size, n_years)
    tops = np.empty((n_rows, own), dtype=np.float32)
    filled = np.empty(n_rows, dtype=np.int64)
    known = np.empty(n_rows, dtype=np.int64)
    merged = np.empty(size, dtype=np.float32)
    next_of = np.empty(2 * half + 1, dtype=np.int64)
    for c in range(x.shape[0]):
        for row in range(n_rows):
            filled[row], known[row] = 0, 0
            for year in range(n_years):
                value = x[c, anchors[row, year]]
                if value == value:
                    known[row] += 1
                    filled[row] = keep_largest(tops[row], filled[row], own, value)
        for row in range(n_rows):
            n, count = 0, 0
            if half <= row < n_rows - half:
                for k in range(2 * half + 1):
                    n += known[row - half + k]
                    next_of[k] = 0
                while count < size:
                    best = -1
                    largest = np.float32(-np.inf)
                    for k in range(2 * half + 1):
                        neighbour = row - half + k
                        if next_of[k] < filled[neighbour] and tops[neighbour, next_of[k]] > largest:
                            best, largest = k, tops[neighbour, next_of[k]]
                    if best < 0:
                        break
                    next_of[best] += 1
                    merged[count] = largest
                    count += 1
            else:  # the neighbours lie in another year, which the reference may not have
                for year in range(n_years):
                    day = anchors[row, year]
                    for i in range(max(start, day - half), min(stop, day + half + 1)):
                        if x[c, i] == x[c, i]:
                            n += 1
                            count = keep_largest(merged, count, size, x[c, i])
            if n == 0:
                threshold[row] = np.float32(np.nan)
                continue
            rank = min(max(n * probability + (1.0 + probability) / 3.0 - 1.0, 0.0), n - 1.0)
            lower_rank = int(rank)
            lower = float(merged[n - 1 - lower_rank])
            upper = float(merged[max(n - 2 - lower_rank, 0)])
            threshold[row] = np.float32(lower + (rank - lower_rank) * (upper - lower))
        for i in range(x.shape[1]):
            out[0, c, i] = x[c, i] - threshold[calendar_day[i]]


@compiled("float64(float32[:],int64)")
def select(values: Block, k: int) -> float:
    """The ``k``-th smallest value (0 first); reorders ``values`` so that none before it is larger, none after smaller.

    Hoare 1961, algorithm 65, with the median of three as pivot.
    """
    low, high = 0, values.size - 1
    while low < high:
        a, b, c = values[low], values[(low + high) // 2], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return float(values[k])


@compiled("float64[::1](float32[:],int64)")
def largest_sorted(values: Block, n: int) -> npt.NDArray[np.float64]:
    """The ``n`` largest values, ascending; reorders ``values``."""
    select(values, values.size - n)
    return np.sort(values[values.size - n :]).astype(np.float64)


@compiled("float64(float64[:],int64,float64)")
def upper_quantile(top: npt.NDArray[np.float64], n: int, probability: float) -> float:
    """Type-7 quantile of ``n`` values of which ``top`` holds the largest, ascending; inf without any."""
    if n == 0:
        return inf
    rank = probability * (n - 1)
    k = int(rank)
    first = n - top.size
    lower = top[max(k - first, 0)]
    upper = top[min(k - first + 1, top.size - 1)]
    return float(lower + (rank - k) * (upper - lower))


@compiled("void(float32[:,::1],int64,int64,float64,float32[:,:,::1])")
def heavy_rain(prtot: Block, start: int, stop: int, wet_day: float, out: Block) -> None:
    """Four series (4, cells, days): rain on days above the reference P95 of wet days, above their P99, above the
    reference Q90 of all days (0 elsewhere), and rain minus the reference Q99 of all days. mm."""
    for c in range(prtot.shape[0]):
        days = prtot[c, start:stop]
        known = days[~np.isnan(days)]
        n_wet = 0
        for value in known:
            n_wet += 1 if value >= wet_day else 0
        if known.size == 0:
            out[:, c, :] = np.float32(np.nan)
            continue
        # At most all days are wet: the top 10 % of all days holds every quantile asked for.
        top = largest_sorted(known, min(known.size, int(0.1 * known.size) + 3))
        p95 = np.float32(upper_quantile(top[max(0, top.size - n_wet) :], n_wet, 0.95))
        p99 = np.float32(upper_quantile(top[max(0, top.size - n_wet) :], n_wet, 0.99))
        q90 = np.float32(upper_quantile(top, known.size, 0.90))
        q99 = np.float32(upper_quantile(top, known.size, 0.99))
        for i in range(prtot.shape[1]):
            value = prtot[c, i]
            if value != value:
                out[:, c, i] = np.float32(np.nan)
            else:
                out[0, c, i] = value if value > p95 else np.float32(0.0)
                out[1, c, i] = value if value > p99 else np.float32(0.0)
                out[2, c, i] = value if value > q90 else np.float32(0.0)
                out[3, c, i] = value - q99


@compiled("void(float32[:,::1],int64,int64,float32[:,:,::1])")
def heat_waves(tas: Block, start: int, stop: int, out: Block) -> None:
    """Two series (2, cells, days): 0 outside a heat wave, 2 on its first day and 1 on its others; degrees above Sdeb.

    Percentiles of all the reference's daily means: Sfin P95, Sdeb P97.5, Spic P99.5. A wave begins with three days in a
    row at or above Sdeb; it ends before a day below Sfin, or before three days in a row below Sdeb; it counts if one of
    its days reaches Spic (Ouzeau et al. 2016 at cell level; the end rule is unverified, indicators.md §11).
    """
    out[:] = np.float32(0.0)
    n_days = tas.shape[1]
    for c in range(tas.shape[0]):
        days = tas[c, start:stop]
        known = days[~np.isnan(days)]
        if known.size == 0:
            out[:, c, :] = np.float32(np.nan)
            continue
        top = largest_sorted(known, min(known.size, int(0.05 * known.size) + 3))
        s_end = np.float32(upper_quantile(top, known.size, 0.95))
        s_start = np.float32(upper_quantile(top, known.size, 0.975))
        s_peak = np.float32(upper_quantile(top, known.size, 0.995))
        i, hot = 0, 0
        while i < n_days:
            hot = hot + 1 if tas[c, i] >= s_start else 0
            if hot < 3:
                i += 1
                continue
            first = i - 2
            last, cool, reaches = i, 0, False
            for j in range(first, i + 1):
                reaches = reaches or tas[c, j] >= s_peak
            i += 1
            while i < n_days and tas[c, i] >= s_end:
                cool = cool + 1 if tas[c, i] < s_start else 0
                if cool == 3:
                    break
                reaches = reaches or tas[c, i] >= s_peak
                last = i
                i += 1
            if cool == 3:
                last -= 2
            hot = 0
            if reaches:
                for j in range(first, last + 1):
                    out[0, c, j] = np.float32(2.0) if j == first else np.float32(1.0)
                    out[1, c, j] = max(tas[c, j] - s_start, np.float32(0.0))
        for i in range(n_days):
            if tas[c, i] != tas[c, i]:
                out[0, c, i] = np.float32(np.nan)
                out[1, c, i] = np.float32(np.nan)


@dataclass(frozen=True)
class Derivation:
    """How one or several derived series are computed from daily variables.

    ``compute`` takes the input blocks, the reference where it needs one, and fills its last argument (outputs, cells,
    days).
    """

    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    compute: Callable[..., None]
    needs_reference: bool = False


def _of_reference_days(function: Callable[..., None], *settings: float) -> Callable[..., None]:
    def compute(x: Block, reference: Reference, out: Block) -> None:
        function(x, reference.anchors, reference.calendar_day, reference.start, reference.stop, *settings, out)

    return compute


def _of_reference(function: Callable[..., None], *settings: float) -> Callable[..., None]:
    def compute(x: Block, reference: Reference, out: Block) -> None:
        function(x, reference.start, reference.stop, *settings, out)

    return compute


DERIVATIONS = (
    Derivation(("tmean",), ("tasmin", "tasmax"), mean_of_extremes),
    Derivation(("dtr",), ("tasmax", "tasmin"), difference),
    Derivation(("cwb",), ("prtot", "evspsblpot"), difference),
    Derivation(("huglin_day",), ("tasmin", "tasmax"), huglin_day),
    Derivation(("maize_day",), ("tasmin", "tasmax"), maize_day),
    Derivation(("costic_day",), ("tasmin", "tasmax"), costic_day),
    Derivation(("tasmax_anomaly",), ("tasmax",), _of_reference_days(anomaly, HALF_WINDOW), True),
    Derivation(("tasmin_anomaly",), ("tasmin",), _of_reference_days(anomaly, HALF_WINDOW), True),
    Derivation(("tasmax_above_p90",), ("tasmax",), _of_reference_days(above_daily_percentile, HALF_WINDOW, 0.9), True),
    Derivation(
        ("pr_above_wet_p95", "pr_above_wet_p99", "pr_above_q90", "pr_less_q99"),
        ("prtot",),
        _of_reference(heavy_rain, WET_DAY),
        True,
    ),
    Derivation(("heat_wave", "heat_wave_excess"), ("tas",), _of_reference(heat_waves), True),
)
DERIVED = {name: derivation for derivation in DERIVATIONS for name in derivation.outputs}


def inputs_of(name: str) -> tuple[str, ...]:
    """The daily variables that a series needs; a variable needs itself."""
    return DERIVED[name].inputs if name in DERIVED else (name,)


def needs_reference(name: str) -> bool:
    """Whether the run must cover the reference period for this series to exist."""
    return name in DERIVED and DERIVED[name].needs_reference
