# SPDX-License-Identifier: MIT
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heapkit import histogram, metrics
from heapkit._ffi import LATENCY_BINS

EDGES = histogram.lowest(np.arange(LATENCY_BINS))
LATENCIES = st.lists(
    st.one_of(st.integers(0, 600), st.integers(0, 2**63 - 1)), min_size=1, max_size=60
)


def counted(values):
    bins = np.searchsorted(EDGES, np.array(values, np.uint64), side="right") - 1
    return np.bincount(bins, minlength=LATENCY_BINS).astype(np.uint64)


def test_bins_ascend_from_zero_to_the_longest_latency():
    assert EDGES[0] == 0
    assert (np.diff(EDGES.astype(object)) > 0).all()
    assert EDGES[-1] == 2**64 - 2**56


def test_nothing_counted_has_no_percentiles():
    none = histogram.percentiles(
        np.zeros(LATENCY_BINS, np.uint64), least_ns=0, most_ns=0
    )
    assert none == {"p50": None, "p90": None, "p99": None, "max": None}


@given(values=LATENCIES)
def test_percentiles_are_those_of_the_values_within_the_error(values):
    found = histogram.percentiles(
        counted(values), least_ns=min(values), most_ns=max(values)
    )
    exact = metrics.percentiles(np.array(values))
    assert found["max"] == exact["max"]
    for name, value in exact.items():
        assert abs(found[name] - value) <= histogram.MAX_ERROR * value


@pytest.mark.parametrize("values", [[0], [255] * 9, [7, 7, 8], [10**9]])
def test_what_has_a_bin_of_its_own_is_exact(values):
    found = histogram.percentiles(
        counted(values), least_ns=min(values), most_ns=max(values)
    )
    assert found == metrics.percentiles(np.array(values))
