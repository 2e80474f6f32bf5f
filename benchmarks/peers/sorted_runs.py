# SPDX-License-Identifier: MIT
"""First fit over a SortedDict of free runs by address."""

from __future__ import annotations

from sortedcontainers import SortedDict

from benchmarks.peers.carveout import FAILED, Answer, Events, Start
from benchmarks.peers.carveout import replay as replay_plainly


class SortedRuns:
    """Start of a free run to its length."""

    def __init__(self, start: Start) -> None:
        self.runs = SortedDict(start.holes)
        self.free = sum(self.runs.values())

    def take(self, pages: int) -> int:
        """Scan from the lowest address."""
        for place, length in self.runs.items():
            if length >= pages:
                del self.runs[place]
                if length > pages:
                    self.runs[place + pages] = length - pages
                self.free -= pages
                return place
        return FAILED

    def give(self, place: int, pages: int) -> None:
        """Join to what lies beside."""
        self.free += pages
        i = self.runs.bisect_left(place)
        if i < len(self.runs) and self.runs.keys()[i] == place + pages:
            pages += self.runs.pop(place + pages)
        if i:
            before, length = self.runs.peekitem(i - 1)
            if before + length == place:
                place, pages = before, length + pages
        self.runs[place] = pages

    def largest(self) -> int:
        """Over all runs."""
        return max(self.runs.values(), default=0)


def replay(start: Start, events: Events) -> Answer:
    """All events with their gauges."""
    return replay_plainly(SortedRuns(start), start, events)
