# SPDX-License-Identifier: MIT
"""What the CPU does with a simulated buffer, as far as caches and costs go."""

from __future__ import annotations

from abc import abstractmethod

from heapkit import _ffi, arguments
from heapkit.backends.sim_cell import Cell


def part_of(cell: Cell, offset: int, length: int | None) -> dict[str, int]:
    """A part of a buffer as the core takes it, where length 0 is to the end."""
    owner = cell.heap.name
    offset = arguments.integer(owner, "offset", offset, high=2**63)
    if length is None:
        return {"offset": offset, "size": 0}
    size = arguments.integer(owner, "length", length, low=1, high=2**63)
    return {"offset": offset, "size": size}


class CpuUse:
    """Accesses and mappings of the CPU; no data moves, :meth:`SimBuf.mmap` has that.

    What goes wrong is in ``heaps.findings``.
    """

    @abstractmethod
    def _open(self) -> Cell:
        """The buffer; ``OSError(EBADF)`` once closed."""

    def cpu_read(self, *, offset: int = 0, length: int | None = None) -> None:
        """The CPU reads ``length`` bytes, to the end by default.

        ``OSError(EFAULT)`` outside of the buffer, and of a secure heap.
        """
        self._use(_ffi.Op.CPU_READ, offset, length)

    def cpu_write(self, *, offset: int = 0, length: int | None = None) -> None:
        """The CPU writes; otherwise as :meth:`cpu_read`."""
        self._use(_ffi.Op.CPU_WRITE, offset, length)

    def _use(self, op: _ffi.Op, offset: int, length: int | None) -> None:
        cell = self._open()
        what = f"{op.name} of {length or cell.size} bytes from {offset} on"
        cell.do(op, what, **part_of(cell, offset, length))

    def vmap(self) -> None:
        """dma_buf_vmap(), counted; of a secure heap ``OSError(EINVAL)``."""
        self._open().do(_ffi.Op.VMAP, "vmap")

    def vunmap(self) -> None:
        """dma_buf_vunmap(); ``OSError(EINVAL)`` without a :meth:`vmap`."""
        self._open().do(_ffi.Op.VUNMAP, "vunmap")

    @property
    def breakdown(self) -> dict[str, float]:
        """What :attr:`latency_ns` is made of: ns of each constant that was charged.

        Time spent waiting for fences is in the one and not in the other.
        """
        cell = self._open()
        costs = cell.door.costs
        counts = _ffi.counted(cell.charged)
        return {name: count * costs[name].value for name, count in counts.items()}
