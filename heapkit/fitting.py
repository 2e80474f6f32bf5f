# SPDX-License-Identifier: MIT
"""What would fit: the largest buffer that a heap could serve, by its rules.

Placement is the core's; this only answers for a layout that is given.
"""

from __future__ import annotations

import numpy as np

from heapkit._ffi import PAGE_SIZE
from heapkit.board import (
    CarveoutHeap,
    ChunkHeap,
    CmaHeap,
    Heap,
    PageLoad,
    SecureHeap,
    SystemHeap,
)
from heapkit.snapshot import Snapshot, State


def servable(heap: Heap, layout: Snapshot) -> int:
    """The most bytes that one buffer could get from ``heap`` now.

    Pages come one by one in the end, and order 0 reclaims what the pools and the
    deferred list hold; of other system heaps' the ``layout`` knows nothing.
    """
    if isinstance(heap, SystemHeap):
        return int(layout.column("size").sum()) - layout.used_bytes
    if isinstance(heap, PageLoad):
        block = PAGE_SIZE << heap.order
        return sum(hole.size // block * block for hole in layout.holes)
    if isinstance(heap, ChunkHeap):
        return sum(end - start for start, end in free_runs(layout))
    runs = free_runs(layout)
    if _aligns_to_order(heap):
        return max((_servable_by_order(heap, *run) for run in runs), default=0)
    align = alignment(heap, PAGE_SIZE)
    return max((end - _up(start, align) for start, end in runs), default=0)


def _servable_by_order(heap: Heap, start: int, end: int) -> int:
    # The alignment asked for grows with the size, so each power of two is tried.
    origin = _origin(heap)
    best, size = 0, PAGE_SIZE
    while size < 2 * (end - start):
        first = _up(start - origin, alignment(heap, size)) + origin
        fitting = min(end - first, size)
        if alignment(heap, size) < size:
            fitting = end - first
        best, size = max(best, fitting), size * 2
    return best


def free_runs(layout: Snapshot) -> list[tuple[int, int]]:
    """The free runs as (first byte, one past the last), neighbours joined."""
    free = layout.column("state") == State.FREE
    start = layout.column("address")[free]
    end = start + layout.column("size")[free]
    apart = start[1:] != end[:-1]
    first, last = np.append(True, apart), np.append(apart, True)
    if not len(start):
        return []
    return list(zip(start[first].tolist(), end[last].tolist(), strict=True))


def _aligns_to_order(heap: Heap) -> bool:
    return isinstance(heap, CmaHeap) or getattr(heap, "fit", "") == "order-align"


def alignment(heap: Heap, size: int) -> int:
    """Bytes that a buffer of ``size`` must be aligned to in ``heap``."""
    power = PAGE_SIZE << (-(-size // PAGE_SIZE) - 1).bit_length()
    match heap:
        case CmaHeap():
            return max(heap.granule, min(power, PAGE_SIZE << heap.alignment_order))
        case CarveoutHeap() | SecureHeap() if heap.fit == "order-align":
            return power
        case CarveoutHeap() if heap.fit == "first-align":
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


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
