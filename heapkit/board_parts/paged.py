# SPDX-License-Identifier: MIT
"""What lives over the page allocator, without memory of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from heapkit import arguments as check
from heapkit._ffi import MAX_PAGE_ORDER
from heapkit.board_parts.fields import (
    MAINLINE_ORDERS,
    orders_of,
    set_booleans,
    set_fields,
    share,
)
from heapkit.board_parts.memory import PagePool
from heapkit.units import MiB

# enum migratetype of include/linux/mmzone.h: those that a request may have.
MIGRATETYPES = ("unmovable", "movable", "reclaimable")


@dataclass(frozen=True, kw_only=True)
class SystemHeap:
    """The heap of drivers/dma-buf/heaps/system_heap.c; with a ``pool``, Android's.

    ``uncached`` maps write-combined and needs no cache maintenance. Where a pool
    is given, its orders are the heap's. ``encrypted`` is the heap
    "system_cc_shared" of confidential machines: pages are decrypted when allocated
    and encrypted again when freed; those that fail, a share ``reencrypt_failures``
    of the blocks drawn from the board's seed (assumed), are leaked. ``max_share``
    "half" is ION's: more than half of the memory in one buffer is ENOMEM.
    """

    kind: ClassVar[str] = "system"
    name: str = "system"
    orders: tuple[int, ...] = MAINLINE_ORDERS
    pool: PagePool | None = None
    uncached: bool = False
    encrypted: bool = False
    reencrypt_failures: float = 0.0
    max_share: str | None = None

    def __post_init__(self) -> None:
        name = check.file_name("SystemHeap", "name", self.name)
        owner = f"SystemHeap {name!r}"
        set_fields(self, orders=orders_of(owner, self.orders))
        set_booleans(self, owner, "uncached", "encrypted")
        failures = share(owner, "reencrypt_failures", self.reencrypt_failures)
        set_fields(self, reencrypt_failures=failures)
        if failures and not self.encrypted:
            allowed = "0 for a heap that is not encrypted"
            raise check.wrong(owner, "reencrypt_failures", failures, allowed)
        if self.max_share not in (None, "half"):
            raise check.wrong(owner, "max_share", self.max_share, "None or 'half'")
        self._check_pool(owner)

    def _check_pool(self, owner: str) -> None:
        if self.pool is None:
            return
        if not isinstance(self.pool, PagePool):
            raise check.wrong(owner, "pool", self.pool, "a PagePool or None")
        if self.encrypted:
            allowed = "None for an encrypted heap, which mainline has without pools"
            raise check.wrong(owner, "pool", self.pool, allowed)
        if self.orders not in (MAINLINE_ORDERS, self.pool.orders):
            allowed = f"the pool's orders, {self.pool.orders}"
            raise check.wrong(owner, "orders", self.orders, allowed)
        set_fields(self, orders=self.pool.orders)


@dataclass(frozen=True, kw_only=True)
class UdmabufHeap:
    """No heap, but what clients fall back to: a memfd that /dev/udmabuf exports.

    Single movable pages, pinned outside of CMA areas (memfd_pin_folios() of
    drivers/dma-buf/udmabuf.c), one sg entry each. A size that is no whole number of
    pages or more than ``size_limit`` (the module's size_limit_mb, 64) is EINVAL.
    """

    kind: ClassVar[str] = "udmabuf"
    name: str = "udmabuf"
    size_limit: int = 64 * MiB

    def __post_init__(self) -> None:
        name = check.file_name("UdmabufHeap", "name", self.name)
        limit = check.size(f"UdmabufHeap {name!r}", "size_limit", self.size_limit)
        set_fields(self, size_limit=limit)


@dataclass(frozen=True, kw_only=True)
class PageLoad:
    """No heap of any kernel: pages that the rest of the system holds.

    A trace allocates and frees them like buffers. ``migratetype`` "movable" stands
    for the memory of programs and the page cache, "unmovable" for what drivers and
    the kernel itself hold, "reclaimable" for slabs that a shrinker could empty. A
    buffer is blocks of ``2**order`` pages; movable ones are single pages. With a
    movable load on the board CMA areas lend it their pages and move them when they
    want them back; ``pinned`` pages cannot be moved, because somebody (a transfer
    in flight, a file system) holds a reference. ``clean`` pages have their data
    elsewhere too (page cache that was not written to): CMA drops them instead, and
    the buffer has them no more. ``dirty`` ones wait for writeback, so that only a
    request that waits moves them. Each page is mapped by ``mapcount`` page table
    entries, all of which are undone when it goes.
    """

    kind: ClassVar[str] = "pages"
    name: str
    migratetype: str = "movable"
    order: int = 0
    pinned: bool = False
    clean: bool = False
    dirty: bool = False
    mapcount: int = 1

    def __post_init__(self) -> None:
        name = check.file_name("PageLoad", "name", self.name)
        owner = f"PageLoad {name!r}"
        check.choice(owner, "migratetype", self.migratetype, MIGRATETYPES)
        order = check.integer(owner, "order", self.order, high=MAX_PAGE_ORDER)
        if order and self.movable:
            raise check.wrong(owner, "order", order, "0, for movable pages are single")
        mapcount = check.integer(owner, "mapcount", self.mapcount, high=2**31)
        set_fields(self, order=order, mapcount=mapcount)
        set_booleans(self, owner, "pinned", "clean", "dirty")
        named = [flag for flag in ("pinned", "clean", "dirty") if getattr(self, flag)]
        if named and not self.movable:
            allowed = f"False for {self.migratetype} pages, which never move"
            raise check.wrong(owner, named[0], getattr(self, named[0]), allowed)
        if len(named) > 1:
            allowed = f"False for pages that are {named[0]}"
            raise check.wrong(owner, named[1], getattr(self, named[1]), allowed)

    @property
    def movable(self) -> bool:
        """Whether it may borrow the pages of CMA areas."""
        return self.migratetype == "movable"
