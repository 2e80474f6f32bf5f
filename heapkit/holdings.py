# SPDX-License-Identifier: MIT
"""Who holds which buffer, from which event to which: arithmetic on columns.

A process holds a buffer while it has a reference to it (an fd: ALLOC or SHARE up
to its FREE) or a mapping of it (MMAP up to MUNMAP); the FREE that drops the last
reference ends them all. A failed allocation holds nothing, and what a
:class:`heapkit.PageLoad` holds is no dma-buf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import Op
from heapkit.arguments import wrong
from heapkit.board_parts import PageLoad
from heapkit.metrics import allocation_spans, granted_granule
from heapkit.run import Run

UNKNOWN = "?"  # who does everything in a trace that does not say who does what
# Its references are drivers': they keep a buffer, and no program is charged.
KERNEL = "kernel"

_REFERENCE, _MAPPING = 0, 1
_CHANGES = (
    (Op.ALLOC, _REFERENCE, 1),
    (Op.SHARE, _REFERENCE, 1),
    (Op.FREE, _REFERENCE, -1),
    (Op.MMAP, _MAPPING, 1),
    (Op.MUNMAP, _MAPPING, -1),
)


@dataclass(frozen=True, eq=False)
class Lives:
    """The dma-bufs of a run, ascending by the event that allocates them.

    ``start`` is the ALLOC, ``end`` the FREE of the last reference, or the length of
    the run; ``size`` what ``heap`` gave; ``buffer`` the trace's id.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    size: NDArray[np.int64]
    heap: NDArray[np.int64]
    buffer: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Holdings:
    """After events ``start`` to before ``end`` ``process`` holds ``life``.

    Both index what they are of: :class:`Lives`, and ``processes``. Rows ascend by
    life, then process, then start. ``strays`` are the FREEs and MUNMAPs of a
    process that held nothing of the sort: they take nothing from anybody.
    """

    lives: Lives
    processes: tuple[str, ...]
    life: NDArray[np.int64]
    process: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strays: NDArray[np.int64]


def lives(run: Run) -> Lives:
    """The dma-bufs that were served.

    ``ValueError`` for what has no row for each event.
    """
    if not isinstance(run, Run):
        raise wrong("accounting", "run", run, "a heapkit.Run, which has every event")
    start, end = allocation_spans(run)
    heaps = run.board.heaps
    # The last element stands for no heap at all.
    counts = np.array([not isinstance(heap, PageLoad) for heap in heaps] + [False])
    served = (run["status"][start] == 0) & counts[run["heap"][start]]
    start, end = start[served], end[served]
    heap = run["heap"][start].astype(np.int64)
    granule = np.array([granted_granule(heap) for heap in heaps] or [1])[heap]
    wanted = run["size"][start].astype(np.int64)
    size = -(-wanted // granule) * granule
    return Lives(start, end, size, heap, run["buffer"][start])


def process_codes(run: Run) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Who does each event, and the names: one process "?" if the trace has none."""
    trace = run.trace
    if trace.process is None:
        return np.zeros(len(run), np.int64), (UNKNOWN,)
    return trace.process.astype(np.int64), trace.processes


def holdings(run: Run) -> Holdings:
    """Who holds what when."""
    found = lives(run)
    codes, names = process_codes(run)
    event, kind, change = _changes(run)
    life = _life_of(run, found, event)
    known = life >= 0
    event, kind, change, life = (c[known] for c in (event, kind, change, life))
    pair = life * max(len(names), 1) + codes[event]
    # References and mappings apart: either is enough to hold a buffer.
    apart = pair * 2 + kind
    order = np.lexsort((event, apart))
    turns, stray = _turns(apart[order], change[order])
    strays = np.sort(event[order][stray])
    order, turn = order[turns != 0], turns[turns != 0]
    again = np.lexsort((event[order], pair[order]))
    order, turn = order[again], turn[again]
    turns, _ = _turns(pair[order], turn)
    order, turns = order[turns != 0], turns[turns != 0]
    return _paired(found, names, (pair[order], event[order], turns), strays)


def received(run: Run, found: Lives) -> NDArray[np.int64]:
    """The process that each buffer is first shared with; who allocates, if none."""
    codes, _ = process_codes(run)
    process = codes[found.start]
    event = np.flatnonzero(run["op"] == Op.SHARE)
    life = _life_of(run, found, event)
    event, life = event[life >= 0], life[life >= 0]
    shared, first = np.unique(life, return_index=True)
    process[shared] = codes[event[first]]
    return process


def _changes(
    run: Run,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The events that change who holds something: event, kind and by how much."""
    op = run["op"]
    kind_of, change_of = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for code, kind, change in _CHANGES:
        kind_of[code], change_of[code] = kind, change
    event = np.flatnonzero((change_of[op] != 0) & (run["status"] == 0))
    return event, kind_of[op[event]], change_of[op[event]]


def _life_of(run: Run, found: Lives, event: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which life each event is about; -1 for a buffer that was never served."""
    dense = run.trace.dense_buffer.astype(np.int64)
    stride = len(run) + 1
    key = dense[found.start] * stride + found.start
    order = np.argsort(key)
    place = np.searchsorted(
        key, dense[event] * stride + event, side="right", sorter=order
    )
    life = order[np.maximum(place - 1, 0)] if len(order) else place - 1
    mine = place > 0
    mine[mine] = dense[found.start[life[mine]]] == dense[event[mine]]
    # The life before it, of the same id, has ended: this one was refused.
    mine[mine] = found.end[life[mine]] >= event[mine]
    return np.where(mine, life, -1)


def _turns(
    group: NDArray[np.int64], change: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where a count of each group turns positive (1) or zero (-1); what it refuses.

    Rows are ascending by group. The count never goes below 0: a change that would
    take it there is refused.
    """
    if not len(group):
        return np.zeros(0, np.int64), np.zeros(0, np.bool_)
    first = np.append(True, group[1:] != group[:-1])
    number = np.cumsum(first) - 1
    total = np.cumsum(change)
    total -= (total - change)[first][number]
    # The lowest total of each group so far. A later group's totals are moved
    # below any of the ones before, so that one running minimum does for all.
    below = number * (2 * len(group) + 1)
    lowest = np.minimum.accumulate(total - below) + below
    count = total - np.minimum(lowest, 0)
    before = np.where(first, 0, np.append(0, count[:-1]))
    refused = (change < 0) & (before == 0)
    return np.sign(count) - np.sign(before), refused


def _paired(
    found: Lives,
    names: tuple[str, ...],
    turns: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    strays: NDArray[np.int64],
) -> Holdings:
    """Every turn to holding, with the turn away from it or the buffer's end."""
    pair, event, turn = turns
    at = np.flatnonzero(turn > 0)
    life, process = np.divmod(pair[at], max(len(names), 1))
    end = found.end[life]
    later = np.minimum(at + 1, len(pair) - 1)
    dropped = (later > at) & (pair[later] == pair[at])
    end[dropped] = np.minimum(end[dropped], event[later[dropped]])
    return Holdings(found, names, life, process, event[at], end, strays)
