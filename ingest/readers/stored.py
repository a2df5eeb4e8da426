"""Stored numbers of a NetCDF file, read by blocks and turned into values in the canonical unit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import numpy.typing as npt

from climart.errors import UserError
from ingest.jit import compiled
from ingest.variables import Variable

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

MISSING = 1e19  # stored numbers at or beyond are missing whatever the attributes say: 1e20, 1e30, 9.97e36 are met
NOISE = 1e-5  # of the upper soft bound: what a quantity that cannot be negative may lie below 0 (packing, rounding)
SQUARE = 32  # days and cells of a square that is transposed at once: both of its sides stay in the first-level cache


@compiled("void(float32[:,::1],float32[::1],float32,int64[::1])")
def check_rows(values: Floats, bounds: Floats, noise: np.float32, counts: npt.NDArray[np.int64]) -> None:
    """Set values in -``noise`` … 0 to 0 and add to four counts: missing, beyond the hard bounds, beyond the soft bounds
    (``bounds``: hard low, hard high, soft low, soft high), set to 0."""
    zero = np.float32(0.0)
    hard_low, hard_high, soft_low, soft_high = bounds[0], bounds[1], bounds[2], bounds[3]
    for c in range(values.shape[0]):
        row = values[c]
        gone, hard, soft, rounded = np.int32(0), np.int32(0), np.int32(0), np.int32(0)
        if noise > zero:
            for value in row:
                rounded += np.int32((value < zero) & (value >= -noise))
            if rounded > 0:
                for t in range(row.size):
                    row[t] = zero if (row[t] < zero) & (row[t] >= -noise) else row[t]
        for value in row:
            gone += np.int32(value != value)
            hard += np.int32((value < hard_low) | (value > hard_high))
            soft += np.int32((value < soft_low) | (value > soft_high))
        counts[0] += gone
        counts[1] += hard
        counts[2] += soft
        counts[3] += rounded


@compiled("int64[::1](float32[:,::1],int32[::1],float64[::1],float32,float32,float32[::1],float32,float32[:,::1])")
def transpose_plain(
    stored: Floats,
    nodes: Ints,
    fills: npt.NDArray[np.float64],
    factor: np.float32,
    shift: np.float32,
    bounds: Floats,
    noise: np.float32,
    out: Floats,
) -> npt.NDArray[np.int64]:
    """Stored float32 numbers (days, nodes) to stored · factor + shift (cells, days); the counts of ``check_rows``."""
    n_days, n_cells = stored.shape[0], nodes.size
    nothing, missing = np.float32(np.nan), np.float32(MISSING)
    counts = np.zeros(4, dtype=np.int64)
    for c0 in range(0, n_cells, SQUARE):
        c1 = min(c0 + SQUARE, n_cells)
        for t0 in range(0, n_days, SQUARE):
            for c in range(c0, c1):
                node = nodes[c]
                for t in range(t0, min(t0 + SQUARE, n_days)):
                    raw = stored[t, node]
                    out[c, t] = raw * factor + shift if abs(raw) < missing else nothing
        for fill in fills:
            for c in range(c0, c1):
                for t in range(n_days):
                    if stored[t, nodes[c]] == fill:
                        out[c, t] = nothing
        check_rows(out[c0:c1], bounds, noise, counts)
    return counts


@compiled(
    *(
        f"int64[::1]({kind}[:,::1],int32[::1],float64[::1],float64,float64,float64,float64,float32[::1],float32,"
        "float32[:,::1])"
        for kind in ("float64", "float32", "int16", "int32")
    )
)
def transpose_packed(
    stored: npt.NDArray[np.generic],
    nodes: Ints,
    fills: npt.NDArray[np.float64],
    scale: float,
    offset: float,
    factor: float,
    shift: float,
    bounds: Floats,
    noise: np.float32,
    out: Floats,
) -> npt.NDArray[np.int64]:
    """Stored numbers (days, nodes) to (stored · scale + offset) · factor + shift (cells, days), in float64 until the
    end; the counts of ``check_rows``."""
    n_days, n_cells = stored.shape[0], nodes.size
    nothing = np.float32(np.nan)
    counts = np.zeros(4, dtype=np.int64)
    for c0 in range(0, n_cells, SQUARE):
        c1 = min(c0 + SQUARE, n_cells)
        for t0 in range(0, n_days, SQUARE):
            for c in range(c0, c1):
                node = nodes[c]
                for t in range(t0, min(t0 + SQUARE, n_days)):
                    raw = float(stored[t, node])
                    value = np.float32((raw * scale + offset) * factor + shift)
                    out[c, t] = value if abs(raw) < MISSING else nothing
        for fill in fills:
            for c in range(c0, c1):
                for t in range(n_days):
                    if stored[t, nodes[c]] == fill:
                        out[c, t] = nothing
        check_rows(out[c0:c1], bounds, noise, counts)
    return counts


@dataclass(frozen=True)
class Packing:
    """How stored numbers become values in the canonical unit: (stored · scale + offset) · factor + shift."""

    scale: float
    offset: float
    factor: float
    shift: float
    fills: tuple[float, ...]


def read_stored(path: Path, stored_name: str, is_hdf5: bool, index: tuple[slice | int, ...]) -> npt.NDArray[np.generic]:
    """Stored numbers of a block; nothing is converted. A block that cannot be decoded raises UserError.

    HDF5 files are read with h5py, which decodes faster than netCDF4 (docs/reference/performance.md).
    """
    try:
        if is_hdf5:
            with h5py.File(path, "r") as handle:
                return np.asarray(handle[stored_name][index])
        with netCDF4.Dataset(path) as dataset:
            variable = dataset.variables[stored_name]
            variable.set_auto_maskandscale(False)
            return np.asarray(variable[index])
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"{path.name}, {stored_name}: values cannot be decoded, truncated or corrupt ({error}). Fetch it again."
        ) from error


@dataclass(frozen=True)
class Counts:
    """What a block of values holds."""

    missing: int
    hard: int  # beyond the hard bounds
    soft: int  # beyond the soft bounds
    rounded: int  # a little below a lower bound of 0, set to 0


def convert(
    stored: npt.NDArray[np.generic], nodes: Ints, packing: Packing, variable: Variable
) -> tuple[Floats, Counts]:
    """Values (cells, days) of a block (days, then space) at some of its nodes, NaN where missing; what they hold.

    Plain float32 is converted in float32, as other climate software does, so that 298.15 K is 25 °C; anything else in
    float64.
    """
    n_days = stored.shape[0]
    flat = np.ascontiguousarray(stored.reshape(n_days, -1))
    values = np.empty((nodes.size, n_days), dtype=np.float32)
    fills = np.array([fill for fill in packing.fills if abs(fill) < MISSING], dtype=np.float64)
    bounds = np.array([*variable.hard, *variable.soft], dtype=np.float32)
    noise = np.float32(NOISE * variable.soft[1] if variable.hard[0] == 0 else 0.0)
    factor, shift = packing.factor, packing.shift
    if flat.dtype == np.float32 and (packing.scale, packing.offset) == (1.0, 0.0):
        counts = transpose_plain(flat, nodes, fills, np.float32(factor), np.float32(shift), bounds, noise, values)
    else:
        if flat.dtype not in (np.float64, np.float32, np.int16, np.int32):
            flat = flat.astype(np.float64)
        scale, offset = packing.scale, packing.offset
        counts = transpose_packed(flat, nodes, fills, scale, offset, factor, shift, bounds, noise, values)
    return values, Counts(*(int(n) for n in counts))
