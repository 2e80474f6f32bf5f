# SPDX-License-Identifier: MIT
"""What crosses the door: record types, tuples, and the errno that was refused."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from heapkit._native import ffi, lib
from heapkit.errors import InvariantError, refusal


def _field_type(ctype: Any) -> Any:
    if ctype.kind == "array":
        return (_field_type(ctype.item), (ctype.length,))
    return np.dtype(
        {"double": "float64"}.get(ctype.cname, ctype.cname.removesuffix("_t"))
    )


def record_dtype(struct: str) -> np.dtype[np.void]:
    """The numpy type of a C struct: its names, types and offsets."""
    fields = ffi.typeof(struct).fields
    return np.dtype(
        {
            "names": [name for name, _ in fields],
            "formats": [_field_type(field.type) for _, field in fields],
            "offsets": [field.offset for _, field in fields],
            "itemsize": ffi.sizeof(struct),
        }
    )


ROW = record_dtype("struct hk_row")
GAUGES = record_dtype("struct hk_gauges")
POOL_FILL = record_dtype("struct hk_pool_fill")
MOVES = record_dtype("struct hk_moves")
COUNTS = record_dtype("struct hk_counts")
FINDING = record_dtype("struct hk_finding")
REGION = record_dtype("struct hk_region")
COST_NAMES = tuple(name for name, _ in ffi.typeof("struct hk_costs").fields)
# Those that an event is charged; the last two are sizes.
PRICE_NAMES = COST_NAMES[: lib.HK_NR_COSTS]


def counted(charged: bytes) -> dict[str, int]:
    """How often each constant was charged, of those that were."""
    counts = np.frombuffer(charged, np.uint64).tolist()
    return {name: n for name, n in zip(PRICE_NAMES, counts, strict=True) if n}


class Step(NamedTuple):
    """What one event did: ``struct hk_row`` and ``struct hk_gauges``."""

    status: int
    heap: int
    tried: int
    entries: int
    pool_entries: int
    address: int
    latency_ns: int
    free_bytes: int
    largest_free_bytes: int
    pool_bytes: int
    deferred_bytes: int


class Gauges(NamedTuple):
    """Quantities of one heap now, all in bytes."""

    free_bytes: int
    largest_free_bytes: int
    pool_bytes: int
    deferred_bytes: int


class CmaCounters(NamedTuple):
    """What a CMA area has counted: ``struct hk_cma_counters``."""

    alloc_success: int
    alloc_fail: int
    alloc_pages_success: int
    alloc_pages_fail: int
    release_pages_success: int
    busy_retries: int
    pages_migrated: int
    pages_discarded: int
    pages_lent: int


class MachineSpec(TypedDict):
    """``struct hk_machine_spec``; the inner mappings name the C fields."""

    memory: Mapping[str, int]
    heaps: Sequence[Mapping[str, object]]
    devices: Sequence[Mapping[str, int]]
    costs: Mapping[str, float]
    sync_flags: int
    seed: int


def check(rc: int, what: str) -> None:
    """Raise what the core refused: :class:`OSError` with the errno and ``what``."""
    if rc == 0:
        return
    if rc == -errno.EUCLEAN:
        raise InvariantError(what)
    raise refusal(-rc, what)


def records(struct: str, array: NDArray[np.void] | None) -> Any:
    """``array`` as the C array that the core writes to; NULL without one."""
    if array is None:
        return ffi.NULL
    return ffi.from_buffer(f"struct {struct}[]", array, require_writable=True)
