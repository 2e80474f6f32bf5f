# SPDX-License-Identifier: MIT
"""Which heap an explorer is about, where a board has every policy."""

import pytest

import heapkit as hk
from heapkit import MiB

BOARD = hk.Board(
    name="all",
    memory=hk.Memory(total=512 * MiB),
    heaps=(
        hk.UdmabufHeap(),
        hk.SystemHeap(name="shared", encrypted=True),
        hk.SystemHeap(),
        hk.CmaHeap(name="chunks", size=64 * MiB, chunk=65536),
        hk.CmaHeap(name="discards", size=64 * MiB, discard=True),
        hk.SecureHeap(name="secure", size=64 * MiB, handback_failures=0.1),
        hk.PageLoad(name="cache", clean=True),
    ),
)


def trace_on(heap):
    return hk.workloads.mixed_media(seed=1, events=200, heap=heap)


@pytest.mark.parametrize("heap", ["discards", "secure"])
def test_a_region_is_one_whose_buffers_are_in_one_place(heap):
    panel = hk.explore.carveout(trace_on(heap), BOARD, heap=heap)
    assert panel.error is None
    panel.size.value = 32 * MiB
    assert panel.error is None
    panel.close()


@pytest.mark.parametrize("heap", ["chunks", "udmabuf", "shared", "cache"])
def test_what_is_in_many_places_is_no_region(heap):
    with pytest.raises(ValueError, match=f"heap='{heap}'.*: secure, discards"):
        hk.explore.carveout(trace_on("system"), BOARD, heap=heap)


@pytest.mark.parametrize("heap", ["shared", "udmabuf"])
def test_only_a_heap_that_can_have_a_pool_shows_one(heap):
    with pytest.raises(ValueError, match=f"heap='{heap}'.*: system"):
        hk.explore.pool(trace_on(heap), BOARD, heap=heap)
    panel = hk.explore.pool(trace_on(heap), BOARD)
    assert panel.error is None
    panel.close()


@pytest.mark.parametrize("heap", ["udmabuf", "shared", "chunks", "discards"])
def test_the_cpu_maps_all_but_secure_memory(heap):
    panel = hk.explore.sync(trace_on(heap), BOARD, heap=heap)
    assert panel.error is None
    panel.close()
    with pytest.raises(ValueError, match=r"heap='secure'"):
        hk.explore.sync(trace_on(heap), BOARD, heap="secure")
