# SPDX-License-Identifier: MIT
"""The kernel's words as protocols; both backends satisfy them.

Kernel: ``struct dma_heap`` and its ``allocate``, ``struct dma_buf`` and its
file operations, ``struct dma_buf_attachment``. What only a simulation can show
(the layout) is :class:`HeapView`, so that a type checker refuses to ask it of a
running kernel. Parameters before a "/" have no name to call them by: the backends
name them after what they do with them.
"""

from __future__ import annotations

import mmap
import os
import socket
from collections.abc import Iterator, Sequence
from mmap import PAGESIZE
from types import TracebackType
from typing import Any, Protocol, Self

from heapkit.ioctls import Argument
from heapkit.snapshot import Snapshot
from heapkit.uapi import DEFAULT_FD_FLAGS


class SyncFile(Protocol):
    """Fences as a file. Kernel: drivers/dma-buf/sync_file.c."""

    @property
    def fd(self) -> int:
        """The file's number."""

    @property
    def signalled(self) -> bool:
        """Whether all of its fences have signalled."""

    def poll(self) -> int:
        """POLLIN once everything has signalled, else 0."""

    def close(self) -> None:
        """Close the file; a second time does nothing."""


class DmaBuf(Protocol):
    """One reference to a shared buffer; :meth:`close` drops it.

    Closing twice is allowed and does nothing; any other call on a closed
    reference raises ``OSError(EBADF)``. ``drivers/dma-buf/dma-buf.c`` has the
    operations and their errnos.
    """

    @property
    def size(self) -> int:
        """Bytes, a whole number of pages."""

    @property
    def exp_name(self) -> str:
        """The exporter: the heap's name."""

    @property
    def name(self) -> str:
        """As set by :meth:`set_name`; empty at first."""

    @property
    def fd(self) -> int:
        """The file's number: a descriptor of the process, or one of ``heaps.files``."""

    @property
    def ino(self) -> int:
        """The inode's number, which all references share."""

    @property
    def fd_flags(self) -> int:
        """The access mode of the buffer's file: fcntl(F_GETFL) & O_ACCMODE."""

    @property
    def close_on_exec(self) -> bool:
        """FD_CLOEXEC of this reference."""

    def set_name(self, name: str) -> None:
        """DMA_BUF_SET_NAME: at most 31 bytes, or ``OSError(EINVAL)``."""

    def mmap(
        self,
        *,
        length: int | None = None,
        flags: int = mmap.MAP_SHARED,
        prot: int = mmap.PROT_READ | mmap.PROT_WRITE,
        offset: int = 0,
    ) -> memoryview:
        """The buffer, or ``length`` bytes from ``offset`` on; shared and writable.

        ``OSError(EINVAL)`` for a part that is not in it, an ``offset`` within a page,
        and where the heap forbids CPU access (a secure heap); EACCES for what the
        file's access mode does not allow.
        """

    def begin_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with START: ``access`` is "r", "w" or "rw"."""

    def end_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with END."""

    def ioctl(self, cmd: int, arg: Argument = None) -> int:
        """Ask the kernel with the struct, or SET_NAME's string, in ``arg``; 0 is done.

        None is a NULL pointer. What the kernel reads or writes beyond the end of
        ``arg``, or writes into read-only bytes, is ``OSError(EFAULT)``.
        """

    def export_sync_file(self, access: str = "rw") -> SyncFile:
        """What one waits for before reading ("r") or writing the buffer.

        ``OSError(ENOTTY)`` on a kernel without CONFIG_SYNC_FILE.
        """

    def import_sync_file(self, fence: Any, access: str = "rw") -> None:
        """The work behind ``fence``, a sync file, reads the buffer, or writes it."""

    def poll(self) -> int:
        """POLLIN once the last writer is done, POLLOUT once everybody is."""

    def wait(self, access: str = "rw") -> int:
        """Until the buffer may be read ("r") or written; returns the ns waited."""

    def lseek(self, offset: int = 0, whence: int = os.SEEK_SET, /) -> int:
        """How large the buffer is (SEEK_END), or 0; else ``OSError(EINVAL)``."""

    def read(self, size: int = 0, /) -> bytes:
        """``OSError(EINVAL)``: a buffer is mapped."""

    def write(self, data: bytes = b"", /) -> int:
        """``OSError(EINVAL)``: a buffer is mapped."""

    def truncate(self, size: int = 0, /) -> None:
        """``OSError(EINVAL)``: a buffer has its size for good."""

    def fallocate(self, size: int = PAGESIZE, /) -> None:
        """``OSError(ENODEV)``: a buffer has its size for good."""

    def dup(self) -> DmaBuf:
        """Another reference to the same buffer; it closes on exec."""

    def send(self, sock: socket.socket) -> None:
        """Pass a reference through a unix socket; :meth:`Heaps.receive` takes it."""

    def close(self) -> None:
        """Drop this reference; the last one frees the buffer."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class DmaHeap(Protocol):
    """One entry of /dev/dma_heap: a name and an ``allocate``."""

    @property
    def name(self) -> str:
        """As in /dev/dma_heap."""

    def allocate(
        self, size: int, *, heap_flags: int = 0, fd_flags: int = DEFAULT_FD_FLAGS
    ) -> DmaBuf:
        """A zeroed buffer of ``size`` bytes, rounded up to pages.

        ``fd_flags`` are an access mode and O_CLOEXEC. ``OSError``: EINVAL for other
        flags of the file, for size 0, for one that does not survive rounding up and
        for any heap flag (DMA_HEAP_VALID_HEAP_FLAGS is 0); ENOMEM. ``ValueError`` for
        what is no number of those widths.
        """

    def adopt(self, fd: int) -> DmaBuf:
        """The buffer of that number, which an ioctl returned; its owner from now on.

        ``OSError``: EBADF for a number that is not open, EINVAL for another file.
        """

    def ioctl(self, cmd: int, arg: Argument = None) -> int:
        """Ask the kernel with the struct in ``arg``; 0 is done. As DmaBuf.ioctl.

        Only nr 0 is known, DMA_HEAP_IOCTL_ALLOC: ``OSError(EINVAL)`` for another.
        """

    def read(self, size: int = 0, /) -> bytes:
        """``OSError(EINVAL)``."""

    def write(self, data: bytes = b"", /) -> int:
        """``OSError(EINVAL)``."""

    def lseek(self, offset: int = 0, whence: int = os.SEEK_SET, /) -> int:
        """``OSError(ESPIPE)``."""

    def mmap(self) -> memoryview:
        """``OSError(ENODEV)``: a heap is not memory, its buffers are."""

    def poll(self) -> int:
        """POLLIN and POLLOUT: always ready."""


class HeapView(Protocol):
    """What only a simulated heap can show: the physical layout."""

    def snapshot(self) -> Snapshot:
        """Every region of the heap, by address."""

    def check(self) -> None:
        """Raise :class:`heapkit.InvariantError` if an invariant is broken."""


class Heaps(Protocol):
    """A mapping of heap names to heaps."""

    def __getitem__(self, name: str) -> DmaHeap: ...

    def __iter__(self) -> Iterator[str]: ...

    def __len__(self) -> int: ...

    def allocate(self, size: int, chain: Sequence[str]) -> DmaBuf:
        """From the first heap of ``chain`` that has the memory.

        Fallback is user space's job with dma-heaps. Only ENOMEM moves on to the
        next heap; the last heap's error is raised.
        """

    def adopt(self, fd: int) -> DmaBuf:
        """As :meth:`DmaHeap.adopt`, for a buffer of any heap."""

    def receive(self, sock: socket.socket) -> DmaBuf:
        """The reference that :meth:`DmaBuf.send` put into a unix socket.

        ``OSError``: EBADMSG for a message without one, ECONNRESET once the other end
        is closed.
        """

    def close(self) -> None:
        """Close every buffer and heap."""
