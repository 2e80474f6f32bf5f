# SPDX-License-Identifier: MIT
"""The memory of a board, and the pools between it and a system heap."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from heapkit import arguments as check
from heapkit._ffi import PAGE_SIZE
from heapkit.board_parts.fields import (
    MAINLINE_ORDERS,
    orders_of,
    set_booleans,
    set_fields,
)
from heapkit.units import MS, KiB

# Of the fill mark: qcom_dynamic_page_pool.h.
QUALCOMM_LOW_PERCENT = 40


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
        set_fields(self, total=total, base=check.address("Memory", "base", self.base))
        if self.min_free is not None:
            free = check.integer("Memory", "min_free", self.min_free, high=total)
            set_fields(self, min_free=free)

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

    ION's pools (ion_system_heap.c) get the pages of an allocation that failed back,
    ``unwind`` "pool", where Android's give them to the "buddy" allocator, and were
    shrunk from the largest order down, ``shrink`` "descending".
    """

    orders: tuple[int, ...] = MAINLINE_ORDERS
    deferred_free: bool = True
    fill: int | None = None
    low: int | None = None
    limit: int | None = None
    refill_defer_ns: int = 10 * MS
    shrink: str = "ascending"
    unwind: str = "buddy"

    def __post_init__(self) -> None:
        owner = "PagePool"
        set_fields(self, orders=orders_of(owner, self.orders))
        set_booleans(self, owner, "deferred_free")
        check.choice(owner, "shrink", self.shrink, ("ascending", "descending"))
        check.choice(owner, "unwind", self.unwind, ("buddy", "pool"))
        set_fields(
            self,
            refill_defer_ns=check.integer(
                owner, "refill_defer_ns", self.refill_defer_ns, high=2**62
            ),
        )
        for mark, least in (("fill", 0), ("low", 0), ("limit", PAGE_SIZE)):
            value = getattr(self, mark)
            if value is not None:
                set_fields(self, **{mark: check.integer(owner, mark, value, low=least)})
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
