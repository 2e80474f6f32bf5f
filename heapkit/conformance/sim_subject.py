# SPDX-License-Identifier: MIT
"""A simulated heap under test: its files have numbers in a table of their own."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from heapkit.backends.sim import SimHeap, SimHeaps
from heapkit.board import CmaHeap, Heap
from heapkit.conformance.check import NotCarried
from heapkit.conformance.structs import ALLOC, request_of
from heapkit.conformance.subject import Subject
from heapkit.errors import refusal


class SimSubject(Subject):
    """A heap of :func:`heapkit.simulate`."""

    backend = "sim"

    def __init__(self, heap: SimHeap, heaps: SimHeaps) -> None:
        super().__init__(heap, kind=_kind(heaps.board.heap(heap.name)))
        self._heaps = heaps
        self.options = heaps.options

    def _missing(self, what: str) -> NotCarried:
        return NotCarried(f"a simulated heap has no {what}")

    def numbers(self) -> frozenset[int]:
        """Those of ``heaps.files``."""
        return frozenset(self._heaps.files)

    def close_number(self, number: int, /) -> None:
        """Close the file of that number, if it is still open."""
        if number in self._heaps.files:
            self._heaps.files.close(number)

    @contextmanager
    def no_number_left(self) -> Iterator[None]:
        """The table's limit is where it is full."""
        files = self._heaps.files
        limit = files.limit
        files.limit = 0
        try:
            yield
        finally:
            files.limit = limit

    def received(self, sock: socket.socket, /) -> Any:
        """The buffer that comes through the socket."""
        return self.keep(self._heaps.receive(sock))

    def device_import(self, buffer: Any, /) -> Callable[[], None]:
        """Attach the board's first device, and map for it."""
        devices = self._heaps.board.devices
        name = devices[0].name if devices else "importer"
        attachment = buffer.attach(self._heaps.device(name))
        attachment.map()

        def release() -> None:
            attachment.unmap()
            attachment.detach()

        return release

    def ask_for_everything(self, size: int, /) -> object:
        """No process is lost here: the heap says what it says."""
        self.heap.ioctl(ALLOC, request_of(size=size))
        raise refusal(errno.E2BIG, f"{self.name} gave {size} bytes")


def _kind(heap: Heap) -> str:
    in_chunks = isinstance(heap, CmaHeap) and heap.chunk is not None
    return "cma-chunk" if in_chunks else heap.kind


def features(subject: SimSubject) -> Mapping[str, bool]:
    """What the simulated kernel was configured with."""
    return {"sync_file": subject.options.sync_file}
