# SPDX-License-Identifier: MIT
"""Several traces on one machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import READ_WRITE
from heapkit.arguments import U64_MAX, wrong
from heapkit.holdings import UNKNOWN
from heapkit.trace import Trace

_PLAIN = "device"  # what a trace means that has no column of devices


def merge(*traces: Trace) -> Trace:
    """One trace of all events by time; of equal times, the earlier argument's first.

    Buffers are kept apart: those of the first trace keep their ids, those of each
    later one are moved above all before. Heaps, devices and processes are joined by
    name; where only some traces say who does what, the others' process is "?".

    ``ValueError``: no trace at all, or ids that would not fit into 64 bits.
    """
    if not traces:
        raise ValueError("merge: no traces; allowed: one or more")
    for trace in traces:
        if not isinstance(trace, Trace):
            raise wrong("merge", "traces", trace, "traces")
    time = np.concatenate([trace.time_ns for trace in traces])
    order = np.argsort(time, kind="stable")

    def sorted_by_time(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(parts)[order]

    tables = _tables(traces)
    given: dict[str, Any] = {
        name: sorted_by_time(parts) for name, (parts, _) in tables.items()
    }
    given |= {name: sorted_by_time(p) for name, p in _optional(traces).items()}
    for column, plural in (("device", "devices"), ("process", "processes")):
        if column in tables:
            given[plural] = tables[column][1]
    return Trace.from_columns(
        op=sorted_by_time([trace.op for trace in traces]),
        buffer=sorted_by_time(_apart(traces)),
        size=sorted_by_time([trace.size for trace in traces]),
        time_ns=time[order],
        heaps=tables["heap"][1],
        meta={"workload": "merge", "of": [trace.meta for trace in traces]},
        **given,
    )


def _apart(traces: Sequence[Trace]) -> list[NDArray[np.uint64]]:
    """The ids of all buffers, each trace's above those before."""
    parts, free = [], 0
    for trace in traces:
        last = free + int(trace.buffer.max(initial=0))
        if last > U64_MAX:
            raise wrong("merge", "buffer", last, f"ids up to {U64_MAX} in all")
        parts.append(trace.buffer.astype(np.uint64) + np.uint64(free))
        free = last + 1 if len(trace) else free
    return parts


def _tables(
    traces: Sequence[Trace],
) -> dict[str, tuple[list[NDArray[np.int64]], tuple[str, ...]]]:
    """The columns of names: the codes of each trace in one table."""
    found = {"heap": [(trace.chain, trace.heaps) for trace in traces]}
    if any(trace.device is not None for trace in traces):
        found["device"] = [
            _or_plain(trace, trace.device, trace.devices, _PLAIN) for trace in traces
        ]
    if any(trace.process is not None for trace in traces):
        found["process"] = [
            _or_plain(trace, trace.process, trace.processes, UNKNOWN)
            for trace in traces
        ]
    return {name: _joined(parts) for name, parts in found.items()}


def _or_plain(
    trace: Trace,
    codes: NDArray[np.uint16] | None,
    names: tuple[str, ...],
    plain: str,
) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    if codes is None:
        return np.zeros(len(trace), np.uint16), (plain,)
    return codes, names


def _joined(
    parts: Sequence[tuple[NDArray[np.uint16], tuple[str, ...]]],
) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    names = tuple(dict.fromkeys(name for _, table in parts for name in table))
    code_of = {name: code for code, name in enumerate(names)}
    moved = []
    for codes, table in parts:
        # A code that no op uses may be out of range.
        place = np.array([code_of[name] for name in table] or [0])
        moved.append(place[np.minimum(codes, len(place) - 1)])
    return moved, names


def _optional(traces: Sequence[Trace]) -> dict[str, list[NDArray[Any]]]:
    """The columns that some of the traces have, filled up for the others."""
    absent = (("access", np.uint8(READ_WRITE)), ("offset", np.uint64(0)))
    found = {}
    for name, value in absent:
        columns = [getattr(trace, name) for trace in traces]
        if any(column is not None for column in columns):
            found[name] = [
                np.full(len(trace), value) if column is None else column
                for trace, column in zip(traces, columns, strict=True)
            ]
    return found
