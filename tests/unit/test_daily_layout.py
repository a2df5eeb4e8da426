"""How a file is cut into blocks: everything once, no chunk in two blocks, no block larger than it must be."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.blocks import blocks

DRIAS = (20454, 134, 143)


@st.composite
def layouts(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...] | None, tuple[slice, ...], int]:
    n_space = draw(st.integers(1, 2))
    shape = tuple(draw(st.lists(st.integers(1, 40), min_size=n_space + 1, max_size=n_space + 1)))
    chunks = tuple(draw(st.integers(1, size)) for size in shape)
    box = []
    for size in shape[1:]:
        low = draw(st.integers(0, size - 1))
        box.append(slice(low, draw(st.integers(low + 1, size))))
    return shape, draw(st.sampled_from([chunks, None])), tuple(box), draw(st.integers(1, 4000))


@given(layouts())
def test_every_value_of_the_box_once_and_every_chunk_in_one_block(
    layout: tuple[tuple[int, ...], tuple[int, ...] | None, tuple[slice, ...], int],
) -> None:
    shape, chunks, box, budget = layout
    seen = np.zeros(shape, dtype=int)
    readers: dict[tuple[int, ...], set[int]] = {}
    for number, block in enumerate(blocks(shape, chunks, 4, box, budget)):
        seen[block] += 1
        if chunks:
            ranges = [range(s.start // c, (s.stop - 1) // c + 1) for s, c in zip(block, chunks, strict=True)]
            for chunk in np.ndindex(*(len(r) for r in ranges)):
                readers.setdefault(tuple(r[i] for r, i in zip(ranges, chunk, strict=True)), set()).add(number)
    wanted = np.zeros(shape, dtype=int)
    wanted[(slice(None), *box)] = 1
    assert np.array_equal(seen, wanted)
    assert all(len(found) == 1 for found in readers.values())


@pytest.mark.parametrize("chunks", [(1, 134, 143), None, (365, 10, 10), (1000, 134, 1), (20454, 1, 1)])
def test_blocks_stay_within_the_budget(chunks: tuple[int, ...] | None) -> None:
    budget = 16 * 2**20
    box = (slice(0, 134), slice(0, 143))
    sizes = [4 * prod(s.stop - s.start for s in block) for block in blocks(DRIAS, chunks, 4, box, budget)]
    assert sum(sizes) == 4 * prod(DRIAS)
    assert max(sizes) <= budget
    assert len(sizes) < 3 * sum(sizes) / budget  # and they are not needlessly small


def test_a_chunk_larger_than_the_budget_is_a_block() -> None:
    (block,) = blocks((4018, 108), (4018, 108), 4, (slice(0, 108),), 1000)
    assert block == (slice(0, 4018), slice(0, 108))
