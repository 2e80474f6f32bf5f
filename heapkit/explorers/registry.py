# SPDX-License-Identifier: MIT
"""One panel per cell: running a cell again shows the panel it showed before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from heapkit.board import Board
from heapkit.explorers.area import AreaExplorer
from heapkit.explorers.base import Explorer
from heapkit.explorers.recorded import LiveExplorer
from heapkit.explorers.replayed import ReplayExplorer
from heapkit.notebook import cell_id
from heapkit.recorder.recording import Recording
from heapkit.snapshot import Snapshot
from heapkit.trace import Trace

E = TypeVar("E", bound=Explorer)
R = TypeVar("R", bound=ReplayExplorer)

# ipywidgets holds every open widget; a closed one leaves this table by itself.
_open: WeakValueDictionary[tuple[str, str], Explorer] = WeakValueDictionary()


def show(
    kind: type[R],
    trace: Trace,
    board: Board,
    heap: str,
    *,
    name: str | None,
    state: Mapping[str, Any] | None,
) -> R:
    """The panel of that kind and name with this trace and board."""
    return _shown(
        kind,
        name or f"{board.name}/{heap}",
        state,
        fits=lambda panel: panel.fits(board, heap),
        adopt=lambda panel: panel.adopt(trace, board, heap),
        make=lambda known_by: kind(trace, board, heap=heap, name=known_by),
    )


def show_area(
    frames: tuple[Snapshot, ...],
    *,
    name: str | None,
    state: Mapping[str, Any] | None,
) -> AreaExplorer:
    """The panel of that name with these moments of an area."""
    return _shown(
        AreaExplorer,
        name or frames[0].heap,
        state,
        fits=lambda panel: panel.fits(frames),
        adopt=lambda panel: panel.adopt(frames),
        make=lambda known_by: AreaExplorer(frames, name=known_by),
    )


def show_live(recording: Recording, *, name: str | None) -> LiveExplorer:
    """The panel of that name with this recording."""
    return _shown(
        LiveExplorer,
        name or str(recording.path),
        None,
        fits=lambda panel: panel.fits(recording),
        adopt=lambda _: None,
        make=lambda known_by: LiveExplorer(recording, name=known_by),
    )


def _shown(
    kind: type[E],
    name: str,
    state: Mapping[str, Any] | None,
    *,
    fits: Callable[[E], bool],
    adopt: Callable[[E], None],
    make: Callable[[str], E],
) -> E:
    """The panel that this cell showed, with what is new, or one that is made."""
    known_by = f"{name}@{cell_id()}"
    panel = _open.get((kind.kind, known_by))
    if isinstance(panel, kind) and panel.is_open and fits(panel):
        adopt(panel)
    else:
        if isinstance(panel, kind) and panel.is_open:
            panel.close()
        panel = make(known_by)
        _open[kind.kind, known_by] = panel
    if state is not None:
        panel.state = state
    return panel
