"""Flood damage as a function of depth: the curves of ``depth_damage.yml`` (Huizinga et al. 2017, Europe)."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml


@cache
def _published() -> dict[str, Any]:
    return dict(yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8")))


def assets() -> tuple[str, ...]:
    """What a curve is known for."""
    return tuple(_published()["curves"])


def damage_share(depth: npt.NDArray[np.floating[Any]], asset: str) -> npt.NDArray[np.float64]:
    """Share of the maximum damage, 0 to 1, at depths in metres; same shape. Linear between the published depths."""
    published = _published()
    return np.asarray(np.interp(depth, published["depth_m"], published["curves"][asset]))


def maximum_damage(asset: str) -> float:
    """Structure and contents, € of 2010 per m² of floor: for the three kinds of buildings."""
    published = _published()
    kind = published["buildings"][asset]
    construction = kind["a"] * published["gdp_per_capita_2010"] ** kind["b"]
    structure = construction * published["depreciated_share"] * (1 - published["undamageable_share"])
    return float(structure * (1 + kind["contents"]))
