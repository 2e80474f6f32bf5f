# SPDX-License-Identifier: MIT
"""Events gathered in any order, column by column, and made a trace at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit._ffi import READ_WRITE
from heapkit.trace import Op, Trace
from heapkit.units import US


class EventTable:
    """Rows in any order, made a trace at the end; adding takes arrays.

    Without ``accesses`` the trace says nothing of who reads and writes the memory,
    nor of who does what: :meth:`use` adds nothing.
    """

    def __init__(self, *, accesses: bool = False) -> None:
        self._accesses = accesses
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._buffers = 0

    def buffers(self, count: int) -> NDArray[np.int64]:
        """Ids that no other call got."""
        self._buffers += count
        return np.arange(self._buffers - count, self._buffers)

    def add(
        self,
        time_ns: ArrayLike,
        op: Op,
        buffer: ArrayLike,
        *,
        size: ArrayLike = 0,
        device: int = 0,
        access: int = READ_WRITE,
        offset: ArrayLike = 0,
        process: int = 0,
    ) -> None:
        """One row per element, scalars repeated."""
        time = np.atleast_1d(np.asarray(time_ns, np.int64))
        columns = np.broadcast_arrays(
            time, op, buffer, size, device, access, offset, process
        )
        self._parts.append(columns)

    def use(
        self, time_ns: ArrayLike, op: Op, buffer: ArrayLike, **columns: Any
    ) -> None:
        """As :meth:`add`, where the table has accesses."""
        if self._accesses:
            self.add(time_ns, op, buffer, **columns)

    def trace(
        self,
        heap: str,
        devices: tuple[str, ...],
        processes: tuple[str, ...] = (),
        **meta: object,
    ) -> Trace:
        """All rows by time; rows of equal time in the order they were added.

        ``processes`` are left out where the table has no accesses.
        """
        time, op, buffer, size, device, access, offset, process = (
            np.concatenate(column) for column in zip(*self._parts, strict=True)
        )
        order = np.argsort(time, kind="stable")
        extra: dict[str, Any] = {}
        if devices:
            extra = {
                "device": device[order].astype(np.uint16),
                "devices": devices,
                "access": access[order].astype(np.uint8),
                "offset": offset[order],
            }
        if processes and self._accesses:
            extra["process"] = process[order].astype(np.uint16)
            extra["processes"] = processes
            meta["accesses"] = True
        return Trace.from_columns(
            op=op[order].astype(np.uint8),
            buffer=buffer[order].astype(np.uint32),
            size=size[order],
            heap=np.zeros(len(order), np.uint16),
            heaps=(heap,),
            time_ns=time[order],
            meta={**meta, "heap": heap},
            **extra,
        )

    def take(
        self,
        time: ArrayLike,
        buffers: NDArray[np.int64],
        size: ArrayLike,
        device: int,
        process: int = 0,
    ) -> None:
        """Allocate, attach, map."""
        start, who = np.asarray(time), {"process": process}
        self.add(start, Op.ALLOC, buffers, size=size, **who)
        self.add(start + 20 * US, Op.ATTACH, buffers, device=device, **who)
        self.add(start + 40 * US, Op.MAP, buffers, device=device, **who)

    def give(
        self,
        time: ArrayLike,
        buffers: NDArray[np.int64],
        device: int,
        process: int = 0,
    ) -> None:
        """Unmap, detach, free."""
        start, who = np.asarray(time), {"process": process}
        self.add(start, Op.UNMAP, buffers, device=device, **who)
        self.add(start + 10 * US, Op.DETACH, buffers, device=device, **who)
        self.add(start + 20 * US, Op.FREE, buffers, **who)
