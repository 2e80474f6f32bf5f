# SPDX-License-Identifier: MIT
"""Runs the matrix: sizes × steps × fresh and repeated, and blocks of an area.

The sizes take turns, a few buffers each, so that a machine that slows down slows all
of them. Every call is one batch of buffers or blocks; between two an interrupt reaches
Python, and nothing is held.
"""

from __future__ import annotations

import errno
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from heapkit import _ffi
from heapkit._ffi import PAGE_SIZE
from heapkit.calibration.operations import SOURCES, STEPS, SYNC, WORKS
from heapkit.calibration.samples import Place, Samples, Times
from heapkit.units import KiB, MiB, format_bytes

PASSES = 3  # turns of every size
MOST_HELD = 8  # fresh buffers of one batch
# Blocks of an area: those of a heap's entries, and some whose lines are counted.
ZERO_BLOCKS = (4 * KiB, 64 * KiB, 1 * MiB)
LINE_BLOCKS = (4 * KiB, 16 * KiB, 64 * KiB, 256 * KiB)
# An area is so many times the last cache, to be in no cache, but no larger than MOST.
CACHES, SMALLEST_AREA, MOST_AREA = 2, 8 * MiB, 128 * MiB

Key = tuple[str, str, int]  # operation, state, size


@dataclass
class Log:
    """What was timed so far, and what could not be, in sentences."""

    place: Place
    times: dict[Key, list[Times]] = field(default_factory=lambda: defaultdict(list))
    skipped: list[str] = field(default_factory=list)

    def add(self, operation: str, state: str, size: int, ns: Times) -> None:
        """Keep the times of one batch."""
        self.times[operation, state, size].append(ns)

    def samples(self) -> Iterator[Samples]:
        """All times, joined."""
        for (operation, state, size), parts in self.times.items():
            yield Samples(self.place, operation, state, size, np.concatenate(parts))


@dataclass(frozen=True)
class Matrix:
    """What to measure. ``tick`` is called after every batch."""

    sizes: tuple[int, ...]
    rounds: int
    max_bytes: int
    tick: Callable[[], None] = lambda: None


def with_a_page_less(sizes: Sequence[int]) -> tuple[int, ...]:
    """The sizes, and a page less of those that the system heap makes of few blocks.

    1 MiB is one entry, a page less is thirty: what tells an entry from a page.
    """
    less = {s - PAGE_SIZE for s in sizes if 64 * KiB <= s <= 8 * MiB}
    return tuple(sorted({*sizes, *less}))


def batches(places: Sequence[Place], matrix: Matrix) -> int:
    """How often ``tick`` will be called at most."""
    sizes = {p: len(_sizes(p, matrix)) for p in places if p.kind != "area"}
    area = len(ZERO_BLOCKS) + (len(WORKS) - 1) * len(LINE_BLOCKS)
    return PASSES * (sum(sizes.values()) + area * sum(p.kind == "area" for p in places))


def measure(place: Place, fd: int, matrix: Matrix) -> Log:
    """Time every operation of one place. ``OSError``: the first size was refused."""
    log = Log(place)
    if place.kind == "area":
        _measure_area(log, matrix)
        return log
    refused: set[int] = set()
    for _ in range(PASSES):
        for size in _sizes(place, matrix):
            if size not in refused and (why := _turn(log, fd, size, matrix)):
                refused.add(size)
                log.skipped.append(f"{place}, {format_bytes(size)}: {why}")
            matrix.tick()
    return log


def _sizes(place: Place, matrix: Matrix) -> tuple[int, ...]:
    return with_a_page_less(matrix.sizes) if place.kind == "system" else matrix.sizes


def _turn(log: Log, fd: int, size: int, matrix: Matrix) -> str:
    """A few buffers of a size; why none more, in words, "" if all went well."""
    if size > matrix.max_bytes:
        return f"more than the {format_bytes(matrix.max_bytes)} that it may take"
    rounds = -(-matrix.rounds // PASSES)
    try:
        _fresh(log, fd, size, rounds, matrix.max_bytes)
        _repeated(log, fd, size, rounds, matrix.max_bytes)
    except OSError as error:
        return os.strerror(error.errno or errno.EIO)
    return ""


def _fresh(log: Log, fd: int, size: int, rounds: int, max_bytes: int) -> None:
    # One alone gets what was just given back: it takes two to be fresh.
    held = max(1, min(MOST_HELD, max_bytes // size, max(rounds, 2)))
    done = 0
    while done < rounds:
        try:
            ns = _buffers(log.place, fd, size, held, max_bytes)
        except OSError as error:
            # A small area holds fewer at once.
            if error.errno != errno.ENOMEM or held == 1:
                raise
            held //= 2
            continue
        if held == 1:
            return
        _keep(log, "fresh", size, ns)
        done += held


def _repeated(log: Log, fd: int, size: int, rounds: int, max_bytes: int) -> None:
    # The first gets what others gave back.
    for i in range(rounds + 1):
        ns = _buffers(log.place, fd, size, 1, max_bytes)
        if i:
            _keep(log, "repeated", size, ns)


def _buffers(place: Place, fd: int, size: int, count: int, max_bytes: int) -> Times:
    kind = SOURCES[place.kind]
    return _ffi.measure_buffers(kind, size, count, fd=fd, max_bytes=max_bytes)


def _keep(log: Log, state: str, size: int, ns: Times) -> None:
    for operation, step in STEPS.items():
        column = ns[:, step]
        if (column == _ffi.NO_STEP).any():
            continue
        log.add(operation, state, size, column.copy())
        if operation.startswith(SYNC):
            log.add(SYNC, state, size, column.copy())


# --- This process's memory ---------------------------------------------------


def area_bytes(cache_bytes: int, max_bytes: int) -> int:
    """A power of two: some caches large, within the bounds."""
    wanted = max(CACHES * cache_bytes, SMALLEST_AREA)
    size = 1 << (wanted - 1).bit_length()
    most = 1 << (min(MOST_AREA, max_bytes).bit_length() - 1)
    return max(min(size, most), 2 * max(ZERO_BLOCKS))


def _measure_area(log: Log, matrix: Matrix) -> None:
    area = _ffi.MeasureArea(matrix.max_bytes)
    count = -(-matrix.rounds // PASSES)
    missing: set[str] = set()
    try:
        for _ in range(PASSES):
            for operation, work in WORKS.items():
                zero = operation == "zero"
                for block in ZERO_BLOCKS if zero else LINE_BLOCKS:
                    name = f"zero by {format_bytes(block)}" if zero else operation
                    if name not in missing and not _try(
                        log, area, name, work, block, count
                    ):
                        missing.add(name)
                    matrix.tick()
    finally:
        area.close()
    log.skipped += [f"{log.place}, {name}: no such instruction" for name in missing]


def _try(
    log: Log,
    area: _ffi.MeasureArea,
    name: str,
    work: _ffi.Work,
    block: int,
    count: int,
) -> bool:
    try:
        log.add(name, "fresh", block, area.work(work, block, count))
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise
        return False
    return True
