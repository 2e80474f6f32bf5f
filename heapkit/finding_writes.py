# SPDX-License-Identifier: MIT
"""The last write to a cache line before an event, for many lines at once.

Each write is cut into runs of lines whose length is a power of two and whose start
is a multiple of it, as in a segment tree: at most two of each length. A line lies in
one such run of each length, so that a search looks at a few sorted lists, however
many writes were in between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import Op
from heapkit.trace import Trace

NONE = -1  # no event
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """One line of each row: of which buffer, and before which event."""

    buffer: Numbers
    event: Numbers
    line: Numbers


def last_write(trace: Trace, writes: Numbers, wanted: Lines, line: int) -> Numbers:
    """The last event of ``writes`` that meets each wanted line of ``line`` bytes.

    An ALLOC writes all of its buffer. NONE where there is no such event.
    """
    writes = writes[np.isin(trace.dense_buffer[writes], wanted.buffer)]
    last = np.full(len(wanted.event), NONE, np.int64)
    if not len(writes) or not len(last):
        return last
    levels = int(wanted.line.max()).bit_length() + 1
    low, high = _ranges(trace, writes, line, 1 << (levels - 1))
    buffer = trace.dense_buffer[writes].astype(np.int64)
    for level in range(levels):
        node = wanted.line >> level
        for at, odd in ((low, low & 1), (high - 1, high & 1)):
            rows = np.flatnonzero((odd == 1) & (low < high))
            found = _latest(buffer[rows], at[rows], writes[rows], wanted, node)
            last = np.maximum(last, found)
        low, high = (low + 1) >> 1, high >> 1
    return last


def _ranges(
    trace: Trace, writes: Numbers, line: int, most: int
) -> tuple[Numbers, Numbers]:
    """The lines that each write meets, up to ``most``: the first, and one past."""
    whole = trace.op[writes] == Op.ALLOC
    start = np.zeros(len(writes), np.uint64)
    if trace.offset is not None:
        start = np.where(whole, 0, trace.offset[writes]).astype(np.uint64)
    end = start + trace.size[writes]
    last = (end + np.uint64(line - 1)) // np.uint64(line)
    to_its_end = whole | (trace.size[writes] == 0)
    last = np.where(to_its_end, np.uint64(most), np.minimum(last, np.uint64(most)))
    first = np.minimum(start // np.uint64(line), np.uint64(most))
    low: Numbers = first.astype(np.int64)
    high: Numbers = last.astype(np.int64)
    return low, high


def _latest(
    buffer: Numbers, node: Numbers, event: Numbers, wanted: Lines, of: Numbers
) -> Numbers:
    """The last event of the same buffer and node before each that is wanted."""
    rows = len(buffer)
    if not rows:
        return np.full(len(of), NONE, np.int64)
    both = np.stack([np.append(buffer, wanted.buffer), np.append(node, of)])
    order = np.lexsort(both)
    new = np.any(np.diff(both[:, order], prepend=NONE), axis=0)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.cumsum(new) - 1
    n = int(max(event.max(), wanted.event.max())) + 1
    key = np.sort(rank[:rows] * n + event)
    at = np.searchsorted(key, rank[rows:] * n + wanted.event) - 1
    found = key[np.maximum(at, 0)]
    hit = (at >= 0) & (found // n == rank[rows:])
    result: Numbers = np.where(hit, found % n, NONE)
    return result
