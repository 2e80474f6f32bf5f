# SPDX-License-Identifier: MIT
"""What each of ION's heaps refuses before it looks for memory, and what it says.

ion_system_heap.c, ion_carveout_heap.c, ion_chunk_heap.c and ion_cma_heap.c.
"""

from __future__ import annotations

import errno
from typing import Final

from heapkit._ffi import PAGE_SIZE
from heapkit.board import (
    Board,
    CarveoutHeap,
    ChunkHeap,
    CmaHeap,
    Heap,
    PagedHeap,
    SecureHeap,
    SystemHeap,
)
from heapkit.board_parts import ranges_of
from heapkit.ion.uapi import AndroidHeapType, Flag, HeapType

_TYPES: Final = {
    SystemHeap: (HeapType.SYSTEM, AndroidHeapType.SYSTEM),
    CarveoutHeap: (HeapType.CARVEOUT, AndroidHeapType.CUSTOM),
    ChunkHeap: (HeapType.CHUNK, AndroidHeapType.CUSTOM),
    CmaHeap: (HeapType.DMA, AndroidHeapType.DMA),
    SecureHeap: (HeapType.CUSTOM, AndroidHeapType.CUSTOM),
}
# ION_CMA_ALLOCATE_FAILED is -1, which a program reads as this; ENOMEM since a patch
# of J. Kim (linux-mm 2015), and in the fd era.
CMA_FAILED: Final = errno.EPERM


def heap_type(heap: Heap, era: str) -> int:
    """``type`` of a heap in HEAP_QUERY's answer."""
    plain, android = _TYPES.get(type(heap), (HeapType.CUSTOM, AndroidHeapType.CUSTOM))
    return int(android if era == "android" else plain)


def totalram_pages(board: Board) -> int:
    """The memory less what is reserved inside of it; CMA areas count."""
    memory = board.memory
    if memory is None:
        return 0
    reserved = [
        size
        for heap in board.heaps
        if not isinstance(heap, (PagedHeap, CmaHeap))
        for base, size in ranges_of(heap)
        if memory.base <= base < memory.end
    ]
    return (memory.total - sum(reserved)) // PAGE_SIZE


def refused(
    heap: Heap, board: Board, *, length: int, align: int, flags: int, era: str
) -> int:
    """The errno with which ``heap`` refuses such a request at once; 0 if it tries.

    ``length`` bytes are whole pages. Only the handle era has an ``align``.
    """
    if align > (heap.chunk if isinstance(heap, ChunkHeap) else PAGE_SIZE):
        return errno.EINVAL
    if isinstance(heap, CmaHeap) and era == "handle" and flags & Flag.CACHED:
        # It gave out coherent memory: dma_alloc_coherent().
        return errno.EINVAL
    if (
        isinstance(heap, SystemHeap)
        and length // PAGE_SIZE > totalram_pages(board) // 2
    ):
        return errno.ENOMEM
    return 0


def failure(heap: Heap, code: int, era: str) -> int:
    """What a program is told when ``heap`` fails with ``code``."""
    if isinstance(heap, CmaHeap) and era == "handle" and code == errno.ENOMEM:
        return CMA_FAILED
    return code
