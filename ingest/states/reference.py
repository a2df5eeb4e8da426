"""Days against the reference period of the same run: normals, percentiles, heavy rain, heat waves.

The thresholds are the run's own: the reference must lie on its axis.

Sources: Jouzel et al. 2014 (DRIAS normals and heat-wave days), ETCCDI (TX90p, WSDI, R95p), Hyndman & Fan 1996
(quantiles), Ouzeau et al. 2016 and Schneider et al. 2022 (heat waves).
"""

from __future__ import annotations

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
    years: slice  # its years among those of the axis


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
        years=columns,
    )


@compiled()
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
    total, known = np.empty(n_rows, dtype=np.float64), np.empty(n_rows, dtype=np.int64)
    for c in range(x.shape[0]):
        total[:] = 0.0
        known[:] = 0
        for row in range(n_rows):
            for year in range(n_years):
                value = x[c, anchors[row, year]]
                if value == value:
                    total[row] += float(value)
                    known[row] += 1
        for row in range(n_rows):
            sums, n = 0.0, 0
            if half <= row < n_rows - half:
                for neighbour in range(row - half, row + half + 1):
                    sums += total[neighbour]
                    n += known[neighbour]
            else:  # the neighbours lie in another year, which the reference may not have
                for year in range(n_years):
                    day = anchors[row, year]
                    for i in range(max(start, day - half), min(stop, day + half + 1)):
                        if x[c, i] == x[c, i]:
                            sums += float(x[c, i])
                            n += 1
            normal[row] = np.float32(sums / n) if n > 0 else np.float32(np.nan)
        for i in range(x.shape[1]):
            out[0, c, i] = x[c, i] - normal[calendar_day[i]]


@compiled()
def order(columns: npt.NDArray[np.float32], low: int, high: int) -> None:
    """Put the larger of each pair of two rows of ``columns`` into the row ``low``, the smaller into ``high``."""
    a, b = columns[low], columns[high]
    for r in range(a.size):
        large, small = max(a[r], b[r]), min(a[r], b[r])
        a[r], b[r] = large, small


@compiled()
def merge_halves(columns: npt.NDArray[np.float32], size: int) -> None:
    """Sort, downwards, blocks of ``size`` rows that each rise then fall or fall then rise (Batcher 1968, bitonic)."""
    step = size // 2
    while step > 0:
        for block in range(0, columns.shape[0], 2 * step):
            for i in range(block, block + step):
                order(columns, i, i + step)
        step //= 2


@compiled()
def sort_columns(columns: npt.NDArray[np.float32]) -> None:
    """Sort every column downwards; the number of rows is a power of two. All columns go through one network at once."""
    size = 2
    while size <= columns.shape[0]:
        for block in range(0, columns.shape[0], size):
            for i in range(size // 2):
                order(columns, block + i, block + size - 1 - i)
        if size > 2:
            merge_halves(columns, size // 2)
        size *= 2


@compiled()
def largest_of_two(
    a: npt.NDArray[np.float32], b: npt.NDArray[np.float32], shift: int, out: npt.NDArray[np.float32]
) -> None:
    """For each column r, the largest values, downwards, among column r of ``a`` and column r + ``shift`` of ``b``."""
    n_rows, n_columns = a.shape
    for i in range(n_rows):
        first, second, both = a[i], b[n_rows - 1 - i], out[i]
        for r in range(n_columns - shift):
            both[r] = max(first[r], second[r + shift])
        both[n_columns - shift :] = -np.inf
    merge_halves(out, n_rows)


@compiled()
def above_daily_percentile(
    x: Block,
    anchors: npt.NDArray[np.int32],
    calendar_day: npt.NDArray[np.int32],
    start: int,
    stop: int,
    probability: float,
    out: Block,
) -> None:
    """x minus its reference percentile for the calendar day, from that day and two days each side in every year.

    Quantiles of type 8 (Hyndman & Fan 1996), as ETCCDI and xclim take them; no bootstrap inside the reference.
    The values of each calendar day are sorted in one network for all days at once; those of five neighbours are merged.
    """
    n_rows, n_years = anchors.shape
    half = 2
    needed = int((1.0 - probability) * n_years * (2 * half + 1)) + 3
    size = 1
    while size < max(n_years, needed):
        size *= 2
    days = np.empty((size, n_rows), dtype=np.float32)
    two, four, five = np.empty_like(days), np.empty_like(days), np.empty_like(days)
    known = np.empty(n_rows, dtype=np.int64)
    threshold = np.empty(n_rows, dtype=np.float32)
    pool = np.empty(n_years * (2 * half + 1), dtype=np.float32)
    for c in range(x.shape[0]):
        known[:] = 0
        days[n_years:] = -np.inf
        for year in range(n_years):
            for row in range(n_rows):
                value = x[c, anchors[row, year]]
                known[row] += value == value
                days[year, row] = value if value == value else np.float32(-np.inf)
        sort_columns(days)
        largest_of_two(days, days, 1, two)
        largest_of_two(two, two, 2, four)
        largest_of_two(four, days, 4, five)
        for row in range(n_rows):
            n = 0
            inside = half <= row < n_rows - half
            if inside:
                for neighbour in range(row - half, row + half + 1):
                    n += known[neighbour]
            else:  # the neighbours lie in another year, which the reference may not have
                for year in range(n_years):
                    day = anchors[row, year]
                    for i in range(max(start, day - half), min(stop, day + half + 1)):
                        if x[c, i] == x[c, i]:
                            pool[n] = x[c, i]
                            n += 1
            if n == 0:
                threshold[row] = np.float32(np.nan)
                continue
            rank = min(max(n * probability + (1.0 + probability) / 3.0 - 1.0, 0.0), n - 1.0)
            k = int(rank)
            if inside:
                lower, upper = five[n - 1 - k, row - half], five[max(n - 2 - k, 0), row - half]
            else:
                ranked = np.sort(pool[:n])
                lower, upper = ranked[k], ranked[min(k + 1, n - 1)]
            threshold[row] = np.float32(float(lower) + (rank - k) * (float(upper) - float(lower)))
        for i in range(x.shape[1]):
            out[0, c, i] = x[c, i] - threshold[calendar_day[i]]


@compiled()
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


@compiled()
def largest_sorted(values: Block, n: int) -> npt.NDArray[np.float64]:
    """The ``n`` largest values, ascending; reorders ``values``."""
    select(values, values.size - n)
    return np.sort(values[values.size - n :]).astype(np.float64)


@compiled()
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


@compiled()
def heavy_rain(prtot: Block, start: int, stop: int, wet_day: float, out: Block) -> None:
    """Four series (4, cells, days): rain on days above the reference P95 of wet days, above their P99, above the
    reference Q90 of all days (0 elsewhere), and rain minus the reference Q99 of all days. mm."""
    for c in range(prtot.shape[0]):
        days = np.empty(stop - start, dtype=np.float32)
        n, n_wet = 0, 0
        for i in range(start, stop):
            days[n] = prtot[c, i]
            n += prtot[c, i] == prtot[c, i]
            n_wet += prtot[c, i] >= wet_day
        known = days[:n]
        if n == 0:
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
            nothing = value - value  # 0, or NaN where missing
            out[0, c, i] = value if value > p95 else nothing
            out[1, c, i] = value if value > p99 else nothing
            out[2, c, i] = value if value > q90 else nothing
            out[3, c, i] = value - q99


@compiled()
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
