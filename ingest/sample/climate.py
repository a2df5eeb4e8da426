"""The sample's climate: simulated runs on the 8 km grid, whose départements look like the real ensemble.

For each indicator and context, ``data/reference/tracc_departement.csv`` holds three figures per département
of the real TRACC-2023 ensemble: the quantiles 5 %, 50 % and 95 % over runs of its mean. The steps:

1. ``run_targets``: what each simulated run must give so that the type-7 quantiles over the runs are these
   figures. A run keeps its rank in every context and every département, so that its changes stay plausible.
2. ``interpolator``: the smoothest field whose area-weighted means are given figures, as one matrix.
3. Temperatures: that field, plus a texture that no département's mean sees. Amounts and counts: the same on
   logarithms, then multiplied by smooth corrections until the means are right, so that none is negative.

The texture is noise, not relief: inside a département the sample is an illustration and nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sparse
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import splu

from climart import paths
from ingest import grid

CONTEXTS = ("ref", "rwl20", "rwl27", "rwl40")
SEED = 2_023
SMOOTHING_LENGTH = 5.0  # cells: below it the field bends like a plate, above it like a membrane
SMALLEST = 0.02  # days or mm: 0 has no logarithm, and a tiny mean beside a large one would make a cliff
TOLERANCE = 1e-3  # of the département's mean
REFERENCE_P99_DAYS = 3.65  # days a year above the 99th percentile of all days, by its definition
P99_ELASTICITY = 2.7  # relative change of that count over that of the percentile; 2.2 to 3.4 in 17 real runs

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """One simulated run: its model token (RCM_GCM), and whether it has the fire index."""

    model: str
    has_fire: bool


@dataclass(frozen=True)
class Recipe:
    """How an indicator is simulated.

    ranks: rank of each run (0 lowest), the same everywhere. texture: standard deviation of the noise, in °C,
    or in logarithm where ``positive``. family: indicators of one family share their noise. cap: largest cell
    value.
    """

    family: str
    texture: float
    ranks: tuple[int, ...]
    positive: bool = True
    cap: float = np.inf


RUNS = tuple(Run(f"SIMULE{n}_CLIMART", has_fire) for n, has_fire in enumerate([True, False, True, False, True], 1))

WARM, DRY, WET, INTENSE = (2, 0, 4, 1, 3), (1, 0, 4, 2, 3), (3, 4, 0, 2, 1), (2, 3, 1, 0, 4)
YEAR = 366.0  # days

RECIPES = {
    "t_mean": Recipe("warmth", 0.45, WARM, positive=False),
    "t_mean_jja": Recipe("warmth", 0.50, WARM, positive=False),
    "t_mean_djf": Recipe("warmth", 0.40, WARM, positive=False),
    "tx_mean_jja": Recipe("warmth", 0.55, WARM, positive=False),
    "tx30": Recipe("warmth", 0.12, WARM, cap=YEAR),
    "tx35": Recipe("warmth", 0.18, WARM, cap=YEAR),
    "tr20": Recipe("warmth", 0.20, WARM, cap=YEAR),
    "fwi40_days": Recipe("dryness", 0.15, DRY, cap=YEAR),
    "dry_soil_days": Recipe("dryness", 0.06, DRY, cap=YEAR),
    "rr_yr": Recipe("rain", 0.06, INTENSE),
    "rr_jja": Recipe("rain", 0.06, WET),
    "rr_djf": Recipe("rain", 0.06, INTENSE),
    "p99_all": Recipe("rain", 0.05, INTENSE),
    "rx1d": Recipe("rain", 0.05, INTENSE),
}


def simulate(shares: Floats, departements: list[str]) -> dict[str, Floats]:
    """Indicator id → values (run, context, cell), unrounded, in its unit; NaN for a run that lacks it.

    shares: (département, cell), rows sum to 1. The 14 calibrated indicators, and ``p99_ref_days``, which
    follows p99_all.
    """
    spread = interpolator(shares)
    noise = textures()
    fields: dict[str, Floats] = {}
    for indicator, recipe in RECIPES.items():
        runs = [n for n, run in enumerate(RUNS) if run.has_fire or indicator != "fwi40_days"]
        targets = run_targets(indicator, [recipe.ranks[n] for n in runs], departements)
        flat = targets.reshape(-1, len(departements)).T
        texture = recipe.texture * noise[recipe.family]
        if recipe.positive:
            # A day at 35 °C is one at 30 °C.
            cap = 0.9 * fields["tx30"][runs].reshape(-1, len(texture)).T if indicator == "tx35" else recipe.cap
            found = positive_field(flat, shares, spread, texture, cap)
        else:
            found = spread @ flat + (texture - spread @ (shares @ texture))[:, None]
        values = np.full((len(RUNS), len(CONTEXTS), len(texture)), np.nan)
        values[runs] = found.T.reshape(len(runs), len(CONTEXTS), -1)
        fields[indicator] = values
    change = fields["p99_all"] / fields["p99_all"][:, :1] - 1
    fields["p99_ref_days"] = REFERENCE_P99_DAYS * np.maximum(1 + P99_ELASTICITY * change, 0)
    return fields


def run_targets(indicator: str, ranks: list[int], departements: list[str]) -> Floats:
    """What each run's département means must be: (run, context, département). ``ranks`` orders the runs."""
    figures = calibration().loc[indicator]
    targets = np.empty((len(ranks), len(CONTEXTS), len(departements)))
    place = np.argsort(np.argsort(ranks))
    floor = 0.0 if RECIPES[indicator].positive else -np.inf
    for c, context in enumerate(CONTEXTS):
        q = figures.loc[context].loc[departements]
        ladder = quantile_ladder(q["q05"].to_numpy(), q["q50"].to_numpy(), q["q95"].to_numpy(), len(ranks), floor)
        targets[:, c] = ladder[place]
    return targets


