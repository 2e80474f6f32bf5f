# SPDX-License-Identifier: MIT
"""The door to the C core: the only importer of the compiled module.

Above this file nobody sees a pointer. Numbers cross as numpy arrays whose
record types are derived from the C structs, enums are read from the library,
and a negative errno becomes an exception in one place, :func:`check`.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum, IntFlag
from typing import Any, NamedTuple, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from heapkit._native import ffi, lib
from heapkit.errors import InvariantError, refusal

PAGE_SHIFT = lib.HK_PAGE_SHIFT
PAGE_SIZE = 1 << PAGE_SHIFT
MAX_PAGE_ORDER = lib.HK_MAX_PAGE_ORDER
MAX_ORDERS = lib.HK_MAX_ORDERS
MAX_HEAPS = lib.HK_MAX_HEAPS
MAX_DEVICES = lib.HK_MAX_DEVICES
NO_OWNER = 0xFFFF_FFFF  # hk_region.owner of a region that no buffer holds


# --- Enums -------------------------------------------------------------------


class Op(IntEnum):
    """What an event of a trace does (``enum hk_op``)."""

    ALLOC = lib.HK_OP_ALLOC
    FREE = lib.HK_OP_FREE
    ATTACH = lib.HK_OP_ATTACH
    DETACH = lib.HK_OP_DETACH
    MAP = lib.HK_OP_MAP
    UNMAP = lib.HK_OP_UNMAP
    BEGIN_CPU = lib.HK_OP_BEGIN_CPU
    END_CPU = lib.HK_OP_END_CPU
    PRESSURE = lib.HK_OP_PRESSURE


class Access(IntFlag):
    """Who touches a buffer (``enum hk_access``; DMA_BUF_SYNC_READ, _WRITE)."""

    READ = lib.HK_ACCESS_READ
    WRITE = lib.HK_ACCESS_WRITE


READ_WRITE = Access.READ | Access.WRITE
# As the interface spells them.
ACCESS_OF = {"r": Access.READ, "w": Access.WRITE, "rw": READ_WRITE}


class HeapKind(IntEnum):
    """``enum hk_heap_kind``."""

    SYSTEM = lib.HK_HEAP_SYSTEM
    CMA = lib.HK_HEAP_CMA
    CARVEOUT = lib.HK_HEAP_CARVEOUT
    CHUNK = lib.HK_HEAP_CHUNK
    SECURE = lib.HK_HEAP_SECURE


class Fit(IntEnum):
    """The placement rules of lib/genalloc.c (``enum hk_fit``)."""

    FIRST = lib.HK_FIT_FIRST
    BEST = lib.HK_FIT_BEST
    FIRST_ALIGN = lib.HK_FIT_FIRST_ALIGN
    ORDER_ALIGN = lib.HK_FIT_ORDER_ALIGN


class HeapFlag(IntFlag):
    """``enum hk_heap_flag``."""

    POOLED = lib.HK_HEAP_POOLED
    DEFERRED_FREE = lib.HK_HEAP_DEFERRED_FREE
    UNCACHED = lib.HK_HEAP_UNCACHED
    ZERO_AT_FREE = lib.HK_HEAP_ZERO_AT_FREE
    RETRY_DRAINED = lib.HK_HEAP_RETRY_DRAINED


class State(IntEnum):
    """What a region is (``enum hk_region_state``)."""

    FREE = lib.HK_REGION_FREE
    USED = lib.HK_REGION_USED
    POOL = lib.HK_REGION_POOL
    DEFERRED = lib.HK_REGION_DEFERRED


class TraceRule(IntEnum):
    """Why :func:`check_trace` refuses an event (``enum hk_trace_rule``)."""

    UNKNOWN_OP = lib.HK_TRACE_UNKNOWN_OP
    TIME_BACKWARDS = lib.HK_TRACE_TIME_BACKWARDS
    SIZE_ZERO = lib.HK_TRACE_SIZE_ZERO
    SIZE_HUGE = lib.HK_TRACE_SIZE_HUGE
    BUFFER_RANGE = lib.HK_TRACE_BUFFER_RANGE
    BUFFER_LIVE = lib.HK_TRACE_BUFFER_LIVE
    BUFFER_UNKNOWN = lib.HK_TRACE_BUFFER_UNKNOWN
    CHAIN_RANGE = lib.HK_TRACE_CHAIN_RANGE
    DEVICE_RANGE = lib.HK_TRACE_DEVICE_RANGE
    ACCESS = lib.HK_TRACE_ACCESS


# --- Records -----------------------------------------------------------------


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
REGION = record_dtype("struct hk_region")
COST_NAMES = tuple(name for name, _ in ffi.typeof("struct hk_costs").fields)


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


class MachineSpec(TypedDict):
    """``struct hk_machine_spec``; the inner mappings name the C fields."""

    memory: Mapping[str, int]
    heaps: Sequence[Mapping[str, object]]
    devices: Sequence[Mapping[str, int]]
    costs: Mapping[str, float]


def check(rc: int, what: str) -> None:
    """Raise what the core refused: :class:`OSError` with the errno and ``what``."""
    if rc == 0:
        return
    if rc == -errno.EUCLEAN:
        raise InvariantError(what)
    raise refusal(-rc, what)


# --- Traces ------------------------------------------------------------------


class TraceColumns(Protocol):
    """The columns of :class:`heapkit.Trace` that the core reads."""

    @property
    def op(self) -> NDArray[np.uint8]: ...
    @property
    def dense_buffer(self) -> NDArray[np.uint32]: ...
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


# --- A machine ---------------------------------------------------------------


class Machine:
    """A board at one moment; see native/include/heapkit_abi.h.

    The core wants a machine to be used by one thread at a time; :attr:`lock`
    is taken around each call, so that misuse waits instead of corrupting.
    """

    def __init__(self, spec: MachineSpec, *, what: str = "board") -> None:
        self.lock = threading.RLock()
        heaps = ffi.new("struct hk_heap_spec[]", list(spec["heaps"]))
        devices = ffi.new("struct hk_device_spec[]", list(spec["devices"]))
        c_spec = ffi.new(
            "struct hk_machine_spec *",
            {
                "memory": spec["memory"],
                "heap": heaps,
                "n_heaps": len(spec["heaps"]),
                "device": devices,
                "n_devices": len(spec["devices"]),
                "costs": spec["costs"],
            },
        )
        ret = ffi.new("struct hk_machine **")
        check(lib.hk_machine_create(c_spec, ret), what)
        self._handle: Any = ffi.gc(ret[0], lib.hk_machine_destroy)
        self._event = ffi.new("struct hk_event *")
        self._row = ffi.new("struct hk_row *")
        self._gauges = ffi.new("struct hk_gauges *")

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._handle is None

    def close(self) -> None:
        """Give the machine's memory back; again is allowed and does nothing."""
        with self.lock:
            if self._handle is not None:
                ffi.release(self._handle)
                self._handle = None

    def _open(self) -> Any:
        if self._handle is None:
            raise refusal(errno.EBADF, "the simulated heaps are closed")
        return self._handle

    def step(
        self,
        op: Op,
        *,
        buffer: int = 0,
        size: int = 0,
        offset: int = 0,
        time_ns: int = 0,
        device: int = 0,
        access: int = 0,
        heaps: Sequence[int] = (),
    ) -> Step:
        """Carry out one event. A refusal of the modelled kernel is its status."""
        chain = ffi.new("uint16_t[]", list(heaps))
        with self.lock:
            event, row, gauges = self._event, self._row, self._gauges
            event.op, event.buffer, event.size = op, buffer, size
            event.offset, event.time_ns = offset, time_ns
            event.device, event.access = device, access
            event.heap, event.n_heaps = chain, len(heaps)
            rc = lib.hk_machine_step(self._open(), event, row, gauges)
            check(rc, f"{op.name} of buffer {buffer}")
            values = [getattr(row, name) for name in ROW.names or ()]
            return Step(*values, *(getattr(gauges, f) for f in Gauges._fields))

    def replay(
        self,
        trace: CTrace,
        *,
        first: int,
        rows: NDArray[np.void],
        gauges: NDArray[np.void] | None = None,
        fills: NDArray[np.void] | None = None,
        fill_heap: int = 0,
        check_every: int = 0,
    ) -> None:
        """Carry out ``len(rows)`` events from ``first`` on; the GIL is released."""
        done = ffi.new("uint64_t *")
        with self.lock:
            rc = lib.hk_machine_replay(
                self._open(),
                trace.struct,
                first,
                len(rows),
                _records("hk_row", rows),
                _records("hk_gauges", gauges),
                _records("hk_pool_fill", fills),
                fill_heap,
                check_every,
                done,
            )
            if rc == -errno.EUCLEAN:
                self._raise_broken(f" after event {done[0]}")
            check(rc, f"replay stopped at event {done[0]}")

    def advance(self, now_ns: int) -> None:
        """Let the idle threads (deferred free, pool refill) run until ``now_ns``."""
        with self.lock:
            check(lib.hk_machine_advance(self._open(), now_ns), f"time {now_ns} ns")

    def gauges(self, heap: int) -> Gauges:
        """Of one heap, now."""
        ret = ffi.new("struct hk_gauges *")
        with self.lock:
            check(lib.hk_machine_gauges(self._open(), heap, ret), f"heap {heap}")
        return Gauges(*(getattr(ret, name) for name in Gauges._fields))

    def snapshot(self, heap: int) -> NDArray[np.void]:
        """Every region of ``heap`` by address, as :data:`REGION` records."""
        return self._regions(lib.hk_machine_snapshot, heap, f"heap {heap}")

    def entries(self, buffer: int) -> NDArray[np.void]:
        """The sg entries of a live buffer, as :data:`REGION` records."""
        return self._regions(lib.hk_machine_entries, buffer, f"buffer {buffer}")

    def _regions(
        self, walk: Callable[..., int], which: int, what: str
    ) -> NDArray[np.void]:
        count = ffi.new("uint64_t *")
        with self.lock:
            rc = walk(self._open(), which, ffi.NULL, 0, count)
            if rc != -errno.ENOSPC:
                check(rc, what)
            regions = np.zeros(count[0], dtype=REGION)
            target = _records("hk_region", regions)
            check(walk(self._open(), which, target, len(regions), count), what)
        return regions

    def buddyinfo(self) -> NDArray[np.uint64]:
        """Free blocks of each order: the numbers of /proc/buddyinfo."""
        counts = np.zeros(lib.HK_NR_PAGE_ORDERS, dtype=np.uint64)
        with self.lock:
            target = ffi.from_buffer("uint64_t[]", counts, require_writable=True)
            check(lib.hk_machine_buddyinfo(self._open(), target), "buddyinfo")
        return counts

    def pool_fill(self, heap: int) -> list[int]:
        """Blocks in each pool of ``heap``, in the order of its orders."""
        ret = ffi.new("struct hk_pool_fill *")
        with self.lock:
            check(lib.hk_machine_pool_fill(self._open(), heap, ret), f"heap {heap}")
        return list(ret.items)

    def check(self) -> None:
        """Raise :class:`InvariantError` if an invariant is broken."""
        with self.lock:
            self._raise_broken("")

    def _raise_broken(self, when: str) -> None:
        rule = ffi.new("char const **")
        rc = lib.hk_machine_check(self._open(), rule)
        said = ffi.string(rule[0]).decode() if rule[0] != ffi.NULL else "unnamed rule"
        check(rc, f"broken invariant{when}: {said}")


