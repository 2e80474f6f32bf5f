# SPDX-License-Identifier: MIT
"""The C core as hk.replay calls it, in parts that can be timed."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

import heapkit as hk
from heapkit import _ffi
from heapkit.backends.machine import machine
from heapkit.resolve import resolve, resolve_chains


class Core:
    """An idle machine of ``board`` and a trace; ``rows`` and ``gauges`` are touched."""

    def __init__(self, trace: hk.Trace, board: hk.Board) -> None:
        if trace.devices:
            self._columns, extra = resolve(trace, board)
        else:
            self._columns = _ffi.CTrace(trace, chains=resolve_chains(trace, board))
            extra = ()
        self._machine = machine(board, extra_devices=extra)
        self._at = 0
        self.rows = np.zeros(len(trace), dtype=_ffi.ROW)
        self.gauges = np.zeros(len(trace), dtype=_ffi.GAUGES)
        # np.zeros only promises pages; a first touch is not the replay's cost.
        self.rows.view(np.uint8)[:] = 1
        self.gauges.view(np.uint8)[:] = 1

    def advance(self, end: int, *, gauges: bool = True) -> int:
        """Replay up to event ``end``; nanoseconds of CPU time."""
        part = slice(self._at, end)
        self._at = end
        levels = self.gauges[part] if gauges else None
        start = time.thread_time_ns()
        self._machine.replay(
            self._columns, first=part.start, rows=self.rows[part], gauges=levels
        )
        return time.thread_time_ns() - start

    def regions(self) -> NDArray[np.void]:
        """What is where in the heap."""
        return self._machine.snapshot(0)

    def close(self) -> None:
        """Give the memory back."""
        self._machine.close()
