"""Grapevine: budburst, flowering, véraison and maturity of some cultivars, frost and heat between them,
Huglin's coefficient, dryness.

Sources: García de Cortázar-Atauri, Brisson & Gaudillère 2009, Int. J. Biometeorol. 53:317 (BRIN, budburst);
Parker et al. 2011, 2013 (GFV, flowering and véraison); Parker et al. 2020 (GSR, sugar 200 g/L); Molitor et
al. 2014 and Molitor & Junk 2019, OENO One 53:409 (degree days with three thresholds, from budburst); Sgubin
et al. 2018 (frost after budburst); Huglin 1978; Riou 1994 and Tonietto & Carbonneau 2004 (dryness).
Temperatures are T̄ = (tasmin + tasmax) / 2 throughout, ripening temperature included [D].
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, nan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Cells = npt.NDArray[np.float64]
Marks = npt.NDArray[np.int32]

# Columns of one profile. Dates are days of the labelled year (1 = 1 January); *_event is 1 where the stage is
# reached, 0 where a complete season does not reach it, NaN where days are missing. Then the date, and all
# that needs it, is NaN.
VINE_COLUMNS = (
    "budburst_doy",
    "budburst_event",
    "flowering_doy",
    "flowering_event",
    "veraison_doy",
    "veraison_event",
    "harvest_doy",
    "harvest_event",
    "frost_days_0",  # tasmin ≤ 0 °C from budburst to 30 June, d
    "frost_days_1",  # ≤ −1 °C, d
    "frost_days_2",  # ≤ −2 °C, d
    "frost_damage",  # 1 where frost_days_2 is not 0: its mean over years is the frequency of damaging frost
    "heat_days_35",  # tasmax ≥ 35 °C from flowering to harvest, d
    "heat_days_40",  # ≥ 40 °C, d
    "ripening_t",  # mean T̄ from véraison to harvest, °C
)
# Of each labelled year, as day indices, -1 outside the axis: (month, day, offset of the year).
VINE_MARKS = ((8, 1, -1), (1, 1, 0), (3, 1, 0), (4, 1, 0), (7, 1, 0), (12, 31, 0))
DRYNESS_MARKS = ((4, 1, 0), (5, 1, 0), (6, 1, 0), (7, 1, 0), (8, 1, 0), (9, 1, 0), (10, 1, 0))

Q10 = 2.17  # BRIN
FORCING_BASE, FORCING_CAP = 5.0, 25.0  # °C, BRIN
RIPENING_LAG = 40.0  # days from véraison to maturity where no GSR sum is known [D], indicators.md §2.1


@dataclass(frozen=True)
class Profile:
    """A cultivar: needs of cold (BRIN units) and forcing (°C h) for budburst, then thermal sums (°C d).

    ``from_budburst``: sums run from the day after budburst (Molitor & Junk), else from 1 March (GFV).
    ``harvest`` is a GSR sum from 1 April, None for ``RIPENING_LAG``. ``param_status`` names what was not
    checked in its paper.
    """

    label: str
    cold: float
    forcing: float
    from_budburst: bool
    flowering: float
    veraison: float
    base: float = 0.0
    optimum: float = inf
    heat: float = inf
    harvest: float | None = None
    param_status: str = "unverified"

    @property
    def row(self) -> tuple[float, ...]:
        """The profile as the compiled code reads it."""
        sums = (self.flowering, self.veraison, nan if self.harvest is None else self.harvest)
        return (self.cold, self.forcing, float(self.from_budburst), self.base, self.optimum, self.heat, *sums)


_CHARDONNAY = (101.2, 6576.7)  # BRIN, table 3, unverified (indicators.md §2.1)
_CABERNET_SAUVIGNON = (106.8, 9169.4)  # likewise
_BORROWED = "unverified: budburst borrowed from {}, flowering and véraison sums"
_VERIFIED = "verified after budburst; unverified: budburst borrowed from Chardonnay, maturity 40 days after véraison"

# Molitor & Junk first: their sums were read in the authors' data. Véraison is BBCH 81 [D]. The three others
# are the early, middle and late profile of indicators.md §2.1; the BRIN needs of Merlot and Grenache are not
# at hand [D].
PROFILES = {
    "pinot_noir": Profile("Pinot noir", *_CHARDONNAY, True, 606.8, 1519.7, 3.0, 20.0, 24.0, None, _VERIFIED),
    "riesling": Profile("Riesling", *_CHARDONNAY, True, 407.2, 1026.8, 7.0, 18.0, 24.0, None, _VERIFIED),
    "mueller_thurgau": Profile("Müller-Thurgau", *_CHARDONNAY, True, 517.5, 1160.2, 5.0, 20.0, 22.0, None, _VERIFIED),
    "early": Profile("Chardonnay", *_CHARDONNAY, False, 1217.0, 2547.0),
    "middle": Profile(
        "Merlot", *_CABERNET_SAUVIGNON, False, 1269.0, 2636.0, param_status=_BORROWED.format("Cabernet-Sauvignon")
    ),
    "late": Profile(
        "Grenache", *_CABERNET_SAUVIGNON, False, 1277.0, 2761.0, param_status=_BORROWED.format("Cabernet-Sauvignon")
    ),
}
DEFAULT_PROFILE = "pinot_noir"
PUBLISHED = (DEFAULT_PROFILE, "early", "middle", "late")  # those that features read

# Huglin 1978, as coded "huglin" in xclim below 50° N: up to this latitude (degrees north), this k. Beyond 50°
# N the last value holds [D]: France reaches 51.1° N.
HUGLIN_K = ((40.0, 1.00), (42.0, 1.02), (44.0, 1.03), (46.0, 1.04), (48.0, 1.05), (50.0, 1.06))

RESERVE = 200.0  # mm, Riou 1994
SHADE = (0.1, 0.3, 0.5, 0.5, 0.5, 0.5)  # share of radiation that the vine takes, April … September, Riou 1994
RAIN_PER_EVAPORATION_DAY = 5.0  # mm, Riou 1994


def profile_rows(names: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """The profiles as ``vine_seasons`` reads them, (profiles, 9)."""
    return np.array([PROFILES[name].row for name in names])


def huglin_coefficient(latitude: float) -> float:
    """Huglin's k for the length of days at a latitude (degrees north)."""
    return next((k for limit, k in HUGLIN_K if latitude <= limit), HUGLIN_K[-1][1])


