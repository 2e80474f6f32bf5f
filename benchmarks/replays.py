# SPDX-License-Identifier: MIT
"""hk.replay itself: what gauges cost, what the call from Python costs, two at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import partial

import numpy as np

import heapkit as hk
from benchmarks import program
from benchmarks.clock import cpu_ns, one_core
from benchmarks.core import Core
from benchmarks.figures import Figure, ratio
from benchmarks.plan import Plan
from benchmarks.program import WrongResult
from benchmarks.traces import Kind, carveout, pooled

BOARDS = {"hk.replay carveout": carveout, "hk.replay pooled": pooled}
BULK, TWO = "bulk call", "two replays"
NAMES = (*BOARDS, BULK, TWO)
AT_ONCE = 2


def measure(kind: Kind, trace: hk.Trace, plan: Plan) -> list[Figure]:
    """All that is asked for on one trace."""
    figures = []
    with one_core():
        for name, board in BOARDS.items():
            if plan.wants(name):
                figures += gauges(name, kind, trace, board(kind), plan)
        if plan.wants(BULK):
            figures += bulk_call(kind, trace, plan)
    if plan.wants(TWO):
        figures += two_at_once(kind, trace, plan)
    return figures


def gauges(
    name: str, kind: Kind, trace: hk.Trace, board: hk.Board, plan: Plan
) -> list[Figure]:
    """The whole call, its arrays and the machine included."""
    on, off = [], []
    for _ in range(plan.rounds):
        for times, wanted in ((on, True), (off, False)):
            call = partial(hk.replay, trace, board, gauges=wanted, progress=False)
            times.append(cpu_ns(call) / len(trace))
    return [
        Figure(f"{name} on", kind.name, "ns/event", tuple(on)),
        Figure(f"{name} off", kind.name, "ns/event", tuple(off)),
        ratio(f"{name} on / off", kind.name, on, off),
    ]


def bulk_call(kind: Kind, trace: hk.Trace, plan: Plan) -> list[Figure]:
    """One call from Python against the same loop in C; both into touched arrays."""
    here, there, events = [], [], len(trace)
    for _ in range(plan.rounds):
        core = Core(trace, carveout(kind))
        here.append(core.advance(events) / events)
        core.close()
        # The program's first loop warms its new process up.
        answer = program.ask("board", kind.name, "first-fit", events=events, rounds=2)
        there.append(answer["ns"][-1])
        weight = np.arange(1, events + 1, dtype=np.uint64)
        if int(np.sum(core.rows["address"] * weight)) != answer["places"]:
            raise WrongResult("the same loop in C: other places")
    return [
        Figure(f"{BULK} from Python", kind.name, "ns/event", tuple(here)),
        Figure(f"{BULK} from C", kind.name, "ns/event", tuple(there)),
        ratio(f"{BULK} from Python / from C", kind.name, here, there),
    ]


def two_at_once(kind: Kind, trace: hk.Trace, plan: Plan) -> list[Figure]:
    """Wall time of two processes over that of two threads; each replays once."""
    board = carveout(kind)

    def replay() -> None:
        hk.replay(trace, board, progress=False)

    threads, processes = [], []
    for _ in range(plan.rounds):
        processes.append(on_processes(replay))
        threads.append(on_threads(replay))
    return [
        Figure(f"{TWO} on threads", kind.name, "ms", tuple(threads)),
        Figure(f"{TWO} on processes", kind.name, "ms", tuple(processes)),
        ratio(f"{TWO}, processes / threads", kind.name, processes, threads),
    ]


def on_threads(work: Callable[[], None]) -> float:
    """Milliseconds from the start until all have ended."""
    barrier = threading.Barrier(AT_ONCE + 1)

    def run() -> None:
        barrier.wait()
        work()

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - begun) * 1e3


def on_processes(work: Callable[[], None]) -> float:
    """As :func:`on_threads`, in forked children that wait for a pipe to close."""
    ready, start = os.pipe()
    children = [_child(ready, start, work) for _ in range(AT_ONCE)]
    os.close(ready)
    begun = time.perf_counter()
    os.close(start)
    failed = [os.waitpid(child, 0)[1] for child in children]
    spent = (time.perf_counter() - begun) * 1e3
    if any(failed):
        raise WrongResult("a child process failed")
    return spent


def _child(ready: int, start: int, work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.close(start)
        os.read(ready, 1)
        work()
        status = 0
    finally:
        os._exit(status)
    return 0
