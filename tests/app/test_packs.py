"""What the browser is given, read back as it reads it."""

from __future__ import annotations

import gzip
import json
import struct
from typing import Any

import numpy as np
import pandas as pd
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app import atlas, data, packs
from app.data import Release, Selection


def unpacked(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray[Any, Any]]]:
    """The header and arrays of a pack, read without ``packs``."""
    plain = gzip.decompress(content)
    (length,) = struct.unpack_from("<I", plain)
    header = json.loads(plain[4 : 4 + length])
    at, found = 4 + length, {}
    for name, kind, count in header["arrays"]:
        size = int(kind[1])
        planes = np.frombuffer(plain, np.uint8, count * size, at).reshape(size, count)
        found[name] = np.ascontiguousarray(planes.T).view(f"<{kind}").ravel()
        at += count * size
    assert at == len(plain)
    return header, found


def rings(content: bytes) -> dict[str, list[np.ndarray[Any, Any]]]:
    """The rings of each territory in Lambert-93, decoded as the map does: modulo 65 536."""
    header, found = unpacked(content)
    points = np.column_stack([np.cumsum(found[axis], dtype=np.uint64) % 65_536 for axis in ("dx", "dy")])
    points = points * header["step"] + header["origin"]
    each = iter(np.split(points, np.cumsum(found["ringLengths"])[:-1]))
    return {name: [next(each) for _ in range(n)] for name, n in zip(header["ids"], found["ringsOf"], strict=True)}


@given(arrays.arrays(np.float32, st.integers(0, 50)))
def test_floats_come_back_bit_for_bit(values: np.ndarray[Any, Any]) -> None:
    _, found = unpacked(packs.pack({}, {"x": ("f4", values)}))
    assert found["x"].tobytes() == values.tobytes()


def test_outlines_keep_their_area_holes_and_parts() -> None:
    # Two squares of 0.1°, one of them with a hole of 0.05°; the second territory has no outline, the third is a speck.
    hole = shapely.box(2.025, 46.025, 2.075, 46.075)
    whole = shapely.union_all([shapely.difference(shapely.box(2, 46, 2.1, 46.1), hole), shapely.box(3, 46, 3.1, 46.1)])
    speck = shapely.box(2.5, 46.5, 2.50001, 46.50001)
    places = packs.Places(
        ids=["a", "b", "c"],
        names=["<script>", "B", "C"],
        codes=["1", "2", "3"],
        parents=["01", None, "01"],
        banks=["caisse:x", None, "caisse:w"],
        outlines=[bytes(shapely.to_wkb(whole)), None, bytes(shapely.to_wkb(speck))],
    )
    content = packs.shapes_pack(places)
    assert content
    found = rings(content)
    assert [len(found[name]) for name in "abc"] == [3, 0, 0]
    true = shapely.area(packs.projected(np.array([whole])))[0]
    areas = sorted(shapely.Polygon(ring).area for ring in found["a"])  # the hole, then the squares
    assert abs((areas[1] + areas[2] - areas[0]) / true - 1) < 0.005  # on a grid of 20 m
    header, arrays_found = unpacked(content)
    assert header["names"][0] == "<script>"
    assert [([None, *header["caisses"]])[place] for place in arrays_found["caisse"]] == ["caisse:x", None, "caisse:w"]


def test_nothing_to_draw_gives_no_pack() -> None:
    assert packs.shapes_pack(packs.Places(["a"], ["A"], ["1"], [None], [None], [None])) is None


def test_values_stand_in_the_order_of_the_places(release: Release) -> None:
    places, figures = release.places("commune"), release.figures("commune", Selection("tx35", "tracc", "rwl40"))
    header, found = unpacked(atlas.values(places, figures))
    assert places["code"].tolist() == ["01001", "01002", "02001", "03001", "03002"]
    assert found["q50"][:4].tolist() == [22.0, 22.0, 6.0, np.float32(0.4)] and np.isnan(found["q50"][4])
    assert found["runs"].tolist() == [17, 17, 17, 17, 0]
    assert [([None, *header["reasons"]])[place] for place in found["reason"]] == [None, None, None, None, "no_geometry"]
    # 01001, 02001, 03001 are larger than a cell of 64 km² but stand on one cell; 01002 has an approximate outline.
    assert found["limits"].tolist() == [4, 5, 4, 4, 0]


def test_a_difference_has_a_reason_where_it_is_not_known(release: Release) -> None:
    places, figures = release.places("commune"), release.figures("commune", Selection("tx35", "tracc", "rwl40"))
    medians = np.array([1, 2, 3, 4, np.nan], dtype=np.float32)
    header, found = unpacked(atlas.difference(places, figures, medians))
    assert found["delta_q50"][:4].tolist() == [1, 2, 3, 4]
    assert [header["reasons"][place - 1] if place else None for place in found["reason"]] == [None] * 4 + [
        "no_geometry"
    ]


def test_two_processes_give_two_addresses() -> None:
    assert len(packs.SALT) == 32
    assert json.loads(gzip.decompress(packs.pack({}, {}))[4:])["salt"] == packs.SALT


def test_a_reason_is_na_exactly_where_there_is_a_value(release: Release) -> None:
    places, figures = release.places("departement"), release.figures("departement", Selection("tx35", "tracc", "rwl40"))
    why = data.reasons(places, figures, figures["q50"].isna())
    assert why.isna().tolist() == [True, True, True, False]
    assert isinstance(why, pd.Series) and why.iloc[3] == "outside_grid"
