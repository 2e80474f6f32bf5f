# SPDX-License-Identifier: MIT
"""The heaps of the SimPy phone: a carveout, and Android's pooled system heap."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple, Protocol

import simpy

from benchmarks.peers.bill import Bill, Costs
from benchmarks.peers.deferred import DeferredFree
from benchmarks.peers.system_heap import Memory, SystemHeap, zero_all
from benchmarks.peers.zone import Zone

PAGE = 4096


class Gauges(NamedTuple):
    """Of one heap, in bytes."""

    free_bytes: int
    largest_free_bytes: int
    pool_bytes: int
    deferred_bytes: int


class Heap(Protocol):
    """Gives memory out and takes it back."""

    def allocate(self, pages: int, bill: Bill) -> Memory | None:
        """None: there is not enough."""
        ...

    def free(self, memory: Memory) -> None:
        """Now or later; nobody waits for it."""
        ...

    def gauges(self) -> Gauges:
        """As they are now."""
        ...


class Carveout:
    """First fit over the free runs by address; zeroed when allocated."""

    def __init__(self, first: int, pages: int) -> None:
        self.starts, self.lengths = [first], [pages]
        self.free_pages = pages

    def allocate(self, pages: int, bill: Bill) -> Memory | None:
        """The lowest run that is long enough."""
        bill["gen_pool_call"] += 1
        for i, length in enumerate(self.lengths):
            if length >= pages:
                memory = Memory([(self._cut(i, pages), pages)])
                zero_all(memory, bill)
                return memory
        return None

    def _cut(self, i: int, pages: int) -> int:
        page = self.starts[i]
        self.free_pages -= pages
        if self.lengths[i] == pages:
            del self.starts[i], self.lengths[i]
        else:
            self.starts[i] += pages
            self.lengths[i] -= pages
        return page

    def free(self, memory: Memory) -> None:
        """Joined to the free runs beside it."""
        page, pages = memory.blocks[0]
        self.free_pages += pages
        i = bisect_left(self.starts, page)
        if i < len(self.starts) and page + pages == self.starts[i]:
            pages += self.lengths[i]
            del self.starts[i], self.lengths[i]
        if i and self.starts[i - 1] + self.lengths[i - 1] == page:
            self.lengths[i - 1] += pages
        else:
            self.starts.insert(i, page)
            self.lengths.insert(i, pages)

    def gauges(self) -> Gauges:
        """The longest run is looked for."""
        longest = max(self.lengths, default=0)
        return Gauges(self.free_pages * PAGE, longest * PAGE, 0, 0)


class AndroidHeap:
    """A pooled system heap whose frees are deferred."""

    def __init__(
        self,
        env: simpy.Environment,
        zone: Zone,
        orders: tuple[int, ...],
        costs: Costs,
    ) -> None:
        self.heap = SystemHeap(zone, orders)
        self.heap.deferred = self.thread = DeferredFree(env, self.heap, costs)
        self.allocate = self.heap.allocate
        self.free = self.thread.push

    def gauges(self) -> Gauges:
        """The page allocator's, the pools' and the idle thread's."""
        return Gauges(
            self.heap.zone.free * PAGE,
            self.heap.zone.largest * PAGE,
            self.heap.pools.pages * PAGE,
            self.thread.pages * PAGE,
        )
