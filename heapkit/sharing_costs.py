# SPDX-License-Identifier: MIT
"""What a trace costs on a board for the sake of sharing, and what goes wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import COUNTS, PRICE_NAMES, FindingKind, Op
from heapkit.board import Board
from heapkit.trace import Trace
from heapkit.trace_ops import CPU_OPS, rows_of
from heapkit.watch import Part, watch

_LINES = [PRICE_NAMES.index(name) for name in ("clean_line", "invalidate_line")]
_BARRIERS = PRICE_NAMES.index("sync_entry")


def costs_of(
    trace: Trace, board: Board, *, progress: bool | None = None
) -> dict[str, float | int]:
    """One row of a :class:`heapkit.comparison.Comparison`."""
    counts = np.zeros(len(PRICE_NAMES), np.uint64)
    total = passes = wrong = found = 0
    line = int(board.costs["line_bytes"].value)
    for part in watch(trace, board, counts=True, progress=progress):
        counted = _counted(part)
        counts += counted.sum(axis=0, dtype=np.uint64)
        total += int(part.rows["latency_ns"].sum())
        passes += _passes(trace, part, counted, line)
        found += len(part.findings)
        kinds = part.findings["kind"]
        wrong += int(np.count_nonzero(kinds <= FindingKind.UNMAPPED_DEVICE))
    ns = {
        name: float(count) * board.costs[name].value
        for name, count in zip(PRICE_NAMES, counts.tolist(), strict=True)
    }
    return {
        "total_ns": total,
        "passes": passes,
        "lines": int(counts[_LINES].sum()),
        "wrong": wrong,
        "warnings": found - wrong,
        **{f"{name}_ns": value for name, value in ns.items()},
    }


def _counted(part: Part) -> NDArray[np.uint64]:
    """A row of counts per event."""
    values = np.zeros(0, COUNTS) if part.counts is None else part.counts
    n: NDArray[np.uint64] = values["n"]
    return n


def _passes(trace: Trace, part: Part, counted: NDArray[np.uint64], line: int) -> int:
    """Passes over a buffer, or over the part that a bracket names.

    Of a whole buffer they are the barriers, of which a pass has one per entry; of a
    part, which meets some of the entries, the lines.
    """
    size = trace.size[part.span].astype(np.float64)
    offset = np.zeros(len(size))
    if trace.offset is not None:
        offset = trace.offset[part.span].astype(np.float64)
    partial = rows_of(trace.op[part.span], CPU_OPS) & (size > 0)
    met = np.floor((offset + size - 1) / line) - np.floor(offset / line) + 1
    entries = np.maximum(part.rows["entries"], 1)
    whole = counted[:, _BARRIERS] / entries
    some = counted[:, _LINES].sum(axis=1) / np.maximum(met, 1)
    # The write-back of a new uncached buffer is the heap's own.
    mine = trace.op[part.span] != Op.ALLOC
    return int(np.where(partial, some, whole)[mine].round().sum())
