# SPDX-License-Identifier: MIT
"""What an event of a run did and why, in plain words.

The run's own columns tell what happened. Why an allocation was refused depends
on the layout at that moment, which is had by going back to it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import numpy as np

from heapkit import explain_uses
from heapkit._ffi import PAGE_SIZE, Op
from heapkit.board import Board, CmaHeap, Heap, PagedHeap, PageLoad, UdmabufHeap
from heapkit.board_parts import ranges_of
from heapkit.breakdown import takes
from heapkit.explain_uses import allocated_at as _allocated_at
from heapkit.explain_uses import counted as _count
from heapkit.explain_uses import spelt as _bytes
from heapkit.fitting import alignment, free_runs, servable, size_limit
from heapkit.snapshot import Snapshot, State
from heapkit.units import format_ns

if TYPE_CHECKING:
    from heapkit.run import Run


class Moment(Protocol):
    """A machine between two events of a trace, for as long as it is looked at."""

    def advance(self, now_ns: int) -> None:
        """Let the idle threads run until ``now_ns``."""

    def charges(self) -> dict[str, int]:
        """How often the next event is charged each constant; carries it out.

        Not after :meth:`advance`.
        """

    def snapshot(self, heap: int) -> Snapshot:
        """The regions of the heap of that index."""


Rewind = Callable[[int], AbstractContextManager[Moment]]


def explain(run: Run, i: int, rewind: Rewind) -> str:
    """One or more sentences about event ``i``; ``rewind(n)`` is after ``n``."""
    op = Op(run["op"][i])
    tell = {
        Op.ALLOC: _allocation,
        Op.FREE: _free,
        Op.PRESSURE: _pressure,
        Op.SHARE: _share,
    }.get(op, _use)
    return f"Event {i}, {op.name}: " + tell(run, i, rewind)


# --- Allocations -------------------------------------------------------------


def _allocation(run: Run, i: int, rewind: Rewind) -> str:
    wanted = _bytes(run["size"][i])
    chain = run.trace.heaps[run.trace.chain[i]].split("|")
    tried = chain[: int(run["tried"][i])]
    status = int(run["status"][i])
    refused = tried if status else tried[:-1]
    told = [f"buffer {run['buffer'][i]} asks {_either(chain)} for {wanted}"]
    if refused:
        told += _refusals(run, i, refused, rewind)
    if status:
        code = errno.errorcode[-status]
        rest = "no heap was left to try" if len(chain) > 1 else "there is no other heap"
        told.append(
            f"The allocation fails with {code} ({os.strerror(-status)}): {rest}"
        )
    else:
        told.append(_served(run, i, tried[-1], len(tried)))
    return ". ".join(told) + "."


def _served(run: Run, i: int, heap: str, tries: int) -> str:
    entries, pooled = int(run["entries"][i]), int(run["pool_entries"][i])
    words = f"It is served by {heap}"
    words += f", heap {tries} of its chain," if tries > 1 else ""
    words += f" at {int(run['address'][i]):#x} in {_count(entries, 'entry', 'entries')}"
    if pooled:
        words += f", {pooled} of them from the pool"
    words += _moved(run, i)
    words += f", and takes {takes(run, i)}"
    return words + _left(run, i)


def _moved(run: Run, i: int) -> str:
    """What CMA had to do first, where its pages were lent."""
    if "pages_migrated" not in run or run.board.heaps[run["heap"][i]].kind != "cma":
        return ""
    moved, busy = int(run["pages_migrated"][i]), int(run["busy_retries"][i])
    dropped = int(run["pages_discarded"][i])
    done = (
        [f"moving {_count(moved, 'borrowed page', 'borrowed pages')}"] if moved else []
    )
    done += [f"dropping {_count(dropped, 'clean page', 'clean pages')}"] * bool(dropped)
    done += [f"giving up {_count(busy, 'busy place', 'busy places')}"] if busy else []
    return f", after {_listed(done)}" if done else ""


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _left(run: Run, i: int) -> str:
    if "free_bytes" not in run.columns:
        return ""
    free, largest = run["free_bytes"][i], run["largest_free_bytes"][i]
    # The page allocator's gauge is of blocks: two neighbours are not joined.
    is_paged = isinstance(run.board.heaps[run["heap"][i]], PagedHeap)
    piece = "largest block" if is_paged else "longest run"
    return f"; {_bytes(free)} are free then, the {piece} {_bytes(largest)}"


def _refusals(run: Run, i: int, heaps: list[str], rewind: Rewind) -> Iterator[str]:
    size = int(run["size"][i])
    with rewind(i) as moment:
        moment.advance(int(run["time_ns"][i]))
        for name in heaps:
            layout, heap = moment.snapshot(run.heap_index(name)), run.board.heap(name)
            if _has_room(run, heap, layout, size):
                reason = _why_busy(run, i) + _of_all(run, heaps)
            else:
                lent = _free_in_cma(run.board, layout)
                reason = why_refused(
                    heap, layout, size, lent=lent, mark=_mark(run.board)
                )
            yield f"{name} refuses: {reason}"


def _has_room(run: Run, heap: Heap, layout: Snapshot, size: int) -> bool:
    """Whether a lent CMA area's bitmap had a place, so that its pages were busy."""
    if not run.board.lends or not isinstance(heap, CmaHeap):
        return False
    return servable(heap, layout) >= size


