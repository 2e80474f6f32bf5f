# SPDX-License-Identifier: MIT
"""The pooled system heap with its costs as a SimPy model: rows like the core's."""

from __future__ import annotations

import errno
from collections.abc import Generator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import simpy

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


class Buffer(NamedTuple):
    """Blocks as (first page, order), and how many of them a pool served."""

    blocks: list[tuple[int, int]]
    pool_entries: int


class Event(NamedTuple):
    """An allocation (op 0) or a free (op 1), so long after the one before."""

    op: int
    buffer: int
    pages: int
    wait_ns: int


class SystemHeap:
    """Largest order first; freed blocks are zeroed into the pools."""

    def __init__(
        self, zone: Zone, orders: tuple[int, ...], costs: Mapping[str, float]
    ) -> None:
        self.zone, self.orders, self.costs = zone, orders, costs
        self.pools = Pools(orders)
        self.cost = 0.0

    def allocate(self, pages: int) -> Buffer | None:
        """Blocks for so many pages, or None after giving back what was taken."""
        blocks: list[tuple[int, int]] = []
        hits, top = 0, MAX_ORDER
        self.cost = self.costs["allocate_call"]
        while pages > 0:
            for order in self.orders:
                if order > top or 1 << order > pages:
                    continue
                page, hit = self._block(order)
                if page is not None:
                    break
            else:
                self._unwind(blocks)
                return None
            blocks.append((page, order))
            pages -= 1 << order
            hits, top = hits + hit, order
        return Buffer(blocks, hits)

    def _block(self, order: int) -> tuple[int | None, bool]:
        page = self.pools.take(order)
        if page is not None:
            self.cost += self.costs["pool_block"]
            return page, True
        page = self.zone.take(order)
        while page is None and order == 0 and self._reclaim():
            page = self.zone.take(0)
        if page is not None:
            self.cost += self.costs["buddy_block"]
            self.cost += self.costs["zero_page"] * (1 << order)
        return page, False

    def _reclaim(self) -> int:
        freed = self.pools.shrink(self.zone, SHRINK_BATCH)
        self.cost += self.costs["reclaim_page"] * freed
        return freed

    def _unwind(self, blocks: list[tuple[int, int]]) -> None:
        for page, order in blocks:
            self.zone.give(page, order)
            self.cost += self.costs["buddy_block"]

    def release(self, buffer: Buffer) -> None:
        """Zero each block into its pool."""
        self.cost = self.costs["free_call"]
        for page, order in buffer.blocks:
            self.pools.add(page, order)
            self.cost += self.costs["pool_block"]
            self.cost += self.costs["zero_page"] * (1 << order)


class Model:
    """A process that waits for the time of each event; ``rows`` are its answers."""

    def __init__(self, heap: SystemHeap, events: Sequence[Event]) -> None:
        self.rows: list[Row] = []
        self._ends = list(accumulate(event.wait_ns for event in events))
        self._env = simpy.Environment()
        self._env.process(_program(self._env, heap, events, self.rows))

    def advance(self, end: int) -> None:
        """Run until ``end`` events are carried out."""
        self._env.run(until=self._ends[end - 1] + 1)


def _program(
    env: simpy.Environment, heap: SystemHeap, events: Sequence[Event], rows: list[Row]
) -> Generator[simpy.Event]:
    held: dict[int, Buffer | None] = {}
    for event in events:
        yield env.timeout(event.wait_ns)
        if event.op == 0:
            held[event.buffer] = buffer = heap.allocate(event.pages)
            status = 0 if buffer else -errno.ENOMEM
        else:
            buffer, status, heap.cost = held.pop(event.buffer), 0, 0.0
            if buffer:
                heap.release(buffer)
        rows.append(_row(heap, buffer, status))


def _row(heap: SystemHeap, buffer: Buffer | None, status: int) -> Row:
    blocks, pool_entries = buffer or ((), 0)
    return Row(
        status,
        len(blocks),
        pool_entries,
        blocks[0][0] if blocks else 0,
        int(heap.cost + 0.5),
        heap.zone.free,
        heap.zone.largest,
        heap.pools.pages,
    )
