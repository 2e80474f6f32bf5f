# SPDX-License-Identifier: MIT
"""One panel per cell: running a cell again shows the panel it showed before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from heapkit.board import Board
from heapkit.explorers.base import Explorer
from heapkit.notebook import cell_id
from heapkit.trace import Trace

E = TypeVar("E", bound=Explorer)

# ipywidgets holds every open widget; a closed one leaves this table by itself.
_open: WeakValueDictionary[tuple[str, str], Explorer] = WeakValueDictionary()


def show(
    kind: type[E],
    trace: Trace,
    board: Board,
    heap: str,
    *,
    name: str | None,
    state: Mapping[str, Any] | None,
) -> E:
    """The panel of that kind and name with this trace and board."""
    known_by = f"{name or f'{board.name}/{heap}'}@{cell_id()}"
    panel = _open.get((kind.kind, known_by))
    if isinstance(panel, kind) and panel.is_open:
        if panel.fits(board, heap):
            panel.adopt(trace, board, heap)
        else:
            panel.close()
            panel = None
    else:
        panel = None
    if panel is None:
        panel = kind(trace, board, heap=heap, name=known_by)
        _open[kind.kind, known_by] = panel
    if state is not None:
        panel.state = state
    return panel
