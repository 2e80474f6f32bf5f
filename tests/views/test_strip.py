# SPDX-License-Identifier: MIT
"""The address strip: regions, holes, and what many regions become."""

import numpy as np
import pytest

from heapkit import KiB, MiB
from heapkit.snapshot import State
from heapkit.views import strip

BASE, LENGTH = 0x8000_0000, 1 * MiB
SMALL = 4 * KiB


def columns_of(regions, **options):
    """Columns of (offset, size) pairs, each with its index as owner."""
    address = np.array([BASE + offset for offset, _ in regions], np.int64)
    size = np.array([size for _, size in regions], np.int64)
    owner = np.arange(len(regions))
    code = strip.owner_codes(owner)
    where = {"base": BASE, "length": LENGTH}
    return strip.strip_columns(address, size, code, owner, **where, **options)


def test_rows_cover_the_heap_without_gap_or_overlap():
    columns = columns_of([(64 * KiB, SMALL), (256 * KiB, 128 * KiB)])
    assert columns["left"][0] == 0
    assert columns["right"][-1] == LENGTH
    assert (columns["left"][1:] == columns["right"][:-1]).all()


def test_the_order_of_the_regions_does_not_matter():
    one, two = (64 * KiB, SMALL), (256 * KiB, 128 * KiB)
    forward, backward = columns_of([one, two]), columns_of([two, one])
    assert (forward["left"] == backward["left"]).all()


def test_the_largest_hole_is_told_from_the_others():
    columns = columns_of([(64 * KiB, SMALL), (256 * KiB, 128 * KiB)])
    (largest,) = np.flatnonzero(columns["code"] == strip.LARGEST_HOLE)
    holes = columns["code"] <= strip.LARGEST_HOLE
    assert columns["size"][largest] == columns["size"][holes].max()


def test_an_empty_heap_is_one_hole():
    columns = columns_of([])
    assert columns["code"].tolist() == [strip.LARGEST_HOLE]
    assert columns["size"].tolist() == [LENGTH]


def test_a_full_heap_has_no_hole():
    columns = columns_of([(0, LENGTH)])
    assert (columns["code"] > strip.LARGEST_HOLE).all()


def test_more_regions_than_pixels_become_fewer_rows_of_the_same_extent():
    regions = [(i * 2 * SMALL, SMALL) for i in range(128)]
    columns = columns_of(regions, limit=20)
    assert len(columns["left"]) <= 2 * 20
    assert strip.MANY in columns["code"]
    assert (columns["left"][0], columns["right"][-1]) == (0, LENGTH)


def test_a_wide_region_is_kept_among_many_narrow_ones():
    regions = [(i * 2 * SMALL, SMALL) for i in range(64)]
    regions.append((640 * KiB, 256 * KiB))
    columns = columns_of(regions, limit=20)
    wide = columns["size"] == 256 * KiB
    assert columns["owner"][wide].tolist() == [64]


def test_holes_are_counted_between_before_and_after():
    address = BASE + np.array([64 * KiB, 256 * KiB, 256 * KiB + SMALL])
    size = np.array([SMALL, SMALL, SMALL])
    count = strip.count_holes(address, size, base=BASE, length=LENGTH)
    assert count == 3


def test_the_same_owner_has_the_same_colour():
    codes = strip.owner_codes(["vmpi", "rkisp", "vmpi"])
    assert codes[0] == codes[2] != codes[1]


@pytest.mark.parametrize(("small", "large"), [(4 * KiB, 64 * KiB), (1 * MiB, 16 * MiB)])
def test_a_larger_buffer_has_a_later_colour(small, large):
    low, high = strip.size_codes(np.array([small, large]))
    assert low < high < len(strip.PALETTE)


def test_pooled_and_deferred_pages_have_colours_of_their_own():
    states = [State.POOL, State.DEFERRED, State.USED]
    codes = strip.snapshot_codes(states, ["a", "a", "a"])
    assert codes.tolist() == [strip.POOLED, strip.DEFERRED, strip.FIRST_OWNER]


def test_a_selection_is_told_in_numbers():
    columns = columns_of([(0, 64 * KiB), (128 * KiB, 64 * KiB)])
    text = strip.selection_text(columns, [0, 1, 2, 2])
    assert "2 regions, 128 KiB in use" in text
    assert "1 holes, 64 KiB" in text


def test_no_selection_says_nothing():
    assert strip.selection_text(columns_of([]), []) == ""


def test_the_title_says_what_pale_yellow_is():
    where = {"heap": "camera", "base": BASE, "length": LENGTH}
    drawn = strip.strip(columns_of([(0, SMALL)]), **where)
    assert drawn.title.text.endswith("(pale yellow: longest hole)")
