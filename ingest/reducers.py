"""The closed set of reducers: one window of one cell's daily series to one number, and the loop that runs them all.

Each reducer takes a series ``x`` (float32, one value per day, NaN where missing), the window ``[start, stop)`` as day
indices, and at most an operator, a threshold and two parameters. It returns a float64, NaN where there is no event.
Missing days satisfy no condition, break a run and add nothing to a sum; whether a window has too many of them is
decided before, by rule M0 or WMO. Sums are float64.

All compiled code that ``reduce_cells`` calls stands in this module (see ``ingest.jit``).
"""

from __future__ import annotations

from math import floor, inf, nan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Series = npt.NDArray[np.float32]

OPERATORS = {">": 0, ">=": 1, "<": 2, "<=": 3}
REDUCERS = {
    name: code
    for code, name in enumerate(
        [
            "count",
            "sum",
            "mean",
            "max",
            "min",
            "sum_above",
            "sum_below",
            "clipped_sum",
            "first_day_sum_reaches",
            "first_day_when",
            "last_day_when",
            "longest_run",
            "days_in_runs",
            "max_rolling_sum",
            "percentile",
            "day_of_max",
        ]
    )
}
RUN_PARTS = {"length": 0, "start": 1, "end": 2}  # of longest_run

# Rule M0 (indicators.md §0.3): at least 99 % of the window's days and no gap longer than 3 days; in a window of three
# months or less, no month with more than 3 missing days.
MAX_MISSING_SHARE = 0.01
MAX_GAP = 3
MAX_MISSING_IN_MONTH = 3
# Rule WMO, of stations (indicators.md §0.3): a month is missing from 11 missing days or 5 in a row, and a window with
# such a month is void. It is a rule of means and extremes: what counts or adds days would be too low, and keeps M0.
WMO_MISSING_IN_MONTH = 11
WMO_GAP_IN_MONTH = 5
BY_WMO = ("mean", "max", "min", "percentile")


@compiled()
def holds(value: float, operator: int, threshold: np.float32) -> bool:
    """Whether ``value operator threshold``; a missing value never does."""
    if operator == 0:
        return bool(value > threshold)
    if operator == 1:
        return bool(value >= threshold)
    if operator == 2:
        return bool(value < threshold)
    return bool(value <= threshold)


@compiled()
def count(x: Series, start: int, stop: int, operator: int, threshold: np.float32) -> float:
    """Number of days that satisfy the condition."""
    n = np.int32(0)
    days = x[start:stop]
    if operator == 0:
        for value in days:
            n += np.int32(value > threshold)
    elif operator == 1:
        for value in days:
            n += np.int32(value >= threshold)
    elif operator == 2:
        for value in days:
            n += np.int32(value < threshold)
    else:
        for value in days:
            n += np.int32(value <= threshold)
    return float(n)


@compiled()
def maximum(x: Series, start: int, stop: int) -> float:
    """Largest value, by four (days 0, 4, 8…; 1, 5, 9…; …)."""
    days = x[start:stop]
    a = b = c = d = np.float32(-inf)
    full = days.size // 4 * 4
    for i in range(0, full, 4):
        a = days[i] if days[i] > a else a
        b = days[i + 1] if days[i + 1] > b else b
        c = days[i + 2] if days[i + 2] > c else c
        d = days[i + 3] if days[i + 3] > d else d
    for i in range(full, days.size):
        a = days[i] if days[i] > a else a
    return float(max(max(a, b), max(c, d)))


@compiled()
def minimum(x: Series, start: int, stop: int) -> float:
    """Smallest value, by four."""
    days = x[start:stop]
    a = b = c = d = np.float32(inf)
    full = days.size // 4 * 4
    for i in range(0, full, 4):
        a = days[i] if days[i] < a else a
        b = days[i + 1] if days[i + 1] < b else b
        c = days[i + 2] if days[i + 2] < c else c
        d = days[i + 3] if days[i + 3] < d else d
    for i in range(full, days.size):
        a = days[i] if days[i] < a else a
    return float(min(min(a, b), min(c, d)))


