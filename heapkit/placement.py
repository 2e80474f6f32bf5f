# SPDX-License-Identifier: MIT
"""Where the regions of a board lie: given bases are checked, others chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from heapkit.arguments import MAX_ADDRESS, wrong
from heapkit.board_parts import (
    CmaHeap,
    Heap,
    Memory,
    PagedHeap,
    PageLoad,
    RegionHeap,
    ranges_of,
)
from heapkit.units import MiB

# pageblock_order 9 with 4 KiB pages: what CMA_MIN_ALIGNMENT_BYTES comes to.
PAGEBLOCK = 2 * MiB
# Where regions go on a board without memory (assumed; SoCs often start DRAM here).
LONE_START = 0x8000_0000


class _Span(NamedTuple):
    start: int
    end: int
    name: str

    def __str__(self) -> str:
        return f"{self.name!r} [{self.start:#x}-{self.end - 1:#x}]"


def place(memory: Memory | None, heaps: Sequence[Heap]) -> tuple[Heap, ...]:
    """``heaps`` with a base for every region.

    ``ValueError``: two regions overlap, one crosses the memory's edge, a CMA area
    is not inside it, or there is no room.
    """
    for heap in heaps:
        _check_against_memory(memory, heap)
    taken = _spans(*heaps)
    _check_overlaps(taken)
    placed: list[Heap] = []
    for heap in heaps:
        if isinstance(heap, PagedHeap) or heap.base is not None:
            placed.append(heap)
            continue
        placed.append(replace(heap, base=_choose(memory, heap, taken)))
        taken += _spans(placed[-1])
    if any(isinstance(heap, PageLoad) and heap.movable for heap in placed):
        _check_pageblocks(placed)
    return tuple(placed)


def _check_pageblocks(heaps: Sequence[Heap]) -> None:
    """A lent area changes hands in whole pageblocks (CMA_MIN_ALIGNMENT_BYTES)."""
    allowed = f"multiples of {PAGEBLOCK} on a board whose movable PageLoad borrows them"
    for heap in heaps:
        for base, size in ranges_of(heap) if isinstance(heap, CmaHeap) else ():
            for argument, value in (("base", base), ("size", size)):
                if value % PAGEBLOCK:
                    raise wrong(f"CmaHeap {heap.name!r}", argument, value, allowed)


def _spans(*heaps: Heap) -> list[_Span]:
    """Of those that are regions and have a base; several where it is in pieces."""
    return [
        _Span(base, base + size, heap.name)
        for heap in heaps
        for base, size in ranges_of(heap)
    ]


def _check_against_memory(memory: Memory | None, heap: Heap) -> None:
    if memory is None:
        if isinstance(heap, (PagedHeap, CmaHeap)):
            raise wrong("Board", "memory", None, f"a Memory for heap {heap.name!r}")
        return
    whole = _Span(memory.base, memory.end, "memory")
    for span in _spans(heap):
        inside = whole.start <= span.start and span.end <= whole.end
        outside = span.end <= whole.start or whole.end <= span.start
        if isinstance(heap, CmaHeap) and not inside:
            raise wrong("Board", "heaps", str(span), f"a CMA area inside {whole}")
        if not inside and not outside:
            allowed = f"a region inside or outside {whole}"
            raise wrong("Board", "heaps", str(span), allowed)


def _check_overlaps(taken: Iterable[_Span]) -> None:
    ordered = sorted(taken)
    for below, above in pairwise(ordered):
        if above.start < below.end:
            both = f"{below} overlaps {above}"
            raise wrong("Board", "heaps", both, "regions that share no page")


def _choose(memory: Memory | None, heap: RegionHeap, taken: Sequence[_Span]) -> int:
    align = max(PAGEBLOCK, heap.granule)
    if isinstance(heap, CmaHeap) and memory is not None:
        return _top_down(memory, heap, taken, align)
    start = memory.end if memory else LONE_START
    return _bottom_up(start, heap, taken, align)


def _top_down(memory: Memory, heap: CmaHeap, taken: Sequence[_Span], align: int) -> int:
    """The highest aligned hole, as memblock hands out memory at boot.

    A kernel keeps its default area below what all devices reach
    (dma_contiguous_reserve(), on arm64 arm64_dma_phys_limit); a board has no such
    limit, so give a base where it matters.
    """
    ceiling = memory.end
    for span in (*sorted(taken, reverse=True), _Span(0, memory.base, "")):
        base = (ceiling - heap.size) // align * align
        if base >= max(span.end, memory.base):
            return base
        ceiling = min(ceiling, max(span.start, memory.base))
    allowed = f"what fits beside the other regions in {memory.total} bytes of memory"
    raise wrong(f"CmaHeap {heap.name!r}", "size", heap.size, allowed)


def _bottom_up(start: int, heap: RegionHeap, taken: Sequence[_Span], align: int) -> int:
    """The lowest aligned hole from ``start`` on."""
    base = -(-start // align) * align
    for span in sorted(taken):
        if span.start < base + heap.size and base < span.end:
            base = -(-span.end // align) * align
    if base + heap.size > MAX_ADDRESS:
        allowed = f"a region that ends below {MAX_ADDRESS:#x}"
        raise wrong(f"heap {heap.name!r}", "size", heap.size, allowed)
    return base
