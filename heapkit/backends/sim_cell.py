# SPDX-License-Identifier: MIT
"""What the references to one simulated buffer share."""

from __future__ import annotations

import mmap
from collections.abc import Callable

from heapkit import _ffi
from heapkit.board import Device, Heap
from heapkit.errors import refusal


class Door:
    """The machine as its buffers see it: one clock, one numbering of devices."""

    def __init__(self, core: _ffi.Machine) -> None:
        self.core = core
        self.now_ns = 0
        self.devices: dict[Device, int] = {}

    def step(
        self,
        op: _ffi.Op,
        *,
        buffer: int,
        size: int = 0,
        offset: int = 0,
        device: int = 0,
        access: int = 0,
    ) -> _ffi.Step:
        """One event on a buffer that exists, now."""
        return self.core.step(
            op,
            buffer=buffer,
            size=size,
            offset=offset,
            device=device,
            access=access,
            time_ns=self.now_ns,
        )


class Cell:
    """What all references to one buffer share. Kernel: struct dma_buf.

    ``references`` counts file descriptors and attachments: an importer holds the
    buffer it is attached to (drm_gem_prime_import_dev() takes a reference). The
    last to go frees the memory.
    """

    def __init__(
        self,
        door: Door,
        *,
        buffer: int,
        size: int,
        heap: Heap,
        latency_ns: int,
        forget: Callable[[Cell], None],
    ) -> None:
        self.door, self.buffer, self.size, self.heap = door, buffer, size, heap
        self.name = ""
        self.references = 0
        self.latency_ns = latency_ns
        self._forget = forget
        self._memory: mmap.mmap | None = None

    def memory(self) -> mmap.mmap:
        """Anonymous shared memory, made when it is first asked for: zeroed."""
        with self.door.core.lock:
            if self._memory is None:
                self._memory = mmap.mmap(-1, self.size)
            return self._memory

    def get(self) -> None:
        """One reference more."""
        with self.door.core.lock:
            self.references += 1

    def put(self) -> None:
        """One reference less."""
        with self.door.core.lock:
            self.references -= 1
            if self.references == 0 and not self.door.core.closed:
                self.do(_ffi.Op.FREE, "free")
                self._memory = None
                self._forget(self)

    def do(self, op: _ffi.Op, what: str, **arguments: int) -> None:
        """Carry out ``op``; the model's refusal is raised."""
        with self.door.core.lock:
            step = self.door.step(op, buffer=self.buffer, **arguments)
            self.latency_ns = step.latency_ns
        if step.status:
            raise refusal(-step.status, f"{self.heap.name}: {self.size} bytes, {what}")
