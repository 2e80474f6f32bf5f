# SPDX-License-Identifier: MIT
"""An explorer of a replay: one trace on one board."""

from __future__ import annotations

from abc import abstractmethod

from heapkit.board import Board
from heapkit.explorers.base import Explorer
from heapkit.trace import Trace


class ReplayExplorer(Explorer):
    """A panel over one trace and one board; ``_adopt()`` fits its controls to them."""

    def __init__(self, trace: Trace, board: Board, *, heap: str, name: str) -> None:
        self.trace, self.board = trace, board
        super().__init__(heap=heap, name=name)

    @abstractmethod
    def _adopt(self, *, new_board: bool, new_trace: bool) -> None:
        """Fit the controls to what is new; what is not keeps its controls."""

    def _begin(self) -> None:
        self._adopt(new_board=True, new_trace=True)

    @property
    def title(self) -> str:
        """What the head line says."""
        return f"{self.kind}: {self.heap} of {self.board.name}"

    def fits(self, board: Board, heap: str) -> bool:
        """Whether this figure can show that heap; otherwise a new one is made."""
        return self._form(board, heap) == self._form(self.board, self.heap)

    def _form(self, board: Board, heap: str) -> object:
        return heap, type(board.heap(heap))

    def adopt(self, trace: Trace, board: Board, heap: str) -> None:
        """Show another trace or board in the same figure.

        Controls that describe neither are kept as they are.
        """
        with self._lock:
            new_board, new_trace = board != self.board, not trace.equals(self.trace)
            self.trace, self.board, self.heap = trace, board, heap
            with self._silently():
                self._adopt(new_board=new_board, new_trace=new_trace)
            self._adopted(new=new_board or new_trace)
