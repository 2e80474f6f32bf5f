# SPDX-License-Identifier: MIT
"""The pooled system heap with its costs as a SimPy model: rows like the core's."""

from __future__ import annotations

import errno
from collections.abc import Generator, Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

import simpy

from benchmarks.peers.bill import Bill, Costs, empty_bill, price
from benchmarks.peers.zone import MAX_ORDER, Pools, Zone

SHRINK_BATCH = 128  # pages, SHRINK_BATCH of mm/shrinker.c


class Row(NamedTuple):
    """What one event did, and the gauges after it."""

    status: int
    entries: int
    pool_entries: int
    address: int
    latency_ns: int
    free: int  # pages, as are the next two
    largest: int
    pooled: int


class Memory(NamedTuple):
    """Blocks as (first page, pages), and how many of them a pool served."""

    blocks: list[tuple[int, int]]
    pool_entries: int = 0


class Event(NamedTuple):
    """An allocation (op 0) or a free (op 1), so long after the one before."""

    op: int
    buffer: int
    pages: int
    wait_ns: int


class Deferred(Protocol):
    """Memory that was freed and is not back yet."""

    def drain(self, pages: int) -> int:
        """Give back so many pages or more, if there are as many; how many."""
        ...


def zero(pages: int, bill: Bill) -> None:
    """Clear one piece; the longer it is, the faster."""
    if pages >= 256:
        bill["zero_page_1m"] += pages
    elif pages >= 16:
        bill["zero_page_64k"] += pages
    else:
        bill["zero_page"] += pages


def zero_all(memory: Memory, bill: Bill) -> None:
    """Clear every block."""
    for _, pages in memory.blocks:
        zero(pages, bill)


class SystemHeap:
    """Largest order first; freed blocks are zeroed into the pools."""

    def __init__(self, zone: Zone, orders: tuple[int, ...]) -> None:
        self.zone, self.orders = zone, orders
        self.pools = Pools(orders)
        self.deferred: Deferred | None = None

    def allocate(self, pages: int, bill: Bill) -> Memory | None:
        """Blocks for so many pages, or None after giving back what was taken."""
        blocks: list[tuple[int, int]] = []
        hits, top = 0, MAX_ORDER
        while pages > 0:
            for order in self.orders:
                if order > top or 1 << order > pages:
                    continue
                page, hit = self._block(order, bill)
                if page is not None:
                    break
            else:
                self.discard(Memory(blocks), bill)
                return None
            blocks.append((page, 1 << order))
            pages -= 1 << order
            hits, top = hits + hit, order
        return Memory(blocks, hits)

    def _block(self, order: int, bill: Bill) -> tuple[int | None, bool]:
        page = self.pools.take(order)
        if page is not None:
            bill["pool_block"] += 1
            return page, True
        splits = self.zone.splits
        page = self.zone.take(order)
        while page is None and order == 0 and self._reclaim(bill):
            page = self.zone.take(0)
        if page is not None:
            bill["buddy_block"] += 1
            bill["buddy_split"] += self.zone.splits - splits
            bill["buddy_page"] += 1 << order
            zero(1 << order, bill)
        return page, False

    def _reclaim(self, bill: Bill) -> int:
        freed = self.deferred.drain(SHRINK_BATCH) if self.deferred else 0
        freed += self.pools.shrink(self.zone, SHRINK_BATCH - freed)
        bill["reclaim_page"] += freed
        return freed

    def discard(self, memory: Memory, bill: Bill) -> None:
        """All blocks to the page allocator, as they are."""
        for page, pages in memory.blocks:
            self.zone.give(page, pages.bit_length() - 1)
        bill["buddy_block"] += len(memory.blocks)

    def release(self, memory: Memory, bill: Bill) -> None:
        """Zero each block into its pool."""
        for page, pages in memory.blocks:
            self.pools.add(page, pages.bit_length() - 1)
        bill["pool_block"] += len(memory.blocks)
        zero_all(memory, bill)


class Model:
    """A process that waits for the time of each event; ``rows`` are its answers."""

    def __init__(self, heap: SystemHeap, costs: Costs, events: Sequence[Event]) -> None:
        self.rows: list[Row] = []
        self._ends = list(accumulate(event.wait_ns for event in events))
        self._env = simpy.Environment()
        self._env.process(_program(self._env, heap, costs, events, self.rows))

    def advance(self, end: int) -> None:
        """Run until ``end`` events are carried out."""
        self._env.run(until=self._ends[end - 1] + 1)


def _program(
    env: simpy.Environment,
    heap: SystemHeap,
    costs: Costs,
    events: Sequence[Event],
    rows: list[Row],
) -> Generator[simpy.Event]:
    held: dict[int, Memory | None] = {}
    for event in events:
        yield env.timeout(event.wait_ns)
        status, bill = 0, empty_bill()
        if event.op == 0:
            bill["allocate_call"] += 1
            held[event.buffer] = memory = heap.allocate(event.pages, bill)
            status = 0 if memory else -errno.ENOMEM
        elif memory := held.pop(event.buffer):
            bill["free_call"] += 1
            heap.release(memory, bill)
        rows.append(_row(heap, memory, status, price(bill, costs)))


def _row(heap: SystemHeap, memory: Memory | None, status: int, latency: int) -> Row:
    blocks, pool_entries = memory or ((), 0)
    return Row(
        status,
        len(blocks),
        pool_entries,
        blocks[0][0] if blocks else 0,
        latency,
        heap.zone.free,
        heap.zone.largest,
        heap.pools.pages,
    )
