# SPDX-License-Identifier: MIT
"""A trace on a board: what each request would have got, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit import _ffi, arguments
from heapkit.backends.machine import layout, machine
from heapkit.board import Board, Device
from heapkit.pace import slices
from heapkit.run import Run
from heapkit.snapshot import Snapshot
from heapkit.trace import Trace


def replay(
    trace: Trace,
    board: Board,
    *,
    gauges: bool = True,
    pool_fill: str | None = None,
    check_every: int = 0,
    progress: bool | None = None,
) -> Run:
    """Carry out every event of ``trace`` on an idle ``board``.

    The same trace and board give the same run, byte for byte; the GIL is
    released, so that replays on several threads run at once. ``gauges=False``
    leaves the gauges out, ``pool_fill`` names a heap whose pools are recorded
    after each event, ``check_every`` checks all invariants of the core after
    every so many events (:class:`heapkit.InvariantError`). ``progress`` None
    shows a bar once the replay has taken a second, on a trace of more than a
    million events. An interrupt (Ctrl-C, the notebook's stop button) is answered
    within a fifth of a second, and nothing half-done is returned.

    ``ValueError``: a heap that the trace asks for and the board has not (the
    message names the first such event), or an argument of the wrong type. A
    device that the board does not name is a plain one that does not snoop.
    """
    _check_arguments(trace, board, pool_fill)
    every = arguments.integer("replay", "check_every", check_every)
    columns, extra = _resolve(trace, board)

    rows = np.empty(len(trace), dtype=_ffi.ROW)
    levels = np.empty(len(trace), dtype=_ffi.GAUGES) if gauges else None
    fills = np.empty(len(trace), dtype=_ffi.POOL_FILL) if pool_fill else None
    fill_heap = board.heap_names.index(pool_fill) if pool_fill else 0
    core = machine(board, extra_devices=extra)
    try:
        for part in slices(len(trace), progress=progress):
            core.replay(
                columns,
                first=part.start,
                rows=rows[part],
                gauges=None if levels is None else levels[part],
                fills=None if fills is None else fills[part],
                fill_heap=fill_heap,
                check_every=every,
            )
    finally:
        core.close()

    return Run(
        trace,
        board,
        rows=rows,
        gauges=levels,
        fills=None if fills is None or pool_fill is None else (pool_fill, fills),
        rewind=_Rewind(trace, board),
    )


def _resolve(trace: Trace, board: Board) -> tuple[_ffi.CTrace, tuple[Device, ...]]:
    """The trace in the numbering of ``board``, and the devices that it adds."""
    chains = resolve_chains(trace, board)
    device, extra = resolve_devices(trace, board)
    n_devices = len(board.devices) + len(extra)
    return _ffi.CTrace(trace, chains=chains, device=device, n_devices=n_devices), extra


@dataclass(frozen=True)
class _Rewind:
    """Replays the first events again; holds no pointer, so that a run pickles."""

    trace: Trace
    board: Board

    def __call__(self, events: int) -> _Moment:
        columns, extra = _resolve(self.trace, self.board)
        core = machine(self.board, extra_devices=extra)
        core.replay(columns, first=0, rows=np.empty(events, dtype=_ffi.ROW))
        return _Moment(self.trace, self.board, core)


class _Moment:
    """A machine between two events; satisfies :class:`heapkit.explain.Moment`."""

    def __init__(self, trace: Trace, board: Board, core: _ffi.Machine) -> None:
        self._trace, self._board, self._core = trace, board, core
        self.advance, self.close = core.advance, core.close

    def snapshot(self, heap: int) -> Snapshot:
        return layout(self._board, self._core, heap, owner=self._owner)

    def _owner(self, dense: int) -> str:
        first = np.flatnonzero(self._trace.dense_buffer == dense)[0]
        return f"#{self._trace.buffer[first]}"


def resolve_chains(trace: Trace, board: Board) -> list[list[int]]:
    """Heap indices of each of ``trace.heaps``; empty where no ALLOC uses it."""
    names = {name: index for index, name in enumerate(board.heap_names)}
    is_alloc = trace.op == _ffi.Op.ALLOC
    used = np.bincount(trace.chain[is_alloc], minlength=len(trace.heaps))
    chains = []
    for code, chain in enumerate(trace.heaps):
        heaps = chain.split("|") if used[code] else []
        for name in heaps:
            if name not in names:
                event = np.flatnonzero(is_alloc & (trace.chain == code))[0]
                raise unknown_heap(int(event), name, board)
        chains.append([names[name] for name in heaps])
    return chains


def unknown_heap(event: int, heap: str, board: Board) -> ValueError:
    """The error for an event that asks for a heap which ``board`` has not."""
    return ValueError(
        f"trace: event {event} asks for heap {heap!r}, which board "
        f"{board.name!r} has not; allowed: {', '.join(board.heap_names)}"
    )


def device_numbers(
    devices: tuple[str, ...], board: Board
) -> tuple[NDArray[np.uint16], tuple[Device, ...]]:
    """The board's number of each of a trace's ``devices``, and plain extra devices."""
    known = {device.name: index for index, device in enumerate(board.devices)}
    # A trace without device names means one plain device.
    names = devices or ("device",)
    extra = tuple(Device(name) for name in names if name not in known)
    known |= {d.name: len(board.devices) + i for i, d in enumerate(extra)}
    if len(known) > _ffi.MAX_DEVICES:
        raise ValueError(
            f"trace: {len(extra)} devices that board {board.name!r} does not name; "
            f"allowed: {_ffi.MAX_DEVICES} devices in all"
        )
    return np.array([known[name] for name in names], dtype=np.uint16), extra


def resolve_devices(
    trace: Trace, board: Board
) -> tuple[NDArray[np.uint16], tuple[Device, ...]]:
    """The trace's device column in the board's numbering, and plain extra devices."""
    numbers, extra = device_numbers(trace.devices, board)
    if trace.device is None:
        return np.full(len(trace), numbers[0]), extra
    # Ops that use no device may carry any value in the column.
    return numbers[np.minimum(trace.device, len(numbers) - 1)], extra


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