def _records(struct: str, array: NDArray[np.void] | None) -> Any:
    if array is None:
        return ffi.NULL
    return ffi.from_buffer(f"struct {struct}[]", array, require_writable=True)


# --- The kernel's own ABI (for uapi.py and backends/live.py) -----------------


def uapi_constant(name: str) -> int:
    """A constant of <linux/dma-heap.h> or <linux/dma-buf.h>, from the compiler."""
    if not name.startswith(("DMA_HEAP_", "DMA_BUF_")):
        raise ValueError(f"name: {name!r} is no DMA_HEAP_… or DMA_BUF_… constant")
    return int(getattr(lib, name))


class KernelStruct:
    """A struct for ``fcntl.ioctl``: pass :attr:`buffer`, then read the fields."""

    def __init__(self, struct: str, **fields: int) -> None:
        self._data = ffi.new(f"struct {struct} *", fields)
        self.buffer = memoryview(ffi.buffer(self._data))

    def __getitem__(self, field: str) -> int:
        return int(getattr(self._data, field))


def allocation_data(**fields: int) -> KernelStruct:
    """A ``struct dma_heap_allocation_data``: len, fd, fd_flags, heap_flags."""
    return KernelStruct("dma_heap_allocation_data", **fields)


def sync_data(flags: int) -> KernelStruct:
    """A ``struct dma_buf_sync``."""
    return KernelStruct("dma_buf_sync", flags=flags)
