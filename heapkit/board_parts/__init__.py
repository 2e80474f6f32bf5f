# SPDX-License-Identifier: MIT
"""The parts of a board: memory, heaps, devices. All immutable, sizes in bytes."""

from __future__ import annotations

from typing import TypeAlias

from heapkit.board_parts.devices import Device, SyncRules
from heapkit.board_parts.fields import FITS, MAINLINE_ORDERS
from heapkit.board_parts.memory import QUALCOMM_LOW_PERCENT, Memory, PagePool
from heapkit.board_parts.paged import MIGRATETYPES, PageLoad, SystemHeap, UdmabufHeap
from heapkit.board_parts.regions import CarveoutHeap, ChunkHeap, CmaHeap, SecureHeap

__all__ = [
    "FITS",
    "MAINLINE_ORDERS",
    "MIGRATETYPES",
    "QUALCOMM_LOW_PERCENT",
    "CarveoutHeap",
    "ChunkHeap",
    "CmaHeap",
    "Device",
    "Heap",
    "Memory",
    "PageLoad",
    "PagePool",
    "PagedHeap",
    "RegionHeap",
    "SecureHeap",
    "SyncRules",
    "SystemHeap",
    "UdmabufHeap",
    "ranges_of",
    "span_of",
]

RegionHeap: TypeAlias = CmaHeap | CarveoutHeap | ChunkHeap | SecureHeap
# Over the page allocator, without memory of their own.
PagedHeap: TypeAlias = SystemHeap | UdmabufHeap | PageLoad
Heap: TypeAlias = PagedHeap | RegionHeap


def ranges_of(heap: Heap) -> tuple[tuple[int, int], ...]:
    """Where a heap's own memory lies, as far as that is known: (base, size) each."""
    if isinstance(heap, PagedHeap) or heap.base is None:
        return ()
    if isinstance(heap, CmaHeap) and heap.ranges:
        return heap.ranges
    return ((heap.base, heap.size),)


def span_of(heap: RegionHeap) -> int:
    """Bytes from the lowest address of a placed heap to its highest."""
    ends = [base + size for base, size in ranges_of(heap)]
    return max(ends) - (heap.base or 0)
