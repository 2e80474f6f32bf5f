# SPDX-License-Identifier: MIT
"""In the guest: memory that is full, but for holes of a chosen width."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PAGE = 4096
MIB = 1 << 20
# Left free beside the holes. Order 0 takes the last of it, so that no request
# wakes the OOM killer: what is asked for at once stays below the holes' sum.
RESERVE = 20 * MIB
HOLES = 88 * MIB
# Of the guest, which is ours: freed pages wait in no list of a CPU that only movable
# requests look into; kcompactd does not close the holes; huge pages keep nothing back.
SETTINGS = {
    "percpu_pagelist_high_fraction": "1000000",  # at most that part of the memory
    "compaction_proactiveness": "0",
    "min_free_kbytes": "4096",
}
MADV_POPULATE_WRITE = 23  # include/uapi/asm-generic/mman-common.h, Linux 5.14


def free_bytes() -> int:
    """MemFree."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemFree:"):
            return int(line.split()[1]) << 10
    raise LookupError("/proc/meminfo has no MemFree")


@contextmanager
def settings() -> Iterator[None]:
    """SETTINGS, and then what was set before."""
    paths = [Path("/proc/sys/vm", name) for name in SETTINGS]
    before = [path.read_text() for path in paths]
    for path, value in zip(paths, SETTINGS.values(), strict=True):
        path.write_text(value)
    yield
    for path, value in zip(paths, before, strict=True):
        path.write_text(value)


@contextmanager
def holes(period: int) -> Iterator[None]:
    """Of the first pages of all memory one in ``period`` stays taken."""
    size = (free_bytes() - RESERVE) // PAGE * PAGE
    with settings(), mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE) as memory:
        with suppress(OSError):  # a kernel without huge pages
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        memory.madvise(MADV_POPULATE_WRITE)
        _punch(memory, period)
        if free_bytes() < HOLES:
            raise MemoryError(f"{HOLES} bytes of holes, but {free_bytes()} are free")
        yield


def _punch(memory: mmap.mmap, period: int) -> None:
    """HOLES in all, from the beginning on."""
    width = (period - 1) * PAGE
    for hole in range(HOLES // width):
        memory.madvise(mmap.MADV_DONTNEED, (hole * period + 1) * PAGE, width)
