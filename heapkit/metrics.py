# SPDX-License-Identifier: MIT
"""Numbers about a layout or a run: pure functions over numpy columns.

Sizes and addresses are bytes, times nanoseconds. The indices of the buddy
allocator are mm/vmstat.c's, in its integer arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit._ffi import PAGE_SIZE, Op
from heapkit.board_parts import PageLoad

if TYPE_CHECKING:
    from heapkit.board import Heap
    from heapkit.run import Run

LIFETIME = np.dtype(
    [
        ("start", np.int64),
        ("end", np.int64),
        ("address", np.uint64),
        ("size", np.uint64),
        ("buffer", np.int64),
    ]
)


# --- Of one moment -----------------------------------------------------------


def fragmentation(free: ArrayLike, largest: ArrayLike) -> Any:
    """The share of free bytes outside the longest free run: 0 … 1.

    0 where nothing is free. The measure of Johnstone and Wilson's successors
    (``1 - largest / free``); scalars give a float, arrays an array.
    """
    free_ = np.asarray(free, dtype=np.float64)
    some = free_ > 0
    share = 1.0 - np.divide(largest, free_, out=np.ones_like(free_), where=some)
    return share if share.ndim else float(share)


class _Blocks(NamedTuple):
    free: int
    total: int
    suitable: int


def _count_blocks(free_blocks: Sequence[int], order: int) -> _Blocks:
    # fill_contig_page_info() of mm/vmstat.c
    counts = [int(count) for count in free_blocks]
    free = sum(count << o for o, count in enumerate(counts))
    suitable = sum(count << (o - order) for o, count in enumerate(counts) if o >= order)
    return _Blocks(free, sum(counts), suitable)


def unusable_free_index(free_blocks: Sequence[int], order: int) -> int:
    """Thousandths of free memory that cannot serve ``order``; 1000 if none is free.

    ``free_blocks[o]`` is the number of free blocks of order ``o``, as in
    /proc/buddyinfo. Kernel: unusable_free_index().
    """
    free, _, suitable = _count_blocks(free_blocks, order)
    return (free - (suitable << order)) * 1000 // free if free else 1000


def fragmentation_index(free_blocks: Sequence[int], order: int) -> int:
    """Why ``order`` would fail: towards 0 lack of memory, towards 1000 fragmentation.

    -1000 if it would succeed, 0 if nothing is free. Kernel:
    __fragmentation_index().
    """
    free, total, suitable = _count_blocks(free_blocks, order)
    if total == 0:
        return 0
    if suitable > 0:
        return -1000
    return 1000 - (1000 + free * 1000 // (1 << order)) // total


def extfrag(free_blocks: Sequence[int], order: int) -> int:
    """Per cent of free memory that cannot serve ``order``; 0 if none is free.

    Kernel: extfrag_for_order().
    """
    free, _, suitable = _count_blocks(free_blocks, order)
    return (free - (suitable << order)) * 100 // free if free else 0


# --- Of a run ----------------------------------------------------------------


def lifetimes(run: Run, heap: str) -> NDArray[np.void]:
    """Every buffer that ``heap`` served: one :data:`LIFETIME` row each.

    ``start`` is the index of its ALLOC, ``end`` that of its FREE, or
    ``len(run)`` where it is never freed; rows ascend by ``start``. ``size`` is
    what the heap gave, in whole pages (chunks for a chunk heap); ``address`` is
    that of the first sg entry, so only carveout, CMA (but in chunks) and secure heaps
    have the whole buffer at ``[address, address + size)``. Pages of a deferred free
    stay taken beyond ``end``.
    """
    index = run.heap_index(heap)
    start, end = allocation_spans(run)
    here = (run["heap"][start] == index) & (run["status"][start] == 0)
    start, end = start[here], end[here]
    rows = np.empty(len(start), dtype=LIFETIME)
    rows["start"], rows["end"] = start, end
    rows["address"] = run["address"][start]
    rows["size"] = granted_size(run, heap, run["size"][start])
    rows["buffer"] = run["buffer"][start]
    return rows


def allocation_spans(run: Run) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The event of each ALLOC, ascending, and of its FREE (``len(run)`` if none)."""
    return run.trace.spans()


def granted_size(run: Run, heap: str, size: NDArray[Any]) -> NDArray[np.uint64]:
    """``size`` rounded up as ``heap`` does: to pages, or to chunks."""
    granule = np.uint64(granted_granule(run.board.heap(heap)))
    wanted = size.astype(np.uint64)
    return (wanted + granule - np.uint64(1)) // granule * granule


def granted_granule(heap: Heap) -> int:
    """The bytes of which ``heap`` gives whole multiples: a chunk, a block, a page."""
    if isinstance(heap, PageLoad):
        return PAGE_SIZE << heap.order
    return int(getattr(heap, "chunk", None) or PAGE_SIZE)


def held_bytes(run: Run, heap: str) -> NDArray[np.int64]:
    """After each event, the bytes that buffers of ``heap`` were given and not freed.

    Pages of a clean load that CMA dropped meanwhile count, for the trace knows of
    none: ``run["pages_discarded"]`` says how many, a snapshot which are left.
    """
    rows = lifetimes(run, heap)
    change = np.zeros(len(run) + 1, dtype=np.int64)
    np.add.at(change, rows["start"], rows["size"].astype(np.int64))
    np.add.at(change, rows["end"], -rows["size"].astype(np.int64))
    return np.cumsum(change[:-1])


