# SPDX-License-Identifier: MIT
"""What each buffer that fell back paid, and what it would have paid otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from heapkit import arguments, metrics
from heapkit._ffi import PAGE_SIZE
from heapkit.board import Board, CmaHeap, PagedHeap
from heapkit.replay import replay
from heapkit.run import Run
from heapkit.trace import Op, Trace

if TYPE_CHECKING:
    import pandas as pd

# What is done with a buffer, by the name of its column.
PARTS: Final[dict[str, tuple[Op, ...]]] = {
    "allocate": (Op.ALLOC,),
    "attach": (Op.ATTACH, Op.DETACH),
    "map": (Op.MAP, Op.UNMAP, Op.MMAP, Op.MUNMAP, Op.VMAP, Op.VUNMAP),
    "sync": (Op.BEGIN_CPU, Op.END_CPU),
    "access": (Op.CPU_READ, Op.CPU_WRITE, Op.DEVICE_READ, Op.DEVICE_WRITE),
    "free": (Op.FREE,),
}
SUMMED: Final = (
    *("size", "entries", "entries_first"),
    *(f"{part}{suffix}" for part in PARTS for suffix in ("_ns", "_first_ns")),
    "extra_ns",
)
# A heap twice as large as all that is asked of it has room, but for fragments;
# after so many doublings more there is another reason.
_DOUBLINGS = 6


def costs(run: Run, *, by: str = "heap", ample: Run | None = None) -> pd.DataFrame:
    """What the requests that fell back cost, and would have cost in their first heap.

    ``by`` "buffer": a row for each ALLOC that a later heap of its chain served, with
    ``event``, ``buffer``, ``first`` (the heap asked first), ``heap`` (that served),
    ``size``, ``entries`` and, summed over all events of the buffer, ``allocate_ns``,
    ``attach_ns`` (detach too), ``map_ns`` (unmap, mmap and vmap too), ``sync_ns``,
    ``access_ns`` (reads and writes) and ``free_ns``. Beside each stands the same
    ``…_first`` had the first heap served it; ``extra_ns`` is the difference of the
    sums. By "heap": these summed for each pair of heaps, with the number of
    ``fallbacks``.

    What would have been is a second replay of the same trace on
    :func:`ample_board`, ``board.replace({"camera.size": …})`` with room for every
    request; ``ample`` gives that run where there is one already.

    ION falls back within one call: for a trace of :func:`heapkit.ion.trace` the calls
    that a replay charges for the heaps after the first are taken off.
    """
    arguments.choice("fallback.costs", "by", by, ("heap", "buffer"))
    if not isinstance(run, Run):
        raise arguments.wrong("fallback.costs", "run", run, "a heapkit.Run")
    events = fallen(run)
    frame = _per_buffer(run, ample or ample_run(run), events)
    return _per_heap(frame) if by == "heap" else frame


def fallen(run: Run) -> NDArray[np.int64]:
    """The ALLOC events that a later heap of their chain served."""
    start, _ = metrics.allocation_spans(run)
    late = (run["status"][start] == 0) & (run["tried"][start] > 1)
    events: NDArray[np.int64] = start[late]
    return events


def ample_run(run: Run) -> Run:
    """The run's trace on a board whose first heaps serve every request."""
    names = {_first(run.trace, event) for event in fallen(run).tolist()}
    again = run
    for doubling in range(_DOUBLINGS):
        if not names:
            return again
        board = ample_board(run, names, times=2 << doubling)
        again = replay(run.trace, board, gauges=False)
        left = {_first(run.trace, event) for event in fallen(again).tolist()}
        if not left & names:
            return again
    what = f"heaps that serve {sorted(names)} when they are larger"
    raise arguments.wrong("fallback.costs", "run", run, what)