def _why_busy(run: Run, i: int) -> str:
    busy, moved = int(run["busy_retries"][i]), int(run["pages_migrated"][i])
    dropped = int(run["pages_discarded"][i])
    held = "each place that it fits" if busy > 1 else "the one place that it fits"
    words = f"busy, {held} ({busy} tried) holds a pinned page, which cannot be moved"
    if run["no_target"][i]:
        words = "there is no free page left to move the borrowed pages to"
        words += (
            f", and {_count(busy, 'place was', 'places were')} busy" if busy else ""
        )
    if moved:
        words += f"; {_count(moved, 'page', 'pages')} had been moved by then"
    if dropped:
        words += f"; {_count(dropped, 'clean page', 'clean pages')} had been dropped"
    return words


def _mark(board: Board) -> int:
    return (board.memory.min_free or 0) if board.memory else 0


def _of_all(run: Run, heaps: list[str]) -> str:
    """A row's counts are its event's: said where several areas share them."""
    areas = [name for name in heaps if isinstance(run.board.heap(name), CmaHeap)]
    return f" (counted over {' and '.join(areas)})" if len(areas) > 1 else ""


def _free_in_cma(board: Board, layout: Snapshot) -> int:
    """Free bytes of a paged heap's layout that are lent areas' pages."""
    areas = [
        area
        for heap in board.heaps
        if board.lends and isinstance(heap, CmaHeap)
        for area in ranges_of(heap)
    ]
    start, end = free_runs(layout)
    return sum(
        int(np.maximum(np.minimum(end, b + size) - np.maximum(start, b), 0).sum())
        for b, size in areas
    )


