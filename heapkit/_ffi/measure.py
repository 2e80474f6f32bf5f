# SPDX-License-Identifier: MIT
"""The measuring code of native/measure: what steps of the running machine take.

A call lets go of the interpreter while it runs, and is short: an interrupt reaches
Python between two.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi.records import check
from heapkit._native import ffi, lib

MAX_HELD = lib.HKM_MAX_HELD  # buffers of one call
NO_STEP = -1  # in place of nanoseconds, where a source has no such step


class SourceKind(IntEnum):
    """Where buffers come from (``enum hkm_source_kind``)."""

    DMA_HEAP = lib.HKM_DMA_HEAP
    UDMABUF = lib.HKM_UDMABUF
    MEMFD = lib.HKM_MEMFD
    ANONYMOUS = lib.HKM_ANONYMOUS


class Step(IntEnum):
    """What is timed of a buffer (``enum hkm_step``)."""

    PREPARE = lib.HKM_PREPARE
    ALLOCATE = lib.HKM_ALLOCATE
    MMAP = lib.HKM_MMAP
    FIRST_TOUCH = lib.HKM_FIRST_TOUCH
    SECOND_TOUCH = lib.HKM_SECOND_TOUCH
    BEGIN_READ = lib.HKM_BEGIN_READ
    END_READ = lib.HKM_END_READ
    BEGIN_WRITE = lib.HKM_BEGIN_WRITE
    END_WRITE = lib.HKM_END_WRITE
    MUNMAP = lib.HKM_MUNMAP
    FREE = lib.HKM_FREE


class Work(IntEnum):
    """What is done with a block of an area (``enum hkm_work``)."""

    ZERO = lib.HKM_ZERO
    READ = lib.HKM_READ
    WRITE = lib.HKM_WRITE
    COPY = lib.HKM_COPY
    CLEAN = lib.HKM_CLEAN
    CLEAN_DIRTY = lib.HKM_CLEAN_DIRTY
    FLUSH = lib.HKM_FLUSH
    FLUSH_DIRTY = lib.HKM_FLUSH_DIRTY


def measure_buffers(
    kind: SourceKind, size: int, count: int, *, max_bytes: int, fd: int = -1
) -> NDArray[np.int64]:
    """Nanoseconds of every step of ``count`` buffers: a row a buffer.

    All are held until the last is made. ``OSError``: what the kernel refused, and
    E2BIG for more than ``max_bytes``; nothing is left then.
    """
    source = ffi.new(
        "struct hkm_source *", {"kind": kind, "fd": fd, "max_bytes": max_bytes}
    )
    ns = np.empty((max(count, 1), lib.HKM_NR_STEPS), np.int64)
    rc = lib.hkm_buffers(source, size, count, _times(ns))
    check(rc, f"{count} × {size} bytes of {kind.name}")
    return ns


class MeasureArea:
    """Memory of this process to zero, read, write, copy and flush blocks of."""

    def __init__(self, size: int) -> None:
        ret = ffi.new("struct hkm_area **")
        check(lib.hkm_area_create(size, ret), f"an area of {size} bytes")
        self._area: Any = ffi.gc(ret[0], lib.hkm_area_destroy)

    def work(self, work: Work, block: int, count: int) -> NDArray[np.int64]:
        """Nanoseconds of each of ``count`` blocks.

        ``OSError(EOPNOTSUPP)``: this CPU has no such instruction for programs.
        """
        ns = np.empty(max(count, 1), np.int64)
        rc = lib.hkm_area_work(self._area, work, block, count, _times(ns))
        check(rc, f"{work.name} of {block} bytes")
        return ns

    def close(self) -> None:
        """Give the memory back; nothing can be done with it then."""
        ffi.release(self._area)


def measure_clock(count: int) -> NDArray[np.int64]:
    """Nanoseconds from one reading to the next that differs, ``count`` times."""
    ns = np.empty(count, np.int64)
    lib.hkm_clock(count, _times(ns))
    return ns


def line_bytes() -> int:
    """Bytes of a data cache line, as the CPU says; 0 if it does not."""
    return int(lib.hkm_line_bytes())


def hypervisor() -> str:
    """What a hypervisor calls itself to the CPU's guest; "" if none does."""
    name = ffi.new("char[]", lib.HKM_HYPERVISOR_BYTES)
    lib.hkm_hypervisor(name)
    return ffi.string(name).decode("ascii", "replace")


def _times(ns: NDArray[np.int64]) -> Any:
    return ffi.from_buffer("int64_t[]", ns, require_writable=True)
