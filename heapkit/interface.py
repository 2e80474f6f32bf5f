# SPDX-License-Identifier: MIT
"""The kernel's words as protocols; both backends satisfy them.

Kernel: ``struct dma_heap`` and its ``allocate``, ``struct dma_buf`` and its
file operations, ``struct dma_buf_attachment``. What only a simulation can show
(the layout) is :class:`HeapView`, so that a type checker refuses to ask it of a
running kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from heapkit.snapshot import Snapshot


class DmaBuf(Protocol):
    """One reference to a shared buffer; :meth:`close` drops it.

    Closing twice is allowed and does nothing; any other call on a closed
    reference raises ``OSError(EBADF)``.
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

    def set_name(self, name: str) -> None:
        """DMA_BUF_SET_NAME: at most 31 bytes, or ``OSError(EINVAL)``."""

    def mmap(self) -> memoryview:
        """The whole buffer, shared and writable.

        ``OSError(EINVAL)`` where the heap forbids CPU access (a secure heap).
        """

    def begin_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with START: ``access`` is "r", "w" or "rw"."""

    def end_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with END."""

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

    def allocate(self, size: int, *, heap_flags: int = 0) -> DmaBuf:
        """A zeroed buffer of ``size`` bytes, rounded up to pages.

        ``OSError``: EINVAL for size 0, for one that does not survive rounding
        up and for any heap flag (DMA_HEAP_VALID_HEAP_FLAGS is 0); ENOMEM.
        ``ValueError`` for what is no 64-bit size at all.
        """


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

    def close(self) -> None:
        """Close every buffer and heap."""
