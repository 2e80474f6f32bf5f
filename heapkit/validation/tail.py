# SPDX-License-Identifier: MIT
"""The tail of the GCMA table: 32 allocations on a machine with a random load.

How full the area is and which pages are pinned when a request comes is drawn from
a seed. The kernel's tail is of other stuff too (pages in writeback, held locks,
waiting for a CPU) that has no constant here, so this is an attempt.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from heapkit.board import Board
from heapkit.published import gcma_rows
from heapkit.replay import replay
from heapkit.trace import Op, Trace
from heapkit.units import MiB
from heapkit.validation import gcma
from heapkit.validation.bench import PAGE, Request, trace_of
from heapkit.validation.result import Row

SEED, ROUNDS, PAGES = 1, 32, 32000
# Pages that a transfer holds at that moment, in all memory: assumed. With 4 and more
# some requests are refused, of which the table does not tell.
PINNED, OTHERWISE = 2, (0, 8)
PIECE = MiB


def rows() -> tuple[Row, ...]:
    """Largest over mean of both series, by the constants of the other.

    Then the same with other numbers of pinned pages, for what they decide.
    """
    chosen = (PINNED, *OTHERWISE)
    return tuple(_row(series, pins) for pins in chosen for series in gcma.SERIES)


def _row(series: str, pins: int) -> Row:
    row = next(r for r in gcma_rows() if (r.series, r.pages) == (series, PAGES))
    other = gcma.other(series)
    times = attempts(other, pins)
    detail = pins != PINNED
    by = gcma.machine(other)
    return Row(
        target=gcma.TARGET,
        what=f"tail: 32000 pages, largest over average ({series})"
        + (f", {pins} pins instead" if detail else ""),
        unit="times",
        published=row.cma["max"] / row.cma["avg"],
        model=float(times.max() / times.mean()),
        figures=(gcma.key(row, "cma", "max"), gcma.key(row, "cma", "avg")),
        fits=by.idle + by.moving,
        assumed=("load", "pins"),
        within=gcma.AIM,
        detail=detail,
        note=""
        if detail
        else f"the largest of {ROUNDS} was {row.cma['max'] / 1e9:.1f} s, here "
        f"{times.max() / 1e9:.1f} s: writeback, locks and waiting for a CPU have no "
        "constant",
    )


@cache
def attempts(series: str, pins: int = PINNED) -> NDArray[np.float64]:
    """Nanoseconds of each request, refused ones too, by constants of that series."""
    values = gcma.machine(series).cma
    board = gcma.board(values | {"cma_retry": values["cma_call"]})
    rng = np.random.default_rng(SEED)
    return np.array([_attempt(board, _load(rng, pins)) for _ in range(ROUNDS)])


def _attempt(board: Board, trace: Trace) -> float:
    return float(replay(trace, board, gauges=False)["latency_ns"][-1])


def _load(rng: np.random.Generator, pinned: int) -> Trace:
    """One machine: filled by programs, partly freed, asked for the pages.

    Any share of what the programs had is as likely to be left.
    """
    count = (gcma.MEMORY - PAGES * PAGE) // PIECE - 1
    pins = set(rng.choice(count, pinned, replace=False).tolist())
    kept = rng.random()
    requests: list[Request] = []
    for i in range(count):
        requests.append((Op.ALLOC, i, PIECE, "apps"))
        if i in pins:
            requests.append((Op.ALLOC, count + i, PAGE, "pins"))
    gone = np.flatnonzero(rng.random(count) >= kept)
    requests += [(Op.FREE, int(i), 0, "apps") for i in gone]
    requests.append((Op.ALLOC, 2 * count, PAGES * PAGE, "cma"))
    return trace_of(requests)
