# SPDX-License-Identifier: MIT
"""A pooled system heap with costs: the core against the same logic in SimPy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

import heapkit as hk
from benchmarks.clock import cpu_ns
from benchmarks.core import Core
from benchmarks.figures import Figure, ratio
from benchmarks.peers.system_heap import Event, Model, Row, SystemHeap
from benchmarks.peers.zone import Zone
from benchmarks.plan import Plan
from benchmarks.program import WrongResult
from benchmarks.traces import EVENT_NS, HEAP, PAGE, Kind, pooled

NAME = "SimPy system heap"
# Enough to fill the heap, reclaim from the pools and fail; the small-churn trace
# has 100 000 buffers by then.
EVENTS = {"camera": 20_000, "mixed": 40_000, "small-churn": 160_000}
OTHERWISE = 60_000


def peer(board: hk.Board, events: Sequence[Event]) -> Model:
    """The idle heap of the board, and what is asked of it."""
    memory, heap = board.memory, board.heap(HEAP)
    assert memory is not None
    assert memory.min_free is not None
    assert isinstance(heap, hk.SystemHeap)
    pages = range(memory.base // PAGE, memory.end // PAGE)
    zone = Zone([pages], memory.min_free // PAGE)
    costs = {name: board.costs[name].value for name in board.costs}
    return Model(SystemHeap(zone, heap.orders), costs, events)


def measure(
    kind: Kind, records: NDArray[np.void], trace: hk.Trace, plan: Plan
) -> list[Figure]:
    """Both over the same events: the first half fills the board, untimed."""
    if not plan.wants(NAME):
        return []
    count = min(len(trace), EVENTS.get(kind.name, OTHERWISE))
    warm = count // 2
    board, times, own = pooled(kind), [], []
    events = events_of(records[:count])
    for _ in range(plan.rounds):
        model = peer(board, events)
        model.advance(warm)
        times.append(cpu_ns(partial(model.advance, count)) / (count - warm))
        core = Core(trace, board)
        core.advance(warm)
        own.append(core.advance(count) / (count - warm))
        core.close()
        compare(core, model.rows)
    note = f"events {warm} to {count}"
    return [
        Figure(NAME, kind.name, "ns/event", tuple(times), note),
        ratio(f"{NAME} / replay on", kind.name, times, own, note),
    ]


def events_of(records: NDArray[np.void]) -> list[Event]:
    """As the model takes them."""
    columns = (records[name].tolist() for name in ("op", "buffer", "pages"))
    return [Event(*row, EVENT_NS) for row in zip(*columns, strict=True)]


def compare(core: Core, rows: list[Row]) -> None:
    """Every column of every row; ``WrongResult`` names the first that differs."""
    mine, gauges = core.rows[: len(rows)], core.gauges[: len(rows)]
    same = {
        "status": mine["status"],
        "entries": mine["entries"],
        "pool_entries": mine["pool_entries"],
        "address": mine["address"] // PAGE,
        "latency_ns": mine["latency_ns"],
        "free": gauges["free_bytes"] // PAGE,
        "largest": gauges["largest_free_bytes"] // PAGE,
        "pooled": gauges["pool_bytes"] // PAGE,
    }
    for column, its in zip(Row._fields, np.array(rows, np.int64).T, strict=True):
        if not np.array_equal(same[column], its):
            event = int(np.flatnonzero(same[column] != its)[0])
            raise WrongResult(f"{NAME}: another {column}, event {event}")