def layout_at(lifetimes: NDArray[np.void], event: int) -> NDArray[np.void]:
    """The rows of :func:`lifetimes` that are alive just after ``event``."""
    return lifetimes[alive_at(lifetimes, event)]


def alive_at(lifetimes: NDArray[np.void], event: int) -> NDArray[np.intp]:
    """Which rows :func:`layout_at` returns: a column's values are had by them alone."""
    begun = int(np.searchsorted(lifetimes["start"], event, side="right"))
    return np.flatnonzero(lifetimes["end"][:begun] > event)


def cells(
    rows: NDArray[np.void], base: int, size: int, n_cells: int
) -> NDArray[np.uint8]:
    """How full each of ``n_cells`` equal parts of ``[base, base + size)`` is.

    ``rows`` have disjoint ``address`` and ``size`` (a layout, or a snapshot's
    used regions). 0 is empty, 255 full; a part that is neither is 1 … 254.
    """
    if n_cells < 1 or size < 1:
        raise ValueError(f"n_cells, size: {n_cells}, {size}; allowed: 1 and more")
    ordered = rows[np.argsort(rows["address"])]
    start = ordered["address"].astype(np.int64) - base
    length = ordered["size"].astype(np.int64)
    covered = np.concatenate(([0], np.cumsum(length)))
    where = np.column_stack((start, start + length)).ravel()
    filled = np.column_stack((covered[:-1], covered[1:])).ravel()
    edges = np.linspace(0, size, n_cells + 1)
    if not len(where):
        return np.zeros(n_cells, dtype=np.uint8)
    share = np.diff(np.interp(edges, where, filled)) * (n_cells / size)
    level = np.clip(np.rint(share * 255), 0, 255)
    # Half a byte of a 64 GiB heap is 2^-37: below that it is rounding error.
    level = np.where((share > 1e-9) & (level == 0), 1, level)
    return np.where((share < 1 - 1e-9) & (level == 255), 254, level).astype(np.uint8)


def envelope(
    x: ArrayLike, y: ArrayLike, buckets: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """``(x, lowest, highest)`` of ``y`` in at most ``buckets`` equal steps of ``x``.

    ``x`` ascends. No extreme of ``y`` is lost, so a line drawn through both
    looks like the line through all points. Each step is placed at the first
    ``x`` in it; steps without a point are left out.
    """
    xs, ys = np.asarray(x), np.asarray(y)
    if xs.shape != ys.shape or xs.ndim != 1:
        raise ValueError(f"x, y: shapes {xs.shape}, {ys.shape}; allowed: equal, 1-D")
    if buckets < 1:
        raise ValueError(f"buckets: {buckets}; allowed: 1 and more")
    if len(xs) <= buckets:
        return xs, ys, ys
    edges = np.linspace(xs[0], xs[-1], buckets + 1)[:-1]
    first = np.unique(np.searchsorted(xs, edges, side="left"))
    low = np.minimum.reduceat(ys, first)
    return xs[first], low, np.maximum.reduceat(ys, first)


def percentiles(latency: ArrayLike) -> dict[str, int | None]:
    """p50, p90, p99 and max: values that occur in ``latency`` (None if empty)."""
    values = np.asarray(latency)
    if not values.size:
        return {"p50": None, "p90": None, "p99": None, "max": None}
    # inverted_cdf gives an observed value, not one between two.
    shares = np.percentile(values, [50, 90, 99, 100], method="inverted_cdf")
    p50, p90, p99, highest = (int(value) for value in shares)
    return {"p50": p50, "p90": p90, "p99": p99, "max": highest}


def failure_rate(run: Run, heap: str | None = None) -> float:
    """The share of allocations that failed; 0 if there are none.

    With ``heap``: of the allocations that tried it, those it did not serve,
    whether a later heap of their chain did or not.
    """
    allocations = run["op"] == Op.ALLOC
    if heap is None:
        total, failed = allocations, allocations & (run["status"] != 0)
    else:
        total, failed = tried(run, heap), refused(run, heap)
    count = int(np.count_nonzero(total))
    return int(np.count_nonzero(failed)) / count if count else 0.0


def tried(run: Run, heap: str) -> NDArray[np.bool_]:
    """For each event, whether it is an ALLOC that asked ``heap``."""
    chains = [chain.split("|") for chain in run.trace.heaps]
    never = len(run.board.heaps) + max((len(c) for c in chains), default=0)
    place = np.array([c.index(heap) if heap in c else never for c in chains] or [never])
    start, _ = allocation_spans(run)
    asked = np.zeros(len(run), dtype=np.bool_)
    asked[start] = run["tried"][start] > place[run.trace.chain[start]]
    return asked


def refused(run: Run, heap: str) -> NDArray[np.bool_]:
    """For each event, whether it is an ALLOC that asked ``heap`` in vain."""
    served = (run["heap"] == run.heap_index(heap)) & (run["status"] == 0)
    vain: NDArray[np.bool_] = tried(run, heap) & ~served
    return vain