@cache
def calibration() -> pd.DataFrame:
    """The real ensemble's figures: q05, q50, q95 by indicator_id, context_id, departement."""
    table = pd.read_csv(paths.REFERENCE / "tracc_departement.csv", dtype={"departement": str})
    return table.set_index(["indicator_id", "context_id", "departement"]).sort_index()


def quantile_ladder(q05: Floats, q50: Floats, q95: Floats, n: int, floor: float) -> Floats:
    """``n`` (3 or 5) ascending values whose type-7 quantiles are q05, q50, q95: shape (n, …).

    With n values, type 7 puts q05 at the share 0.05 (n-1) of the way from the first to the second, q95
    likewise from the top. The second of 5 is half-way from q05 to q50, nearer where the first would pass
    ``floor``; with 3 values and a floor, q05 may come out too high by a tenth of q50 at most.
    """
    share = 0.05 * (n - 1)
    if n == 3:
        return np.stack([np.maximum((q05 - share * q50) / (1 - share), floor), q50, (q95 - share * q50) / (1 - share)])
    if n != 5:
        raise ValueError(f"{n} runs: the ladder knows 3 and 5")
    room = (q05 - floor) * (1 - share) / share
    second = q05 + np.minimum(0.5 * (q50 - q05), room)
    fourth = q95 - 0.5 * (q95 - q50)
    return np.stack([(q05 - share * second) / (1 - share), second, q50, fourth, (q95 - share * fourth) / (1 - share)])


def interpolator(shares: Floats) -> Floats:
    """The matrix (cell, département) that turns département means into the smoothest field with these means.

    It minimises ∫ |∇f|² + (length² |∇²f|²) on the whole rectangle of the grid under ``shares @ f = means``
    (area-preserving interpolation after Tobler, 1979, J. Am. Stat. Assoc. 74, 519-530), which also fills the
    cells outside.
    """
    n_rows, n_cols = grid.N_ROWS, grid.N_COLS
    laplacian = sparse.kron(path_laplacian(n_rows), sparse.eye_array(n_cols)) + sparse.kron(
        sparse.eye_array(n_rows), path_laplacian(n_cols)
    )
    energy = laplacian + SMOOTHING_LENGTH**2 * (laplacian @ laplacian)
    node = grid.cells()["cell_id"].to_numpy()
    row, cell = np.nonzero(shares)
    means = sparse.csr_array((shares[row, cell], (row, node[cell])), shape=(len(shares), n_rows * n_cols))
    system = sparse.block_array([[energy, means.T], [means, None]], format="csc")
    right = np.zeros((system.shape[0], len(shares)))
    right[n_rows * n_cols :] = np.eye(len(shares))
    return np.asarray(splu(system).solve(right)[node])


def path_laplacian(n: int) -> sparse.csr_array:
    """Second differences along a line of ``n`` nodes, free ends: (n, n)."""
    difference = sparse.diags_array([-np.ones(n - 1), np.ones(n - 1)], offsets=[0, 1], shape=(n - 1, n))
    return sparse.csr_array(difference.T @ difference)


def positive_field(means: Floats, shares: Floats, spread: Floats, texture: Floats, cap: Floats | float) -> Floats:
    """Positive fields (cell, case), at most ``cap``, with given area-weighted means (département, case).

    Raises RuntimeError where 100 smooth corrections do not bring every mean within ``TOLERANCE``.
    """
    wanted = np.maximum(means, SMALLEST)
    field = np.minimum(np.exp(spread @ np.log(wanted) + texture[:, None]), cap)
    for _ in range(100):
        ratio = wanted / (shares @ field)
        if np.abs(ratio - 1).max() < TOLERANCE:
            return field
        field = np.minimum(field * np.exp(spread @ np.log(ratio)), cap)
    raise RuntimeError(f"a mean is still wrong by {np.abs(ratio - 1).max():.1%} after 100 corrections")


def textures() -> dict[str, Floats]:
    """Smooth noise per family of indicators: mean 0, standard deviation 1, the same every time."""
    node = grid.cells()["cell_id"].to_numpy()
    made = {}
    for n, family in enumerate(sorted({recipe.family for recipe in RECIPES.values()})):
        white = np.random.default_rng([SEED, n]).standard_normal((2, grid.N_ROWS, grid.N_COLS))
        layers = [gaussian_filter(layer, sigma) for layer, sigma in zip(white, (1.5, 4.0), strict=True)]
        rough = sum((layer / layer.std() for layer in layers), np.zeros_like(layers[0])).ravel()[node]
        made[family] = (rough - rough.mean()) / rough.std()
    return made
