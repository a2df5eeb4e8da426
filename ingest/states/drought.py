"""Standardised drought indices of each month: rain (SPI), rain less evapotranspiration (SPEI), soil water (SSWI).

Every month is set against the same calendar month of the run's reference years: a distribution is fitted there, and the
month's probability is read as a number of standard deviations. Monthly totals, whole arrays: a month is a thirtieth of
the work of its days.

Sources: McKee et al. 1993 (SPI), Vicente-Serrano et al. 2010 (SPEI), Vidal et al. 2010 and Soubeyroux et al. 2012
(SSWI, ClimSec), Stagge et al. 2015 (months without rain), Hosking & Wallis 1997 (L-moments).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Block = npt.NDArray[np.float32]
Months = npt.NDArray[np.float64]
Starts = npt.NDArray[np.int64]

LIMIT = 8.21  # standard deviations: the inverse of the normal distribution at the precision of float64, as in xclim
SOIL_LIMIT = 4.0  # of the SSWI: thirty years and a kernel say no more (bounds of the catalogue)
MIN_VALUES = 20  # reference values of a calendar month that a fit needs, of the 27 to 30 [D]
# Return periods of 10 and 25 years: the standard normal quantiles of 1/10 and 1/25 (indicators.md §2.3).
ONE_IN_10, ONE_IN_25 = -1.28, -1.75
YEAR_COLUMNS = ("mean", "below_10y", "below_25y", "jun_oct_below_25y")  # -, then % of the months
_FLAT = 0.01  # kernel width at least: soil that is full every winter has no spread of its own [D]


def monthly_sums(x: Block, month_starts: Starts) -> Months:
    """Sum of each month (cells, months), float64, from days (cells, days); NaN where a day is missing."""
    return np.asarray(np.add.reduceat(x.astype(np.float64), month_starts[:-1], axis=1))


def accumulated(monthly: Months, months: int) -> Months:
    """Sum of each month and those before it, ``months`` in all; NaN for the first ones."""
    sums = np.full_like(monthly, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(monthly, months, axis=1)
    sums[:, months - 1 :] = windows.sum(axis=2)
    return sums


def l_moments(x: Months) -> tuple[Months, Months, Months]:
    """First two L-moments and the L-skewness along the second axis, missing values left out; NaN below three values."""
    n = np.isfinite(x).sum(axis=1, keepdims=True)
    ordered = np.nan_to_num(np.sort(x, axis=1), nan=0.0)  # NaN sorts last, and weighs nothing
    rank = np.arange(x.shape[1]).reshape(1, -1, *[1] * (x.ndim - 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        b0 = ordered.sum(axis=1) / n[:, 0]
        b1 = (ordered * rank / (n - 1)).sum(axis=1) / n[:, 0]
        b2 = (ordered * rank * (rank - 1) / ((n - 1) * (n - 2))).sum(axis=1) / n[:, 0]
        l2 = 2 * b1 - b0
        t3 = (6 * b2 - 6 * b1 + b0) / l2
    few = n[:, 0] < 3
    return (np.where(few, np.nan, b0), np.where(few, np.nan, l2), np.where(few, np.nan, t3))


def gamma_probability(x: Months, l1: Months, l2: Months) -> Months:
    """P(X ≤ x) of the gamma distribution with these L-moments. Hosking & Wallis 1997, §A.8."""
    with np.errstate(divide="ignore", invalid="ignore"):
        cv = l2 / l1
        low = np.pi * cv**2
        high = 1 - cv
        shape = np.where(
            cv < 0.5,
            (1 - 0.3080 * low) / (low * (1 + low * (-0.05812 + low * 0.01765))),
            high * (0.7213 - high * 0.5947) / (1 + high * (-2.1817 + high * 1.2113)),
        )
        return np.asarray(special.gammainc(shape, x * shape / l1))


def logistic_probability(x: Months, l1: Months, l2: Months, t3: Months) -> Months:
    """P(X ≤ x) of the generalised logistic distribution with these L-moments. Hosking & Wallis 1997, §A.7."""
    k = -t3
    with np.errstate(divide="ignore", invalid="ignore"):
        small = np.abs(k) < 1e-6
        ratio = np.where(small, 1.0, k * np.pi / np.sin(np.where(small, 1.0, k) * np.pi))
        scale = l2 / ratio
        place = np.where(small, l1, l1 - scale * (1 - ratio) / np.where(small, 1.0, k))
        reduced = (x - place) / scale
        inner = np.maximum(1 - k * reduced, 0.0)
        y = np.where(small, reduced, -np.log(inner) / np.where(small, 1.0, k))
        return np.asarray(special.expit(y), dtype=np.float64)


def _calendar(monthly: Months) -> Months:
    return monthly.reshape(monthly.shape[0], -1, 12)


def _score(probability: Months, limit: float) -> Months:
    return np.asarray(np.clip(special.ndtri(probability), -limit, limit))


def spi_of(totals: Months, reference: slice) -> Months:
    """SPI of accumulated rain (cells, months from January): gamma on the reference years of each calendar month.

    Months without rain are counted apart: their probability is the share of such months (upper end, as in xclim).
    """
    x = _calendar(totals)
    base = x[:, reference]
    known = np.isfinite(base).sum(axis=1)
    zeros = (base == 0).sum(axis=1)
    l1, l2, _ = l_moments(np.where(base > 0, base, np.nan))
    with np.errstate(invalid="ignore", divide="ignore"):
        dry = zeros / known
        wet = gamma_probability(x, l1[:, None], l2[:, None])
        probability = np.where(x == 0, dry[:, None], dry[:, None] + (1 - dry[:, None]) * wet)
    probability[np.broadcast_to((known < MIN_VALUES)[:, None], x.shape) | ~np.isfinite(x)] = np.nan
    return _score(probability, LIMIT).reshape(totals.shape)


def spei_of(balances: Months, reference: slice) -> Months:
    """SPEI of an accumulated balance (cells, months from January): generalised logistic on the reference years."""
    x = _calendar(balances)
    base = x[:, reference]
    l1, l2, t3 = (moment[:, None] for moment in l_moments(base))
    probability = logistic_probability(x, l1, l2, t3)
    few = np.isfinite(base).sum(axis=1) < MIN_VALUES
    probability[np.broadcast_to(few[:, None], x.shape) | ~np.isfinite(x)] = np.nan
    return _score(probability, LIMIT).reshape(balances.shape)


def sswi_of(means: Months, reference: slice) -> Months:
    """SSWI of averaged soil wetness (cells, months from January): Gaussian kernel on the reference years.

    Kernel width of Silverman 1986, eq. 3.31; the smoothed distribution is shrunk to the variance of the sample (ibid.,
    §6.4.1), so that the reference keeps a deviation of 1. Where the soil has no spread the width is 0.01.
    """
    x = _calendar(means)
    base = x[:, reference]
    n = np.isfinite(base).sum(axis=1)
    few = n < MIN_VALUES
    filled = np.where(few[:, None], 0.0, base)
    quartiles = np.nanpercentile(filled, [25, 75], axis=1)
    centre, deviation = np.nanmean(filled, axis=1), np.nanstd(filled, axis=1)
    spread = np.minimum(deviation, (quartiles[1] - quartiles[0]) / 1.34)
    width = 0.9 * spread * np.maximum(n, 1) ** -0.2
    flat = width < _FLAT
    with np.errstate(invalid="ignore", divide="ignore"):
        shrink = np.where(flat, 1.0, 1 / np.sqrt(1 + (width / deviation) ** 2))
    width = np.where(flat, _FLAT, width * shrink)[:, None]
    probability = np.zeros_like(x)
    for year in range(base.shape[1]):
        value = filled[:, year]
        at = (centre + shrink * (np.nan_to_num(value) - centre))[:, None]
        probability += np.where(np.isfinite(value)[:, None], special.ndtr((x - at) / width), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        probability /= n[:, None]
    probability[np.broadcast_to(few[:, None], x.shape) | ~np.isfinite(x)] = np.nan
    return _score(probability, SOIL_LIMIT).reshape(means.shape)


def spi(prtot: Block, month_starts: Starts, months: int, reference: slice) -> Months:
    """SPI of each month (cells, months), from daily rain (mm); ``reference``: its years on the axis."""
    return spi_of(accumulated(monthly_sums(prtot, month_starts), months), reference)


def spei(prtot: Block, pet: Block, month_starts: Starts, months: int, reference: slice) -> Months:
    """SPEI of each month (cells, months), from daily rain and evapotranspiration (mm)."""
    balance = monthly_sums(prtot, month_starts) - monthly_sums(pet, month_starts)
    return spei_of(accumulated(balance, months), reference)


def sswi(swi: Block, month_starts: Starts, months: int, reference: slice) -> Months:
    """SSWI of each month (cells, months), from daily soil wetness (0 … 1)."""
    means = monthly_sums(swi, month_starts) / np.diff(month_starts)
    return sswi_of(accumulated(means, months) / months, reference)


def by_year(monthly: Months) -> Months:
    """What a year keeps of its months (cells, years, columns): ``YEAR_COLUMNS``; NaN where a month is missing."""
    x = _calendar(monthly)
    summer = x[:, :, 5:10]
    columns = [x.mean(axis=2), *(100 * (x < limit).mean(axis=2) for limit in (ONE_IN_10, ONE_IN_25))]
    columns.append(100 * (summer < ONE_IN_25).mean(axis=2))
    missing = np.isnan(x).any(axis=2, keepdims=True)
    return np.where(missing, np.nan, np.stack(columns, axis=2))
