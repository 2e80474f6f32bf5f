# SPDX-License-Identifier: MIT
"""A simulated dma-buf: a reference to it."""

from __future__ import annotations

import errno
import os
import socket
from typing import Self

from heapkit import _ffi, arguments
from heapkit.backends.sim_attachment import Attachment
from heapkit.backends.sim_cell import Cell
from heapkit.backends.sim_cpu_use import CpuUse
from heapkit.backends.sim_files.buffer_file import BufferFile
from heapkit.board import Device, UdmabufHeap
from heapkit.errors import refusal
from heapkit.snapshot import Region
from heapkit.units import format_bytes

NAME_BYTES = _ffi.uapi_constant("DMA_BUF_NAME_LEN") - 1  # without the NUL


class SimBuf(BufferFile, CpuUse):
    """A reference to a buffer; satisfies :class:`heapkit.interface.DmaBuf`."""

    def __init__(self, cell: Cell, *, close_on_exec: bool = True) -> None:
        self._cell: Cell | None = cell
        self.close_on_exec = close_on_exec
        self._size, self._exp_name = cell.size, cell.heap.name
        cell.get()

    @property
    def size(self) -> int:
        """Bytes, a whole number of pages."""
        return self._open().size

    @property
    def exp_name(self) -> str:
        """The name of the heap that served it."""
        return self._open().heap.name

    @property
    def name(self) -> str:
        """As last set through any reference; empty at first."""
        return self._open().name

    @property
    def latency_ns(self) -> int:
        """What the model charges for the last thing done to the buffer."""
        return self._open().latency_ns

    @property
    def entries(self) -> tuple[Region, ...]:
        """The sg entries in allocation order, with their addresses."""
        cell = self._open()
        owner = cell.name or f"#{cell.buffer}"
        return tuple(
            Region(int(entry["address"]), int(entry["size"]), owner=owner)
            for entry in cell.door.core.entries(cell.buffer)
        )

    def set_name(self, name: str) -> None:
        """DMA_BUF_SET_NAME: at most 31 bytes, or ``OSError(EINVAL)``."""
        cell = self._open()
        if not isinstance(name, str) or "\0" in name:
            raise arguments.wrong(cell.heap.name, "name", name, "text without NUL")
        if len(os.fsencode(name)) > NAME_BYTES:
            what = f"name {name!r} is longer than {NAME_BYTES} bytes"
            raise refusal(errno.EINVAL, what)
        cell.name = name

    def begin_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with START: ``access`` is "r", "w" or "rw".

        ``offset`` and ``length`` (default: to the end) in bytes are the vendor
        kernels' partial maintenance; outside of the buffer is ``OSError(EINVAL)``.
        Then it waits, on the virtual clock and at the cost of latency, for fences:
        who reads for those that write, who writes for all.
        """
        self._sync(_ffi.Op.BEGIN_CPU, access, offset, length)

    def end_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with END; otherwise as :meth:`begin_cpu_access`."""
        self._sync(_ffi.Op.END_CPU, access, offset, length)

    def _sync(self, op: _ffi.Op, access: str, offset: int, length: int | None) -> None:
        cell = self._open()
        owner = cell.heap.name
        access = arguments.choice(owner, "access", access, tuple(_ffi.ACCESS_OF))
        offset = arguments.integer(owner, "offset", offset, high=2**63)
        if length is None:
            # The core takes length 0 for the whole buffer.
            length = max(cell.size - offset, 1) if offset else 0
        else:
            length = arguments.integer(owner, "length", length, low=1, high=2**63)
        if length and length < cell.size and offset + length <= cell.size:
            self._need_partial_hook()
        self._maintain(op, access, offset, length)

    def _maintain(self, op: _ffi.Op, access: str, offset: int, length: int) -> None:
        cell = self._open()
        what = f"sync {access} of {length} bytes from {offset} on"
        _refuse_end(cell, op)
        cell.do(op, what, access=_ffi.ACCESS_OF[access], offset=offset, size=length)
        if op is _ffi.Op.BEGIN_CPU:
            cell.begun = True
            cell.wait(write="w" in access)

    def attach(self, device: Device) -> Attachment:
        """dma_buf_attach(): what :meth:`SimHeaps.device` gives, at this buffer."""
        cell = self._open()
        if device not in cell.door.devices:
            allowed = "what heaps.device(name) returned"
            raise arguments.wrong(cell.heap.name, "device", device, allowed)
        return Attachment(cell, device)

    def dup(self) -> SimBuf:
        """Another reference to the same buffer."""
        return SimBuf(self._open())

    def send(self, sock: socket.socket) -> None:
        """Pass a reference through a unix socket; :meth:`SimHeaps.receive` takes it.

        It goes to the same heaps only: see :mod:`heapkit.backends.sim_files.passing`.
        """
        cell = self._open()
        cell.door.passing.send(cell.heap.name, sock, self.dup())

    def close(self) -> None:
        """Drop this reference; the last one frees the buffer.

        Allowed with devices attached: they keep the buffer until they detach.
        """
        cell, self._cell = self._cell, None
        self._give_number_back()
        if cell is not None:
            cell.put()

    def _open(self) -> Cell:
        if self._cell is None:
            raise refusal(errno.EBADF, f"{self!r} is closed")
        if self._cell.door.core.closed:
            raise refusal(errno.EBADF, f"{self!r}: its heaps are closed")
        return self._cell

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "" if self._cell else ", closed"
        return f"<SimBuf {self._exp_name} {format_bytes(self._size)}{state}>"


def _refuse_end(cell: Cell, op: _ffi.Op) -> None:
    """EINVAL where udmabuf.c has no table yet, which the first BEGIN makes."""
    if isinstance(cell.heap, UdmabufHeap) and op is _ffi.Op.END_CPU and not cell.begun:
        what = f"{cell.heap.name}: the CPU's access has never begun"
        raise refusal(errno.EINVAL, what)
