# SPDX-License-Identifier: MIT
"""Heaps with a region of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from heapkit import arguments as check
from heapkit._ffi import MAX_PAGE_ORDER, PAGE_SIZE
from heapkit.board_parts.fields import (
    FITS,
    optional_base,
    set_booleans,
    set_fields,
    share,
)
from heapkit.board_parts.fields import ranges as ranges_field
from heapkit.units import KiB


@dataclass(frozen=True, kw_only=True)
class CmaHeap:
    """The heap of drivers/dma-buf/heaps/cma_heap.c over one area of mm/cma.c.

    Without a ``base`` the area is placed inside the memory, from the top down,
    aligned to a pageblock. A given base and the size need whole bits only: the
    kernel asks for whole pageblocks, but their size is a build option, and areas
    recorded on kernels with smaller ones must be replayable. ``alignment_order``
    is CONFIG_CMA_ALIGNMENT, the cap on a buffer's alignment: 4 to 12 in Kconfig,
    lower to compare with an unaligned search. A bit stands for
    ``2**order_per_bit`` pages.

    ``chunk`` bytes, a power of two, are the pieces that a buffer is made of, as in
    the heap that Samsung proposed in 2020 (chunk_heap.c): it takes as large runs of
    them as it can, without waiting until that fails once. ``discard`` lends the area
    to clean loads only, whose pages are dropped and never moved: a simplified GCMA.
    ``uncached`` maps write-combined.

    ``ranges`` puts the area into several pieces, ``(base, size)`` each, tried in
    that order; ``size`` is then their sum and ``base`` the lowest.
    """

    kind: ClassVar[str] = "cma"
    name: str = "default_cma_region"
    size: int = 0
    base: int | None = None
    alignment_order: int = 8
    order_per_bit: int = 0
    ranges: tuple[tuple[int, int], ...] = ()
    chunk: int | None = None
    discard: bool = False
    uncached: bool = False

    def __post_init__(self) -> None:
        name = check.file_name("CmaHeap", "name", self.name)
        owner = f"CmaHeap {name!r}"
        order = check.integer(
            owner, "order_per_bit", self.order_per_bit, high=MAX_PAGE_ORDER
        )
        set_fields(self, order_per_bit=order)
        granule = self.granule
        if self.ranges:
            self._take_ranges(owner)
        set_fields(self, size=check.size(owner, "size", self.size, multiple=granule))
        set_fields(self, base=optional_base(owner, self.base, multiple=granule))
        cap = check.integer(owner, "alignment_order", self.alignment_order, high=12)
        set_fields(self, alignment_order=cap)
        set_booleans(self, owner, "discard", "uncached")
        if self.chunk is not None:
            chunk = check.power_of_two(owner, "chunk", self.chunk, low=granule)
            high = PAGE_SIZE << MAX_PAGE_ORDER
            set_fields(self, chunk=check.integer(owner, "chunk", chunk, high=high))

    def _take_ranges(self, owner: str) -> None:
        ranges = ranges_field(owner, self.ranges, multiple=self.granule)
        size, base = sum(size for _, size in ranges), min(ranges)[0]
        if self.size not in (0, size):
            allowed = f"the sum of the ranges, {size}"
            raise check.wrong(owner, "size", self.size, allowed)
        if self.base not in (None, base):
            allowed = f"the lowest of the ranges, {base:#x}"
            raise check.wrong(owner, "base", self.base, allowed)
        set_fields(self, ranges=ranges, size=size, base=base)

    @property
    def granule(self) -> int:
        """Bytes of one bit."""
        return PAGE_SIZE << self.order_per_bit


@dataclass(frozen=True, kw_only=True)
class CarveoutHeap:
    """A reserved region handed out by lib/genalloc.c, one buffer contiguous.

    ``fit`` is genalloc's placement rule; ``align`` (bytes) counts for
    "first-align" only. ``zero`` says when pages are cleared: at "alloc", or at
    "free" as ION did, then with ``deferred_free`` by a thread, and with
    ``retry_drained`` a failed allocation drains that thread's list and tries
    again. ``uncached`` maps write-combined. Without a ``base`` the region stands alone
    above the memory.
    """

    kind: ClassVar[str] = "carveout"
    name: str
    size: int
    base: int | None = None
    fit: str = "first"
    align: int = PAGE_SIZE
    zero: str = "alloc"
    deferred_free: bool = False
    retry_drained: bool = False
    uncached: bool = False

    def __post_init__(self) -> None:
        name = check.file_name("CarveoutHeap", "name", self.name)
        owner = f"CarveoutHeap {name!r}"
        set_fields(self, size=check.size(owner, "size", self.size))
        set_fields(self, base=optional_base(owner, self.base, multiple=PAGE_SIZE))
        check.choice(owner, "fit", self.fit, FITS)
        set_fields(
            self, align=check.power_of_two(owner, "align", self.align, low=PAGE_SIZE)
        )
        check.choice(owner, "zero", self.zero, ("alloc", "free"))
        set_booleans(self, owner, "deferred_free", "retry_drained", "uncached")

    @property
    def granule(self) -> int:
        """Bytes of one bit."""
        return PAGE_SIZE


@dataclass(frozen=True, kw_only=True)
class ChunkHeap:
    """A region of equal chunks; a buffer is as many as it needs, scattered.

    After ION's (ion_chunk_heap.c): each chunk is a first fit of its own, ``zero``-ed
    at "free" there; "alloc" is what dma-heaps would have. 64 KiB is the
    ``chunk-order`` 4 of the heap that Samsung proposed in 2020, which takes its
    chunks from a CMA area: :class:`CmaHeap` with ``chunk``.
    """

    kind: ClassVar[str] = "chunk"
    name: str
    size: int
    chunk: int = 64 * KiB
    base: int | None = None
    zero: str = "alloc"
    uncached: bool = False

    def __post_init__(self) -> None:
        name = check.file_name("ChunkHeap", "name", self.name)
        owner = f"ChunkHeap {name!r}"
        chunk = check.power_of_two(owner, "chunk", self.chunk, low=PAGE_SIZE)
        set_fields(self, chunk=chunk)
        set_fields(self, size=check.size(owner, "size", self.size, multiple=chunk))
        set_fields(self, base=optional_base(owner, self.base, multiple=chunk))
        check.choice(owner, "zero", self.zero, ("alloc", "free"))
        set_booleans(self, owner, "uncached")

    @property
    def granule(self) -> int:
        """Bytes of one bit: the chunk."""
        return self.chunk


@dataclass(frozen=True, kw_only=True)
class SecureHeap:
    """A protected region as in drivers/tee/tee_heap.c: the CPU cannot map it.

    DMA_BUF_IOCTL_SYNC succeeds and does nothing.

    What the 2019 thread wished for and no merged heap has: ``align`` (bytes, with
    ``fit`` "first-align") and ``private_flags``, a mask of the ``heap_flags`` that
    ``allocate`` takes. ``handback_failures`` None is a static pool. A number says that
    the pages of each buffer are assigned to another VM and back, as in Qualcomm's
    secure heaps, and which share of the hand-backs fails (assumed; drawn from the
    board's seed): that memory is leaked.
    """

    kind: ClassVar[str] = "secure"
    name: str
    size: int
    base: int | None = None
    fit: str = "first"
    align: int = PAGE_SIZE
    private_flags: int = 0
    handback_failures: float | None = None

    def __post_init__(self) -> None:
        name = check.file_name("SecureHeap", "name", self.name)
        owner = f"SecureHeap {name!r}"
        set_fields(self, size=check.size(owner, "size", self.size))
        set_fields(self, base=optional_base(owner, self.base, multiple=PAGE_SIZE))
        check.choice(owner, "fit", self.fit, FITS)
        align = check.power_of_two(owner, "align", self.align, low=PAGE_SIZE)
        flags = check.integer(
            owner, "private_flags", self.private_flags, high=check.U64_MAX
        )
        set_fields(self, align=align, private_flags=flags)
        if self.handback_failures is not None:
            failures = share(owner, "handback_failures", self.handback_failures)
            set_fields(self, handback_failures=failures)

    @property
    def granule(self) -> int:
        """Bytes of one bit."""
        return PAGE_SIZE
