"""Grass of a permanent meadow: daily growth by ModVege, for the functional groups A to D.

Sources: Jouven, Carrère & Baumont 2006, Grass Forage Sci. 61:112 (ModVege); McCall & Bishop-Hurley 2003
(water stress); parameters of groups and compartments as in the R package growR 1.x, read in its code
(indicators.md §2.2). The light version of indicators.md §2.2 [D]: group B, nitrogen index 0.7, a cut at every
600 °C d, stubble of 5 cm. Growth does not respond to CO₂.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from math import exp, nan

import numpy as np
import numpy.typing as npt

from ingest.jit import compiled

Block = npt.NDArray[np.float32]
Cells = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]
YearStarts = npt.NDArray[np.int64]

GRASS_OUTPUTS = ("grass_growth", "grass_harvest")  # kg dry matter ha⁻¹ d⁻¹; the second on days of cut


@dataclass(frozen=True)
class FunctionalGroup:
    """A type of sward (Jouven et al. 2006, tables 2 and 3)."""

    sla: float  # specific leaf area, m² g⁻¹
    laminae: float  # share of leaf blades in green vegetative matter
    st1: float  # °C d from 1 January, start of reproductive growth
    st2: float  # °C d, its end
    max_sea: float
    min_sea: float
    lls: float  # leaf lifespan, °C d
    density_gv: float  # g m⁻³: green vegetative, green reproductive, dead vegetative, dead reproductive
    density_gr: float
    density_dv: float
    density_dr: float

    @property
    def row(self) -> Vector:
        """The group as the compiled code reads it."""
        return np.array(astuple(self), dtype=np.float64)


GROUPS = {
    "A": FunctionalGroup(0.033, 0.68, 600, 1200, 1.2, 0.8, 500, 850, 300, 500, 150),
    "B": FunctionalGroup(0.025, 0.68, 700, 1350, 1.3, 0.7, 800, 850, 300, 500, 150),
    "C": FunctionalGroup(0.022, 0.68, 850, 1550, 1.4, 0.6, 900, 1200, 200, 1800, 300),
    "D": FunctionalGroup(0.019, 0.68, 1000, 1850, 1.5, 0.5, 1400, 800, 150, 2200, 450),
}
DEFAULT_GROUP = "B"  # [D]
DEFAULT_NITROGEN = 0.7  # index 0.35 … 1 [D]
DEFAULT_CAPACITY = 100.0  # mm, soil water where no map is loaded [D]

RUE_MAX = 3.0  # g MJ⁻¹
PAR_SHARE = 0.48  # of solar radiation
MJ_PER_W = 0.0864
EXTINCTION = 0.6
T0, T1, T2, T_LIMIT = 4.0, 10.0, 20.0, 40.0  # °C
K_GV, K_GR, K_DV, K_DR = 0.002, 0.001, 0.001, 0.0005  # °C⁻¹ d⁻¹
SIGMA_GV, SIGMA_GR = 0.4, 0.2  # share of senescent matter that is respired
WET_DAY, WET_DAY_PET = 1.0, 0.7  # mm, share of PET kept on it
CUT_EVERY = 600.0  # °C d from 1 January [D]
STUBBLE = 0.05  # m
FLOOR = 0.02  # m, that senescence leaves, as in growR
# On 1 January (growR): kg ha⁻¹ of GV, GR, DV, DR, then their ages in °C d. GV is what 5 cm of stubble hold.
INITIAL = np.array([420.0, 0.0, 300.0, 30.0, 100.0, 2000.0, 500.0, 500.0])
N_STATE = 10  # INITIAL, soil water (mm), whether a cut ended reproductive growth
N_FLUX = 9  # growth, senescence GV, GR, abscission DV, DR, respired, evapotranspiration, drainage, harvest


@compiled("float64(float64)")
def f_par(par: float) -> float:
    """Growth left by too much light, 0 … 1, from photosynthetic radiation (MJ m⁻² d⁻¹)."""
    return min(max(1.0 - 0.0445 * (par - 5.0), 0.0), 1.0)


@compiled("float64(float64)")
def f_temperature(t: float) -> float:
    """Growth left by temperature (°C), 0 … 1."""
    if t < T0:
        return 0.0
    if t < T1:
        return (t - T0) / (T1 - T0)
    if t < T2:
        return 1.0
    return max((T_LIMIT - t) / (T_LIMIT - T2), 0.0)


@compiled("float64(float64,float64)")
def f_water(w: float, pet: float) -> float:
    """Growth left by water stress, 0 … 1, from soil water over capacity and PET (mm d⁻¹). McCall &
    Bishop-Hurley 2003.
    """
    if pet <= 3.8:
        if w < 0.2:
            return 4.0 * w
        if w < 0.4:
            return 0.75 * w + 0.65
        if w < 0.6:
            return 0.25 * w + 0.85
        return 1.0
    if pet <= 6.5:
        if w < 0.2:
            return 2.0 * w
        if w < 0.4:
            return 1.5 * w + 0.1
        if w < 0.6:
            return w + 0.3
        if w < 0.8:
            return 0.5 * w + 0.6
        return 1.0
    return w


@compiled("float64(float64,float64,float64,float64,float64)")
def seasonal(st: float, st1: float, st2: float, max_sea: float, min_sea: float) -> float:
    """Reserves stored or spent (SEA) by the sum of temperatures from 1 January (°C d)."""
    if st < 200.0 or st >= st2:
        return min_sea
    if st < st1 - 200.0:
        return min_sea + (max_sea - min_sea) * (st - 200.0) / (st1 - 400.0)
    if st < st1 - 100.0:
        return max_sea
    return max_sea + (min_sea - max_sea) * (st - st1 + 100.0) / (st2 - st1 + 100.0)


@compiled("float64(float64)")
def green_age_factor(share: float) -> float:
    """Acceleration of senescence by age over lifespan, 1 … 3."""
    return 1.0 if share < 1.0 / 3.0 else min(3.0 * share, 3.0)


@compiled("float64(float64)")
def dead_age_factor(share: float) -> float:
    """Acceleration of abscission by age over lifespan, 1, 2 or 3."""
    return 1.0 if share < 1.0 / 3.0 else 2.0 if share < 2.0 / 3.0 else 3.0


@compiled("float64(float64,float64,float64,float64,float64)")
def aged(age: float, matter: float, lost: float, gained: float, t: float) -> float:
    """Mean age (°C d) after a day of mean t (°C): what stays ages, what comes is new."""
    stays = matter - lost
    return stays / (stays + gained) * (age + max(t, 0.0)) if stays + gained > 0.0 else 0.0


@compiled(
    "void(float64[:],float64[:],float64[:],float64,float64,float64,float64,float64,float64,float64,float64,boolean)"
)
def sward_day(
    state: Vector,
    flux: Vector,
    group: Vector,
    nitrogen: float,
    capacity: float,
    t: float,
    rsds: float,
    rain: float,
    supply: float,
    pet: float,
    st: float,
    cut: bool,
) -> None:
    """One day of a sward, in place. ``state``: GV, GR, DV, DR (kg ha⁻¹), their ages (°C d), soil water (mm),
    cut or not.

    Mean temperature (°C), rsds (W m⁻²), rain, rain and melt, PET (mm), sum of temperatures since 1 January,
    this day included (°C d), and whether the sward is cut at the end of the day. ``flux``: growth, senescence
    of GV and GR, abscission of DV and DR, what is respired (kg ha⁻¹), evapotranspiration, drainage (mm),
    harvest (kg ha⁻¹).

    The day's order is growR's: water and growth from yesterday's matter, ages, senescence, abscission, cut.
    Senescence never takes a green compartment below 2 cm: mass is conserved, where growR resets it [D].
    """
    sla, laminae, st1, st2, max_sea, min_sea, lls = group[0], group[1], group[2], group[3], group[4], group[5], group[6]
    gv, gr, dv, dr, water = state[0], state[1], state[2], state[3], state[8]
    leaf = sla * laminae / 10.0
    demand = max(pet, 0.0) * (WET_DAY_PET if rain > WET_DAY else 1.0)
    cover = 1.0 - exp(-EXTINCTION * leaf * (gv + gr))
    wanted = demand * (cover * f_water(water / capacity, demand) + (1.0 - cover) * water / capacity)
    evaporated = min(wanted, water + supply)
    rest = water + supply - evaporated
    water = min(rest, capacity)
    drained = rest - water
    par = PAR_SHARE * rsds * MJ_PER_W
    potential = 10.0 * par * RUE_MAX * (1.0 - exp(-EXTINCTION * leaf * gv))
    environment = f_par(par) * f_temperature(t) * f_water(water / capacity, demand)
    growth = nitrogen * potential * environment * seasonal(st, st1, st2, max_sea, min_sea)

    reproductive = 0.0
    in_period = st1 <= st <= st2
    if in_period and state[9] == 0.0:
        reproductive = 0.25 + 0.75 * (nitrogen - 0.35) / 0.65
    new_gv, new_gr = growth * (1.0 - reproductive), growth * reproductive
    # Losses of the day, from yesterday's matter
    if t > T0:
        lost_gv = K_GV * gv * t * green_age_factor(state[4] / lls)
        lost_gr = K_GR * gr * t * green_age_factor(state[5] / (st2 - st1))
    elif t > 0.0:
        lost_gv, lost_gr = 0.0, 0.0
    else:
        lost_gv, lost_gr = K_GV * gv * -t, K_GR * gr * -t
    lost_gv = min(lost_gv, max(gv + new_gv - FLOOR * 10.0 * group[7], 0.0))
    lost_gr = min(lost_gr, gr + new_gr)
    lost_dv = min(K_DV * dv * max(t, 0.0) * dead_age_factor(state[6] / lls), dv)
    lost_dr = min(K_DR * dr * max(t, 0.0) * dead_age_factor(state[7] / (st2 - st1)), dr)
    new_dv, new_dr = (1.0 - SIGMA_GV) * lost_gv, (1.0 - SIGMA_GR) * lost_gr
    state[4] = aged(state[4], gv, min(lost_gv, gv), new_gv, t)
    state[5] = aged(state[5], gr, min(lost_gr, gr), new_gr, t)
    state[6] = aged(state[6], dv, lost_dv, new_dv, t)
    state[7] = aged(state[7], dr, lost_dr, new_dr, t)
    state[0], state[1] = gv + new_gv - lost_gv, gr + new_gr - lost_gr
    state[2], state[3] = dv + new_dv - lost_dv, dr + new_dr - lost_dr
    state[8] = water
    harvest = 0.0
    if cut:
        for k in range(4):
            excess = max(state[k] - STUBBLE * 10.0 * group[7 + k], 0.0)
            state[k] -= excess
            harvest += excess
        if in_period:
            state[9] = 1.0
    flux[0], flux[1], flux[2], flux[3], flux[4] = growth, lost_gv, lost_gr, lost_dv, lost_dr
    flux[5] = SIGMA_GV * lost_gv + SIGMA_GR * lost_gr
    flux[6], flux[7], flux[8] = evaporated, drained, harvest


@compiled(
    "void(float32[:,::1],float32[:,::1],float32[:,::1],float32[:,::1],float32[:,::1],float64[::1],float64[:],float64,"
    "int64[::1],float32[:,:,::1])"
)
def grass_growth(
    tas: Block,
    rsds: Block,
    prtot: Block,
    water_input: Block,
    pet: Block,
    capacity: Cells,
    group: Vector,
    nitrogen: float,
    year_starts: YearStarts,
    out: Block,
) -> None:
    """Growth and harvest of each day (kg dry matter ha⁻¹ d⁻¹): ``GRASS_OUTPUTS``.

    ``water_input``: rain and melt of ``soil``; ``capacity`` (cells), mm; ``group``: the row of a
    FunctionalGroup; ``year_starts`` (years + 1). Each 1 January the sward is that of ``INITIAL`` [D: ModVege
    runs by year]; soil water goes on from one year to the next, full on the first day. After a missing day
    all is NaN to the end of the year; the next begins anew with a full soil. NaN where the capacity is
    missing or not above 0.
    """
    state = np.empty(N_STATE)
    flux = np.empty(N_FLUX)
    for c in range(tas.shape[0]):
        water = capacity[c]
        for year in range(year_starts.size - 1):
            state[:8] = INITIAL
            state[8], state[9] = water, 0.0
            st, lost = 0.0, not capacity[c] > 0.0
            for i in range(year_starts[year], year_starts[year + 1]):
                t, rain, supply = np.float64(tas[c, i]), np.float64(prtot[c, i]), np.float64(water_input[c, i])
                sun, demand = np.float64(rsds[c, i]), np.float64(pet[c, i])
                known = t + rain + supply + sun + demand
                lost = lost or known != known
                if lost:
                    out[:, c, i] = np.float32(nan)
                    continue
                before = st
                st += max(t, 0.0)
                cut = int(st / CUT_EVERY) > int(before / CUT_EVERY)
                sward_day(state, flux, group, nitrogen, capacity[c], t, sun, rain, supply, demand, st, cut)
                out[0, c, i] = np.float32(flux[0])
                out[1, c, i] = np.float32(flux[8])
            water = capacity[c] if lost else state[8]
