# SPDX-License-Identifier: MIT
"""The small boards and traces on which published measurements are made again.

A published time of cma_alloc() has no ioctl, no file and no zeroing in it, so the
constants of what was not measured are zero on these boards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from heapkit.board import Board, CmaHeap, Heap, Memory, PageLoad, SystemHeap
from heapkit.costs import Costs
from heapkit.replay import replay
from heapkit.run import Run
from heapkit.trace import Op, Trace
from heapkit.units import MiB, S

PAGE = 4096
PAGEBLOCK = 2 * MiB
Request = tuple[Op, int, int, str]  # op, buffer, bytes, heap


def only(values: Mapping[str, float]) -> Costs:
    """Costs in which all times but those in ``values`` are zero."""
    default = Costs.default()
    given = {n: c.value if c.unit == "bytes" else 0.0 for n, c in default.items()}
    return Costs.from_mapping(given | dict(values))


def trace_of(requests: Iterable[Request], *, apart_ns: int = S) -> Trace:
    """The requests, a second apart unless said otherwise."""
    op, buffer, size, heap = zip(*requests, strict=True)
    time_ns = [i * apart_ns for i in range(len(op))]
    return Trace.from_columns(
        op=[int(o) for o in op],
        buffer=buffer,
        size=size,
        heap=list(heap),
        time_ns=time_ns,
    )


def last_ns(run: Run) -> float:
    """What the last event took; ``OSError`` if any was refused."""
    refused = run["status"].nonzero()[0]
    if len(refused):
        event = int(refused[0])
        raise OSError(-int(run["status"][event]), run.explain(event))
    return float(run["latency_ns"][-1])


def cma_board(
    *,
    memory: int,
    area: int,
    costs: Costs,
    loads: Sequence[PageLoad] = (PageLoad(name="apps"),),
    more: Sequence[Heap] = (),
) -> Board:
    """Memory with one CMA area at its top that lends its pages to ``loads``."""
    base = (memory - area) // PAGEBLOCK * PAGEBLOCK
    return Board(
        name="validation",
        memory=Memory(total=memory, min_free=0),
        heaps=(SystemHeap(), CmaHeap(name="cma", size=area, base=base), *loads, *more),
        costs=costs,
    )


def lent_area(board: Board, lent: Mapping[str, int], pages: int) -> Trace:
    """``pages`` from an area of which so many pages are lent to each load.

    The system heap takes the rest of the memory first, so that loads get the
    area's pages, from its start on, and gives it back, so that there is room to
    move them to.
    """
    assert board.memory is not None
    elsewhere = board.memory.total - int(board.value("cma.size"))
    requests: list[Request] = [(Op.ALLOC, 0, elsewhere, "system")]
    for i, (name, count) in enumerate(lent.items()):
        if count:
            requests.append((Op.ALLOC, 1 + i, count * PAGE, name))
    requests.append((Op.FREE, 0, 0, "system"))
    requests.append((Op.ALLOC, 1 + len(lent), pages * PAGE, "cma"))
    return trace_of(requests)


def counts(trace: Trace, board: Board, names: Sequence[str]) -> dict[str, float]:
    """How often the last event of ``trace`` is charged each constant.

    A cost is a sum of counts and constants, so a constant of 1 ns counts.
    """
    return {
        name: last_ns(
            replay(trace, board.replace({"costs": only({name: 1.0})}), gauges=False)
        )
        for name in names
    }
