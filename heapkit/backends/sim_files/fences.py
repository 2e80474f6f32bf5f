# SPDX-License-Identifier: MIT
"""Fences on the virtual clock, a buffer's list of them, and files that hold some.

Kernel: struct dma_fence, struct dma_resv, drivers/dma-buf/sync_file.c. What stands
for a device's work here is a moment of the virtual clock.
"""

from __future__ import annotations

import errno
import select
from collections.abc import Callable, Iterable
from typing import Final

from heapkit.backends.sim_files.table import FileTable, NumberedFile
from heapkit.errors import refusal

POLLIN: Final = select.POLLIN
POLLOUT: Final = select.POLLOUT


class Fence:
    """Work of a device that ends at a moment, or when :meth:`signal` is called."""

    def __init__(self, now: Callable[[], int], at_ns: int | None) -> None:
        self._now, self._at_ns = now, at_ns

    @property
    def at_ns(self) -> int | None:
        """When it signals on the virtual clock; None if nothing is known of it."""
        return self._at_ns

    @property
    def signalled(self) -> bool:
        """Whether the work is done."""
        return self._at_ns is not None and self._at_ns <= self._now()

    def signal(self) -> None:
        """The work is done now; a second time does nothing."""
        if not self.signalled:
            self._at_ns = self._now()

    def __repr__(self) -> str:
        if self.signalled:
            return "<Fence, signalled>"
        return f"<Fence, signals at {self._at_ns} ns>" if self._at_ns else "<Fence>"


def pending(fences: Iterable[Fence]) -> tuple[Fence, ...]:
    """Those that have not signalled."""
    return tuple(fence for fence in fences if not fence.signalled)


def last_of(fences: Iterable[Fence], what: str) -> int:
    """When all have signalled: ns of the virtual clock, 0 if all of them have.

    The kernel waits without an end, and interruptibly. Here nobody else runs who
    could signal, so a fence that has no moment is ``OSError(EINTR)``.
    """
    moments = [fence.at_ns for fence in pending(fences)]
    known = [moment for moment in moments if moment is not None]
    if len(known) < len(moments):
        raise refusal(errno.EINTR, f"{what}: waits for a fence that nobody signals")
    return max(known, default=0)


class Reservation:
    """The fences of one buffer: of those who write it, and of those who read."""

    def __init__(self) -> None:
        self._writers: list[Fence] = []
        self._readers: list[Fence] = []

    def add(self, fence: Fence, *, write: bool) -> None:
        """dma_resv_add_fence(); what has signalled is forgotten meanwhile."""
        self._writers = list(pending(self._writers))
        self._readers = list(pending(self._readers))
        (self._writers if write else self._readers).append(fence)

    def waited_for(self, *, write: bool) -> tuple[Fence, ...]:
        """dma_resv_usage_rw(): a reader waits for writers, a writer for everyone."""
        return pending((*self._writers, *self._readers) if write else self._writers)

    def poll(self) -> int:
        """POLLIN: the last writer is done; POLLOUT: everybody is."""
        readable = 0 if self.waited_for(write=False) else POLLIN
        return readable | (0 if self.waited_for(write=True) else POLLOUT)


class SyncFile(NumberedFile):
    """One or more fences as a file; without any it is the signalled stub."""

    def __init__(self, table: FileTable, fences: Iterable[Fence] = ()) -> None:
        self._table, self._fences = table, tuple(fences)

    @property
    def fd(self) -> int:
        """Its number in the heaps' table of files."""
        return self._number_in(self._table)

    @property
    def fences(self) -> tuple[Fence, ...]:
        """What was put into it."""
        return self._fences

    @property
    def signalled(self) -> bool:
        """Whether all of its fences have signalled."""
        return not pending(self._fences)

    def poll(self) -> int:
        """POLLIN once everything has signalled."""
        return POLLIN if self.signalled else 0

    def __repr__(self) -> str:
        waiting = len(pending(self._fences))
        return f"<SyncFile of {len(self._fences)} fences, {waiting} to signal>"
