# SPDX-License-Identifier: MIT
"""Which columns of a trace an op uses, and what the columns then mean.

What an op does not use is ignored: it may hold anything, and two traces that
differ in nothing else are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit import trace_columns as columns
from heapkit._ffi import READ_WRITE, Access, Op

if TYPE_CHECKING:
    from heapkit.trace import Trace
    from heapkit.trace_parts import TracePart

# The memory is read or written, by the CPU or by a device.
MEMORY_OPS = (Op.CPU_READ, Op.CPU_WRITE, Op.DEVICE_READ, Op.DEVICE_WRITE)
DEVICE_OPS = (
    *(Op.ATTACH, Op.DETACH, Op.MAP, Op.UNMAP),
    *(Op.DEVICE_READ, Op.DEVICE_WRITE),
)
CPU_OPS = (Op.BEGIN_CPU, Op.END_CPU)
RANGE_OPS = (*CPU_OPS, *MEMORY_OPS)
# Memory pressure is the system's, no program's.
PROCESS_OPS = tuple(op for op in Op if op is not Op.PRESSURE)

ALLOWED_OPS = (
    f"0 to {Op.PRESSURE.value}, {Op.CPU_READ.value} to {max(Op).value}, see hk.Op"
)
_N_CODES = 1 << 8  # an op is a byte


def rows_of(op: NDArray[np.uint8], ops: Sequence[Op]) -> NDArray[np.bool_]:
    """For each event whether it is one of ``ops``."""
    chosen = np.zeros(_N_CODES, bool)
    chosen[list(ops)] = True
    found: NDArray[np.bool_] = chosen[op]
    return found


def codes(values: ArrayLike) -> NDArray[np.uint8]:
    """The column of ops, or the error for the first that is none."""
    array = columns.integers("op", values)
    strange = (array < 0) | (array >= _N_CODES)
    array = np.where(strange, _N_CODES - 1, array) if strange.any() else array
    ops = np.ascontiguousarray(array.astype(np.uint8, copy=False))
    bad = strange | ~rows_of(ops, tuple(Op))
    if bad.any():
        index = int(np.argmax(bad))
        given = columns.integers("op", values)[index]
        raise columns.fault("op", index, given, ALLOWED_OPS)
    return ops


def accesses(op: NDArray[np.uint8], access: ArrayLike) -> NDArray[np.uint8]:
    """The column of accesses: of CPU access 1 to 3, of a MAP whether to skip."""
    highest = np.where(op == Op.MAP, READ_WRITE | Access.SKIP_SYNC, READ_WRITE)
    return columns.small("access", access, highest, rows_of(op, (*CPU_OPS, Op.MAP)))


def who(
    op: NDArray[np.uint8],
    device: tuple[object, Sequence[str] | None],
    process: tuple[object, Sequence[str] | None],
) -> dict[str, Any]:
    """The columns of devices and processes that are given, and their names."""
    found: dict[str, Any] = {}
    for name, (given, table), ops in (
        ("device", device, DEVICE_OPS),
        ("process", process, PROCESS_OPS),
    ):
        if given is not None:
            coded, names = columns.coded(name, given, table, rows_of(op, ops))
            found |= {name: coded, columns.TABLE_OF[name]: names}
    return found


def check_process(trace: Trace | TracePart, *, first: int = 0) -> None:
    """Refuse a code that names no process: the core does not look at them.

    Rows are told from ``first`` on.
    """
    if trace.process is None:
        return
    bad = trace.process >= len(trace.processes)
    # An op that is none is refused elsewhere.
    bad = bad & (trace.op != Op.PRESSURE)
    if bad.any():
        index = int(np.argmax(bad))
        raise columns.fault(
            "process", first + index, trace.process[index], "a code of processes"
        )


def content(trace: Trace) -> list[NDArray[Any]]:
    """What the events mean: unused cells left out, codes replaced by names."""
    op = trace.op
    in_range, skip = rows_of(op, RANGE_OPS), int(Access.SKIP_SYNC)
    process: tuple[str | None, ...] = trace.processes
    if trace.process is None:
        process = (None,)
    return [
        op,
        trace.buffer,
        trace.size,
        trace.time_ns,
        _spelt(trace.chain, trace.heaps, op == Op.ALLOC),
        _spelt(trace.device, trace.devices or ("",), rows_of(op, DEVICE_OPS)),
        _filled(trace.access, READ_WRITE, rows_of(op, CPU_OPS)),
        _filled(trace.access, READ_WRITE, op == Op.MAP) & skip,
        _filled(trace.offset, 0, in_range),
        _spelt(trace.process, process, rows_of(op, PROCESS_OPS)),
    ]


def _spelt(
    codes: NDArray[Any] | None,
    names: tuple[str | None, ...],
    rows: NDArray[np.bool_],
) -> NDArray[Any]:
    chosen = np.zeros(rows.sum(), int) if codes is None else codes[rows]
    return np.array(names, dtype=object)[chosen]


def _filled(
    column: NDArray[Any] | None, absent: int, rows: NDArray[np.bool_]
) -> NDArray[Any]:
    return np.full(rows.sum(), absent) if column is None else column[rows]


def spans(trace: Trace) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What :meth:`heapkit.Trace.spans` remembers."""
    shares = trace.op == Op.SHARE
    events = np.flatnonzero((trace.op == Op.ALLOC) | (trace.op == Op.FREE) | shares)
    # By buffer, then by time.
    events = events[np.argsort(trace.dense_buffer[events], kind="stable")]
    ids, is_alloc = trace.dense_buffer[events], trace.op[events] == Op.ALLOC
    if shares.any():
        start, end = _counted(trace, events, is_alloc)
    else:
        # ALLOC and FREE of each buffer take turns.
        end = np.full(len(events), len(trace), dtype=np.int64)
        freed = ids[1:] == ids[:-1]
        end[:-1][freed] = events[1:][freed]
        start, end = events[is_alloc], end[is_alloc]
    by_time = np.argsort(start)
    return start[by_time], end[by_time]


def _counted(
    trace: Trace, events: NDArray[np.int64], is_alloc: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and ends where buffers are shared: the last FREE ends one."""
    first = np.flatnonzero(is_alloc)
    if not len(first):
        return events[:0], events[:0]
    change = np.where(trace.op[events] == Op.FREE, -1, 1)
    # A life reaches up to the next ALLOC, of this buffer or of the next one.
    left = np.add.reduceat(change, first)
    last = np.append(first[1:], len(events)) - 1
    return events[first], np.where(left == 0, events[last], len(trace))


def op_categories(op: NDArray[Any]) -> Any:
    """The names of ops, as a pandas column: the numbers have a gap."""
    return categories(np.searchsorted(list(Op), op), tuple(op.name for op in Op))


def categories(codes: NDArray[Any], names: tuple[str, ...]) -> Any:
    """A pandas column of ``names``."""
    import pandas as pd

    known = codes if names else np.full(len(codes), -1)
    return pd.Categorical.from_codes(known, pd.Index(names, dtype=object))
