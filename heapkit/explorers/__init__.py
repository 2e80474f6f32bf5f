# SPDX-License-Identifier: MIT
"""Panels to play with: ``hk.explore.carveout(trace, board)`` and its kin.

Each function returns an ipywidget. Running its cell again shows the same panel,
with the new trace and board and the controls as they were left. A panel is known
by its kind, its ``name`` and its cell; without a name, by board, heap and cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

from heapkit import arguments
from heapkit.board import Board
from heapkit.explorers import choice, registry
from heapkit.explorers.area import AreaExplorer
from heapkit.explorers.base import Explorer
from heapkit.explorers.carveout import CarveoutExplorer
from heapkit.explorers.pool import PoolExplorer
from heapkit.explorers.recorded import LiveExplorer
from heapkit.explorers.sync import SyncExplorer
from heapkit.introspection.look import Introspection
from heapkit.recorder.recording import Recording
from heapkit.snapshot import Snapshot
from heapkit.trace import Trace

__all__ = ["Explorer", "carveout", "live", "pool", "sync"]

State = Mapping[str, Any] | None


def __dir__() -> list[str]:
    return sorted(__all__)


@overload
def carveout(
    trace: Trace,
    board: Board,
    *,
    heap: str | None = None,
    name: str | None = None,
    state: State = None,
) -> CarveoutExplorer: ...
@overload
def carveout(
    trace: Snapshot | Sequence[Snapshot] | Introspection,
    *,
    heap: str | None = None,
    name: str | None = None,
    state: State = None,
) -> AreaExplorer: ...
def carveout(
    trace: Trace | Snapshot | Sequence[Snapshot] | Introspection,
    board: Board | None = None,
    *,
    heap: str | None = None,
    name: str | None = None,
    state: State = None,
) -> CarveoutExplorer | AreaExplorer:
    """How a region fragments: ``trace`` replayed for every fit and size chosen.

    ``heap`` is a carveout, secure or CMA heap of ``board`` (default: the first
    carveout that the trace asks). ``state`` is what :attr:`Explorer.state` gave.

    Without a board, a real region instead: a Snapshot, several of one area as
    moments to step through, or what :func:`heapkit.introspect` returned, of which
    ``heap`` is a CMA area (default: the first). ``ValueError`` for a heap that is
    not there or has no regions, and for snapshots of different areas.
    """
    if not isinstance(trace, Trace):
        frames = choice.frames(trace, board, heap)
        return registry.show_area(frames, name=name, state=state)
    if board is None:
        raise arguments.wrong("carveout", "board", board, "a Board to replay on")
    chosen = choice.region_heap(trace, board, heap)
    return registry.show(CarveoutExplorer, trace, board, chosen, name=name, state=state)


def pool(
    trace: Trace,
    board: Board,
    *,
    heap: str | None = None,
    name: str | None = None,
    state: State = None,
) -> PoolExplorer:
    """What a page pool holds and saves, for every fill and low mark chosen.

    ``heap`` is a system heap of ``board`` (default: the first one with a pool
    that the trace asks). ``ValueError`` for any other heap.
    """
    chosen = choice.system_heap(trace, board, heap)
    return registry.show(PoolExplorer, trace, board, chosen, name=name, state=state)


def sync(
    trace: Trace,
    board: Board,
    *,
    heap: str | None = None,
    name: str | None = None,
    state: State = None,
) -> SyncExplorer:
    """What a frame pays for cache maintenance, by devices attached.

    The frames are generated; ``trace`` gives the buffer size to begin with: that
    of its largest allocation. ``heap`` is any heap with CPU access (default: the
    first that the trace asks).
    """
    chosen = choice.cpu_heap(trace, board, heap)
    return registry.show(SyncExplorer, trace, board, chosen, name=name, state=state)


def live(recording: Recording, *, name: str | None = None) -> LiveExplorer:
    """A recording while it runs: what :func:`heapkit.record` returned.

    Bytes held by heap and CMA area, events a second, and what was lost, of the last
    10,000 samples. Its buttons stop and resume the recording.
    """
    return registry.show_live(recording, name=name)
