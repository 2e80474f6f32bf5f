# SPDX-License-Identifier: MIT
"""Level of detail: fewer rows, no extreme lost."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heapkit.views.reduce import bins, extremes

LINES = hnp.arrays(np.int64, st.integers(1, 400), elements=st.integers(-1000, 1000))


@given(LINES, st.integers(1, 40))
def test_the_extremes_of_the_whole_line_are_kept(line, buckets):
    kept = line[extremes(line, buckets=buckets)]
    assert kept.min() == line.min()
    assert kept.max() == line.max()


@given(LINES, st.integers(1, 40))
def test_rows_ascend_and_begin_and_end_with_the_line(line, buckets):
    rows = extremes(line, buckets=buckets)
    assert (np.diff(rows) > 0).all()
    assert (rows[0], rows[-1]) == (0, len(line) - 1)


@given(LINES, st.integers(1, 40))
def test_there_are_no_more_rows_than_promised(line, buckets):
    assert len(extremes(line, -line, buckets=buckets)) <= 4 * buckets + 2


def test_every_bucket_keeps_its_own_spike():
    line = np.zeros(10_000)
    spikes = np.arange(55, 10_000, 100)
    line[spikes] = 1
    assert set(spikes) <= set(extremes(line, buckets=100))


@given(st.integers(0, 1000), st.integers(1, 50))
def test_bins_cover_all_rows_and_none_is_empty(n, count):
    edges = bins(n, count)
    assert (edges[0], edges[-1]) == (0, n)
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= count + 1