def why_refused(
    heap: Heap, layout: Snapshot, size: int, *, lent: int = 0, mark: int = 0
) -> str:
    """Why ``heap``, laid out as ``layout``, has no room for ``size`` bytes.

    ``lent`` bytes of the free ones are CMA pages, which only movable requests get;
    ``mark`` bytes are kept back from orders above 0.
    """
    if isinstance(heap, PagedHeap):
        return _why_paged(heap, layout, size, lent, mark)
    granule = getattr(heap, "chunk", None) or heap.granule
    need = -(-size // granule) * granule
    if need > heap.size:
        asked, whole = _bytes(need), _bytes(heap.size)
        # 1 MiB and a page is "1 MiB" too.
        asked = asked if asked != whole else f"{need} B"
        return f"{asked} are more than the whole heap, {whole}"
    free, largest = layout.free_bytes, layout.largest_free_bytes
    fits = (
        f"The largest buffer it could have served is {_bytes(servable(heap, layout))}"
    )
    if free < need:
        return f"exhausted, {_bytes(free)} of {_bytes(heap.size)} are free" + _pending(
            layout, f". {fits}"
        )
    pieces = _count(len(free_runs(layout, heap)[0]), "piece", "pieces")
    if isinstance(heap, CmaHeap) and heap.chunk:
        return (
            f"fragmented, {_bytes(free)} are free in {pieces}, but not in the runs "
            f"of chunks that it takes, a pageblock each. {fits}"
        )
    if largest < need:
        return (
            f"fragmented, {_bytes(free)} are free but in {pieces}, "
            f"the longest {_bytes(largest)}" + _pending(layout, f". {fits}")
        )
    return (
        f"alignment, the longest of {pieces} is {_bytes(largest)} but none holds "
        f"{_bytes(need)} at a multiple of {_bytes(alignment(heap, need))}. {fits}"
    )


def _why_paged(
    heap: PagedHeap, layout: Snapshot, size: int, lent: int, mark: int
) -> str:
    block = PAGE_SIZE << heap.order if isinstance(heap, PageLoad) else PAGE_SIZE
    if isinstance(heap, UdmabufHeap) and size % PAGE_SIZE:
        return f"a memfd is exported in whole pages, and {size} B are none"
    need = -(-size // block) * block
    pooled = layout.bytes_in(State.POOL)
    waiting = layout.bytes_in(State.DEFERRED)
    if (limit := size_limit(heap, layout.size)) and need > limit:
        return f"its limit, {_bytes(limit)} in one buffer, and {_bytes(need)} are asked"
    words = f"exhausted, the page allocator has {_bytes(layout.free_bytes)} free"
    if block > PAGE_SIZE and mark:
        words += f" and keeps {_bytes(mark)} back from orders above 0"
    if block > PAGE_SIZE:
        words += (
            f", {_bytes(servable(heap, layout))} of it in blocks of {_bytes(block)}"
        )
    if lent and not getattr(heap, "movable", False):
        words += f", {_bytes(lent)} of it CMA pages that only movable requests may have"
    # Order 0 has reclaimed both before it failed.
    if block == PAGE_SIZE:
        words += f", the pools had {_bytes(pooled)} to reclaim" if pooled else ""
        words += f", deferred frees {_bytes(waiting)}" if waiting else ""
    return f"{words}, and {_bytes(need)} are needed"


def _pending(layout: Snapshot, otherwise: str) -> str:
    waiting = layout.bytes_in(State.DEFERRED)
    if not waiting:
        return otherwise
    return (
        f"; {_bytes(waiting)} more are freed but not yet returned "
        f"(deferred free){otherwise}"
    )


# --- Everything else ---------------------------------------------------------


def _free(run: Run, i: int, _: Rewind) -> str:
    buffer = run["buffer"][i]
    start = _allocated_at(run, i)
    if left := explain_uses.dropped(run, i):
        return left
    if run["status"][start]:
        return (
            f"buffer {buffer} was refused at event {start}, so there is nothing to do."
        )
    heap = run.heap_names[run["heap"][i]]
    held = format_ns(int(run["time_ns"][i] - run["time_ns"][start]))
    return (
        f"buffer {buffer}, {_bytes(run['size'][start])} of {heap} at "
        f"{int(run['address'][start]):#x}, is freed after {held}; that takes "
        f"{takes(run, i)}{_left(run, i)}{_waiting(run, i)}."
    )


def _waiting(run: Run, i: int) -> str:
    if "deferred_bytes" not in run.columns or not run["deferred_bytes"][i]:
        return ""
    waiting = _bytes(run["deferred_bytes"][i])
    return f", and {waiting} wait to be zeroed and returned (deferred free)"


def _use(run: Run, i: int, _: Rewind) -> str:
    return explain_uses.use(run, i)


def _share(run: Run, i: int, _: Rewind) -> str:
    return explain_uses.share(run, i)


def _pressure(run: Run, i: int, _: Rewind) -> str:
    words = f"the shrinkers are asked for {_bytes(run['size'][i])} and take "
    words += takes(run, i)
    if "pool_bytes" in run.columns:
        words += f"; the pools then hold {_bytes(run['pool_bytes'][i])}"
        words += f", {_bytes(run['free_bytes'][i])} of memory are free"
    return words + "."


def _either(chain: list[str]) -> str:
    return (
        chain[0]
        if len(chain) == 1
        else f"{chain[0]}, else {', else '.join(chain[1:])},"
    )
