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
RESERVE = 32 * MIB
HOLES = 88 * MIB
LONGEST_LIST = Path("/proc/sys/vm/percpu_pagelist_high_fraction")
COMPACTION = Path("/proc/sys/vm/compaction_proactiveness")
MADV_POPULATE_WRITE = 23  # include/uapi/asm-generic/mman-common.h, Linux 5.14


def free_bytes() -> int:
    """MemFree."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemFree:"):
            return int(line.split()[1]) << 10
    raise LookupError("/proc/meminfo has no MemFree")


@contextmanager
def holes(period: int) -> Iterator[None]:
    """Of the first pages of all memory one in ``period`` stays taken."""
    # Freed pages wait in a list of their CPU, which grows to an eighth of the memory,
    # and only movable requests would get them there. The guest is ours to set.
    LONGEST_LIST.write_text("1000000")  # at most that part of the memory
    COMPACTION.write_text("0")  # or kcompactd fills the holes again
    size = (free_bytes() - RESERVE) // PAGE * PAGE
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE) as memory:
        with suppress(OSError):  # a kernel without huge pages
            memory.madvise(mmap.MADV_NOHUGEPAGE)
        memory.madvise(MADV_POPULATE_WRITE)
        wanted, width = HOLES, (period - 1) * PAGE
        for kept in range(0, len(memory) - width - PAGE, period * PAGE):
            if wanted <= 0:
                break
            memory.madvise(mmap.MADV_DONTNEED, kept + PAGE, width)
            wanted -= width
        if free_bytes() < HOLES:
            raise MemoryError(f"{HOLES} bytes of holes, but {free_bytes()} are free")
        yield
    LONGEST_LIST.write_text("0")
    COMPACTION.write_text("20")
