"""Heat and cold against normals, percentiles and thresholds that are given: of the same run, of another run,
of a decree.

What is computed from a reference period is here too, as values per cell, so that a scenario can be compared
with the historical run that it continues. Spells and counts are the reducers' (``days_in_runs``, ``count``).

Sources: ETCCDI (TX90p, WSDI), Hyndman & Fan 1996 (quantile types 7 and 8), Jouzel et al. 2014 (DRIAS
normals), Ouzeau et al. 2016 and Schneider et al. 2022 (heat waves), Laaidi et al. 2004 (heat-health watch),
COSTIC (degree days).
"""

from __future__ import annotations

from math import nan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
Days = npt.NDArray[np.int32]

HEAT_WAVE_OUTPUTS = ("heat_wave", "heat_wave_excess")  # 0, 1, 2 on the first day; °C above the start threshold
CANICULE_OUTPUTS = ("canicule",)  # 1 on a day of alert, 0 on another

# Percentiles of all days of the reference: end, start and peak of a heat wave. Ouzeau et al. 2016;
# param_status unverified: percentiles, minimum of three days and end rule at cell level (indicators.md §1,
# §11).
HEAT_WAVE_PROBABILITIES = (0.95, 0.975, 0.995)
HEAT_WAVE_DAYS = 3
IBM_DAYS = 3  # of the biometeorological index, Laaidi et al. 2004


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


@compiled("float64(float32[:],float64,float64,float64)")
def quantile(values: Block, probability: float, alpha: float, beta: float) -> float:
    """Quantile by plotting positions alpha and beta (Hyndman & Fan 1996): 1, 1 is type 7, ⅓, ⅓ type 8; NaN
    without values.
    """
    n = values.size
    if n == 0:
        return nan
    rank = n * probability + alpha + probability * (1.0 - alpha - beta) - 1.0
    rank = min(max(rank, 0.0), n - 1.0)
    k = int(rank)
    ordered = np.partition(values, k)  # the k-th in its place, none after it smaller
    lower = np.float64(ordered[k])
    upper = np.float64(ordered[k + 1 :].min()) if k + 1 < n else lower
    return lower + (rank - k) * (upper - lower)


@compiled("void(float32[:,::1],int32[:,::1],int64,int64,int64,float64,float64[:,::1])")
def calendar_values(x: Block, anchors: Days, start: int, stop: int, half: int, probability: float, out: Values) -> None:
    """For each calendar day, a statistic of the reference days within ``half`` days of it, ``out`` (cells,
    calendar days).

    The mean where ``probability`` is below 0 (the normals of DRIAS, smoothed over 2 · half + 1 days), else
    the type-8 quantile (ETCCDI percentiles, without bootstrap). ``anchors`` (calendar days, years): day index
    of each calendar day in each reference year; days outside ``[start, stop)`` do not count. NaN where no day
    is known.
    """
    n_rows, n_years = anchors.shape
    sample = np.empty(n_years * (2 * half + 1), dtype=np.float32)
    for c in range(x.shape[0]):
        for row in range(n_rows):
            n, total = 0, 0.0
            for year in range(n_years):
                day = anchors[row, year]
                for i in range(max(start, day - half), min(stop, day + half + 1)):
                    value = x[c, i]
                    if value == value:
                        sample[n] = value
                        total += np.float64(value)
                        n += 1
            if n == 0:
                out[c, row] = nan
            elif probability < 0.0:
                out[c, row] = total / n
            else:
                out[c, row] = quantile(sample[:n], probability, 1.0 / 3.0, 1.0 / 3.0)


def daily_normals(x: Block, anchors: Days, start: int, stop: int, half: int) -> Values:
    """Normals by calendar day (cells, calendar days), in the unit of x: see ``calendar_values``."""
    out = np.empty((x.shape[0], anchors.shape[0]))
    calendar_values(x, anchors, start, stop, half, -1.0, out)
    return out


def daily_percentiles(x: Block, anchors: Days, start: int, stop: int, half: int, probability: float) -> Values:
    """Percentiles by calendar day (cells, calendar days), in the unit of x: see ``calendar_values``."""
    out = np.empty((x.shape[0], anchors.shape[0]))
    calendar_values(x, anchors, start, stop, half, probability, out)
    return out


