# SPDX-License-Identifier: MIT
"""Held bytes after each event: :mod:`heapkit.accounting` over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import Op
from heapkit.holdings import KERNEL, Holdings

if TYPE_CHECKING:
    from heapkit.run import Run

# What nobody owns, and the gauge that tells it.
UNOWNED = {"pool": "pool_bytes", "deferred": "deferred_bytes"}


def rows(held: Holdings) -> tuple[NDArray[np.int64], ...]:
    """What :func:`sums` takes, of all buffers."""
    return held.lives.start, held.lives.end, held.lives.size


def sums(
    run: Run,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    size: NDArray[np.int64],
) -> NDArray[np.int64]:
    """After each event the sum of the sizes that have begun and not ended."""
    change = np.zeros(len(run) + 1, np.int64)
    np.add.at(change, start, size)
    np.add.at(change, end, -size)
    total: NDArray[np.int64] = np.cumsum(change[:-1])
    return total


def by_process(run: Run, held: Holdings, measure: str) -> dict[str, NDArray[np.int64]]:
    """The RSS or the PSS of each process."""
    start, end = held.start, held.end
    process, size = held.process, held.lives.size[held.life]
    if measure == "pss":
        piece, start, end, holders = _pieces(run, held)
        process, size = process[piece], size[piece] // holders
    return {
        name: sums(run, *(c[process == code] for c in (start, end, size)))
        for code, name in enumerate(held.processes)
        if name != KERNEL
    }


def _moments(
    run: Run, held: Holdings
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where a buffer's number of processes changes: key, and number from there on.

    A key is the life times ``len(run) + 1`` plus the event; the first result says
    which holdings count: all but the kernel's.
    """
    programs = np.array([name != KERNEL for name in held.processes], np.bool_)
    counted = np.flatnonzero(programs[held.process])
    base = held.life[counted] * (len(run) + 1)
    both = np.append(base + held.start[counted], base + held.end[counted])
    key, place = np.unique(both, return_inverse=True)
    change = np.zeros(len(key), np.int64)
    np.add.at(change, place, np.repeat([1, -1], len(counted)))
    return counted, key, np.cumsum(change)


def _pieces(run: Run, held: Holdings) -> tuple[NDArray[np.int64], ...]:
    """Each holding cut where the buffer's holders change.

    The holding, the piece's first and last event, and the number of holders.
    """
    counted, key, holders = _moments(run, held)
    base = held.life[counted] * (len(run) + 1)
    first = np.searchsorted(key, base + held.start[counted])
    pieces = np.searchsorted(key, base + held.end[counted]) - first
    skipped = np.cumsum(pieces) - pieces
    at = np.arange(pieces.sum()) + np.repeat(first - skipped, pieces)
    event = key % (len(run) + 1)
    return np.repeat(counted, pieces), event[at], event[at + 1], holders[at]


def userspace(run: Run, held: Holdings) -> NDArray[np.int64]:
    """After each event the buffers that a process holds, each counted once."""
    _, key, holders = _moments(run, held)
    life, event = np.divmod(key, len(run) + 1)
    at = np.flatnonzero(holders > 0)
    return sums(run, event[at], event[at + 1], held.lives.size[life[at]])


def unowned(run: Run) -> dict[str, NDArray[np.int64]]:
    """Pools, deferred frees and both, where the run has gauges."""
    if "pool_bytes" not in run:
        return {}
    made = {
        name: sum(
            (last_told(run, h, column) for h in range(len(run.heap_names))),
            start=np.zeros(len(run), np.int64),
        )
        for name, column in UNOWNED.items()
    }
    return made | {"unowned": made["pool"] + made["deferred"]}


def last_told(
    run: Run, heap: int, column: str, events: int | None = None
) -> NDArray[np.int64]:
    """A gauge of one heap after each event, as the events before tell it."""
    import pandas as pd

    part = slice(events)
    told = run["heap"][part] == heap
    bounds = (run["op"][part] == Op.PRESSURE) & (run["heap"][part] < 0)
    value = run[column][part].astype(np.int64)
    value[~(told | bounds)] = np.iinfo(np.int64).max
    since = np.cumsum(told)
    lowest: NDArray[np.int64] = pd.Series(value).groupby(since).cummin().to_numpy()
    return np.where(since > 0, lowest, 0)
