# SPDX-License-Identifier: MIT
"""Traces of any length: a workload again and again, with a new seed each time."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator

from heapkit.arguments import integer
from heapkit.pace import bar
from heapkit.trace import Trace
from heapkit.trace_writer import TraceWriter
from heapkit.workloads import mixed_media


def write_long(
    path: str | os.PathLike[str],
    *,
    events: int,
    workload: Callable[..., Trace] = mixed_media,
    seed: int = 1,
    progress: bool | None = None,
) -> None:
    """Write a trace of ``events`` events to ``path``, in constant memory.

    ``workload`` is one of :mod:`heapkit.workloads`, or anything that makes a trace
    of a ``seed``: ``functools.partial(hk.workloads.mixed_media, events=200_000)``.
    It is called with ``seed``, ``seed + 1`` and so on; each trace begins 1 ns after
    the one before ended, with buffer ids of its own, and the last is cut. The same
    arguments give the same file, byte for byte. A file that is there is replaced.

    ``ValueError``: a workload that makes an empty trace, or one with other heaps,
    devices or processes than the first; ``OSError`` where the directory cannot be
    written.
    """
    integer("write_long", "events", events, low=0, high=2**48)
    integer("write_long", "seed", seed, high=2**63)
    first = workload(seed=seed)
    if events and not len(first):
        raise ValueError(f"workload: {first!r} of seed {seed}; allowed: events")
    meta = {**first.meta, "events": events, "repeated": True}
    with (
        TraceWriter(
            path,
            heaps=first.heaps,
            devices=first.devices,
            processes=first.processes,
            meta=meta,
        ) as out,
        bar(events, progress=progress) as show,
    ):
        time_ns = buffer = 0
        for trace in _traces(workload, seed, first):
            rows = min(len(trace), events - len(out))
            _append(out, trace, rows, time_ns=time_ns, buffer=buffer)
            show(len(out))
            if len(out) == events:
                return
            time_ns += int(trace.time_ns[-1]) + 1
            buffer += int(trace.buffer.max()) + 1


def _traces(workload: Callable[..., Trace], seed: int, first: Trace) -> Iterator[Trace]:
    yield first
    for later in itertools.count(seed + 1):
        trace = workload(seed=later)
        if not len(trace) or _names(trace) != _names(first):
            allowed = f"heaps {first.heaps} and devices {first.devices}"
            if first.processes:
                allowed += f" and processes {first.processes}"
            raise ValueError(
                f"workload: {trace!r} of seed {later}; allowed: events, and the "
                f"{allowed} of seed {seed}"
            )
        yield trace


def _names(trace: Trace) -> tuple[tuple[str, ...], ...]:
    return trace.heaps, trace.devices, trace.processes


def _append(
    out: TraceWriter, trace: Trace, rows: int, *, time_ns: int, buffer: int
) -> None:
    part = slice(rows)
    out.append(
        op=trace.op[part],
        buffer=trace.buffer[part].astype("uint64") + buffer,
        size=trace.size[part],
        heap=trace.chain[part],
        time_ns=trace.time_ns[part] + time_ns,
        device=None if trace.device is None else trace.device[part],
        access=None if trace.access is None else trace.access[part],
        offset=None if trace.offset is None else trace.offset[part],
        process=None if trace.process is None else trace.process[part],
    )
