# SPDX-License-Identifier: MIT
"""A trace on a board: what each request would have got, and what it cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from heapkit import _ffi, arguments
from heapkit.backends.machine import machine
from heapkit.board import Board, CmaHeap
from heapkit.breakdown import ROWS, Counts
from heapkit.checkpoints import Checkpoints
from heapkit.pace import cut, slices
from heapkit.resolve import resolve
from heapkit.run import Run
from heapkit.trace import Trace


def replay(
    trace: Trace,
    board: Board,
    *,
    gauges: bool = True,
    breakdown: bool = False,
    pool_fill: str | None = None,
    check_every: int = 0,
    checkpoint_every: int | None = None,
    progress: bool | None = None,
) -> Run:
    """Carry out every event of ``trace`` on an idle ``board``.

    The same trace and board give the same run, byte for byte; the GIL is
    released, so that replays on several threads run at once. ``gauges=False``
    leaves the gauges out, ``breakdown=True`` keeps what each event paid for what
    (:meth:`heapkit.Run.breakdown`): four bytes an event for each constant that any
    was charged. ``pool_fill`` names a heap whose pools are recorded
    after each event, ``check_every`` checks all invariants of the core after
    every so many events (:class:`heapkit.InvariantError`). ``checkpoint_every``
    keeps the machine's state after every so many events for ``run.snapshot`` and
    ``run.explain``; None leaves that to the first of them
    (:class:`heapkit.checkpoints.Checkpoints`). ``progress`` None
    shows a bar once the replay has taken a second, on a trace of more than a
    million events. An interrupt (Ctrl-C, the notebook's stop button) is answered
    within a fifth of a second, and nothing half-done is returned.

    ``ValueError``: a heap that the trace asks for and the board has not (the
    message names the first such event), or an argument of the wrong type. A
    device that the board does not name is a plain one that does not snoop.
    """
    _check_arguments(trace, board, pool_fill)
    counted = arguments.boolean("replay", "breakdown", breakdown)
    every = arguments.integer("replay", "check_every", check_every)
    keep = _checkpoint_every(checkpoint_every)
    columns, extra = resolve(trace, board)

    rows = np.empty(len(trace), dtype=_ffi.ROW)
    levels = np.empty(len(trace), dtype=_ffi.GAUGES) if gauges else None
    fills = np.empty(len(trace), dtype=_ffi.POOL_FILL) if pool_fill else None
    fill_heap = board.heap_names.index(pool_fill) if pool_fill else 0
    points = Checkpoints(trace, board, rows, every=keep)
    moves = np.empty(len(trace), dtype=_ffi.MOVES) if board.lends else None
    counts = Counts(len(trace)) if counted else None
    room = np.empty(min(len(trace), ROWS) if counted else 0, dtype=_ffi.COUNTS)
    core = machine(board, extra_devices=extra)
    parts = cut(slices(len(trace), progress=progress), keep)
    try:
        for part in cut(parts, ROWS if counted else None):
            here = room[: part.stop - part.start]
            if keep and part.start % keep == 0:
                points.add(core)
            core.replay(
                columns,
                first=part.start,
                rows=rows[part],
                gauges=None if levels is None else levels[part],
                fills=None if fills is None else fills[part],
                fill_heap=fill_heap,
                moves=None if moves is None else moves[part],
                counts=None if counts is None else here,
                check_every=every,
            )
            if counts is not None:
                counts.take(part, here)
        counters = cma_counters(core, board)
    finally:
        core.close()

    return Run(
        trace,
        board,
        rows=rows,
        gauges=levels,
        fills=None if fills is None or pool_fill is None else (pool_fill, fills),
        moves=moves,
        counts=counts,
        cma_counters=counters,
        rewind=points,
    )


def _checkpoint_every(events: object) -> int | None:
    if events is None:
        return None
    return arguments.integer("replay", "checkpoint_every", events, low=1)


def cma_counters(core: _ffi.Machine, board: Board) -> dict[str, _ffi.CmaCounters]:
    """What each CMA area has counted so far, by the name of its heap."""
    return {
        heap.name: core.cma_counters(index)
        for index, heap in enumerate(board.heaps)
        if isinstance(heap, CmaHeap)
    }


def _check_arguments(trace: Any, board: Any, pool_fill: Any) -> None:
    if not isinstance(trace, Trace):
        raise arguments.wrong("replay", "trace", trace, "a heapkit.Trace")
    if not isinstance(board, Board):
        raise arguments.wrong("replay", "board", board, "a heapkit.Board")
    if pool_fill is None:
        return
    pooled = tuple(h.name for h in board.heaps if getattr(h, "pool", None))
    if pool_fill not in pooled:
        raise arguments.wrong("replay", "pool_fill", pool_fill, f"one of {pooled}")
