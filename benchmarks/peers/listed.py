# SPDX-License-Identifier: MIT
"""First fit as one writes it for SimPy: two lists, bisect, and a process."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Generator

import simpy

from benchmarks.peers.carveout import FAILED, Answer, Events, Start, step


class ListedRuns:
    """Free runs by address: where they start, and how long they are."""

    def __init__(self, start: Start) -> None:
        self.starts = [first for first, _ in start.holes]
        self.lengths = [length for _, length in start.holes]
        self.free = sum(self.lengths)

    def take(self, pages: int) -> int:
        """Scan from the lowest address."""
        for i, length in enumerate(self.lengths):
            if length >= pages:
                return self._cut(i, pages)
        return FAILED

    def _cut(self, i: int, pages: int) -> int:
        place = self.starts[i]
        self.free -= pages
        if self.lengths[i] == pages:
            del self.starts[i], self.lengths[i]
        else:
            self.starts[i] += pages
            self.lengths[i] -= pages
        return place

    def give(self, place: int, pages: int) -> None:
        """Insert in order, joined to what lies beside."""
        self.free += pages
        i = bisect_left(self.starts, place)
        if i < len(self.starts) and place + pages == self.starts[i]:
            pages += self.lengths[i]
            del self.starts[i], self.lengths[i]
        if i and self.starts[i - 1] + self.lengths[i - 1] == place:
            self.lengths[i - 1] += pages
        else:
            self.starts.insert(i, place)
            self.lengths.insert(i, pages)

    def largest(self) -> int:
        """Over all runs."""
        return max(self.lengths, default=0)


def replay(start: Start, events: Events) -> Answer:
    """A process that waits for the time of each event."""
    answer = Answer()
    env = simpy.Environment()
    env.process(_program(env, start, events, answer))
    env.run()
    return answer


def _program(
    env: simpy.Environment, start: Start, events: Events, answer: Answer
) -> Generator[simpy.Event]:
    heap, held = ListedRuns(start), dict(start.held)
    for event in zip(events.op, events.buffer, events.pages, strict=True):
        yield env.timeout(1)
        place = step(heap, held, event)
        answer.add(place, heap.free, heap.largest())
