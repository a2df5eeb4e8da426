"""Days of heat alert against the thresholds of the département (biometeorological index, Laaidi et al. 2004)."""

from __future__ import annotations

from math import nan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]

CANICULE_OUTPUTS = ("canicule",)  # 1 on a day of alert, 0 on another
IBM_DAYS = 3  # of the biometeorological index, Laaidi et al. 2004


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
