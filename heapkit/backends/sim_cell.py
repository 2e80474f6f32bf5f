# SPDX-License-Identifier: MIT
"""What the references to one simulated buffer share."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from heapkit import _ffi
from heapkit.backends.sim_files.fences import Reservation, last_of
from heapkit.backends.sim_files.passing import Passing
from heapkit.backends.sim_files.table import FileTable
from heapkit.board import Device, Heap
from heapkit.costs import Costs
from heapkit.errors import refusal
from heapkit.trace_ops import DEVICE_OPS

# What a kernel does with the vendors' ioctl: has the hooks, knows the ioctl without
# having the hooks (EOPNOTSUPP), does not know it (ENOTTY).
PARTIAL_SYNC: Final = ("vendor", "hookless", "mainline")


class Options(NamedTuple):
    """What differs among kernels and is no matter of the board."""

    sync_file: bool = True
    partial_sync: str = PARTIAL_SYNC[0]
    noexec: bool = False


class SimFinding(NamedTuple):
    """What one call did that nobody should rely on: ``enum hk_finding_kind``.

    ``buffer`` is the core's id, ``device`` None where the call concerns none; the
    ``bytes`` from ``offset`` on are whole cache lines, 0 of no part in particular.
    """

    kind: str
    op: _ffi.Op
    buffer: int
    device: str | None
    offset: int
    bytes: int
    time_ns: int


class Door:
    """The machine as its buffers see it: one clock, one numbering of devices."""

    def __init__(self, core: _ffi.Machine, options: Options, costs: Costs) -> None:
        self.core, self.options, self.costs = core, options, costs
        self.now_ns = 0
        self.devices: dict[Device, int] = {}
        self.files = FileTable()
        self.passing: Passing[Any] = Passing()
        self.findings: list[SimFinding] = []

    def advance(self, ns: int) -> None:
        """Let ``ns`` pass."""
        with self.core.lock:
            self.core.advance(self.now_ns + ns)
            self.now_ns += ns

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
        step = self.core.step(
            op,
            buffer=buffer,
            size=size,
            offset=offset,
            device=device,
            access=access,
            time_ns=self.now_ns,
        )
        self.findings += [self._finding(op, row) for row in self.core.found()]
        return step

    def _finding(self, op: _ffi.Op, row: np.void) -> SimFinding:
        names = {index: device.name for device, index in self.devices.items()}
        return SimFinding(
            kind=_ffi.FindingKind(row["kind"]).name,
            op=op,
            buffer=int(row["buffer"]),
            device=names.get(int(row["device"])) if op in DEVICE_OPS else None,
            offset=int(row["offset"]),
            bytes=int(row["bytes"]),
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
        self.mode = os.O_RDWR  # of the one struct file that all references share
        self.fences = Reservation()
        self.ino = 0
        self.begun = False  # whether the CPU's access has begun, ever
        self.references = 0
        self.latency_ns = latency_ns
        self.charged = door.core.charged()
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

    def wait(self, *, write: bool) -> int:
        """Until its writers are done, with ``write`` its readers too: ns waited.

        Adds to :attr:`latency_ns`. ``OSError(EINTR)`` where that never happens.
        """
        with self.door.core.lock:
            fences = self.fences.waited_for(write=write)
            until = last_of(fences, f"{self.heap.name}: {self.size} bytes")
            waited = max(until - self.door.now_ns, 0)
            if waited:
                self.door.advance(waited)
                self.latency_ns += waited
            return waited

    def do(self, op: _ffi.Op, what: str, **arguments: int) -> None:
        """Carry out ``op``; the model's refusal is raised."""
        with self.door.core.lock:
            step = self.door.step(op, buffer=self.buffer, **arguments)
            self.latency_ns = step.latency_ns
            self.charged = self.door.core.charged()
        if step.status:
            raise refusal(-step.status, f"{self.heap.name}: {self.size} bytes, {what}")
