# SPDX-License-Identifier: MIT
"""A camera's million events with all there is: the core against the same in SimPy."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
import simpy

import heapkit as hk
from benchmarks.clock import cpu_ns
from benchmarks.core import Core
from benchmarks.figures import Figure, ratio
from benchmarks.peers.phone import Event, Model, Phone, Row
from benchmarks.peers.phone_heaps import PAGE, AndroidHeap, Carveout, Heap
from benchmarks.peers.zone import Zone
from benchmarks.plan import Plan
from benchmarks.program import WrongResult
from heapkit.board_parts import ranges_of
from heapkit.resolve import resolve_chains, resolve_devices

CASE = "camera_boot"
WHOLE, RATE = "hk.replay camera_boot", "hk.replay camera_boot, M events/s"
PEER = "SimPy phone"
NAMES = (WHOLE, PEER)
# 548 events each: 1.1 million.
LAUNCHES = 2000
# Of which the peer does the first: half of them fill pools and carveout, untimed.
PEER_EVENTS = 100_000


def measure(plan: Plan) -> list[Figure]:
    """The whole call, and both over the same events."""
    if not plan.wants(*NAMES):
        return []
    trace, board = trace_of(plan), hk.Board.preset("phone-8g")
    figures = []
    if plan.wants(WHOLE):
        figures += whole(trace, board, plan)
    if plan.wants(PEER):
        figures += against_simpy(trace, board, plan)
    return figures


def trace_of(plan: Plan) -> hk.Trace:
    """Launch after launch of the camera."""
    return hk.workloads.camera_boot(seed=1, launches=plan.part_of(LAUNCHES))


def whole(trace: hk.Trace, board: hk.Board, plan: Plan) -> list[Figure]:
    """``hk.replay`` with its gauges, its arrays and the machine included."""
    call = partial(hk.replay, trace, board, progress=False)
    times = tuple(cpu_ns(call) / len(trace) for _ in range(plan.rounds))
    note = f"{len(trace)} events"
    return [
        Figure(WHOLE, CASE, "ns/event", times, note),
        Figure(RATE, CASE, "M/s", tuple(1e3 / time for time in times), note),
    ]


def against_simpy(trace: hk.Trace, board: hk.Board, plan: Plan) -> list[Figure]:
    """Each goes on from where its first half has led it."""
    count = min(len(trace), PEER_EVENTS)
    warm, events = count // 2, events_of(trace, board, count)
    times, own = [], []
    for _ in range(plan.rounds):
        model = peer(trace, board)
        model.advance(events[:warm])
        rest = events[warm:]
        times.append(cpu_ns(partial(model.advance, rest)) / len(rest))
        core = Core(trace, board)
        core.advance(warm)
        own.append(core.advance(count) / len(rest))
        core.close()
        compare(core, model.rows)
    note = f"events {warm} to {count}"
    return [
        Figure(PEER, CASE, "ns/event", tuple(times), note),
        ratio(f"{PEER} / replay on", CASE, times, own, note),
    ]


def events_of(trace: hk.Trace, board: hk.Board, count: int) -> list[Event]:
    """As the model takes them."""
    chains = [tuple(chain) for chain in resolve_chains(trace, board)]
    assert trace.access is not None
    assert trace.offset is not None
    columns = (
        trace.op,
        trace.buffer,
        trace.size,
        trace.offset,
        trace.time_ns,
        resolve_devices(trace, board)[0],
        trace.access,
    )
    rows = zip(*(column[:count].tolist() for column in columns), strict=True)
    chain = trace.chain[:count].tolist()
    return [Event(*row, chains[c]) for row, c in zip(rows, chain, strict=True)]


def peer(trace: hk.Trace, board: hk.Board) -> Model:
    """The idle board, with those of its heaps that the trace asks for."""
    env = simpy.Environment()
    costs = {name: board.costs[name].value for name in board.costs}
    asked = {heap for chain in resolve_chains(trace, board) for heap in chain}
    heaps = {number: _heap(env, board, number, costs) for number in asked}
    devices = (*board.devices, *resolve_devices(trace, board)[1])
    return Model(env, Phone(heaps, devices, costs))


def _heap(
    env: simpy.Environment, board: hk.Board, number: int, costs: dict[str, float]
) -> Heap:
    heap = board.heaps[number]
    if isinstance(heap, hk.CarveoutHeap):
        assert heap.base is not None
        return Carveout(heap.base // PAGE, heap.size // PAGE)
    assert isinstance(heap, hk.SystemHeap)
    return AndroidHeap(env, _zone(board), heap.orders, costs)


def _zone(board: hk.Board) -> Zone:
    """The memory, but for what the board's heaps have of it."""
    memory = board.memory
    assert memory is not None
    assert memory.min_free is not None
    start, free = memory.base, []
    for base, size in sorted(_reserved(board.heaps)):
        if start <= base < memory.end:
            free.append(range(start // PAGE, base // PAGE))
            start = base + size
    free.append(range(start // PAGE, memory.end // PAGE))
    return Zone(free, memory.min_free // PAGE)


def _reserved(heaps: Iterable[hk.Heap]) -> list[tuple[int, int]]:
    return [place for heap in heaps for place in ranges_of(heap)]


def compare(core: Core, rows: list[Row]) -> None:
    """Every column of every row; ``WrongResult`` names the first that differs."""
    count = len(rows)
    for column, its in zip(Row._fields, np.array(rows, np.int64).T, strict=True):
        table = core.rows if column in (core.rows.dtype.names or ()) else core.gauges
        mine = table[column][:count]
        if not np.array_equal(mine, its):
            event = int(np.flatnonzero(mine != its)[0])
            raise WrongResult(
                f"{PEER}: another {column}, event {event}: {its[event]}, not "
                f"{mine[event]}"
            )
