# SPDX-License-Identifier: MIT
"""A trace as the core reads it."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi.enums import TraceRule
from heapkit._ffi.records import check
from heapkit._native import ffi, lib


class TraceColumns(Protocol):
    """The columns that the core reads: of a :class:`heapkit.Trace`, or of a part.

    A part's buffers have no dense ids; they go beside it.
    """

    @property
    def op(self) -> NDArray[np.uint8]: ...
    @property
    def dense_buffer(self) -> NDArray[np.uint32] | None: ...
    @property
    def size(self) -> NDArray[np.uint64]: ...
    @property
    def chain(self) -> NDArray[np.uint16]: ...
    @property
    def time_ns(self) -> NDArray[np.int64]: ...
    @property
    def device(self) -> NDArray[np.uint16] | None: ...
    @property
    def access(self) -> NDArray[np.uint8] | None: ...
    @property
    def offset(self) -> NDArray[np.uint64] | None: ...
    @property
    def n_buffers(self) -> int: ...
    @property
    def heaps(self) -> tuple[str, ...]: ...
    @property
    def devices(self) -> tuple[str, ...]: ...


class CTrace:
    """A ``struct hk_trace`` and the arrays it points into.

    ``chains`` lists the heap indices of each of ``trace.heaps``; without it the
    trace can only be checked. ``device`` replaces the trace's column, for a
    machine that numbers its devices otherwise.
    """

    def __init__(
        self,
        trace: TraceColumns,
        *,
        chains: Sequence[Sequence[int]] | None = None,
        device: NDArray[np.uint16] | None = None,
        n_devices: int | None = None,
    ) -> None:
        self._keep: list[Any] = []
        given = trace.device if device is None else device
        pointers: dict[str, Any] = {
            "op": self._pointer("uint8_t", trace.op),
            "buffer": self._pointer("uint32_t", trace.dense_buffer),
            "size": self._pointer("uint64_t", trace.size),
            "chain": self._pointer("uint16_t", trace.chain),
            "time_ns": self._pointer("int64_t", trace.time_ns),
            "device": self._pointer("uint16_t", given),
            "access": self._pointer("uint8_t", trace.access),
            "offset": self._pointer("uint64_t", trace.offset),
        }
        if chains is not None:
            start = np.cumsum([0, *(len(c) for c in chains)])
            flat = np.array([h for c in chains for h in c], dtype=np.uint16)
            pointers["chain_start"] = self._pointer("uint32_t", start)
            pointers["chain_heap"] = self._pointer("uint16_t", flat)
        numbers = {
            "n": len(trace.op),
            "n_buffers": trace.n_buffers,
            "n_chains": len(trace.heaps),
            "n_devices": max(len(trace.devices), 1) if n_devices is None else n_devices,
        }
        self.struct = ffi.new("struct hk_trace *", pointers | numbers)

    def _pointer(self, ctype: str, column: NDArray[Any] | None) -> Any:
        if column is None:
            return ffi.NULL
        dtype = np.dtype(ctype.removesuffix("_t"))
        array = np.ascontiguousarray(column, dtype=dtype)
        pointer = ffi.from_buffer(f"{ctype}[]", array)
        self._keep.append(pointer)
        return pointer


def check_trace(trace: TraceColumns) -> tuple[int, str] | None:
    """The first event that breaks a rule, as (index, :class:`TraceRule` name)."""
    fault = ffi.new("struct hk_fault *")
    rc = lib.hk_trace_check(CTrace(trace).struct, fault)
    if rc == 0:
        return None
    if rc != -errno.EINVAL:
        check(rc, "checking a trace")
    return int(fault.index), TraceRule(fault.rule).name
