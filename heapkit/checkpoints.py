# SPDX-License-Identifier: MIT
"""The way back to any event of a run: states kept on the way, and a short replay."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit import _ffi
from heapkit.backends.machine import layout, machine
from heapkit.board import Board
from heapkit.breakdown import named
from heapkit.pace import slices
from heapkit.resolve import resolve
from heapkit.snapshot import Snapshot
from heapkit.trace import Trace

# From one checkpoint to the next the events touch so many sg entries, one more for
# each event: one to three milliseconds of replay, on any trace.
WORK = 1 << 15
# States of one run together; above it every second one is dropped.
LIMIT_BYTES = 256 << 20


class Checkpoints:
    """States of a machine on its way through a trace.

    They are made when they are first asked for, as far as is asked: before event
    0, and then after every ``every`` events or, without it, wherever the events
    since the last one touched :data:`WORK` sg entries. One machine stays where it
    was looked at last, so that going on from there is cheap.

    Any thread may ask; they wait for each other. Copies of a run share its
    checkpoints; a pickle goes without them, and they are made again.
    """

    def __init__(
        self,
        trace: Trace,
        board: Board,
        rows: NDArray[np.void],
        *,
        every: int | None = None,
    ) -> None:
        self._trace, self._board, self._rows = trace, board, rows
        self._every = every
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.RLock()
        self._states: list[bytes] = []
        self._marks: NDArray[np.int64] | None = None
        self._core: _ffi.Machine | None = None
        self._at: int | None = None  # events that the machine has carried out

    def __copy__(self) -> Checkpoints:
        return self

    def __deepcopy__(self, _: object) -> Checkpoints:
        return self

    def __getstate__(self) -> dict[str, Any]:
        names = ("_trace", "_board", "_rows", "_every")
        return {name: self.__dict__[name] for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    @property
    def every(self) -> int | None:
        """Events from one to the next; None where that depends on the events."""
        return self._every

    @property
    def size_bytes(self) -> int:
        """What the states made so far take."""
        return sum(len(state) for state in self._states)

    def __len__(self) -> int:
        """States made so far."""
        return len(self._states)

    def add(self, core: _ffi.Machine) -> None:
        """Keep the state of a replay that has reached the next mark."""
        self._states.append(core.save())

    @contextmanager
    def __call__(self, events: int) -> Iterator[Moment]:
        """The machine after so many events; no other thread moves it meanwhile."""
        with self._lock:
            yield Moment(self, self._reach(events))

    def snapshot(self, core: _ffi.Machine, heap: int) -> Snapshot:
        """Of the heap of that index, as ``core`` has it now."""
        return layout(self._board, core, heap, ids=self._ids)

    def carry_out(self, core: _ffi.Machine) -> dict[str, int]:
        """What the event after this moment is charged; ``core`` is after it then."""
        at, self._at = self._at, None
        assert at is not None, "the machine was left between two events"
        row, counts = np.empty(1, dtype=_ffi.ROW), np.empty(1, dtype=_ffi.COUNTS)
        core.replay(self._columns, first=at, rows=row, counts=counts)
        self._at = at + 1
        return named(counts[0])

    def leave(self) -> None:
        """The machine is no longer between two events."""
        self._at = None

    # --- Getting there ------------------------------------------------------------

    def _reach(self, events: int) -> _ffi.Machine:
        marks = self._prepare()
        wanted = int(np.searchsorted(marks, events, side="right"))
        while len(self._states) < wanted:
            self._extend()
            marks = self._thin(marks)
            wanted = int(np.searchsorted(marks, events, side="right"))
        start = int(marks[wanted - 1])
        if self._at is None or not start <= self._at <= events:
            self._load(wanted - 1)
        return self._replay(events)

    def _prepare(self) -> NDArray[np.int64]:
        """The events before which states are kept, ascending from 0."""
        if self._marks is None:
            self._marks = self._lay_marks()
            self._columns, self._extra = resolve(self._trace, self._board)
            self._ids = _ids(self._trace)
        if not self._states:
            self._core = machine(self._board, extra_devices=self._extra)
            self._at = 0
            self.add(self._core)
        return self._marks

    def _lay_marks(self) -> NDArray[np.int64]:
        n = len(self._trace)
        if self._every:
            return np.arange(0, n + 1, self._every)
        work = np.cumsum(self._rows["entries"], dtype=np.int64) + np.arange(1, n + 1)
        total = int(work[-1]) if n else 0
        marks = np.searchsorted(work, np.arange(WORK, total, WORK)) + 1
        return np.unique(np.append(0, marks))

    def _extend(self) -> None:
        marks = self._prepare()
        made = len(self._states)
        if self._at is None or not marks[made - 1] <= self._at <= marks[made]:
            self._load(made - 1)
        self.add(self._replay(int(marks[made])))

    def _thin(self, marks: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._every is None and self.size_bytes > LIMIT_BYTES:
            self._states = self._states[::2]
            self._marks = marks = marks[::2]
        return marks

    def _load(self, index: int) -> None:
        marks = self._prepare()
        self._at = None
        if self._core is None or self._core.closed:
            self._core = machine(self._board, extra_devices=self._extra)
        self._core.load(self._states[index])
        self._at = int(marks[index])

    def _replay(self, events: int) -> _ffi.Machine:
        """From where the machine is; an interrupt leaves it nowhere."""
        core, start = self._core, self._at
        assert core is not None
        assert start is not None
        self._at = None
        for part in slices(events - start, progress=False):
            rows = np.empty(part.stop - part.start, dtype=_ffi.ROW)
            core.replay(self._columns, first=start + part.start, rows=rows)
        self._at = events
        return core


class Moment:
    """A machine between two events; satisfies :class:`heapkit.explain.Moment`."""

    def __init__(self, points: Checkpoints, core: _ffi.Machine) -> None:
        self._points, self._core = points, core

    def advance(self, now_ns: int) -> None:
        """Let the idle threads run until ``now_ns``."""
        self._points.leave()
        self._core.advance(now_ns)

    def charges(self) -> dict[str, int]:
        """How often the next event is charged each constant; carries it out."""
        return self._points.carry_out(self._core)

    def snapshot(self, heap: int) -> Snapshot:
        """The regions of the heap of that index."""
        return self._points.snapshot(self._core, heap)


def _ids(trace: Trace) -> NDArray[Any]:
    """The trace's id of each buffer by its dense number."""
    ids = np.zeros(trace.n_buffers, dtype=trace.buffer.dtype)
    is_alloc = trace.op == _ffi.Op.ALLOC
    ids[trace.dense_buffer[is_alloc]] = trace.buffer[is_alloc]
    return ids
