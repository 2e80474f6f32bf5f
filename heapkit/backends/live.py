# SPDX-License-Identifier: MIT
"""The running kernel's heaps: what /dev/dma_heap and the dma-buf ioctls offer.

A heap is a device node, a buffer is a file descriptor. The kernel decides every
size, name and errno; this file only refuses what would never come back: a
request that the kernel's system heap would answer with the OOM killer.
"""

from __future__ import annotations

import atexit
import errno
import mmap
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from weakref import WeakSet

from heapkit import arguments, uapi
from heapkit.backends import availability
from heapkit.backends.descriptor import Descriptor, ioctl
from heapkit.backends.heap_map import HeapMap
from heapkit.errors import BackendUnavailable, refusal
from heapkit.units import format_bytes

DIRECTORY: Final = "/dev/dma_heap"
ACCESS: Final = {"r": uapi.Sync.READ, "w": uapi.Sync.WRITE, "rw": uapi.Sync.RW}

_open_heaps: WeakSet[LiveHeap] = WeakSet()


def live(path: str | os.PathLike[str] = DIRECTORY) -> LiveHeaps:
    """The heaps of the running kernel that this process may use.

    Raises :class:`heapkit.BackendUnavailable`, whose message is one sentence that
    says what is missing and what would give it.
    """
    if reason := missing(path):
        raise BackendUnavailable(reason)
    heaps = {}
    for node in availability.nodes(Path(path)):
        try:
            heaps[node.name] = LiveHeap(node)
        except PermissionError:
            continue
    return LiveHeaps(heaps)


def missing(path: str | os.PathLike[str] = DIRECTORY) -> str | None:
    """Why :func:`live` cannot start here, in one sentence; None if it can."""
    return availability.missing_in(Path(path))


class LiveHeaps(HeapMap["LiveHeap"]):
    """A mapping of heap names to heaps; satisfies :class:`heapkit.interface.Heaps`."""

    def __repr__(self) -> str:
        return f"<LiveHeaps {', '.join(self._heaps)}>"

    def allocate(self, size: int, chain: Sequence[str]) -> LiveBuf:
        """From the first heap of ``chain`` that has the memory.

        Only ENOMEM moves on to the next heap; the last heap's error is raised.
        """
        *others, last = self.in_chain(chain)
        for heap in others:
            try:
                return heap.allocate(size)
            except OSError as error:
                if error.errno != errno.ENOMEM:
                    raise
        return last.allocate(size)

    def close(self) -> None:
        """Close every buffer and heap; a second time does nothing."""
        for heap in self._heaps.values():
            heap.close()


class LiveHeap(Descriptor):
    """One device node of /dev/dma_heap, held open.

    Read access is enough to allocate: the kernel never looks at the file's mode.
    """

    def __init__(self, node: Path) -> None:
        super().__init__(-1)
        self._name = node.name
        self._buffers: WeakSet[LiveBuf] = WeakSet()
        self._fd = os.open(node, os.O_RDONLY | os.O_CLOEXEC)
        _open_heaps.add(self)

    @property
    def name(self) -> str:
        """The name of the device node."""
        return self._name

    def allocate(
        self, size: int, *, heap_flags: int = 0, allow_oversized: bool = False
    ) -> LiveBuf:
        """DMA_HEAP_IOCTL_ALLOC: a zeroed buffer of ``size`` bytes, in whole pages.

        ``OSError`` as the kernel says it: EINVAL for size 0 and for any heap flag,
        ENOMEM. A system heap does not compare the size with anything before it
        takes page after page, so what exceeds MemAvailable would wake the OOM
        killer; heapkit refuses it with ENOMEM unless ``allow_oversized``.
        """
        size = arguments.integer(self._name, "size", size, high=arguments.U64_MAX)
        heap_flags = arguments.integer(
            self._name, "heap_flags", heap_flags, high=arguments.U64_MAX
        )
        if not allow_oversized:
            self._refuse_oversized(size)
        request = uapi.allocation_data(
            len=size, fd_flags=os.O_RDWR | os.O_CLOEXEC, heap_flags=heap_flags
        )
        what = f"{self._name}: {size} bytes"
        ioctl(self.fileno(), uapi.DMA_HEAP_IOCTL_ALLOC, request.buffer, what)
        return self.adopt(request["fd"])

    def _refuse_oversized(self, size: int) -> None:
        """Others than the system heap have a region that bounds them."""
        available = _mem_available()
        # Beyond this, rounding up wraps: EINVAL.
        largest = arguments.U64_MAX + 1 - mmap.PAGESIZE
        if "system" in self._name and available < size <= largest:
            raise refusal(
                errno.ENOMEM,
                f"{self._name}: {size} bytes; {format_bytes(available)} are available "
                "and more would wake the OOM killer (allow_oversized=True asks anyway)",
            )

    def adopt(self, fd: int) -> LiveBuf:
        """A dma-buf file descriptor of this heap, to be closed with it."""
        buffer = LiveBuf(fd, self)
        self._buffers.add(buffer)
        return buffer

    def close(self) -> None:
        """Close the heap and every buffer that came from it."""
        for buffer in list(self._buffers):
            buffer.close()
        super().close()

    def __del__(self) -> None:
        super().close()

    def __repr__(self) -> str:
        return f"<LiveHeap {self._name}>"


