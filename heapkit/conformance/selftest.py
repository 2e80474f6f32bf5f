# SPDX-License-Identifier: MIT
"""The kernel's own selftest: tools/testing/selftests/dmabuf-heaps/dmabuf-heap.c.

Its four tests, asked one by one so that a failure says which part of one failed.
"""

from __future__ import annotations

import errno
import os
from functools import partial
from typing import Any, Final

from heapkit.conformance.alloc import allocates
from heapkit.conformance.check import ALLOC_IOCTL, CPU_ACCESS, Group
from heapkit.conformance.commands import takes_struct_of
from heapkit.conformance.structs import ALLOC, RDWR, SYNC, request_of, sync
from heapkit.conformance.subject import Subject
from heapkit.units import KiB, MiB

_SOURCE = "selftests/dmabuf-heaps/dmabuf-heap.c"
_selftest = Group("selftest", source=_SOURCE)
_BUFFERS: Final = 32  # NUM_BUFFERS of the selftest's test_alloc_zeroed()
_START_RW, _END_RW = 3, 7
_STEP: Final = 64 * KiB  # what is compared at once


def _alloc_and_import(subject: Subject) -> None:
    """test_alloc_and_import(): use it, import it, sync it while it is imported."""
    buffer = subject.allocate(1 * MiB)
    view = buffer.mmap()
    buffer.ioctl(SYNC, sync(_START_RW))
    view[:] = b"\xff" * len(view)
    buffer.ioctl(SYNC, sync(_END_RW))
    view.release()
    release = subject.device_import(buffer)
    try:
        for flags in (_START_RW, _END_RW):
            buffer.ioctl(SYNC, sync(flags))
    finally:
        release()


def _alloc_zeroed(subject: Subject, size: int) -> str:
    """test_alloc_zeroed(): what comes back after 32 dirty buffers is zero."""
    dirty = _as_many(subject, size)
    for buffer in dirty:
        buffer.mmap()[:] = b"\xff" * size
        buffer.close()
    clean = _as_many(subject, size)
    bad = sum(not _is_zero(buffer.mmap()) for buffer in clean)
    for buffer in clean:
        buffer.close()
    return f"{bad} of {len(clean)} not zero" if bad else "zero"


def _as_many(subject: Subject, size: int) -> list[Any]:
    """32 buffers, or as many as a smaller heap has, at least one."""
    found: list[Any] = []
    for _ in range(_BUFFERS):
        try:
            found.append(subject.allocate(size))
        except OSError as error:
            if error.errno != errno.ENOMEM or not found:
                raise
            break
    return found


def _is_zero(view: memoryview) -> bool:
    zero = bytes(_STEP)
    parts = (view[start : start + _STEP] for start in range(0, len(view), _STEP))
    return all(part == zero[: len(part)] for part in parts)


def _no_heap(subject: Subject) -> None:
    """test_alloc_errors(): ALLOC of a file that is no heap; the selftest takes fd 0."""
    import fcntl

    subject.reopened(os.O_RDONLY)  # says so where a heap is no file of this process
    with open(os.devnull, "rb") as file:  # noqa: PTH123 -- a number is what is asked
        fcntl.ioctl(file.fileno(), ALLOC, request_of())


_zeroed = [
    _selftest(
        f"alloc_zeroed.{size}",
        f"buffers of {size} bytes are zero, also after dirty ones",
        f"fill and close 32 buffers of {size} bytes, allocate 32, read them",
        "ok zero",
        partial(_alloc_zeroed, size=size),
        needs=(CPU_ACCESS,),
    )
    for size in (4 * KiB, 1 * MiB)
]
_compat = [
    _selftest(
        f"alloc_compat.{room}",
        f"{what} struct of {room} bytes works",
        f"ALLOC with a struct of {room} bytes",
        "ok",
        partial(takes_struct_of, room=room),
        needs=(ALLOC_IOCTL,),
    )
    for room, what in ((16, "an older"), (48, "a newer"))
]

CHECKS: Final = (
    _selftest(
        "alloc_and_import",
        "a buffer is used by the CPU and a device",
        "allocate 1 MiB, map and fill it between SYNCs, let a device import it, SYNC",
        "ok",
        _alloc_and_import,
        needs=(CPU_ACCESS,),
    ),
    *(*_zeroed, *_compat),
    _selftest(
        "alloc_errors.no_heap",
        "a file that is no heap allocates nothing",
        "ALLOC on the null device",
        "ENOTTY",
        _no_heap,
        needs=(ALLOC_IOCTL,),
    ),
    _selftest(
        "alloc_errors.heap_flags",
        "heap flags are refused",
        "ALLOC with heap_flags=0x111111",
        "EINVAL",
        partial(allocates, fields={"heap_flags": 0x111111}),
        needs=(ALLOC_IOCTL,),
    ),
    _selftest(
        "alloc_errors.fd_flags",
        "other flags of the file are refused",
        "ALLOC with fd_flags=~(O_RDWR | O_CLOEXEC)",
        "EINVAL",
        partial(allocates, fields={"fd_flags": ~RDWR & 0xFFFFFFFF}),
        needs=(ALLOC_IOCTL,),
    ),
)
