# SPDX-License-Identifier: MIT
"""Deferred free: a carveout that fails for it, and a phone that it starves."""

from __future__ import annotations

from heapkit.backends.sim import SimHeaps, simulate
from heapkit.board import Board, CarveoutHeap, Memory, PageLoad, PagePool, SystemHeap
from heapkit.costs import Costs
from heapkit.published import figure
from heapkit.replay import replay
from heapkit.trace import Op, Trace
from heapkit.units import MiB, format_bytes
from heapkit.validation.bench import PAGE, Request, counts, trace_of
from heapkit.validation.result import PLACE, Row

ZEROING = tuple(name for name in Costs.default() if name.startswith("zero_page"))
FRAME = 8_294_400  # 1080p RGBA: what the buffers were is not in the report
WAITING, PRESSED = -3, -1  # events of phone()
EXYNOS, PHONE = "Exynos carveout", "ION's deferred free"
# MiB at which C, D and E lie, with and without deferring (Exynos d985013f);
# REFUSED where the carveout has no room.
REFUSED = -1
DEFERRED, AT_ONCE = (6, 0, REFUSED), (0, 3, 7)


def rows() -> tuple[Row, ...]:
    """Six placements of the Exynos case, then the phone of 2016."""
    return (*_exynos(deferred=True), *_exynos(deferred=False), *_phone())


def _exynos(*, deferred: bool) -> list[Row]:
    published = DEFERRED if deferred else AT_ONCE
    how = "deferred" if deferred else "immediate"
    return [
        Row(
            target=EXYNOS,
            what=f"{how} free, {name} lies at",
            unit=PLACE,
            published=want,
            model=got,
            figures=(f"exynos_deferred.{how}.{name}",),
            within=0.0,
        )
        for name, want, got in zip(
            "CDE", published, exynos_places(deferred=deferred), strict=True
        )
    ]


def exynos_places(*, deferred: bool) -> tuple[int, ...]:
    """MiB at which C (3 MiB), D (4) and E (3) lie; REFUSED for none."""
    size = round(figure("exynos_deferred.bytes").value)
    heap = CarveoutHeap(name="ion", size=size, base=0, zero="free")
    board = Board(name="exynos", heaps=(heap,))
    heaps = simulate(board.replace({"ion.deferred_free": deferred}))
    try:
        first, second = (heaps["ion"].allocate(n * MiB) for n in (4, 2))
        first.close()
        second.close()
        places = [_place(heaps, 3)]
        heaps.advance(1_000_000_000)  # the thread has freed both
        return (*places, _place(heaps, 4), _place(heaps, 3))
    finally:
        heaps.close()


def _place(heaps: SimHeaps, mib: int) -> int:
    try:
        buffer = heaps["ion"].allocate(mib * MiB)
    except OSError:
        return REFUSED
    return buffer.entries[0].address // MiB


def phone() -> tuple[Trace, Board]:
    """A phone on which the freed buffers of a moment ago still wait.

    The ION heap holds what the report says; a load holds all else that is not
    free. Everything happens at one instant, as the idle thread has not run. Then
    a program asks for twice the free memory, and the shrinkers for the rest.
    """
    memory, waiting, held, free = (
        round(figure(f"deferred_free.{name}").value) // PAGE * PAGE
        for name in ("memory", "waiting", "held", "free")
    )
    board = Board(
        name="phone-2016",
        memory=Memory(total=memory),
        heaps=(
            SystemHeap(name="ion", pool=PagePool(deferred_free=True)),
            PageLoad(name="programs"),
        ),
    )
    frames = [FRAME] * (waiting // FRAME) + [waiting % FRAME]
    freed = range(len(frames))
    programs = memory - waiting - held - free
    events: list[Request] = [(Op.ALLOC, i, frames[i], "ion") for i in freed]
    events.append((Op.ALLOC, len(frames), held, "ion"))
    events.append((Op.ALLOC, len(frames) + 1, programs, "programs"))
    events += [(Op.FREE, i, 0, "ion") for i in freed]
    events.append((Op.ALLOC, len(frames) + 2, 2 * free, "programs"))
    events.append((Op.PRESSURE, 0, waiting, "ion"))
    return trace_of(events, apart_ns=0), board


def _phone() -> list[Row]:
    trace, board = phone()
    run = replay(trace, board)
    assert not run["status"].any()
    waiting = figure("deferred_free.waiting").value
    before, after = run["deferred_bytes"][[WAITING, PRESSED]].tolist()
    cleared = zeroed_pages(trace, board)
    pressed = counts(trace, board, ("reclaim_page",))["reclaim_page"] * PAGE
    free = format_bytes(2 * round(figure("deferred_free.free").value))
    return [
        _phone_row("waiting to be freed", "waiting", before),
        _phone_row("free after the frees", "free", run["free_bytes"][WAITING]),
        Row(
            target=PHONE,
            what="back at once and not zeroed, on demand and under pressure",
            unit="bytes",
            published=waiting,
            model=float(before - after - cleared * PAGE),
            figures=("deferred_free.waiting",),
            given=True,
            within=0.01,
            note="the report tells that the memory came back, not how fast; here a "
            f"program that asks for {free} is served, and takes "
            f"{format_bytes(round(before - pressed))} back for it; PRESSURE does the "
            "rest",
        ),
    ]


def _phone_row(what: str, name: str, model: float) -> Row:
    return Row(
        target=PHONE,
        what=what,
        unit="bytes",
        published=figure(f"deferred_free.{name}").value,
        model=float(model),
        figures=(f"deferred_free.{name}",),
        given=True,
        within=0.01,
    )


def zeroed_pages(trace: Trace, board: Board) -> float:
    """How many of the pages that the last event gave back were zeroed."""
    return sum(counts(trace, board, ZEROING).values())
