# SPDX-License-Identifier: MIT
"""The largest buffer that a heap could serve."""

from contextlib import suppress

import pytest

import heapkit as hk
from heapkit import MiB
from heapkit.fitting import servable, size_limit
from heapkit.snapshot import Region, Snapshot, State

PAGE = 4096


def one_heap(heap, **more):
    return hk.Board(name="one", heaps=(heap,), **more)


def free(*runs):
    regions = tuple(Region(a, s, State.FREE) for a, s in runs)
    return Snapshot("h", 0, 1 << 30, regions)


@pytest.mark.parametrize(
    ("runs", "pages"),
    [
        # aligned starts: a run of 3 at page 1 serves 2 pages at page 2
        ([(1 * PAGE, 3 * PAGE)], 2),
        ([(0, 3 * PAGE)], 3),
        ([(4 * PAGE, 4 * PAGE)], 4),
        # beyond the cap of 4 pages every multiple of 4 will do
        ([(4 * PAGE, 8 * PAGE)], 8),
        ([], 0),
    ],
)
def test_servable_follows_the_cma_alignment(runs, pages):
    heap = hk.CmaHeap(size=1 * MiB, alignment_order=2)
    assert servable(heap, free(*runs)) == pages * PAGE


def test_servable_of_a_chunk_heap_is_all_that_is_free():
    heap = hk.ChunkHeap(name="v", size=1 * MiB)
    assert servable(heap, free((0, 65536), (131072, 65536))) == 131072


@pytest.mark.parametrize("fit", ["first", "best", "first-align", "order-align"])
@pytest.mark.parametrize("seed", range(4))
def test_servable_is_what_the_core_serves(fit, seed):
    board = one_heap(
        hk.CarveoutHeap(
            name="c", size=64 * PAGE, base=0x1000_3000, fit=fit, align=4 * PAGE
        )
    )
    pages = [(7 * i * (seed + 1)) % 5 + 1 for i in range(8)]
    with hk.simulate(board) as heaps:
        held = [heaps["c"].allocate(n * PAGE) for n in pages]
        for buffer in held[::2]:
            buffer.close()
        best = servable(board.heap("c"), heaps["c"].snapshot())
        heaps["c"].allocate(best).close()
        for more in range(best + PAGE, 65 * PAGE, PAGE):
            with pytest.raises(OSError, match="c: "):
                heaps["c"].allocate(more)


@pytest.mark.parametrize("deferred", [False, True])
def test_servable_of_a_system_heap_counts_what_order_0_reclaims(deferred):
    pool = hk.PagePool(deferred_free=deferred)
    board = one_heap(hk.SystemHeap(pool=pool), memory=hk.Memory(total=64 * PAGE))
    with hk.simulate(board) as heaps:
        heap = heaps["system"]
        heap.allocate(20 * PAGE)
        heap.allocate(30 * PAGE).close()
        best = servable(board.heap("system"), heap.snapshot())
        assert best == 44 * PAGE
        with pytest.raises(OSError, match="system: "):
            heap.allocate(best + PAGE)
        heap.allocate(best).close()


@pytest.mark.parametrize("chunk", [1, 4, 16, 1024])
@pytest.mark.parametrize("seed", range(3))
def test_servable_in_chunks_is_what_the_core_serves(chunk, seed):
    heap = hk.CmaHeap(name="v", size=8 * MiB, chunk=chunk * PAGE)
    with hk.simulate(one_heap(heap, memory=hk.Memory(total=64 * MiB))) as heaps:
        sizes = [(97 * i * (seed + 1)) % 300 + 1 for i in range(12)]
        held = []
        for pages in sizes:
            with suppress(OSError):
                held.append(heaps["v"].allocate(pages * PAGE))
        for buffer in held[::2]:
            buffer.close()
        best = servable(heap, heaps["v"].snapshot())
        if best:
            heaps["v"].allocate(best).close()
        for more in range(best + PAGE, 8 * MiB + 1, chunk * PAGE):
            with pytest.raises(OSError, match="v: "):
                heaps["v"].allocate(more)


def test_servable_of_a_memfd_ends_at_its_limit_or_at_what_is_free():
    heap = hk.UdmabufHeap(size_limit=8 * PAGE)
    assert servable(heap, free((0, 64 * PAGE))) == 8 * PAGE
    assert servable(heap, free((0, 3 * PAGE))) == 3 * PAGE


def test_servable_leaves_leaked_memory_out():
    board = one_heap(
        hk.SystemHeap(encrypted=True, reencrypt_failures=1),
        memory=hk.Memory(total=64 * PAGE),
    )
    with hk.simulate(board) as heaps:
        heaps["system"].allocate(20 * PAGE).close()
        best = servable(board.heap("system"), heaps["system"].snapshot())
    assert best == 44 * PAGE


def test_ions_half_is_the_most_that_is_servable():
    heap = hk.SystemHeap(max_share="half")
    board = one_heap(heap, memory=hk.Memory(total=64 * PAGE))
    with hk.simulate(board) as heaps:
        assert servable(heap, heaps["system"].snapshot()) == 32 * PAGE
    assert size_limit(heap, 64 * PAGE) == 32 * PAGE
    assert size_limit(hk.SystemHeap(), 64 * PAGE) is None