@compiled("float64(float64,float64)")
def chilling(tn: float, tx: float) -> float:
    """Cold units of a day from its extreme temperatures (°C). BRIN."""
    rate = -log(Q10) / 10.0
    return exp(rate * tx) + exp(rate * tn)


@compiled("float64(float64,float64,float64)")
def forcing(tn: float, tx: float, tn_next: float) -> float:
    """Forcing of a day (°C h): hourly temperatures above 5 °C, up to 25 °C. BRIN.

    Straight from tn up to tx in 12 hours, then down to the next day's tn in 12 (°C).
    """
    total = 0.0
    for h in range(1, 13):
        up = tn + h * (tx - tn) / 12.0
        down = tx - h * (tx - tn_next) / 12.0
        total += min(max(up, FORCING_BASE), FORCING_CAP) - FORCING_BASE
        total += min(max(down, FORCING_BASE), FORCING_CAP) - FORCING_BASE
    return total


@compiled("float64(float64,float64,float64,float64)")
def degree_day(t: float, base: float, optimum: float, heat: float) -> float:
    """Degree days of a day of mean t (°C): above base, at most optimum − base, less what exceeds heat.
    Molitor et al. 2014.

    With infinite optimum and heat, max(0, t − base).
    """
    return max(min(t, optimum) - base - max(t - heat, 0.0), 0.0)


@compiled("int64(float32[:],float32[:],int64,int64,float64,float64,float64,float64)")
def day_sum_reaches(
    tn: Block, tx: Block, start: int, stop: int, target: float, base: float, optimum: float, heat: float
) -> int:
    """Day of ``[start, stop)`` on which degree days reach ``target``; -1 if none does, -2 if a day is missing
    before.
    """
    total = 0.0
    for i in range(start, stop):
        t = 0.5 * (np.float64(tn[i]) + np.float64(tx[i]))
        if t != t:
            return -2
        total += degree_day(t, base, optimum, heat)
        if total >= target:
            return i
    return -1


@compiled("void(float32[:],float32[:],int64,int64,float64[:,::1],int64[::1])")
def budbursts(
    tn: Block, tx: Block, start: int, stop: int, profiles: npt.NDArray[np.float64], days: npt.NDArray[np.int64]
) -> None:
    """Day of budburst of each profile within ``[start, stop)``: -1 if there is none, -2 if a day is missing
    before it.

    Cold units from ``start`` until their need is met, then forcing from the day after [D] until its need is
    met.
    """
    n = profiles.shape[0]
    days[:] = -1
    awake = np.full(n, stop, dtype=np.int64)  # first day of forcing
    cold, waiting, first = 0.0, n, stop
    for i in range(start, stop):
        units = chilling(np.float64(tn[i]), np.float64(tx[i]))
        if units != units:
            for p in range(n):
                days[p] = -2 if awake[p] == stop else days[p]
            break
        cold += units
        for p in range(n):
            if awake[p] == stop and cold >= profiles[p, 0]:
                awake[p] = i + 1
                waiting -= 1
                first = min(first, i + 1)
        if waiting == 0:
            break
    total = np.zeros(n)
    waiting = 0
    for p in range(n):
        waiting += awake[p] < stop
    for i in range(first, stop):
        if waiting == 0:
            break
        hours = forcing(np.float64(tn[i]), np.float64(tx[i]), np.float64(tn[min(i + 1, tn.size - 1)]))
        for p in range(n):
            if awake[p] <= i and days[p] == -1:
                total[p] += hours
                if total[p] != total[p]:
                    days[p] = -2
                    waiting -= 1
                elif total[p] >= profiles[p, 1]:
                    days[p] = i
                    waiting -= 1


