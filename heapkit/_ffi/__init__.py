# SPDX-License-Identifier: MIT
"""The door to the C core: the only importer of the compiled module.

Above this package nobody sees a pointer. Numbers cross as numpy arrays whose
record types are derived from the C structs, enums are read from the library,
and a negative errno becomes an exception in one place, :func:`check`.
Other packages import from here, never from a module inside.
"""

from heapkit._ffi.enums import (
    ACCESS_OF,
    MAX_CMA_RANGES,
    MAX_DEVICES,
    MAX_HEAPS,
    MAX_ORDERS,
    MAX_PAGE_ORDER,
    NO_OWNER,
    PAGE_SHIFT,
    PAGE_SIZE,
    READ_WRITE,
    Access,
    Fit,
    HeapFlag,
    HeapKind,
    Migratetype,
    Op,
    State,
    TraceRule,
)
from heapkit._ffi.kernel import KernelStruct, allocation_data, sync_data, uapi_constant
from heapkit._ffi.machine import Machine
from heapkit._ffi.parts import (
    BUCKET,
    GAUGE_NAMES,
    LATENCY_BINS,
    LATENCY_STEPS,
    REFUSAL,
    BrokenRule,
    Intake,
    Tally,
)
from heapkit._ffi.records import (
    COST_NAMES,
    GAUGES,
    MOVES,
    POOL_FILL,
    REGION,
    ROW,
    CmaCounters,
    Gauges,
    MachineSpec,
    Step,
    check,
)
from heapkit._ffi.trace import CTrace, TraceColumns, check_trace

__all__ = [
    "ACCESS_OF",
    "BUCKET",
    "COST_NAMES",
    "GAUGES",
    "GAUGE_NAMES",
    "LATENCY_BINS",
    "LATENCY_STEPS",
    "MAX_CMA_RANGES",
    "MAX_DEVICES",
    "MAX_HEAPS",
    "MAX_ORDERS",
    "MAX_PAGE_ORDER",
    "MOVES",
    "NO_OWNER",
    "PAGE_SHIFT",
    "PAGE_SIZE",
    "POOL_FILL",
    "READ_WRITE",
    "REFUSAL",
    "REGION",
    "ROW",
    "Access",
    "BrokenRule",
    "CTrace",
    "CmaCounters",
    "Fit",
    "Gauges",
    "HeapFlag",
    "HeapKind",
    "Intake",
    "KernelStruct",
    "Machine",
    "MachineSpec",
    "Migratetype",
    "Op",
    "State",
    "Step",
    "Tally",
    "TraceColumns",
    "TraceRule",
    "allocation_data",
    "check",
    "check_trace",
    "sync_data",
    "uapi_constant",
]
