# SPDX-License-Identifier: MIT
"""Which heap of a board an explorer is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from heapkit import arguments
from heapkit.board import (
    Board,
    CarveoutHeap,
    CmaHeap,
    Heap,
    PageLoad,
    SecureHeap,
    SystemHeap,
)
from heapkit.explorers.area import frames_of
from heapkit.introspection.look import Introspection
from heapkit.snapshot import Snapshot
from heapkit.trace import Trace

Fits = Callable[[Heap], bool]


def region_heap(trace: Trace, board: Board, heap: str | None) -> str:
    """A heap in one piece whose buffers are one range each; carveouts first."""
    kinds = (CarveoutHeap, SecureHeap, CmaHeap)
    return _choose(
        trace,
        board,
        heap,
        *(_in_one_piece(kind) for kind in kinds),
        what="a carveout or CMA heap in one piece",
    )


def frames(
    seen: Snapshot | Sequence[Snapshot] | Introspection,
    board: Board | None,
    heap: str | None,
) -> tuple[Snapshot, ...]:
    """The moments of one real area: what was reported needs no board."""
    if board is not None:
        raise arguments.wrong("carveout", "board", board, "none, without a Trace")
    if not isinstance(seen, Introspection):
        area = frames_of(seen)
        if heap not in (None, area[0].heap):
            raise arguments.wrong("carveout", "heap", heap, repr(area[0].heap))
        return area
    if not seen.cma:
        why = seen.source("cma")
        raise ValueError(f"carveout: no CMA area was read: {why.why} ({why.remedy})")
    name = next(iter(seen.cma)) if heap is None else heap
    return (seen.cma[arguments.choice("carveout", "heap", name, tuple(seen.cma))],)


def system_heap(trace: Trace, board: Board, heap: str | None) -> str:
    """A system heap; one with a pool first."""
    return _choose(
        trace,
        board,
        heap,
        lambda h: isinstance(h, SystemHeap) and h.pool is not None,
        lambda h: isinstance(h, SystemHeap) and not h.encrypted,
        what="a system heap that can have a pool",
    )


def cpu_heap(trace: Trace, board: Board, heap: str | None) -> str:
    """A heap that the CPU may map and whose buffers are cached."""
    return _choose(
        trace,
        board,
        heap,
        lambda h: (
            not isinstance(h, SecureHeap | PageLoad)
            and not getattr(h, "uncached", False)
        ),
        what="a heap with cached CPU access",
    )


def _in_one_piece(kind: type[Heap]) -> Fits:
    # A slider that changes a size cannot say which of several pieces changes; and a
    # buffer of chunks is in as many places.
    return lambda heap: (
        isinstance(heap, kind)
        and not getattr(heap, "ranges", ())
        and not getattr(heap, "chunk", None)
    )


def _choose(
    trace: Trace, board: Board, heap: str | None, *preferred: Fits, what: str
) -> str:
    """The given heap if it is of a preferred kind, else the first asked one."""
    fitting = [h.name for fits in preferred for h in board.heaps if fits(h)]
    if heap is not None:
        if heap not in fitting:
            allowed = ", ".join(dict.fromkeys(fitting)) or f"none; it needs {what}"
            raise ValueError(f"heap={heap!r}; of board {board.name!r}: {allowed}")
        return heap
    if not fitting:
        raise ValueError(f"board={board.name!r}: has none of what is needed, {what}")
    asked = {name for chain in trace.heaps for name in chain.split("|")}
    return next((name for name in fitting if name in asked), fitting[0])
