# SPDX-License-Identifier: MIT
"""One heap as the checks see it: what both backends share, and who cannot do what.

A check talks to ``subject.heap`` and to the buffers that it gets here, in the words of
:mod:`heapkit.interface`. Whatever else it needs is a method of the subject, which the
simulated and the live one carry out each in its own way.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, TypeVar

from heapkit import uapi
from heapkit.conformance.check import ACCESS_MODES, ALLOC_IOCTL, CPU_ACCESS, NotCarried
from heapkit.snapshot import BufferInfo

T = TypeVar("T")

# What a kind of heap lacks of what a check may need, and why.
LACKS: Final[Mapping[str, Mapping[str, str]]] = {
    "udmabuf": {
        ALLOC_IOCTL: "udmabuf has an ioctl of its own",
        ACCESS_MODES: "udmabuf exports for reading and writing only",
    },
    "secure": {CPU_ACCESS: "the CPU cannot reach a secure buffer"},
}
# The kind of a live heap by its name: Documentation/userspace-api/dma-buf-heaps.rst,
# and what drivers/dma-buf/heaps and the vendors' kernels have called theirs.
_CMA_NAMES: Final = ("reserved", "linux,cma", "default-pool", "default_cma_region")


def kind_of_name(name: str) -> str:
    """As far as a name tells: "system", "cma" or "secure"; else "unknown"."""
    if "system" in name:
        return "system"
    if name.startswith("protected,"):
        return "secure"
    return "cma" if name in _CMA_NAMES or "cma" in name else "unknown"


class Subject:
    """A heap under test. What it has opened for a check is closed after it."""

    backend = "other"

    def __init__(self, heap: Any, *, kind: str) -> None:
        self.heap, self.kind = heap, kind
        self.name: str = heap.name
        self._opened: list[Any] = []

    def lacks(self, needs: tuple[str, ...]) -> str | None:
        """Why a check with these needs makes no sense here; None if it does."""
        lacking = LACKS.get(self.kind, {})
        return next((lacking[need] for need in needs if need in lacking), None)

    def allocate(
        self, size: int = 4096, *, fd_flags: int = uapi.DEFAULT_FD_FLAGS
    ) -> Any:
        """A buffer of the heap."""
        if fd_flags == uapi.DEFAULT_FD_FLAGS:
            return self.keep(self.heap.allocate(size))
        return self.keep(self.heap.allocate(size, fd_flags=fd_flags))

    def adopt(self, number: int) -> Any:
        """The buffer of a number that an ioctl returned."""
        return self.keep(self.heap.adopt(number))

    def keep(self, thing: T) -> T:
        """``thing``, to be closed when the check is over."""
        self._opened.append(thing)
        return thing

    def clean(self) -> None:
        """Close what the last check left open."""
        opened, self._opened = self._opened, []
        for thing in reversed(opened):
            thing.close()

    # --- What only a backend can do -------------------------------------------

    def _missing(self, what: str) -> NotCarried:
        return NotCarried(f"this backend has no {what}")

    def numbers(self) -> frozenset[int]:
        """The numbers of the open files."""
        raise self._missing("table of files")

    def close_number(self, _number: int, /) -> None:
        """Close the file of that number."""
        raise self._missing("table of files")

    def no_number_left(self) -> AbstractContextManager[None]:
        """While it lasts, no further file gets a number: RLIMIT_NOFILE."""
        raise self._missing("limit of open files")

    def descriptor(self, _buffer: Any, /) -> int:
        """The buffer's descriptor of this process."""
        raise self._missing("descriptor for a buffer")

    def reopened(self, _flags: int, /) -> int:
        """A descriptor of the heap, opened with these flags."""
        raise self._missing("device node")

    def received(self, _sock: socket.socket, /) -> Any:
        """The buffer that comes through the socket."""
        raise self._missing("way to receive a buffer")

    def address(self, _mapping: Any, /) -> int:
        """Where a mapping begins in this process."""
        raise self._missing("mapping of this process")

    def bufinfo(self) -> Sequence[BufferInfo]:
        """The buffers that debugfs lists."""
        raise self._missing("debugfs")

    def device_import(self, _buffer: Any, /) -> Callable[[], None]:
        """Let a device import the buffer; returns what lets it go again."""
        raise self._missing("device")

    def ask_for_everything(self, _size: int, /) -> object:
        """Ask for far more than there is; the answer, or how the asker ended."""
        raise self._missing("process to lose")

    def leaked(self, ask: Callable[[], object]) -> list[int]:
        """The numbers that are open after ``ask``, which raises what it raises."""
        before = self.numbers()
        try:
            ask()
        finally:
            new = sorted(self.numbers() - before)
            for number in new:
                self.keep(_Number(self, number))
        return new


class _Number:
    """A file of which nothing is known but its number."""

    def __init__(self, subject: Subject, number: int) -> None:
        self._subject, self._number = subject, number

    def close(self) -> None:
        self._subject.close_number(self._number)
