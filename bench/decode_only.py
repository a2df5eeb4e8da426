"""Decoding and nothing else, for the benchmark: what a worker process of it needs, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np


@dataclass(frozen=True)
class Block:
    """A block of a file."""

    name: str
    path: Path
    variable: str
    index: tuple[slice | int, ...]


def read(_: Path, block: Block) -> int:
    """Decode the block; how many values it has."""
    with h5py.File(block.path, "r") as handle:
        return int(np.asarray(handle[block.variable][block.index]).size)
