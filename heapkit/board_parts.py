# SPDX-License-Identifier: MIT
"""The parts of a board: memory, heaps, devices. All immutable, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt
from typing import Any, ClassVar, TypeAlias

from heapkit import arguments as check
from heapkit._ffi import MAX_CMA_RANGES, MAX_ORDERS, MAX_PAGE_ORDER, PAGE_SIZE
from heapkit.units import MS, KiB

# lib/genalloc.c: gen_pool_first_fit, _best_fit, _first_fit_align and
# _first_fit_order_align.
FITS = ("first", "best", "first-align", "order-align")
# drivers/dma-buf/heaps/system_heap.c: 1 MiB for IOMMU sections, 64 KiB for its
# large pages, 4 KiB for the rest.
MAINLINE_ORDERS = (8, 4, 0)
# enum migratetype of include/linux/mmzone.h: those that a request may have.
MIGRATETYPES = ("unmovable", "movable", "reclaimable")
# Of the fill mark: qcom_dynamic_page_pool.h.
QUALCOMM_LOW_PERCENT = 40


def _set(part: object, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(part, name, value)


def _orders(owner: str, value: object) -> tuple[int, ...]:
    allowed = f"1 to {MAX_ORDERS} descending orders, {MAX_PAGE_ORDER} to 0, the last 0"
    if not isinstance(value, (tuple, list)) or not 1 <= len(value) <= MAX_ORDERS:
        raise check.wrong(owner, "orders", value, allowed)
    high = MAX_PAGE_ORDER
    orders = tuple(check.integer(owner, "orders", o, high=high) for o in value)
    if orders[-1] != 0 or list(orders) != sorted(set(orders), reverse=True):
        raise check.wrong(owner, "orders", value, allowed)
    return orders


def _optional_base(owner: str, base: object, *, multiple: int) -> int | None:
    if base is None:
        return None
    return check.address(owner, "base", base, multiple=multiple)


def _ranges(owner: str, value: object, *, multiple: int) -> tuple[tuple[int, int], ...]:
    allowed = f"1 to {MAX_CMA_RANGES} pairs (base, size)"
    if not isinstance(value, (tuple, list)) or len(value) > MAX_CMA_RANGES:
        raise check.wrong(owner, "ranges", value, allowed)
    ranges = []
    for index, pair in enumerate(value):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise check.wrong(owner, "ranges", value, allowed)
        base = check.address(owner, f"ranges[{index}] base", pair[0], multiple=multiple)
        size = check.size(owner, f"ranges[{index}] size", pair[1], multiple=multiple)
        ranges.append((base, size))
    return tuple(ranges)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What the page allocator manages: ``total`` bytes from ``base`` on.

    ``min_free`` bytes are kept back from the orders that may not reclaim; a refill
    of pools stops at the high watermark above them. None is the kernel's own
    choice, ``sqrt(16 * KiB of memory)`` KiB between 128 KiB and 256 MiB
    (mm/page_alloc.c: calculate_min_free_kbytes); a board fills it in.
    """

    total: int
    base: int = 0
    min_free: int | None = None

    def __post_init__(self) -> None:
        total = check.size("Memory", "total", self.total)
        _set(self, total=total, base=check.address("Memory", "base", self.base))
        if self.min_free is not None:
            free = check.integer("Memory", "min_free", self.min_free, high=total)
            _set(self, min_free=free)

    @property
    def end(self) -> int:
        """One past the last byte."""
        return self.base + self.total

    @property
    def default_min_free(self) -> int:
        """What ``min_free=None`` stands for, in bytes, whole pages."""
        kib = min(max(isqrt(16 * (self.total // KiB)), 128), 256 * KiB)
        return min(kib * KiB, self.total) // PAGE_SIZE * PAGE_SIZE


@dataclass(frozen=True, kw_only=True)
class PagePool:
    """Pages kept per order between free and the next allocation.

    The defaults are Android's: no bound and no refill (page_pool.c). Qualcomm
    refills (qcom_dynamic_page_pool.c): an allocation that leaves a pool below
    ``low`` bytes wakes a thread that fills it to ``fill``, pausing
    ``refill_defer_ns`` when memory was short; order 0 is never refilled.
    ``low`` None is Qualcomm's 40 % of ``fill``. All marks are bytes per pool.
    """

    orders: tuple[int, ...] = MAINLINE_ORDERS
    deferred_free: bool = True
    fill: int | None = None
    low: int | None = None
    limit: int | None = None
    refill_defer_ns: int = 10 * MS

    def __post_init__(self) -> None:
        owner = "PagePool"
        _set(self, orders=_orders(owner, self.orders))
        _set(
            self,
            deferred_free=check.boolean(owner, "deferred_free", self.deferred_free),
        )
        _set(
            self,
            refill_defer_ns=check.integer(
                owner, "refill_defer_ns", self.refill_defer_ns, high=2**62
            ),
        )
        for mark, least in (("fill", 0), ("low", 0), ("limit", PAGE_SIZE)):
            value = getattr(self, mark)
            if value is not None:
                _set(self, **{mark: check.integer(owner, mark, value, low=least)})
        if self.low is not None and self.low > (self.fill or 0):
            raise check.wrong(owner, "low", self.low, f"at most fill ({self.fill})")
        if self.limit is not None and (self.fill or 0) > self.limit:
            raise check.wrong(owner, "fill", self.fill, f"at most limit ({self.limit})")

    def fill_of(self, order: int) -> int:
        """Bytes the refill aims at for ``order``; 0 where there is no refill."""
        return (self.fill or 0) if order else 0

    def low_of(self, order: int) -> int:
        """Bytes of ``order`` below which an allocation wakes the refill."""
        if self.low is None:
            return self.fill_of(order) * QUALCOMM_LOW_PERCENT // 100
        return self.low if order else 0


@dataclass(frozen=True, kw_only=True)
class SystemHeap:
    """The heap of drivers/dma-buf/heaps/system_heap.c; with a ``pool``, Android's.

    ``uncached`` maps write-combined and needs no cache maintenance. Where a pool
    is given, its orders are the heap's.
    """

    kind: ClassVar[str] = "system"
    name: str = "system"
    orders: tuple[int, ...] = MAINLINE_ORDERS
    pool: PagePool | None = None
    uncached: bool = False

    def __post_init__(self) -> None:
        name = check.file_name("SystemHeap", "name", self.name)
        owner = f"SystemHeap {name!r}"
        _set(self, orders=_orders(owner, self.orders))
        _set(self, uncached=check.boolean(owner, "uncached", self.uncached))
        if self.pool is None:
            return
        if not isinstance(self.pool, PagePool):
            raise check.wrong(owner, "pool", self.pool, "a PagePool or None")
        if self.orders not in (MAINLINE_ORDERS, self.pool.orders):
            allowed = f"the pool's orders, {self.pool.orders}"
            raise check.wrong(owner, "orders", self.orders, allowed)
        _set(self, orders=self.pool.orders)


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

    def __post_init__(self) -> None:
        name = check.file_name("CmaHeap", "name", self.name)
        owner = f"CmaHeap {name!r}"
        order = check.integer(
            owner, "order_per_bit", self.order_per_bit, high=MAX_PAGE_ORDER
        )
        _set(self, order_per_bit=order)
        granule = self.granule
        if self.ranges:
            self._take_ranges(owner)
        _set(self, size=check.size(owner, "size", self.size, multiple=granule))
        _set(self, base=_optional_base(owner, self.base, multiple=granule))
        cap = check.integer(owner, "alignment_order", self.alignment_order, high=12)
        _set(self, alignment_order=cap)

    def _take_ranges(self, owner: str) -> None:
        ranges = _ranges(owner, self.ranges, multiple=self.granule)
        size, base = sum(size for _, size in ranges), min(ranges)[0]
        if self.size not in (0, size):
            allowed = f"the sum of the ranges, {size}"
            raise check.wrong(owner, "size", self.size, allowed)
        if self.base not in (None, base):
            allowed = f"the lowest of the ranges, {base:#x}"
            raise check.wrong(owner, "base", self.base, allowed)
        _set(self, ranges=ranges, size=size, base=base)

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
    again. Without a ``base`` the region stands alone above the memory.
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

    def __post_init__(self) -> None:
        name = check.file_name("CarveoutHeap", "name", self.name)
        owner = f"CarveoutHeap {name!r}"
        _set(self, size=check.size(owner, "size", self.size))
        _set(self, base=_optional_base(owner, self.base, multiple=PAGE_SIZE))
        check.choice(owner, "fit", self.fit, FITS)
        _set(self, align=check.power_of_two(owner, "align", self.align, low=PAGE_SIZE))
        check.choice(owner, "zero", self.zero, ("alloc", "free"))
        for flag in ("deferred_free", "retry_drained"):
            _set(self, **{flag: check.boolean(owner, flag, getattr(self, flag))})

    @property
    def granule(self) -> int:
        """Bytes of one bit."""
        return PAGE_SIZE


@dataclass(frozen=True, kw_only=True)
class ChunkHeap:
    """A region of equal chunks; a buffer is as many as it needs, scattered.

    After ION's (ion_chunk_heap.c): each chunk is a first fit of its own. It is
    zeroed at allocation here, at free there. 64 KiB is the ``chunk-order`` 4 of the
    heap that Samsung proposed in 2020, which takes its chunks from a CMA area.
    """

    kind: ClassVar[str] = "chunk"
    name: str
    size: int
    chunk: int = 64 * KiB
    base: int | None = None

    def __post_init__(self) -> None:
        name = check.file_name("ChunkHeap", "name", self.name)
        owner = f"ChunkHeap {name!r}"
        chunk = check.power_of_two(owner, "chunk", self.chunk, low=PAGE_SIZE)
        _set(self, chunk=chunk)
        _set(self, size=check.size(owner, "size", self.size, multiple=chunk))
        _set(self, base=_optional_base(owner, self.base, multiple=chunk))

    @property
    def granule(self) -> int:
        """Bytes of one bit: the chunk."""
        return self.chunk


@dataclass(frozen=True, kw_only=True)
class SecureHeap:
    """A protected region as in drivers/tee/tee_heap.c: the CPU cannot map it.

    DMA_BUF_IOCTL_SYNC succeeds and does nothing.
    """

    kind: ClassVar[str] = "secure"
    name: str
    size: int
    base: int | None = None
    fit: str = "first"

    def __post_init__(self) -> None:
        name = check.file_name("SecureHeap", "name", self.name)
        owner = f"SecureHeap {name!r}"
        _set(self, size=check.size(owner, "size", self.size))
        _set(self, base=_optional_base(owner, self.base, multiple=PAGE_SIZE))
        check.choice(owner, "fit", self.fit, FITS)

    @property
    def granule(self) -> int:
        """Bytes of one bit."""
        return PAGE_SIZE


@dataclass(frozen=True, kw_only=True)
class PageLoad:
    """No heap of any kernel: pages that the rest of the system holds.

    A trace allocates and frees them like buffers. ``migratetype`` "movable" stands
    for the memory of programs and the page cache, "unmovable" for what drivers and
    the kernel itself hold, "reclaimable" for slabs that a shrinker could empty. A
    buffer is blocks of ``2**order`` pages; movable ones are single pages. With a
    movable load on the board CMA areas lend it their pages and move them when they
    want them back; ``pinned`` pages cannot be moved, because somebody (a transfer
    in flight, a file system) holds a reference.
    """

    kind: ClassVar[str] = "pages"
    name: str
    migratetype: str = "movable"
    order: int = 0
    pinned: bool = False

    def __post_init__(self) -> None:
        name = check.file_name("PageLoad", "name", self.name)
        owner = f"PageLoad {name!r}"
        check.choice(owner, "migratetype", self.migratetype, MIGRATETYPES)
        order = check.integer(owner, "order", self.order, high=MAX_PAGE_ORDER)
        if order and self.movable:
            raise check.wrong(owner, "order", order, "0, for movable pages are single")
        pinned = check.boolean(owner, "pinned", self.pinned)
        if pinned and not self.movable:
            allowed = f"False for {self.migratetype} pages, which never move"
            raise check.wrong(owner, "pinned", pinned, allowed)
        _set(self, order=order, pinned=pinned)

    @property
    def movable(self) -> bool:
        """Whether it may borrow the pages of CMA areas."""
        return self.migratetype == "movable"


@dataclass(frozen=True)
class Device:
    """Something that maps buffers; a ``coherent`` one needs no maintenance.

    The mappings of one behind an ``iommu`` cost more: entries of its page table.
    """

    name: str
    coherent: bool = False
    iommu: bool = False

    def __post_init__(self) -> None:
        name = check.file_name("Device", "name", self.name)
        owner = f"Device {name!r}"
        for flag in ("coherent", "iommu"):
            _set(self, **{flag: check.boolean(owner, flag, getattr(self, flag))})


@dataclass(frozen=True, kw_only=True)
class SyncRules:
    """How a kernel keeps caches and memory alike, for all heaps of a board.

    ``attachments`` that BEGIN_CPU and END_CPU maintain: "mapped" ones, as every heap
    since Linux 5.11 (system_heap.c), or "all", as heap-helpers.c of 2019 and ION
    from 4.12 on. ``arm64``: since "5.19" (commit c50f11c6) END_CPU always cleans;
    "before", END_CPU after reading invalidated. ``lazy`` is no kernel's: a pass only
    where the CPU, or a device, has been there since the last one, once for all
    devices, as the 2019 thread asked for.
    """

    attachments: str = "mapped"
    arm64: str = "5.19"
    lazy: bool = False

    def __post_init__(self) -> None:
        check.choice("SyncRules", "attachments", self.attachments, ("mapped", "all"))
        check.choice("SyncRules", "arm64", self.arm64, ("5.19", "before"))
        _set(self, lazy=check.boolean("SyncRules", "lazy", self.lazy))


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


RegionHeap: TypeAlias = CmaHeap | CarveoutHeap | ChunkHeap | SecureHeap
# Over the page allocator, without memory of their own.
PagedHeap: TypeAlias = SystemHeap | PageLoad
Heap: TypeAlias = PagedHeap | RegionHeap
