# SPDX-License-Identifier: MIT
"""What the first-fit peers start from, and what they answer. All in pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

FAILED = -1


@dataclass(frozen=True)
class Start:
    """A carveout at one moment: its free runs by address, and who is where."""

    pages: int
    holes: tuple[tuple[int, int], ...]  # (start, length)
    held: dict[int, tuple[int, int]]  # buffer: (start, length)


@dataclass(frozen=True)
class Events:
    """Allocations (op 0) and frees (op 1)."""

    op: Sequence[int]
    buffer: Sequence[int]
    pages: Sequence[int]

    def __len__(self) -> int:
        return len(self.op)


@dataclass
class Answer:
    """After each event: the buffer's place, free pages, the largest free run."""

    place: list[int] = field(default_factory=list)
    free: list[int] = field(default_factory=list)
    largest: list[int] = field(default_factory=list)
    unusable: list[float] = field(default_factory=list)

    def add(self, place: int, free: int, largest: int) -> None:
        """One event."""
        self.place.append(place)
        self.free.append(free)
        self.largest.append(largest)
        self.unusable.append(1 - largest / free if free else 0.0)


class FirstFit(Protocol):
    """A first-fit allocator that keeps its free runs."""

    free: int

    def __init__(self, start: Start) -> None: ...
    def take(self, pages: int) -> int:
        """The first page of the lowest run that is long enough, or FAILED."""
        ...

    def give(self, place: int, pages: int) -> None:
        """Join the pages to the free runs beside them."""
        ...

    def largest(self) -> int:
        """Length of the longest free run."""
        ...


def step(
    heap: FirstFit, held: dict[int, tuple[int, int]], event: tuple[int, ...]
) -> int:
    """Carry out one (op, buffer, pages); where the buffer is or was."""
    op, buffer, pages = event
    if op == 0:
        place = heap.take(pages)
        held[buffer] = place, pages
        return place
    # What failed before the start is nowhere.
    place, pages = held.pop(buffer, (FAILED, pages))
    if place != FAILED:
        heap.give(place, pages)
    return place


def replay(heap: FirstFit, start: Start, events: Events) -> Answer:
    """All events with their gauges, in a plain loop."""
    held, answer = dict(start.held), Answer()
    for event in zip(events.op, events.buffer, events.pages, strict=True):
        place = step(heap, held, event)
        answer.add(place, heap.free, heap.largest())
    return answer