@compiled()
def clipped_sum(x: Series, start: int, stop: int, low: float, high: float) -> float:
    """Sum of the values, each brought within ``low`` … ``high``, in four partial sums (days 0, 4, 8…; 1, 5, 9…; …)."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    lo, hi = np.float32(low), np.float32(high)
    full = start + (stop - start) // 4 * 4
    for i in range(start, full, 4):
        v, w, y, z = x[i], x[i + 1], x[i + 2], x[i + 3]
        a += float(min(max(v, lo), hi)) if v == v else 0.0
        b += float(min(max(w, lo), hi)) if w == w else 0.0
        c += float(min(max(y, lo), hi)) if y == y else 0.0
        d += float(min(max(z, lo), hi)) if z == z else 0.0
    for i in range(full, stop):
        if x[i] == x[i]:
            a += float(min(max(x[i], lo), hi))
    return (a + b) + (c + d)


@compiled()
def sum_above(x: Series, start: int, stop: int, base: float) -> float:
    """Sum of what exceeds ``base``, in four partial sums."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    days = x[start:stop]
    full = days.size // 4 * 4
    for i in range(0, full, 4):
        v, w, y, z = days[i] - base, days[i + 1] - base, days[i + 2] - base, days[i + 3] - base
        a += v if v > 0.0 else 0.0
        b += w if w > 0.0 else 0.0
        c += y if y > 0.0 else 0.0
        d += z if z > 0.0 else 0.0
    for i in range(full, days.size):
        v = days[i] - base
        a += v if v > 0.0 else 0.0
    return (a + b) + (c + d)


