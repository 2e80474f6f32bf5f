# SPDX-License-Identifier: MIT
"""A device at a simulated buffer."""

from __future__ import annotations

import errno
from typing import Self

from heapkit import _ffi
from heapkit import arguments as check
from heapkit.backends.sim_cell import Cell
from heapkit.backends.sim_cpu_use import part_of
from heapkit.board import Device
from heapkit.errors import refusal


class Attachment:
    """A device at a buffer. Kernel: struct dma_buf_attachment.

    :attr:`latency_ns` is what the model charges for the last call. Each call can
    raise ``OSError(EINVAL)``: unmapping what is not mapped, mapping twice. A context
    manager: leaving it detaches.
    """

    def __init__(self, cell: Cell, device: Device) -> None:
        self._cell: Cell | None = cell
        self.device = device
        self.mapped = False
        self._do(_ffi.Op.ATTACH)
        cell.get()

    def _do(self, op: _ffi.Op, **arguments: int) -> None:
        cell = self._cell
        if cell is None:
            raise refusal(errno.EINVAL, f"device {self.device.name}: detached")
        index = cell.door.devices[self.device]
        cell.do(op, f"{op.name.lower()} {self.device.name}", device=index, **arguments)
        self.latency_ns = cell.latency_ns

    def map(self, *, skip_cpu_sync: bool = False) -> None:
        """dma_buf_map_attachment(): the device may access the buffer.

        ``skip_cpu_sync`` is DMA_ATTR_SKIP_CPU_SYNC, for this mapping and its unmap.
        """
        if self.mapped:
            raise refusal(errno.EINVAL, f"device {self.device.name}: already mapped")
        skip = check.boolean(self.device.name, "skip_cpu_sync", skip_cpu_sync)
        self._do(_ffi.Op.MAP, access=_ffi.Access.SKIP_SYNC if skip else 0)
        self.mapped = True

    def unmap(self) -> None:
        """dma_buf_unmap_attachment()."""
        if not self.mapped:
            raise refusal(errno.EINVAL, f"device {self.device.name}: not mapped")
        self._do(_ffi.Op.UNMAP)
        self.mapped = False

    def read(self, *, offset: int = 0, length: int | None = None) -> None:
        """The device reads memory: ``length`` bytes, to the end by default.

        No data moves. What it would have seen wrong is in ``heaps.findings``; outside
        of the buffer is ``OSError(EFAULT)``.
        """
        self._use(_ffi.Op.DEVICE_READ, offset, length)

    def write(self, *, offset: int = 0, length: int | None = None) -> None:
        """The device writes memory; otherwise as :meth:`read`."""
        self._use(_ffi.Op.DEVICE_WRITE, offset, length)

    def _use(self, op: _ffi.Op, offset: int, length: int | None) -> None:
        if self._cell is None:
            raise refusal(errno.EINVAL, f"device {self.device.name}: detached")
        self._do(op, **part_of(self._cell, offset, length))

    def detach(self) -> None:
        """dma_buf_detach(); unmaps first where needed. Again does nothing."""
        cell = self._cell
        if cell is None:
            return
        if not cell.door.core.closed:
            if self.mapped:
                self.unmap()
            self._do(_ffi.Op.DETACH)
        self._cell = None
        cell.put()

    def __repr__(self) -> str:
        state = "detached" if self._cell is None else "attached"
        return f"<Attachment {self.device.name} {'mapped' if self.mapped else state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()
