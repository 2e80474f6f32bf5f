# SPDX-License-Identifier: MIT
"""The batched barrier: what is left when each scatter-gather entry waits no more.

Published are two changes in time, so only the ratio of ``sync_entry`` to the other
constants of a mapping can be had from them. It is fitted on one of the two.
"""

from __future__ import annotations

from heapkit.board import Board, Device, Memory, SystemHeap
from heapkit.costs import Costs
from heapkit.published import figure
from heapkit.replay import replay
from heapkit.trace import Op, Trace
from heapkit.units import MiB
from heapkit.validation.bench import PAGE
from heapkit.validation.fit import Fit
from heapkit.validation.result import Row

TARGET = "batched barrier"
# Mapped twice: what zeroing left dirty in the cache is written back by the first.
EVENTS = (Op.ALLOC, Op.ATTACH, Op.MAP, Op.UNMAP, Op.MAP, Op.UNMAP)


def ratio_fit() -> Fit:
    """``sync_entry``, in ns, for the other constants as they are in the default.

    One figure and one constant: there is no range.
    """
    left = 1 + figure("batched_barrier.map").value
    rest = _took(PAGE, Op.MAP, barrier=0.0) / _entries(PAGE)
    value = rest / left - rest
    how = "its ratio to clean_line and map_entry, on dma_map_sg() of 4 KiB entries"
    return Fit("sync_entry", value, value, value, ("batched_barrier.map",), how)


def rows() -> tuple[Row, ...]:
    """Map and unmap of 4 KiB entries, and of 1 MiB entries."""
    fitted = ratio_fit()
    barrier = Costs.default()["sync_entry"].value
    return (
        _row("map, 4 KiB entries", "map", Op.MAP, fitted),
        _row("unmap, 4 KiB entries", "unmap", Op.UNMAP, fitted),
        Row(
            target=TARGET,
            what="map, 1 MiB entries",
            unit="change",
            published=0.0,
            model=_change(MiB, Op.MAP, barrier),
            figures=("batched_barrier.large",),
            fits=(fitted,),
            assumed=("clean_line", "map_entry"),
            between=(-0.05, 0.0),
            note="the patch has no figure for large entries; 'about 0' is what it "
            "is expected to be",
        ),
    )


def _row(what: str, name: str, op: Op, fitted: Fit) -> Row:
    line = "clean_line" if op == Op.MAP else "invalidate_line"
    barrier = Costs.default()["sync_entry"].value
    return Row(
        target=TARGET,
        what=what,
        unit="change",
        published=figure(f"batched_barrier.{name}").value,
        model=_change(PAGE, op, barrier),
        figures=(f"batched_barrier.{name}",),
        fits=(fitted,),
        assumed=(line, f"{name}_entry"),
        between=(-0.70, -0.60),
    )


def _change(entry: int, op: Op, barrier: float) -> float:
    """Of the time of ``op`` when one wait a call is left of one an entry."""
    before = _took(entry, op, barrier=barrier)
    return (_took(entry, op, barrier=0.0) + barrier) / before - 1


def _took(entry: int, op: Op, *, barrier: float) -> float:
    board = _board(entry).replace({"costs.sync_entry": barrier})
    run = replay(_trace(entry), board, gauges=False)
    assert not run["status"].any()
    return float(run["latency_ns"][len(EVENTS) - 1 - EVENTS[::-1].index(op)])


def _entries(entry: int) -> int:
    run = replay(_trace(entry), _board(entry), gauges=False)
    return int(run["entries"][0])


def _trace(entry: int) -> Trace:
    """10 MB as the patch has it in 4 KiB entries, 10 MiB in those of 1 MiB."""
    n = len(EVENTS)
    size = 10 * MiB
    if entry == PAGE:
        size = round(figure("batched_barrier.bytes").value) // PAGE * PAGE
    return Trace.from_columns(
        op=[int(op) for op in EVENTS],
        buffer=[0] * n,
        size=[size] * n,
        heap="system",
        time_ns=list(range(n)),
        device=["isp"] * n,
    )


def _board(entry: int) -> Board:
    orders = (8, 4, 0) if entry == MiB else (0,)
    return Board(
        name="barriers",
        memory=Memory(total=64 * MiB),
        heaps=(SystemHeap(orders=orders),),
        devices=(Device("isp"),),
        costs=Costs.default(),
    )