def ample_board(run: Run, names: Iterable[str], *, times: int = 2) -> Board:
    """The run's board with those heaps ``times`` as large as what was asked of them.

    Their bases are chosen anew, for no cost depends on an address; a system heap is
    made larger by its memory, and so is what a CMA area lies in.
    """
    changes: dict[str, Any] = {}
    more = 0
    for name in sorted(names):
        heap = run.board.heap(name)
        size = times * _most_asked(run, name)
        if isinstance(heap, PagedHeap):
            more += size
            continue
        granule = max(heap.granule, 1 << 22)
        size = -(-max(size, heap.size) // granule) * granule
        changes |= {f"{name}.size": size, f"{name}.base": None}
        if isinstance(heap, CmaHeap):
            changes[f"{name}.ranges"] = ()
            more += size
    if more and run.board.memory is not None:
        changes |= _more_memory(run.board, -(-more // (1 << 22)) * (1 << 22))
    return run.board.replace(changes)


def _more_memory(board: Board, size: int) -> dict[str, Any]:
    memory = board.memory
    assert memory is not None
    above = {
        f"{heap.name}.base": None
        for heap in board.heaps
        if not isinstance(heap, PagedHeap) and (heap.base or 0) >= memory.end
    }
    return {"memory.total": memory.total + size, **above}


def _most_asked(run: Run, name: str) -> int:
    """The most bytes at once of the requests that ask ``name`` first."""
    trace = run.trace
    start, end = trace.spans()
    codes = [code for code, c in enumerate(trace.heaps) if c.split("|")[0] == name]
    here = np.isin(trace.chain[start], codes)
    granule = max(metrics.granted_granule(run.board.heap(name)), PAGE_SIZE)
    sizes = -(-trace.size[start[here]].astype(np.int64) // granule) * granule
    change = np.zeros(len(trace) + 1, np.int64)
    np.add.at(change, start[here], sizes)
    np.add.at(change, end[here], -sizes)
    return int(np.cumsum(change).max(initial=0))


def _first(trace: Trace, event: int) -> str:
    chain: str = trace.heaps[int(trace.chain[event])]
    return chain.split("|", maxsplit=1)[0]


def _per_buffer(run: Run, ample: Run, events: NDArray[np.int64]) -> pd.DataFrame:
    import pandas as pd

    data: dict[str, Any] = {
        "event": events,
        "buffer": run["buffer"][events],
        "first": [_first(run.trace, event) for event in events.tolist()],
        "heap": [run.heap_names[i] for i in run["heap"][events].tolist()],
        "size": run["size"][events].astype(np.int64),
        "entries": run["entries"][events].astype(np.int64),
        "entries_first": ample["entries"][events].astype(np.int64),
    }
    extra = np.zeros(len(events), np.int64)
    owner = _owners(run.trace)
    for part in PARTS:
        paid, instead = (_paid(r, part, owner)[events] for r in (run, ample))
        data |= {f"{part}_ns": paid, f"{part}_first_ns": instead}
        extra += paid - instead
    return pd.DataFrame({**data, "extra_ns": extra})


def _owners(trace: Trace) -> NDArray[np.int64]:
    """The ALLOC of the buffer that each event is about; -1 for PRESSURE."""
    events = np.flatnonzero(trace.op != Op.PRESSURE)
    events = events[np.argsort(trace.dense_buffer[events], kind="stable")]
    # A buffer's events begin with its ALLOC, so the last one seen is its own.
    here = np.where(trace.op[events] == Op.ALLOC, np.arange(len(events)), 0)
    owner = np.full(len(trace), -1, np.int64)
    owner[events] = events[np.maximum.accumulate(here)]
    return owner


def _paid(run: Run, part: str, owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """What each ALLOC's buffer paid for ``part``, at the index of the ALLOC."""
    chosen = np.isin(run["op"], PARTS[part])
    latency = run["latency_ns"].astype(np.int64)
    if part == "allocate" and "ion" in run.trace.meta:
        calls = np.maximum(run["tried"].astype(np.int64) - 1, 0)
        latency = latency - calls * round(run.board.costs["allocate_call"].value)
    paid = np.zeros(len(run), np.int64)
    np.add.at(paid, owner[chosen], latency[chosen])
    return paid


def _per_heap(frame: pd.DataFrame) -> pd.DataFrame:
    groups = frame.groupby(["first", "heap"], sort=True)
    summed = groups[list(SUMMED)].sum()
    summed.insert(0, "fallbacks", groups.size())
    return summed.reset_index()
