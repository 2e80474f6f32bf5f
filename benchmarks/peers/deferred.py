# SPDX-License-Identifier: MIT
"""Android's deferred free: a thread that zeroes whenever nothing else is done."""

from __future__ import annotations

from collections.abc import Generator

import simpy

from benchmarks.peers.bill import Costs, empty_bill, price
from benchmarks.peers.system_heap import Memory, SystemHeap, zero_all


def pages_of(memory: Memory) -> int:
    """Of all its blocks."""
    return sum(pages for _, pages in memory.blocks)


class DeferredFree:
    """Memory that a heap got back, newest first; one at a time is zeroed."""

    def __init__(self, env: simpy.Environment, heap: SystemHeap, costs: Costs) -> None:
        self._env, self._heap, self._costs = env, heap, costs
        self.pages = 0
        self._freed: list[Memory] = []
        self._hand: Memory | None = None
        self._woken = env.event()
        self._thread = env.process(self._run())

    def push(self, memory: Memory) -> None:
        """Zeroed and released later."""
        self._freed.append(memory)
        self.pages += pages_of(memory)
        if not self._woken.triggered:
            self._woken.succeed()

    def drain(self, pages: int) -> int:
        """Pages past the pools, not zeroed; what is in the thread's hand last."""
        freed = 0
        while freed < pages and (memory := self._newest()):
            self._heap.discard(memory, empty_bill())
            freed += pages_of(memory)
        self.pages -= freed
        return freed

    def _newest(self) -> Memory | None:
        if self._freed:
            return self._freed.pop()
        memory, self._hand = self._hand, None
        if memory:
            self._thread.interrupt()
        return memory

    def _run(self) -> Generator[simpy.Event]:
        while True:
            since = self._env.now
            if not self._freed:
                self._woken = self._env.event()
                yield self._woken
                since = self._env.now
                # What is freed at one instant is there before the thread looks.
                yield self._env.timeout(1)
            if self._freed:
                yield from self._zero(self._freed.pop(), since)

    def _zero(self, memory: Memory, since: float) -> Generator[simpy.Event]:
        self._hand, bill = memory, empty_bill()
        zero_all(memory, bill)
        end = since + price(bill, self._costs)
        try:
            yield self._env.timeout(max(0, end - self._env.now))
        except simpy.Interrupt:
            return
        self._hand = None
        self._heap.release(memory, empty_bill())
        self.pages -= pages_of(memory)
