"""What the map component reads: a header and typed arrays in one compressed file. Pure: never calls Streamlit.

Geometry goes once per release and kind (``shapes_pack``), the values of a choice apart (``values_pack``). A pack begins
with the length of its header (uint32, little endian), the header as JSON with ``arrays`` as [name, type, count], then
the arrays, each with its bytes sorted by significance (all first bytes, then all second …), which deflates better.
"""

from __future__ import annotations

import gzip
import json
import secrets
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

LAMBERT_93: Final = 2154  # the projection of the French public administration, metres
WGS_84: Final = 4326
STEPS: Final = 65_535  # of the grid on which outlines are drawn: 16 bits
FINEST_M: Final = 20.0  # outlines are simplified to about 200 m in the release
LEVEL: Final = 6
TYPES: Final[Mapping[str, str]] = {"u1": "<u1", "u2": "<u2", "u4": "<u4", "f4": "<f4"}

# Written into each pack, so that its address, a hash of its content, cannot be worked out by one who has the open data.
SALT: Final = secrets.token_hex(16)


def pack(header: Mapping[str, Any], arrays: Mapping[str, tuple[str, NDArray[Any]]]) -> bytes:
    """A compressed pack of ``arrays`` (name → type such as ``f4``, values)."""
    listed = [[name, kind, len(values)] for name, (kind, values) in arrays.items()]
    head = json.dumps({**header, "salt": SALT, "arrays": listed}, ensure_ascii=False, separators=(",", ":")).encode()
    parts = [struct.pack("<I", len(head)), head]
    for kind, values in arrays.values():
        plain = np.ascontiguousarray(values, dtype=TYPES[kind])
        parts.append(plain.view(np.uint8).reshape(len(plain), plain.itemsize).T.tobytes())
    return gzip.compress(b"".join(parts), LEVEL, mtime=0)


@lru_cache
def _to_lambert() -> Transformer:
    return Transformer.from_crs(WGS_84, LAMBERT_93, always_xy=True)


def projected(outlines: NDArray[Any]) -> NDArray[Any]:
    """Outlines (WGS 84) in Lambert-93, metres."""

    def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(_to_lambert().transform(points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(outlines, project))


@dataclass(frozen=True)
class Places:
    """The territories of a kind, in the order that values follow. ``outlines`` is WKB in WGS 84, or None."""

    ids: Sequence[str]
    names: Sequence[str]
    codes: Sequence[str]
    parents: Sequence[str | None]
    banks: Sequence[str | None]
    outlines: Sequence[bytes | None]


def shapes_pack(places: Places) -> bytes | None:
    """Names, codes, caisses and outlines of a kind; None if nothing of it can be drawn.

    Arrays: ``ringsOf`` (rings per territory), ``ringLengths`` (points per ring, the closing one left out), ``dx`` and
    ``dy`` (each point less the one before, modulo 65 536, in steps from the origin), ``caisse`` (place in ``caisses``
    from 1, 0 for none).
    """
    drawn = [place for place, outline in enumerate(places.outlines) if outline is not None]
    if not drawn:
        return None
    shapes = projected(shapely.from_wkb([places.outlines[place] for place in drawn]))
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    west, south, east, north = (float(side) for side in shapely.total_bounds(shapes))
    step = max(FINEST_M, (east - west) / STEPS, (north - south) / STEPS)
    points, ring_of = shapely.get_coordinates(rings, return_index=True)
    grid = np.rint((points - (west, south)) / step).astype(np.int64)
    keep = np.append(ring_of[1:] == ring_of[:-1], False)  # the last point of a ring repeats its first
    keep &= np.append(True, (np.diff(grid, axis=0) != 0).any(axis=1) | (np.diff(ring_of) != 0))
    grid, ring_of = grid[keep], ring_of[keep]
    lengths = np.bincount(ring_of, minlength=len(rings))
    solid = lengths >= 3  # a ring smaller than a step has nothing to fill
    grid, lengths, ring_owner = grid[solid[ring_of]], lengths[solid], owner[part_of][solid]
    rings_of = np.zeros(len(places.ids), dtype=np.int64)
    rings_of[drawn] = np.bincount(ring_owner, minlength=len(drawn))
    steps = np.diff(grid, axis=0, prepend=0) % 65_536
    banks = sorted({bank for bank in places.banks if bank})
    bank_of = {bank: place + 1 for place, bank in enumerate(banks)}
    header = {
        "ids": list(places.ids),
        "names": list(places.names),
        "codes": list(places.codes),
        "parents": list(places.parents),
        "caisses": banks,
        "origin": [west, south],
        "step": step,
    }
    return pack(
        header,
        {
            "ringsOf": ("u2", rings_of),
            "ringLengths": ("u4", lengths),
            "dx": ("u2", steps[:, 0]),
            "dy": ("u2", steps[:, 1]),
            "caisse": ("u2", np.array([bank_of.get(bank or "", 0) for bank in places.banks])),
        },
    )


def values_pack(
    columns: Mapping[str, NDArray[np.float32]],
    runs: NDArray[Any],
    reasons: pd.Series,
    limits: NDArray[np.uint8],
    category: NDArray[np.uint8] | None = None,
) -> bytes:
    """The values of one choice, in the order of ``shapes_pack``.

    ``reasons`` says why a value is absent, NA where there is one; ``limits`` holds the bits of ``sentences.NOTES``;
    ``category`` is the class of each territory, where classes are mapped.
    """
    codes, known = pd.factorize(reasons, sort=True)
    arrays: dict[str, tuple[str, NDArray[Any]]] = {name: ("f4", values) for name, values in columns.items()}
    arrays["runs"] = ("u1", runs)
    arrays["reason"] = ("u1", codes + 1)
    arrays["limits"] = ("u1", limits)
    if category is not None:
        arrays["category"] = ("u1", category)
    return pack({"reasons": list(known)}, arrays)
