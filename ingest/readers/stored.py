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

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]

MISSING = 1e19  # stored numbers at or beyond are missing whatever the attributes say: 1e20, 1e30, 9.97e36 are met
TRANSPOSED = 32  # days and cells of a square that is transposed at once: both of its sides stay in the first-level cache


@compiled("void(float32[:,::1],int32[::1],float32,float32,float32,float32[:,::1])")
def transpose_plain(
    stored: Floats, nodes: Ints, factor: np.float32, shift: np.float32, missing: np.float32, out: Floats
) -> None:
    """Stored float32 numbers (days, nodes) to stored · factor + shift (cells, days), NaN at or beyond ``missing``."""
    n_days, n_cells = stored.shape[0], nodes.size
    nothing = np.float32(np.nan)
    for c0 in range(0, n_cells, TRANSPOSED):
        for t0 in range(0, n_days, TRANSPOSED):
            for c in range(c0, min(c0 + TRANSPOSED, n_cells)):
                node = nodes[c]
                for t in range(t0, min(t0 + TRANSPOSED, n_days)):
                    raw = stored[t, node]
                    out[c, t] = raw * factor + shift if abs(raw) < missing else nothing


@compiled(
    *(
        f"void({kind}[:,::1],int32[::1],float64,float64,float64,float64,float64,float32[:,::1])"
        for kind in ("float64", "float32", "int16", "int32")
    )
)
def transpose_packed(
    stored: npt.NDArray[np.generic],
    nodes: Ints,
    scale: float,
    offset: float,
    factor: float,
    shift: float,
    missing: float,
    out: Floats,
) -> None:
    """Stored numbers (days, nodes) to (stored · scale + offset) · factor + shift (cells, days), in float64 until stored."""
    n_days, n_cells = stored.shape[0], nodes.size
    nothing = np.float32(np.nan)
    for c0 in range(0, n_cells, TRANSPOSED):
        for t0 in range(0, n_days, TRANSPOSED):
            for c in range(c0, min(c0 + TRANSPOSED, n_cells)):
                node = nodes[c]
                for t in range(t0, min(t0 + TRANSPOSED, n_days)):
                    raw = float(stored[t, node])
                    value = np.float32((raw * scale + offset) * factor + shift)
                    out[c, t] = value if abs(raw) < missing else nothing


@compiled("int64[::1](float32[:,::1],float32,float32,float32,float32,float32)")
def check(
    values: Floats,
    hard_low: np.float32,
    hard_high: np.float32,
    soft_low: np.float32,
    soft_high: np.float32,
    noise: np.float32,
) -> npt.NDArray[np.int64]:
    """Set values in -``noise`` … 0 to 0; four counts: missing, beyond the hard and beyond the soft bounds, set to 0."""
    counts = np.zeros(4, dtype=np.int64)
    zero = np.float32(0.0)
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
    return counts




@dataclass(frozen=True)
class Packing:
    """How stored numbers become values in the canonical unit: (stored · scale + offset) · factor + shift."""

    scale: float
    offset: float
    factor: float
    shift: float
    fills: tuple[float, ...]


def read_stored(
    path: Path, stored_name: str, is_hdf5: bool, index: tuple[slice | int, ...]
) -> npt.NDArray[np.generic]:
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


def convert(stored: npt.NDArray[np.generic], nodes: Ints, packing: Packing) -> Floats:
    """Values (cells, days) of a block (days, then space) at some of its nodes, NaN where missing.

    Plain float32 is converted in float32, as other climate software does, so that 298.15 K is 25 °C; anything else in
    float64.
    """
    n_days = stored.shape[0]
    flat = np.ascontiguousarray(stored.reshape(n_days, -1))
    values = np.empty((nodes.size, n_days), dtype=np.float32)
    factor, shift = packing.factor, packing.shift
    if flat.dtype == np.float32 and (packing.scale, packing.offset) == (1.0, 0.0):
        transpose_plain(flat, nodes, np.float32(factor), np.float32(shift), np.float32(MISSING), values)
    else:
        if flat.dtype not in (np.float64, np.float32, np.int16, np.int32):
            flat = flat.astype(np.float64)
        transpose_packed(flat, nodes, packing.scale, packing.offset, factor, shift, MISSING, values)
    for fill in packing.fills:
        if abs(fill) < MISSING:
            values[(flat[:, nodes] == flat.dtype.type(fill)).T] = np.nan
    return values
