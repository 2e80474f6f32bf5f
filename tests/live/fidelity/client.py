# SPDX-License-Identifier: MIT
"""The ioctls that a recording needs, and no more: fast where Python is slow."""

from __future__ import annotations

import fcntl
import os
import resource
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.fidelity.sequences import Request

ALLOC = 0xC0184800  # DMA_HEAP_IOCTL_ALLOC of include/uapi/linux/dma-heap.h
REQUEST = struct.Struct("=QIIQ")  # struct dma_heap_allocation_data
# A heap full of single pages is that many descriptors.
DESCRIPTORS = 1 << 17


class Client:
    """Buffers of one heap by the number of their request."""

    def __init__(self, heap: str) -> None:
        self._heap = os.open(f"/dev/dma_heap/{heap}", os.O_RDONLY | os.O_CLOEXEC)
        self._fds: dict[int, int] = {}

    def allocate(self, buffer: int, size: int) -> tuple[int, int]:
        """The errno, 0 for none, and the bytes that were given."""
        data = bytearray(REQUEST.pack(size, 0, os.O_RDWR | os.O_CLOEXEC, 0))
        try:
            fcntl.ioctl(self._heap, ALLOC, data)
        except OSError as error:
            return error.errno or -1, 0
        fd = self._fds[buffer] = REQUEST.unpack(data)[1]
        return 0, os.lseek(fd, 0, os.SEEK_END)

    def free(self, buffer: int) -> None:
        """Close it; the kernel has its pages back when this returns."""
        os.close(self._fds.pop(buffer))

    def close(self) -> None:
        """Close everything."""
        for fd in (*self._fds.values(), self._heap):
            os.close(fd)
        self._fds.clear()


@contextmanager
def client(heap: str) -> Iterator[Client]:
    """A client in a process that may have many descriptors and dies first."""
    Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    made = Client(heap)
    try:
        yield made
    finally:
        made.close()


def step(buffers: Client, request: Request) -> tuple[str, bool]:
    """Carry out one request; what is recorded of it, and whether it succeeded."""
    if request.size is None:
        buffers.free(request.buffer)
        return f"free {request.buffer}", True
    error, given = buffers.allocate(request.buffer, request.size)
    return f"alloc {request.buffer} {request.size} {error} {given}", not error


def kernel() -> str:
    """Release and machine, as a recording's origin."""
    return f"{os.uname().release} {os.uname().machine}"


def say(line: str) -> None:
    """Progress, for the guest's console."""
    print(line, file=sys.stderr, flush=True)