@compiled("void(float32[:,::1],float64[:],float64[:,::1])")
def period_quantiles(x: Block, probabilities: Values, out: Values) -> None:
    """Type-7 quantiles of all known days of x, ``out`` (cells, probabilities); NaN without any."""
    for c in range(x.shape[0]):
        known = x[c][~np.isnan(x[c])]
        for k in range(probabilities.size):
            out[c, k] = quantile(known, probabilities[k], 1.0, 1.0)


def heat_wave_thresholds(tas: Block) -> Values:
    """End, start and peak thresholds (cells, 3), °C, from the daily means of the reference period."""
    out = np.empty((tas.shape[0], len(HEAT_WAVE_PROBABILITIES)))
    period_quantiles(tas, np.array(HEAT_WAVE_PROBABILITIES), out)
    return out


@compiled("void(float32[:,::1],float64[:,::1],int32[::1],float32[:,:,::1])")
def departure(x: Block, values: Values, calendar_day: Days, out: Block) -> None:
    """x less the value of its calendar day: > 5 °C from the normal in runs of 5 days is a DRIAS heat-wave
    day, < −5 °C a cold-wave day, > 0 from the 90th percentile a day of TX90p, in runs of 6 a day of WSDI. One
    output, in the unit of x.

    ``values`` (cells, calendar days); ``calendar_day`` (days): the column of each day.
    """
    for c in range(x.shape[0]):
        for i in range(x.shape[1]):
            out[0, c, i] = np.float32(np.float64(x[c, i]) - values[c, calendar_day[i]])


@compiled("void(float32[:,::1],float64[:,::1],float32[:,:,::1])")
def heat_waves(tas: Block, thresholds: Values, out: Block) -> None:
    """Heat waves by given thresholds (cells, 3; end, start, peak; °C): ``HEAT_WAVE_OUTPUTS``.

    A wave begins with three days in a row at or above the start threshold. It ends before a day below the end
    threshold, or before three days in a row below the start threshold. It counts if one of its days reaches
    the peak. A missing day ends it.
    """
    n_days = tas.shape[1]
    for c in range(tas.shape[0]):
        end, begin, peak = np.float32(thresholds[c, 0]), np.float32(thresholds[c, 1]), np.float32(thresholds[c, 2])
        known = end == end and begin == begin and peak == peak
        for i in range(n_days):
            missing = not known or tas[c, i] != tas[c, i]
            out[0, c, i] = np.float32(nan) if missing else np.float32(0.0)
            out[1, c, i] = out[0, c, i]
        i, hot = 0, 0
        while i < n_days:
            hot = hot + 1 if tas[c, i] >= begin else 0
            i += 1
            if hot < HEAT_WAVE_DAYS:
                continue
            first, cool = i - HEAT_WAVE_DAYS, 0
            while i < n_days and tas[c, i] >= end and cool < HEAT_WAVE_DAYS:
                cool = cool + 1 if tas[c, i] < begin else 0
                i += 1
            stop = i - cool if cool == HEAT_WAVE_DAYS else i
            hot, reaches = 0, False
            for j in range(first, stop):
                reaches = reaches or tas[c, j] >= peak
            if reaches:
                for j in range(first, stop):
                    out[0, c, j] = np.float32(2.0) if j == first else np.float32(1.0)
                    out[1, c, j] = max(tas[c, j] - begin, np.float32(0.0))


@compiled("void(float32[:,::1],float32[:,::1],float64[::1],float64[::1],float32[:,:,::1])")
def canicule(tasmin: Block, tasmax: Block, night: Values, day: Values, out: Block) -> None:
    """1 on a day from which the three-day means of tasmin and tasmax both reach the alert thresholds, else 0:
    ``CANICULE_OUTPUTS``.

    ``night`` and ``day`` (cells), °C: those of the département (Laaidi et al. 2004), unverified except Paris,
    Marseille and Lille (indicators.md §1). NaN without a threshold, with a missing day among the three, and
    on the last two days.
    """
    n_days = tasmin.shape[1]
    for c in range(tasmin.shape[0]):
        for i in range(n_days):
            if i + IBM_DAYS > n_days:
                out[0, c, i] = np.float32(nan)
                continue
            low, high = -night[c], -day[c]
            for j in range(i, i + IBM_DAYS):
                low += np.float64(tasmin[c, j]) / IBM_DAYS
                high += np.float64(tasmax[c, j]) / IBM_DAYS
            if low != low or high != high:
                out[0, c, i] = np.float32(nan)
            else:
                out[0, c, i] = np.float32(low >= 0.0 and high >= 0.0)
