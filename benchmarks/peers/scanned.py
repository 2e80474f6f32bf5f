# SPDX-License-Identifier: MIT
"""First fit by scanning a byte per page, written for numba.

``replay`` is plain Python until :func:`compiled` has numba compile it, so that
its answers can be tested where numba is not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.carveout import FAILED, Answer, Events, Start

Loop = Callable[..., None]


def _find(used: Any, pages: int) -> int:
    run = 0
    for page in range(len(used)):
        run = 0 if used[page] else run + 1
        if run == pages:
            return page - pages + 1
    return -1


def _largest(used: Any) -> int:
    run = longest = 0
    for page in range(len(used)):
        run = 0 if used[page] else run + 1
        longest = max(longest, run)
    return longest


def _loop(used: Any, held: Any, events: Any, free: int, out: Any, share: Any) -> None:
    op, buffer, pages = events
    for i in range(len(op)):
        place = held[buffer[i]]
        if op[i] == 0:
            place = find(used, pages[i])
            held[buffer[i]] = place
        if place >= 0:
            taken = op[i] == 0
            used[place : place + pages[i]] = taken
            free += -pages[i] if taken else pages[i]
        out[i, 0], out[i, 1], out[i, 2] = place, free, largest(used)
        share[i] = 1 - out[i, 2] / free if free else 0.0


find, largest = _find, _largest


@cache
def compiled() -> Loop:
    """The loop in machine code; compiled at its first call."""
    import numba

    global find, largest  # numba binds the names it finds
    find, largest = numba.njit(_find), numba.njit(_largest)
    return numba.njit(_loop)


def _columns(events: Events) -> tuple[NDArray[np.int64], ...]:
    columns = events.op, events.buffer, events.pages
    return tuple(np.asarray(column, np.int64) for column in columns)


def replay(start: Start, events: Events, loop: Loop = _loop) -> Answer:
    """All events with their gauges, by ``loop``."""
    used = np.ones(start.pages, np.uint8)
    for first, length in start.holes:
        used[first : first + length] = 0
    columns = _columns(events)
    buffers = max(max(start.held, default=0), int(columns[1].max())) + 1
    held = np.full(buffers, FAILED, np.int64)
    for buffer, (place, _) in start.held.items():
        held[buffer] = place
    out, share = np.empty((len(events), 3), np.int64), np.empty(len(events))
    free = int(start.pages - used.sum(dtype=np.int64))
    loop(used, held, columns, free, out, share)
    return Answer(*(out[:, i].tolist() for i in range(3)), share.tolist())