class LiveBuf(Descriptor):
    """A dma-buf file descriptor; satisfies :class:`heapkit.interface.DmaBuf`."""

    def __init__(self, fd: int, heap: LiveHeap) -> None:
        super().__init__(fd)
        self._heap = heap
        self._size = os.lseek(fd, 0, os.SEEK_END)

    @property
    def size(self) -> int:
        """Bytes, a whole number of pages: where the file ends."""
        self.fileno()
        return self._size

    @property
    def exp_name(self) -> str:
        """The exporter, as /proc/self/fdinfo says it."""
        text = Path(f"/proc/self/fdinfo/{self.fileno()}").read_text()
        fields = dict(line.partition(":\t")[::2] for line in text.splitlines())
        return fields["exp_name"]

    @property
    def name(self) -> str:
        """As last set by any process that shares the buffer; empty at first."""
        target = Path(f"/proc/self/fd/{self.fileno()}").readlink()
        return str(target).removeprefix("/dmabuf:")

    def set_name(self, name: str) -> None:
        """DMA_BUF_SET_NAME: at most 31 bytes, or ``OSError(EINVAL)``."""
        fd = self.fileno()
        if not isinstance(name, str) or "\0" in name:
            owner = self._heap.name
            raise arguments.wrong(owner, "name", name, "text without NUL")
        # The argument is the string itself; one byte too many is as good as ten.
        argument = os.fsencode(name)[: uapi.DMA_BUF_NAME_LEN] + b"\0"
        ioctl(fd, uapi.DMA_BUF_SET_NAME_B, argument, f"name {name!r}")

    def mmap(self) -> memoryview:
        """The whole buffer, shared and writable.

        The mapping is a reference of its own, as in the kernel: it outlives
        :meth:`close` and ends with the last view of it. ``OSError(EINVAL)`` where
        the exporter allows no CPU access.
        """
        try:
            return memoryview(mmap.mmap(self.fileno(), self._size))
        except OSError as error:
            raise refusal(error.errno or errno.EINVAL, f"mmap {self!r}") from None

    def begin_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with START: ``access`` is "r", "w" or "rw".

        Linux maintains whole buffers: a part of one is ``OSError(EOPNOTSUPP)``,
        and what is not in it ``OSError(EINVAL)``.
        """
        self._sync(uapi.Sync.START, access, offset, length)

    def end_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with END; otherwise as :meth:`begin_cpu_access`."""
        self._sync(uapi.Sync.END, access, offset, length)

    def _sync(
        self, edge: uapi.Sync, access: str, offset: int, length: int | None
    ) -> None:
        fd = self.fileno()
        access = arguments.choice(self._heap.name, "access", access, tuple(ACCESS))
        self._refuse_part(offset, length)
        argument = uapi.sync_data(edge | ACCESS[access]).buffer
        ioctl(fd, uapi.DMA_BUF_IOCTL_SYNC, argument, f"sync {access} {self!r}")

    def _refuse_part(self, offset: int, length: int | None) -> None:
        owner, size = self._heap.name, self._size
        offset = arguments.integer(owner, "offset", offset, high=2**63)
        if length is None:
            length = max(size - offset, 1)
        length = arguments.integer(owner, "length", length, low=1, high=2**63)
        what = f"{owner}: {length} bytes from {offset} on, of {size}"
        if offset + length > size:
            raise refusal(errno.EINVAL, what)
        if length < size:
            raise refusal(errno.EOPNOTSUPP, f"{what}: Linux maintains whole buffers")

    def dup(self) -> LiveBuf:
        """Another reference to the same buffer."""
        return self._heap.adopt(os.dup(self.fileno()))

    def __del__(self) -> None:
        if self._fd >= 0:
            message = f"{self!r} was never closed"
            self.close()
            warnings.warn(message, ResourceWarning, source=self, stacklevel=2)

    def __repr__(self) -> str:
        state = f"fd {self._fd}" if self._fd >= 0 else "closed"
        return f"<LiveBuf {self._heap.name} {format_bytes(self._size)}, {state}>"


def _mem_available() -> int:
    """Bytes the kernel could hand out without swapping: MemAvailable."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE


@atexit.register
def _close_everything() -> None:
    for heap in list(_open_heaps):
        heap.close()
