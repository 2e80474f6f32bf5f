# SPDX-License-Identifier: MIT
"""A trace that comes in parts: what is kept of it."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi.enums import TraceRule
from heapkit._ffi.records import GAUGES, check, record_dtype
from heapkit._ffi.trace import CTrace
from heapkit._native import ffi, lib

NR_OPS = lib.HK_NR_OPS
NR_ERRNOS = lib.HK_NR_ERRNOS
LATENCY_BINS = lib.HK_LATENCY_BINS
LATENCY_STEPS = lib.HK_LATENCY_STEPS
BUCKET = record_dtype("struct hk_bucket")
HEAP_TALLY = record_dtype("struct hk_heap_tally")
OP_TALLY = record_dtype("struct hk_op_tally")
REFUSAL = record_dtype("struct hk_refusal")
TOTALS = record_dtype("struct hk_totals")
GAUGE_NAMES = GAUGES.names or ()


class BrokenRule(NamedTuple):
    """The first event of a trace that breaks a rule, and the rule's name."""

    event: int
    rule: str


class Intake:
    """What is known of the parts before; see native/include/heapkit_abi.h."""

    def __init__(self) -> None:
        ret = ffi.new("struct hk_intake **")
        check(lib.hk_intake_create(ret), "a trace in parts")
        self.handle: Any = ffi.gc(ret[0], lib.hk_intake_destroy)

    @property
    def events(self) -> int:
        """How many were taken."""
        return int(lib.hk_intake_events(self.handle))

    def take(self, part: CTrace, ids: NDArray[np.uint64]) -> BrokenRule | None:
        """Check a whole part, and only that; after a broken rule no other follows."""
        fault = ffi.new("struct hk_fault *")
        rc = lib.hk_intake_take(
            self.handle, part.struct, id_column(ids), 0, len(ids), ffi.NULL, fault
        )
        return broken(rc, fault)

    def save(self) -> bytes:
        """All that another intake needs to go on from here."""
        size = ffi.new("uint64_t *")
        lib.hk_intake_save(self.handle, ffi.NULL, 0, size)
        state = bytearray(size[0])
        target = ffi.from_buffer("uint8_t[]", state, require_writable=True)
        rc = lib.hk_intake_save(self.handle, target, len(state), size)
        check(rc, "a trace in parts")
        return bytes(state)

    def load(self, state: bytes) -> None:
        """Become what was saved; ``ValueError`` for bytes that were not."""
        source = ffi.from_buffer("uint8_t[]", state)
        rc = lib.hk_intake_load(self.handle, source, len(state))
        check(rc, "no state of a trace in parts")


class Tally:
    """Counts of a run in arrays whose size does not depend on its length.

    ``granules`` are the bytes each heap rounds a buffer up to. :attr:`arrays` names
    them as ``struct hk_tally`` does, where their meaning is written; the row after
    the last heap is for events of no heap.
    """

    def __init__(self, granules: Sequence[int], *, buckets: int, kept: int) -> None:
        rows = len(granules) + 1
        self.arrays: dict[str, NDArray[Any]] = {
            "totals": np.zeros(1, TOTALS),
            "heap": np.zeros(rows, HEAP_TALLY),
            "op": np.zeros((rows, NR_OPS), OP_TALLY),
            "status": np.zeros((rows, NR_OPS, NR_ERRNOS), np.uint64),
            "latency": np.zeros((rows, NR_OPS, LATENCY_BINS), np.uint64),
            "bucket": np.zeros((rows, buckets), BUCKET),
            "bucket_time_ns": np.zeros(buckets, np.int64),
            "kept": np.zeros(kept, REFUSAL),
        }
        self.arrays["totals"]["bucket_events"] = 1
        self.arrays["heap"]["granule"] = [*granules, 1]
        numbers = {"n_heaps": len(granules), "n_buckets": buckets, "n_kept": kept}
        self._pointers = {
            name: ffi.from_buffer(_ctype(array), array, require_writable=True)
            for name, array in self.arrays.items()
        }
        self.struct = ffi.new("struct hk_tally *", numbers | self._pointers)

    @property
    def events(self) -> int:
        """How many were counted."""
        return int(self.arrays["totals"]["events"][0])

    @property
    def time_ns(self) -> int:
        """Of the last event; 0 before the first."""
        return int(self.arrays["totals"]["time_ns"][0])


_CTYPES = {
    TOTALS: "struct hk_totals[]",
    HEAP_TALLY: "struct hk_heap_tally[]",
    OP_TALLY: "struct hk_op_tally[]",
    BUCKET: "struct hk_bucket[]",
    REFUSAL: "struct hk_refusal[]",
    np.dtype(np.uint64): "uint64_t[]",
    np.dtype(np.int64): "int64_t[]",
}


def _ctype(array: NDArray[Any]) -> str:
    return _CTYPES[array.dtype]


def id_column(ids: NDArray[np.uint64]) -> Any:
    """Ids of buffers as the core reads them."""
    return ffi.from_buffer("uint64_t[]", ids)


def broken(rc: int, fault: Any) -> BrokenRule | None:
    """What a call over a part found; raises what was no broken rule."""
    if rc == -errno.EINVAL and fault.rule:
        return BrokenRule(int(fault.index), TraceRule(fault.rule).name)
    check(rc, f"event {fault.index} of a trace in parts")
    return None
