# SPDX-License-Identifier: MIT
"""The trace that record_system.py kept, read again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.live.fidelity.opened import opened
from tests.live.fidelity.sequences import Request

_EVENT = re.compile(r"mm_page_alloc: .*pfn=0x([0-9a-f]+) order=(\d+) .*gfp_flags=(\S+)")
_MARK = re.compile(r"tracing_mark_write: (\w+) ([\d ]+)")
_LOST = re.compile(r"LOST (\d+) EVENTS")

# LOW_ORDER_GFP and HIGH_ORDER_GFP of drivers/dma-buf/heaps/system_heap.c, as the
# kernel prints them: not movable, unlike a program's own pages, and zeroed, unlike
# the kernel's. Newer kernels ask for a compound page of order 0 as well.
_LOW = ({"GFP_HIGHUSER", "__GFP_ZERO"}, {"GFP_HIGHUSER", "__GFP_ZERO", "__GFP_COMP"})
_HIGH = {"__GFP_HIGHMEM", "__GFP_NORETRY", "__GFP_NOWARN", "__GFP_COMP", "__GFP_ZERO"}


class Attempt(NamedTuple):
    """One call of alloc_pages(), and whether it gave ``2**order`` pages."""

    order: int
    succeeded: bool


class Answer(NamedTuple):
    """What the kernel made of a request; ``part`` is the memory it found."""

    request: Request
    error: int
    given: int
    attempts: tuple[Attempt, ...]
    part: Part


class Part(NamedTuple):
    """Requests under one condition: of each ``period`` pages one was taken.

    0 is memory in plenty. Never more than ``pages`` are held.
    """

    period: int
    pages: int
    requests: int


@dataclass(frozen=True)
class SystemRecording:
    """One recording; its requests are read as they are gone through."""

    path: Path
    heap: str
    kernel: str
    seed: int
    requests: int

    def __iter__(self) -> Iterator[Answer]:
        """Every answer in its order. EOFError if an event was lost."""
        part = Part(0, 0, 0)
        attempts: list[Attempt] = []
        with opened(self.path) as lines:
            next(lines)
            for line in lines:
                if event := _EVENT.search(line):
                    if _is_heap(int(event[2]), set(event[3].split("|"))):
                        attempts.append(Attempt(int(event[2]), int(event[1], 16) != 0))
                elif mark := _MARK.search(line):
                    numbers = [int(word) for word in mark[2].split()]
                    if mark[1] == "part":
                        part = Part(*numbers)
                    elif mark[1] == "lost":
                        self._end(numbers[0])
                        return
                    else:
                        yield _answer(numbers, tuple(attempts), part)
                    attempts.clear()
                elif lost := _LOST.search(line):
                    self._end(int(lost[1]))
        self._end(1)

    def _end(self, lost: int) -> None:
        if lost:
            raise EOFError(f"{self.path}: {lost} events of the trace were lost")


def read(path: Path) -> SystemRecording:
    """A recording, also a compressed one."""
    with opened(path) as lines:
        return SystemRecording(path, **json.loads(next(lines)))


def _is_heap(order: int, flags: set[str]) -> bool:
    """Whether it is the system heap that asks."""
    return flags in _LOW if order == 0 else flags >= _HIGH


def _answer(numbers: list[int], attempts: tuple[Attempt, ...], part: Part) -> Answer:
    if len(numbers) == 1:
        return Answer(Request(numbers[0]), 0, 0, attempts, part)
    buffer, size, error, given = numbers
    return Answer(Request(buffer, size), error, given, attempts, part)
