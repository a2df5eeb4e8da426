"""The wettest days of a year, from which SQL takes the quantile of all the days of a horizon."""

from __future__ import annotations

from math import nan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
YearStarts = npt.NDArray[np.int64]

# A day in a hundred is 3.65 days a year. Sixteen hold the 99th percentile of 20 or 30 years unless one year alone has
# more than sixteen of its 73 or 110 wettest days: SQL sees that and gives no value.
WETTEST = 16
WETTEST_OUTPUTS = tuple(f"wettest.{rank:02d}" for rank in range(1, WETTEST + 1))


@compiled("void(float32[:,::1],int64[::1],float32[:,:,::1])")
def wettest_days(prtot: Block, year_starts: YearStarts, out: Block) -> None:
    """Rain of the wettest days of each calendar year, largest first, mm, ``out`` (cells, years, 16); NaN where a day of
    the year is missing."""
    top = np.empty(WETTEST, dtype=np.float32)
    for c in range(prtot.shape[0]):
        for year in range(year_starts.size - 1):
            top[:] = np.float32(-1.0)
            known = True
            for i in range(year_starts[year], year_starts[year + 1]):
                value = prtot[c, i]
                known = known and value == value
                if value > top[WETTEST - 1]:
                    j = WETTEST - 1
                    while j > 0 and top[j - 1] < value:
                        top[j] = top[j - 1]
                        j -= 1
                    top[j] = value
            for rank in range(WETTEST):
                out[c, year, rank] = top[rank] if known else np.float32(nan)
