# SPDX-License-Identifier: MIT
"""First fit as a notebook user would write it, against the core called from Python.

Both sides start from the same carveout after a warm-up and carry out the same
events with all gauges; their answers have to be equal.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

import heapkit as hk
from benchmarks.core import Core
from benchmarks.figures import Figure, ratio
from benchmarks.peers import listed, scanned, sorted_runs
from benchmarks.peers.carveout import FAILED, Answer, Events, Start
from benchmarks.plan import Plan
from benchmarks.program import WrongResult
from benchmarks.traces import PAGE, Kind, carveout
from heapkit.snapshot import State

Peer = Callable[[Start, Events], Answer]
FIRST_WINDOW = 64  # events; more from there on, until a window takes its time


def _numba() -> Peer:
    return partial(scanned.replay, loop=scanned.compiled())


PEERS: dict[str, Callable[[], Peer]] = {
    "SimPy first fit": lambda: listed.replay,
    "sortedcontainers first fit": lambda: sorted_runs.replay,
    "numba first fit": _numba,
}


def chosen_peers(plan: Plan) -> dict[str, Peer]:
    """Those that are asked for; compiling takes longer than a quick run may."""
    return {
        name: make()
        for name, make in PEERS.items()
        if plan.wants(name) and not (plan.quick and make is _numba)
    }


def measure(
    kind: Kind, records: NDArray[np.void], trace: hk.Trace, plan: Plan
) -> list[Figure]:
    """Each peer's time an event, and over the core's for the same events."""
    chosen = chosen_peers(plan)
    if not chosen:
        return []
    warm = len(trace) // 2
    core = Core(trace, carveout(kind))
    core.advance(warm)
    start = start_of(core, kind)
    core.close()
    windows = {
        name: _window(peer, start, records[warm:], plan)
        for name, peer in chosen.items()
    }
    times: dict[str, list[float]] = {name: [] for name in chosen}
    own: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(plan.rounds):
        answers = {}
        for name, peer in chosen.items():
            answers[name], spent = _timed(peer, start, windows[name])
            times[name].append(spent)
        _own_round(kind, trace, warm, windows, own, answers)
    return [
        figure
        for name in chosen
        for figure in _figures(name, kind, windows[name], times[name], own[name])
    ]


def start_of(core: Core, kind: Kind) -> Start:
    """The carveout as the core has it now."""
    regions = core.regions()
    base = 32 * hk.GiB
    first = ((regions["address"] - base) // PAGE).tolist()
    length = (regions["size"] // PAGE).tolist()
    is_free = (regions["state"] == State.FREE).tolist()
    owner = regions["owner"].tolist()
    runs = list(zip(first, length, is_free, owner, strict=True))
    return Start(
        kind.heap_bytes // PAGE,
        tuple((at, pages) for at, pages, free, _ in runs if free),
        {who: (at, pages) for at, pages, free, who in runs if not free},
    )


def _events(records: NDArray[np.void], count: int) -> Events:
    part = records[:count]
    return Events(*(part[name].tolist() for name in ("op", "buffer", "pages")))


def _window(peer: Peer, start: Start, records: NDArray[np.void], plan: Plan) -> Events:
    """As many events as ``peer`` does in its time; twice, for what is compiled."""
    count = FIRST_WINDOW
    if plan.quick:
        return _events(records, count)
    peer(start, _events(records, 1))
    while True:
        events = _events(records, count)
        _, spent = _timed(peer, start, events)
        share = spent * count / (plan.window_ms * 1e6)
        if share > 1 / 4 or count == len(records):
            return _events(records, min(len(records), int(count / share) + 1))
        count = min(len(records), 4 * count)


def _timed(peer: Peer, start: Start, events: Events) -> tuple[Answer, float]:
    begun = time.thread_time_ns()
    answer = peer(start, events)
    return answer, (time.thread_time_ns() - begun) / len(events)


def _own_round(
    kind: Kind,
    trace: hk.Trace,
    warm: int,
    windows: dict[str, Events],
    own: dict[str, list[float]],
    answers: dict[str, Answer],
) -> None:
    """One replay; the clock is read where each peer's window ends."""
    core = Core(trace, carveout(kind))
    core.advance(warm)
    spent = 0
    for name in sorted(windows, key=lambda name: len(windows[name])):
        count = len(windows[name])
        spent += core.advance(warm + count)
        own[name].append(spent / count)
        _compare(name, core, warm, answers[name])
    core.close()


def _compare(name: str, core: Core, warm: int, answer: Answer) -> None:
    part = slice(warm, warm + len(answer.place))
    rows, gauges = core.rows[part], core.gauges[part]
    place = (rows["address"].astype(np.int64) - 32 * hk.GiB) // PAGE
    place[rows["address"] == 0] = FAILED
    pairs = (
        ("place", place, answer.place),
        ("free", gauges["free_bytes"] // PAGE, answer.free),
        ("largest", gauges["largest_free_bytes"] // PAGE, answer.largest),
    )
    for what, mine, its in pairs:
        if not np.array_equal(mine, its):
            event = warm + int(np.flatnonzero(mine != np.array(its))[0])
            raise WrongResult(f"{name}: another {what}, event {event}")


def _figures(
    name: str, kind: Kind, window: Events, times: list[float], own: list[float]
) -> list[Figure]:
    note = f"{len(window)} events"
    return [
        Figure(name, kind.name, "ns/event", tuple(times), note),
        ratio(f"{name} / replay on", kind.name, times, own, note),
    ]
