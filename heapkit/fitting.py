# SPDX-License-Identifier: MIT
"""What would fit: the largest buffer that a heap could serve, by its rules.

Placement is the core's; this only answers for a layout that is given.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import PAGE_SIZE, PAGEBLOCK_ORDER
from heapkit.board import (
    CarveoutHeap,
    ChunkHeap,
    CmaHeap,
    Heap,
    PagedHeap,
    SecureHeap,
    SystemHeap,
    UdmabufHeap,
)
from heapkit.board_parts import ranges_of
from heapkit.snapshot import Snapshot, State

Bytes: TypeAlias = NDArray[np.int64]


def servable(heap: Heap, layout: Snapshot) -> int:
    """The most bytes that one buffer could get from ``heap`` now.

    Pages come one by one in the end, and order 0 reclaims what the pools and the
    deferred list hold; of other system heaps' the ``layout`` knows nothing.
    """
    if isinstance(heap, PagedHeap):
        return _servable_in_pages(heap, layout)
    start, end = free_runs(layout, heap)
    if isinstance(heap, ChunkHeap) or not len(start):
        return int((end - start).sum())
    if isinstance(heap, CmaHeap) and heap.chunk:
        return _servable_in_clumps(heap.chunk, start, end)
    if _aligns_to_order(heap):
        return _servable_by_order(heap, start, end)
    return int((end - _up(start, alignment(heap, PAGE_SIZE))).max())


def _servable_in_pages(heap: PagedHeap, layout: Snapshot) -> int:
    if isinstance(heap, SystemHeap):
        kept = layout.used_bytes + layout.bytes_in(State.LEAKED)
        most = int(layout.column("size").sum()) - kept
        return min(most, size_limit(heap, layout.size) or most)
    if isinstance(heap, UdmabufHeap):
        return min(heap.size_limit, layout.free_bytes)
    block = PAGE_SIZE << heap.order
    return int((layout.sizes(State.FREE) // block * block).sum())


def _servable_in_clumps(chunk: int, start: Bytes, end: Bytes) -> int:
    """All pageblocks, then at most one clump of each smaller size.

    As native/src/cma_chunks.c takes them. Clumps are aligned to their size: those
    of a size lie within the larger ones or beside them.
    """
    size = max(chunk, PAGE_SIZE << PAGEBLOCK_ORDER)
    taken = size * _count_aligned(size, start, end)
    while size > chunk:
        size //= 2
        if _count_aligned(size, start, end) > taken // size:
            taken += size
    return taken


def _count_aligned(size: int, start: Bytes, end: Bytes) -> int:
    return int(np.maximum((end - _up(start, size)) // size, 0).sum())


def _servable_by_order(heap: Heap, start: Bytes, end: Bytes) -> int:
    # The alignment asked for grows with the size, so each power of two is tried.
    origin, longest = _origin(heap), int((end - start).max())
    best, size = 0, PAGE_SIZE
    while size < 2 * longest:
        align = alignment(heap, size)
        first = _up(start - origin, align) + origin
        fitting = int((end - first)[size < 2 * (end - start)].max())
        if align >= size:
            fitting = min(fitting, size)
        best, size = max(best, fitting), size * 2
    return best


def size_limit(heap: Heap, memory: int) -> int | None:
    """The most bytes that one buffer may ask for, whatever is free."""
    if isinstance(heap, UdmabufHeap):
        return heap.size_limit
    if isinstance(heap, SystemHeap) and heap.max_share == "half":
        return memory // 2
    return None


def free_runs(layout: Snapshot, heap: Heap | None = None) -> tuple[Bytes, Bytes]:
    """Each free run's first byte, and one past its last; neighbours joined.

    Not across the ranges of a ``heap`` that has several: a buffer lies in one.
    """
    free = layout.column("state") == int(State.FREE)
    start = layout.column("address")[free].astype(np.int64)
    end = start + layout.column("size")[free].astype(np.int64)
    if not len(start):
        return start, end
    apart = start[1:] != end[:-1]
    if heap is not None:
        apart |= np.isin(start[1:], [base for base, _ in ranges_of(heap)])
    first, last = np.append(True, apart), np.append(apart, True)
    return start[first], end[last]


def _aligns_to_order(heap: Heap) -> bool:
    return isinstance(heap, CmaHeap) or getattr(heap, "fit", "") == "order-align"


def alignment(heap: Heap, size: int) -> int:
    """Bytes that a buffer of ``size`` must be aligned to in ``heap``."""
    power = PAGE_SIZE << (-(-size // PAGE_SIZE) - 1).bit_length()
    match heap:
        case CmaHeap() if heap.chunk:
            return heap.chunk
        case CmaHeap():
            return max(heap.granule, min(power, PAGE_SIZE << heap.alignment_order))
        case CarveoutHeap() | SecureHeap() if heap.fit == "order-align":
            return power
        case CarveoutHeap() | SecureHeap() if heap.fit == "first-align":
            return heap.align
        case ChunkHeap():
            return heap.chunk
    return PAGE_SIZE


def _origin(heap: Heap) -> int:
    # gen_pool_first_fit_order_align() counts from the chunk's first bit,
    # cma_alloc() from address 0.
    if isinstance(heap, (CarveoutHeap, SecureHeap)):
        return heap.base or 0
    return 0


def _up(value: Bytes, multiple: int) -> Bytes:
    return -(-value // multiple) * multiple
