# SPDX-License-Identifier: MIT
"""Cost against the size of the heap: the same requests, more buffers or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import program
from benchmarks.figures import Figure
from benchmarks.plan import Plan

NAME = "cost against size"
TRACE = "mixed"
LIVE = 2000  # buffers that it holds in 2 GiB
HEAPS = ("first-fit", "best-fit", "cma", "system")
SIZES = {"2 GiB": 1, "64 GiB": 32, "1 TiB": 512}  # and how many times 2 GiB
PAGES = 1 << 19  # of 2 GiB
AS_FULL, AS_MANY = "as full", "2000 buffers"
# Half of the events fill and age the heap, the other half are timed.
LEAST_EVENTS = 1_000_000
EVENTS_PER_BUFFER = 6
# More would take minutes: one round where a heap holds a million buffers.
ROUNDS, MANY = 3, 1_000_000
# What is measured of a board, with its unit.
TIME, MAKE = ("", "ns/event"), (", to make", "ms")
RESIDENT, PER_PAGE = (", resident", "MiB"), (", resident a page", "bytes/page")
RESERVED = (", reserved a page", "bytes/page")


@dataclass(frozen=True)
class Board:
    """A heap ``scale`` times as large as the trace's own; ``how`` it is filled."""

    heap: str
    size: str
    scale: int
    how: str

    @property
    def options(self) -> dict[str, int]:
        """Of the program: as many times more buffers, or a larger heap alone."""
        word = "scale" if self.how == AS_FULL else "heap_scale"
        return {word: self.scale}

    @property
    def name(self) -> str:
        """Of its figures; their case is the size."""
        return f"{NAME}, {self.how}: {self.heap}"

    @property
    def buffers(self) -> int:
        """Held at a time."""
        return LIVE * (self.scale if self.how == AS_FULL else 1)

    def events(self, plan: Plan) -> int:
        """Enough for every buffer to come and go."""
        return max(plan.part_of(LEAST_EVENTS), EVENTS_PER_BUFFER * self.buffers)

    def figure(self, what: tuple[str, str], *values: float, note: str = "") -> Figure:
        """One of what is measured."""
        return Figure(self.name + what[0], self.size, what[1], values, note)

    def found(self, figures: Sequence[Figure]) -> dict[tuple[str, str], Figure]:
        """Its own of many figures, by what they measure."""
        mine = {f.name: f for f in figures if f.case == self.size}
        whats = (TIME, MAKE, RESIDENT, PER_PAGE, RESERVED)
        return {w: mine[self.name + w[0]] for w in whats if self.name + w[0] in mine}


BOARDS = tuple(
    Board(heap, size, scale, how)
    for how in (AS_FULL, AS_MANY)
    for heap in HEAPS
    for size, scale in SIZES.items()
)


def measure(plan: Plan) -> list[Figure]:
    """Each heap on each size that this machine has the memory for."""
    if not plan.wants(NAME):
        return []
    return [
        figure
        for board in BOARDS
        if board.scale == 1 or not plan.quick
        for figure in _measure(board, plan)
    ]


def _measure(board: Board, plan: Plan) -> list[Figure]:
    events = board.events(plan)
    wanted = memory_wanted(board.scale, events)
    if wanted > available() / 2:
        note = f"too large here: about {wanted >> 20} MiB, {available() >> 20} free"
        return [board.figure(TIME, note=note)]
    rounds = min(plan.rounds, ROUNDS if board.buffers < MANY else 1)
    answer: dict[str, Any] = program.ask(
        "size", TRACE, board.heap, events=events, rounds=rounds, **board.options
    )
    each, pages = answer["rounds"], PAGES * board.scale
    # A heap made anew finds memory that the one before gave back to the process.
    first = each[0]
    note = f"{first['faults']:.2f} page faults an event"
    return [
        board.figure(TIME, *(one["ns"] for one in each), note=note),
        board.figure(MAKE, *(one["create_ns"] / 1e6 for one in each)),
        board.figure(RESIDENT, first["resident"] / (1 << 20)),
        board.figure(PER_PAGE, first["resident"] / pages),
        board.figure(RESERVED, first["reserved"] / pages),
    ]


def memory_wanted(scale: int, events: int) -> int:
    """Bytes: at most 32 a page (a CMA heap and the memory below), 39 an event."""
    return PAGES * scale * 32 + events * 39


def available() -> int:
    """Bytes that this machine could still give."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0