@compiled("void(float32[:,::1],float32[:,::1],int32[:,::1],float64[:,::1],float32[:,:,:,::1])")
def vine_seasons(tasmin: Block, tasmax: Block, marks: Marks, profiles: npt.NDArray[np.float64], out: Block) -> None:
    """Stages and exposures of each season, ``out`` (cells, years, profiles, columns): ``VINE_COLUMNS``.

    ``marks`` (years, 6): the days of ``VINE_MARKS``. Budburst comes by 30 June, the other stages by 31
    December, each after the one before: a stage that would not is not reached. ``profiles``: of
    ``profile_rows``.
    """
    n_profiles = profiles.shape[0]
    burst = np.empty(n_profiles, dtype=np.int64)
    for c in range(tasmin.shape[0]):
        tn, tx = tasmin[c], tasmax[c]
        for year in range(marks.shape[0]):
            dormancy, january, march, april, july = marks[year, :5]
            end = marks[year, 5] + 1
            out[c, year] = np.float32(nan)
            if dormancy < 0 or end <= 0:
                continue
            budbursts(tn, tx, dormancy, july, profiles, burst)
            for p in range(n_profiles):
                columns = out[c, year, p]
                base, optimum, heat = profiles[p, 3], profiles[p, 4], profiles[p, 5]
                begin = burst[p] + 1 if profiles[p, 2] == 1.0 else march
                previous = january - 1
                last_stage = 4
                stages = np.full(4, -1, dtype=np.int64)
                for stage in range(4):
                    if stage == 0:
                        day = burst[p]
                    elif stage < 3:
                        day = day_sum_reaches(tn, tx, begin, end, profiles[p, 5 + stage], base, optimum, heat)
                    elif profiles[p, 8] == profiles[p, 8]:
                        day = day_sum_reaches(tn, tx, april, end, profiles[p, 8], 0.0, inf, inf)
                    else:
                        day = previous + int(RIPENING_LAG)
                        day = day if day < end else -1
                    if day <= previous:  # not reached, missing, or out of order
                        missing = day == -2
                        for later in range(stage, 4):
                            columns[2 * later + 1] = np.float32(nan) if missing else np.float32(0.0)
                        last_stage = stage
                        break
                    stages[stage] = day
                    columns[2 * stage] = np.float32(day - january + 1)
                    columns[2 * stage + 1] = np.float32(1.0)
                    previous = day
                if last_stage >= 1:
                    frost_0, frost_1, frost_2, known = 0, 0, 0, True
                    for i in range(stages[0], july):
                        known = known and tn[i] == tn[i]
                        frost_0 += tn[i] <= 0.0
                        frost_1 += tn[i] <= -1.0
                        frost_2 += tn[i] <= -2.0
                    if known:
                        columns[8], columns[9] = np.float32(frost_0), np.float32(frost_1)
                        columns[10], columns[11] = np.float32(frost_2), np.float32(frost_2 > 0)
                if last_stage == 4:
                    hot_35, hot_40, known = 0, 0, True
                    for i in range(stages[1], stages[3] + 1):
                        known = known and tx[i] == tx[i]
                        hot_35 += tx[i] >= 35.0
                        hot_40 += tx[i] >= 40.0
                    if known:
                        columns[12], columns[13] = np.float32(hot_35), np.float32(hot_40)
                    warmth = 0.0
                    for i in range(stages[2], stages[3] + 1):
                        warmth += 0.5 * (np.float64(tn[i]) + np.float64(tx[i]))
                    columns[14] = np.float32(warmth / (stages[3] - stages[2] + 1))


@compiled("void(float32[:,::1],float32[:,::1],int32[:,::1],float32[:,:])")
def dryness_index(prtot: Block, pet: Block, marks: Marks, out: Block) -> None:
    """Water left in the soil of a vineyard on 30 September (mm), at most 200, may be negative, ``out``
    (cells, years).

    Riou 1994, Tonietto & Carbonneau 2004: 200 mm on 1 April, then by month W = min(200, W + P − ETP·k −
    (ETP/N)(1 − k)·JPm) with JPm = min(P/5, N). ``marks`` (years, 7): the first days of April … October,
    ``DRYNESS_MARKS``.
    """
    for c in range(prtot.shape[0]):
        for year in range(marks.shape[0]):
            water = RESERVE if marks[year, 0] >= 0 else nan
            for month in range(6):
                first, stop = marks[year, month], marks[year, month + 1]
                rain, demand = 0.0, 0.0
                for i in range(first, stop):
                    rain += np.float64(prtot[c, i])
                    demand += np.float64(pet[c, i])
                n, k = float(stop - first), SHADE[month]
                if n <= 0.0 or rain != rain or demand != demand:
                    water = nan
                    break
                from_soil = demand / n * (1.0 - k) * min(rain / RAIN_PER_EVAPORATION_DAY, n)
                water = min(RESERVE, water + rain - demand * k - from_soil)
            out[c, year] = np.float32(water)