@compiled()
def sum_below(x: Series, start: int, stop: int, base: float) -> float:
    """Sum of what lacks to ``base``, in four partial sums."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    days = x[start:stop]
    full = days.size // 4 * 4
    for i in range(0, full, 4):
        v, w, y, z = base - days[i], base - days[i + 1], base - days[i + 2], base - days[i + 3]
        a += v if v > 0.0 else 0.0
        b += w if w > 0.0 else 0.0
        c += y if y > 0.0 else 0.0
        d += z if z > 0.0 else 0.0
    for i in range(full, days.size):
        v = base - days[i]
        a += v if v > 0.0 else 0.0
    return (a + b) + (c + d)


@compiled()
def first_day_sum_reaches(x: Series, start: int, stop: int, target: float, low: float, high: float) -> float:
    """First day on which the running sum of the values, each brought within ``low`` … ``high``, reaches ``target``."""
    total = 0.0
    for i in range(start, stop):
        if x[i] == x[i]:
            total += min(max(float(x[i]), low), high)
            if total >= target:
                return float(i)
    return nan


@compiled()
def first_day_when(x: Series, start: int, stop: int, operator: int, threshold: np.float32, run: float) -> float:
    """First day of the first run of at least ``run`` days that satisfy the condition."""
    length = 0
    for i in range(start, stop):
        length = length + 1 if holds(x[i], operator, threshold) else 0
        if length >= run:
            return float(i - length + 1)
    return nan


@compiled()
def last_day_when(x: Series, start: int, stop: int, operator: int, threshold: np.float32) -> float:
    """Last day that satisfies the condition."""
    for i in range(stop - 1, start - 1, -1):
        if holds(x[i], operator, threshold):
            return float(i)
    return nan


@compiled()
def longest_run(x: Series, start: int, stop: int, operator: int, threshold: np.float32, part: float) -> float:
    """Length of the longest run of days that satisfy the condition (``part`` 0), its first day (1) or its last (2).

    Of several longest runs, the first. Without any, the length is 0 and the days are NaN.
    """
    best, best_end, length = 0, -1, 0
    for i in range(start, stop):
        length = length + 1 if holds(x[i], operator, threshold) else 0
        if length > best:
            best, best_end = length, i
    if part == 0.0:
        return float(best)
    if best == 0:
        return nan
    return float(best_end) if part == 2.0 else float(best_end - best + 1)


@compiled()
def days_in_runs(x: Series, start: int, stop: int, operator: int, threshold: np.float32, run: float) -> float:
    """Number of days that belong to a run of at least ``run`` days that satisfy the condition."""
    n, length = 0, 0
    for i in range(start, stop):
        if holds(x[i], operator, threshold):
            length += 1
        else:
            if length >= run:
                n += length
            length = 0
    if length >= run:
        n += length
    return float(n)


@compiled()
def max_rolling_sum(
    sums: npt.NDArray[np.float64], present: npt.NDArray[np.int32], complete: bool, start: int, stop: int, days: float
) -> float:
    """Largest sum over ``days`` consecutive days, stamped on the last: the first may lie before the window.

    From running sums; a sum over a missing day does not count.
    """
    width = int(days)
    best = -inf
    for i in range(max(start, width - 1), stop):
        total = sums[i + 1] - sums[i + 1 - width]
        if complete or present[i + 1] - present[i + 1 - width] == width:
            best = total if total > best else best
    return best if best > -inf else nan


@compiled()
def percentile(x: Series, start: int, stop: int, probability: float) -> float:
    """Quantile of the window's values, linear between ranks (type 7 of Hyndman & Fan 1996).

    Keeps the values from that rank up, sorted: quick for the high quantiles that it is for.
    """
    n = 0
    for i in range(start, stop):
        n += 1 if x[i] == x[i] else 0
    rank = probability * (n - 1)
    k = floor(rank)
    kept = n - k
    top = np.empty(kept, dtype=np.float32)  # descending
    filled = 0
    for i in range(start, stop):
        value = x[i]
        if value != value or (filled == kept and value <= top[kept - 1]):
            continue
        j = filled if filled < kept else kept - 1
        filled = min(filled + 1, kept)
        while j > 0 and top[j - 1] < value:
            top[j] = top[j - 1]
            j -= 1
        top[j] = value
    lower = float(top[kept - 1])
    if kept == 1:
        return lower
    return lower + (rank - k) * (float(top[kept - 2]) - lower)


@compiled()
def day_of_max(x: Series, start: int, stop: int) -> float:
    """First day of the largest value, NaN if that is not above 0."""
    best, day = np.float32(0.0), -1
    for i in range(start, stop):
        if x[i] > best:
            best, day = x[i], i
    return float(day) if day >= 0 else nan


@compiled()
def too_few_days(
    x: Series, start: int, stop: int, is_season: bool, by_wmo: bool, month_of: npt.NDArray[np.int32]
) -> bool:
    """Whether rule M0, or rule WMO, voids a window that has missing days."""
    missing, gap, longest_gap, in_month, worst_month = 0, 0, 0, 0, 0
    gap_in_month, worst_gap_in_month = 0, 0
    month = -1
    for i in range(start, stop):
        if month_of[i] != month:
            month, in_month, gap_in_month = month_of[i], 0, 0
        if x[i] == x[i]:
            gap = gap_in_month = 0
        else:
            missing += 1
            gap += 1
            gap_in_month += 1
            in_month += 1
            longest_gap = max(longest_gap, gap)
            worst_month = max(worst_month, in_month)
            worst_gap_in_month = max(worst_gap_in_month, gap_in_month)
    if by_wmo:
        return worst_month >= WMO_MISSING_IN_MONTH or worst_gap_in_month >= WMO_GAP_IN_MONTH or missing == stop - start
    if is_season:
        return worst_month > MAX_MISSING_IN_MONTH or missing == stop - start
    return missing > MAX_MISSING_SHARE * (stop - start) or longest_gap > MAX_GAP


@compiled(
    "void(float32[:,:,::1], int64, int64[::1], int32[:,::1], float64[:,::1], int32[:,:,::1], int32[:,::1],"
    " boolean[::1], boolean[::1], boolean[::1], int32[::1], float32[:,:,::1], boolean[:,::1], int16[:,::1])"
)
def reduce_cells(
    series: Series,
    n_variables: int,
    year_starts: npt.NDArray[np.int64],
    features: npt.NDArray[np.int32],
    parameters: npt.NDArray[np.float64],
    windows: npt.NDArray[np.int32],
    origins: npt.NDArray[np.int32],
    is_season: npt.NDArray[np.bool_],
    is_summed: npt.NDArray[np.bool_],
    by_wmo: npt.NDArray[np.bool_],
    month_of: npt.NDArray[np.int32],
    values: Series,
    voided: npt.NDArray[np.bool_],
    n_days: npt.NDArray[np.int16],
) -> None:
    """Every feature of every cell and year, one visit per cell-year.

    ``series`` (series, cells, days), of which the first ``n_variables`` come from files; ``year_starts`` (years + 1),
    the days on which years begin; ``features`` (features, 7): reducer, series, window, operator, origin or -1, column,
    event column or -1; ``parameters`` (features, 3): threshold or target, then two more; ``windows`` (windows, years,
    2): first day and last day + 1, -1 outside the axis; ``origins`` (origins, years): the day counted as 1;
    ``is_season`` (windows); ``is_summed`` (series): whether a sum, a mean or a rolling sum reads it; ``by_wmo``
    (features): whether rule WMO, not M0, decides on missing days; ``month_of`` (days). Fills ``values`` (cells, years,
    columns), NaN where void or without event; ``voided`` (cells, years), true where missing days voided a feature;
    ``n_days`` (cells, years), the days of the year that the most complete variable has.
    """
    n_series, n_cells, n_axis = series.shape
    n_features, n_years = features.shape[0], windows.shape[1]
    sums = np.empty((n_series, n_axis + 1), dtype=np.float64)
    present = np.empty((n_series, n_axis + 1), dtype=np.int32)
    sums[:, 0] = 0.0
    present[:, 0] = 0
    complete = np.zeros(n_series, dtype=np.bool_)
    for cell in range(n_cells):
        for s in range(n_series):
            x = series[s, cell]
            gone = np.int32(0)
            for value in x:
                gone |= np.int32(value != value)
            complete[s] = gone == 0
            if is_summed[s]:
                total = 0.0
                if complete[s]:
                    for i in range(n_axis):
                        total += float(x[i])
                        sums[s, i + 1] = total
                else:
                    for i in range(n_axis):
                        total += float(x[i]) if x[i] == x[i] else 0.0
                        sums[s, i + 1] = total
            if not complete[s]:
                for i in range(n_axis):
                    present[s, i + 1] = present[s, i] + np.int32(x[i] == x[i])
            if s < n_variables:
                for year in range(n_years):
                    n = year_starts[year + 1] - year_starts[year]
                    if not complete[s]:
                        n = present[s, year_starts[year + 1]] - present[s, year_starts[year]]
                    n_days[cell, year] = max(n_days[cell, year], np.int16(n))
        for year in range(n_years):
            for f in range(n_features):
                reducer, s, window, operator, origin, column, event_column = features[f]
                start, stop = windows[window, year]
                n = stop - start
                if start >= 0 and not complete[s]:
                    n = present[s, stop] - present[s, start]
                    if n < stop - start and too_few_days(
                        series[s, cell], start, stop, is_season[window], by_wmo[f], month_of
                    ):
                        start = -1
                if start < 0:
                    values[cell, year, column] = np.float32(nan)
                    if event_column >= 0:
                        values[cell, year, event_column] = np.float32(nan)
                    voided[cell, year] = True
                    continue
                x = series[s, cell]
                p, q, r = parameters[f]
                threshold = np.float32(p)
                if reducer == 0:
                    value = count(x, start, stop, operator, threshold)
                elif reducer == 1:
                    value = sums[s, stop] - sums[s, start]
                elif reducer == 2:
                    value = (sums[s, stop] - sums[s, start]) / n
                elif reducer == 3:
                    value = maximum(x, start, stop)
                elif reducer == 4:
                    value = minimum(x, start, stop)
                elif reducer == 5:
                    value = sum_above(x, start, stop, p)
                elif reducer == 6:
                    value = sum_below(x, start, stop, p)
                elif reducer == 7:
                    value = clipped_sum(x, start, stop, q, r)
                elif reducer == 8:
                    value = first_day_sum_reaches(x, start, stop, p, q, r)
                elif reducer == 9:
                    value = first_day_when(x, start, stop, operator, threshold, q)
                elif reducer == 10:
                    value = last_day_when(x, start, stop, operator, threshold)
                elif reducer == 11:
                    value = longest_run(x, start, stop, operator, threshold, q)
                elif reducer == 12:
                    value = days_in_runs(x, start, stop, operator, threshold, q)
                elif reducer == 13:
                    value = max_rolling_sum(sums[s], present[s], complete[s], start, stop, q)
                elif reducer == 14:
                    value = percentile(x, start, stop, q)
                else:
                    value = day_of_max(x, start, stop)
                if origin >= 0:
                    value = value - origins[origin, year] + 1
                values[cell, year, column] = np.float32(value)
                if event_column >= 0:
                    values[cell, year, event_column] = np.float32(value == value)
