# SPDX-License-Identifier: MIT
"""A replay that keeps nothing: each part of it is looked at and forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heapkit import _ffi
from heapkit.backends.machine import machine
from heapkit.board import Board
from heapkit.pace import cut, slices
from heapkit.resolve import resolve
from heapkit.trace import Trace

EVENTS = 1 << 15  # of one part: its counts are 10 MiB


@dataclass(frozen=True)
class Part:
    """What the events ``span`` did; the arrays are used again for the next part."""

    span: slice
    rows: NDArray[np.void]
    counts: NDArray[np.void] | None
    findings: NDArray[np.void]


def watch(
    trace: Trace, board: Board, *, counts: bool = False, progress: bool | None = None
) -> Iterator[Part]:
    """Replay ``trace`` on an idle ``board``, part by part.

    With ``counts`` also how often each constant was charged. An interrupt is
    answered between two parts, and a bar shows as :func:`heapkit.replay` has it.
    """
    columns, extra = resolve(trace, board)
    most = min(EVENTS, max(len(trace), 1))
    rows = np.empty(most, _ffi.ROW)
    counted = np.empty(most, _ffi.COUNTS) if counts else None
    findings = np.empty(most * _ffi.MAX_FINDINGS, _ffi.FINDING)
    core = machine(board, extra_devices=extra)
    try:
        for span in cut(slices(len(trace), progress=progress), EVENTS):
            length = span.stop - span.start
            here = None if counted is None else counted[:length]
            found = core.replay(
                columns,
                first=span.start,
                rows=rows[:length],
                counts=here,
                findings=findings,
            )
            yield Part(span, rows[:length], here, findings[:found])
    finally:
        core.close()
