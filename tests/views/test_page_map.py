# SPDX-License-Identifier: MIT
"""The page map: one cell a page, or several pages a cell."""

import numpy as np

from heapkit import GiB, KiB, MiB
from heapkit.views.page_map import OUTSIDE, page_map
from heapkit.views.strip import HOLE, LARGEST_HOLE

PAGE = 4 * KiB


def painted(regions, length, **options):
    address = np.array([a for a, _ in regions], np.uint64)
    size = np.array([s for _, s in regions], np.uint64)
    code = np.full(len(regions), 7, np.uint8)
    return page_map(address, size, code, base=0, length=length, **options)


def test_each_page_is_a_cell():
    drawn = painted([(PAGE, 2 * PAGE), (8 * PAGE, PAGE)], 1 * MiB)
    assert np.flatnonzero(drawn.cells == 7).tolist() == [1, 2, 8]
    assert drawn.bytes_per_cell == PAGE


def test_a_cell_in_part_used_is_used():
    drawn = painted([(5 * PAGE, PAGE)], 1 * MiB, limit=64)
    assert drawn.bytes_per_cell == 4 * PAGE
    assert np.flatnonzero(drawn.cells == 7).tolist() == [1]


def test_what_is_beyond_the_heap_is_no_free_page():
    drawn = painted([], 250 * MiB + PAGE)
    beyond = drawn.cells.size - (250 * MiB // PAGE + 1)
    assert (drawn.cells == OUTSIDE).sum() == beyond


def test_a_large_heap_stays_within_the_limit():
    drawn = painted([(0, 3 * GiB)], 64 * GiB)
    assert drawn.cells.size <= 600 * 1024
    assert drawn.to_png().startswith(b"\x89PNG")


def test_the_caption_says_what_a_pixel_is():
    assert painted([], 256 * MiB).caption.startswith("one pixel is 4 KiB")


def test_the_longest_hole_is_told_from_the_others():
    drawn = painted([(2 * PAGE, PAGE), (10 * PAGE, MiB - 10 * PAGE)], 1 * MiB)
    assert np.flatnonzero(drawn.cells == HOLE).tolist() == [0, 1]
    assert np.flatnonzero(drawn.cells == LARGEST_HOLE).tolist() == list(range(3, 10))
    assert "pale yellow: longest hole" in drawn.caption


def test_a_full_heap_has_no_hole():
    drawn = painted([(0, MiB)], 1 * MiB)
    assert not (drawn.cells <= LARGEST_HOLE).any()
