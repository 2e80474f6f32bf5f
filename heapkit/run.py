# SPDX-License-Identifier: MIT
"""What a replay returns: one row per event, plus gauges."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from heapkit import _ffi, arguments, explain
from heapkit.board import Board
from heapkit.breakdown import Counts, frame, priced
from heapkit.cost_groups import GROUP_OF
from heapkit.errors import UnknownEvent, UnknownName
from heapkit.run_summary import MOVE_COLUMNS, summarise, summary_lines
from heapkit.snapshot import Snapshot
from heapkit.trace import Trace
from heapkit.trace_ops import op_categories

if TYPE_CHECKING:
    import pandas as pd

ROW_COLUMNS = _ffi.ROW.names or ()
GAUGE_COLUMNS = _ffi.GAUGES.names or ()
_NOT_COUNTED = "this run was replayed without breakdown=True"
TRACE_COLUMNS = ("op", "buffer", "size", "time_ns")


class Run:
    """One row per event of ``trace`` on ``board``; immutable.

    ``run["status"]`` and the other :attr:`columns` are read-only views, in the
    order of the trace: ``status`` (0 or a negative errno), ``heap`` (index into
    :attr:`heap_names` of the heap that served the event or was tried last, -1
    for none), ``tried`` (heaps tried), ``entries`` and ``pool_entries`` (sg
    entries, and those a pool served), ``address`` (of the first entry, bytes),
    ``latency_ns``; the gauges of that heap after the event, in bytes:
    ``free_bytes``, ``largest_free_bytes``, ``pool_bytes``, ``deferred_bytes``;
    where CMA areas lend their pages (:attr:`Board.lends`) also ``busy_retries``
    (places that held a page that could not go), ``pages_migrated``, ``no_target``
    (attempts given up because no page was left to move to) and ``pages_discarded``
    (clean ones, dropped); of a replay with
    ``breakdown=True`` the :attr:`breakdown_columns`; and the trace's own ``op``,
    ``buffer``, ``size``, ``time_ns``.
    """

    def __init__(
        self,
        trace: Trace,
        board: Board,
        *,
        rows: NDArray[np.void],
        gauges: NDArray[np.void] | None,
        fills: tuple[str, NDArray[np.void]] | None,
        moves: NDArray[np.void] | None = None,
        counts: Counts | None = None,
        cma_counters: dict[str, _ffi.CmaCounters] | None = None,
        rewind: explain.Rewind,
    ) -> None:
        self.trace, self.board = trace, board
        self._rows, self._gauges, self._fills = rows, gauges, fills
        self._moves, self._cma_counters = moves, cma_counters or {}
        self._counts, self._rewind = counts, rewind
        self._freeze()

    def _freeze(self) -> None:
        fills = self._fills and self._fills[1]
        for array in (self._rows, self._gauges, self._moves, fills):
            if array is not None:
                array.flags.writeable = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Arrays come writable out of a pickle.
        self.__dict__.update(state)
        self._freeze()

    @property
    def heap_names(self) -> tuple[str, ...]:
        """The board's heaps, in the order of ``run["heap"]``."""
        return self.board.heap_names

    @property
    def columns(self) -> tuple[str, ...]:
        """What ``run[…]`` takes."""
        gauges = () if self._gauges is None else GAUGE_COLUMNS
        moves = () if self._moves is None else MOVE_COLUMNS
        parts = self.breakdown_columns
        return (*TRACE_COLUMNS, *ROW_COLUMNS, *gauges, *moves, *parts)

    @property
    def breakdown_columns(self) -> tuple[str, ...]:
        """``zero_page_ns`` …: of each constant of the board that was charged.

        They are count × constant, and add up to ``latency_ns`` but for its rounding
        to a whole nanosecond. None without ``breakdown=True``.
        """
        charged = () if self._counts is None else self._counts.names
        return tuple(f"{name}_ns" for name in charged)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, column: str) -> NDArray[Any]:
        if column in TRACE_COLUMNS:
            values: NDArray[Any] = getattr(self.trace, column)
            return values
        if column in ROW_COLUMNS:
            return self._rows[column]
        if column in GAUGE_COLUMNS:
            if self._gauges is None:
                text = f"{column}: this run was replayed with gauges=False"
                raise UnknownName(text)
            return self._gauges[column]
        if column in MOVE_COLUMNS and self._moves is not None:
            return self._moves[column]
        if column in self.breakdown_columns:
            return self._ns(column.removesuffix("_ns"))
        if self._counts is None and str(column).removesuffix("_ns") in GROUP_OF:
            raise UnknownName(f"{column}: {_NOT_COUNTED}")
        raise UnknownName(f"column {column!r}; allowed: {', '.join(self.columns)}")

    def _ns(self, constant: str) -> NDArray[np.float64]:
        values = self._counted().ns(constant, self.board.costs)
        values.flags.writeable = False
        return values

    def _counted(self) -> Counts:
        if self._counts is None:
            raise ValueError(f"breakdown: {_NOT_COUNTED}")
        return self._counts

    def count(self, constant: str) -> NDArray[np.uint64]:
        """How often each event was charged ``constant``, such as "zero_page"."""
        if constant not in GROUP_OF:
            allowed = ", ".join(GROUP_OF)
            raise UnknownName(f"constant: {constant!r}; allowed: {allowed}")
        values = self._counted().of(constant)
        values.flags.writeable = False
        return values

    @overload
    def breakdown(self) -> pd.DataFrame: ...
    @overload
    def breakdown(self, event: int) -> dict[str, float]: ...
    def breakdown(self, event: int | None = None) -> pd.DataFrame | dict[str, float]:
        """What events paid for what, in ns: of all of them, or of one.

        Without ``event`` a row per event and a column per part
        (:data:`heapkit.cost_groups.GROUPS`), of a replay with ``breakdown=True``.
        With it, of any run, a number for each constant that the event was charged.
        """
        if event is None:
            return frame(self._counted(), self.board.costs)
        at = self._event(event)
        if self._counts is not None:
            counts = self._counts.at(at)
        else:
            with self._rewind(at) as moment:
                counts = moment.charges()
        return priced(counts, self.board.costs)

    def __contains__(self, column: object) -> bool:
        return column in self.columns

    def __iter__(self) -> Iterator[str]:
        """The names of the columns, as a DataFrame does; ``len`` counts events."""
        return iter(self.columns)

    def keys(self) -> tuple[str, ...]:
        """The names of the columns, for ``dict(run)``."""
        return self.columns

    def heap_index(self, heap: object) -> int:
        """Where ``heap`` stands in :attr:`heap_names`."""
        if not isinstance(heap, str) or heap not in self.heap_names:
            allowed = ", ".join(self.heap_names)
            raise UnknownName(f"heap: {heap!r} is not on the board; allowed: {allowed}")
        return self.heap_names.index(heap)

    def pool_fill(self, heap: str) -> NDArray[np.uint32]:
        """Blocks in each pool of ``heap`` after each event: (len(run), orders).

        The columns follow the heap's ``orders``. Recorded only when the replay
        was asked to (``pool_fill=heap``).
        """
        if self._fills is None or self._fills[0] != heap:
            recorded = self._fills[0] if self._fills else "no heap"
            raise ValueError(
                f"heap: {heap!r}; this run recorded the pools of {recorded}: "
                f"replay(…, pool_fill={heap!r})"
            )
        orders = getattr(self.board.heap(heap), "orders", ())
        items: NDArray[np.uint32] = self._fills[1]["items"]
        return items[:, : len(orders)]

    def cma_counters(self, heap: str) -> _ffi.CmaCounters:
        """What the area of that CMA heap had counted at the end of the run.

        The kernel's: ``alloc_success`` and ``alloc_fail`` are calls, as in
        /proc/vmstat, ``alloc_pages_…`` and ``release_pages_success`` pages, as under
        /sys/kernel/mm/cma, ``busy_retries`` the tracepoint's number.
        """
        if heap not in self._cma_counters:
            allowed = ", ".join(self._cma_counters) or "no heap of this board"
            raise ValueError(f"heap: {heap!r} is no CMA heap; allowed: {allowed}")
        return self._cma_counters[heap]

    def snapshot(self, event: int | str, heap: str | int | None = None) -> Snapshot:
        """The exact layout of ``heap`` just after ``event``.

        Without ``heap``, of the heap that the event's row names. The two may come
        in either order. The machine is taken up at the checkpoint before the event
        and goes on from there (:class:`heapkit.checkpoints.Checkpoints`).
        """
        if isinstance(event, str) and heap is not None:
            event, heap = heap, event
        at = self._event(event)
        index = self._touched(at) if heap is None else self.heap_index(heap)
        with self._rewind(at + 1) as moment:
            return moment.snapshot(index)

    def _touched(self, event: int) -> int:
        index = int(self["heap"][event])
        if index < 0:
            allowed = f"one of {self.heap_names}, for event {event} touches no heap"
            raise arguments.wrong("snapshot", "heap", None, allowed)
        return index

    def explain(self, i: int) -> str:
        """What event ``i`` did and why, in plain words."""
        return explain.explain(self, self._event(i), self._rewind)

    def _event(self, i: object) -> int:
        try:
            event = arguments.integer("Run", "event", i, low=-(2**63), high=2**63)
        except ValueError:
            allowed = f"an integer, {-len(self)} to {len(self) - 1}"
            raise arguments.wrong("Run", "event", i, allowed) from None
        if not -len(self) <= event < len(self):
            text = f"event {event}; this run has {len(self)}"
            if len(self):
                text += f", allowed: {-len(self)} to {len(self) - 1}"
            raise UnknownEvent(text)
        return event % len(self)

    def summary(self) -> dict[str, Any]:
        """The run in numbers that JSON can hold; sizes in bytes, times in ns."""
        return summarise(self)

    def to_frame(self) -> pd.DataFrame:
        """One row per event, with names for the codes of ``op`` and ``heap``.

        ``error`` spells a ``status`` that is not 0: "ENOMEM".
        """
        import pandas as pd

        codes = self["heap"].astype(np.int64)
        texts = {0: ""} | {-code: name for code, name in errno.errorcode.items()}
        data: dict[str, Any] = {name: self[name] for name in self.columns}
        data["op"] = op_categories(self["op"])
        names = pd.Index(self.heap_names)
        data["heap"] = pd.Categorical.from_codes(codes, names)
        data["error"] = pd.Series(self["status"]).map(texts).to_numpy()
        return pd.DataFrame(data)

    def __repr__(self) -> str:
        summary = self.summary()
        return (
            f"<Run of {len(self)} events on {self.board.name!r}: "
            f"{summary['allocations']} allocations, {summary['failures']} failed>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        lines = "".join(
            f"<tr><th style='text-align:left'>{escape(label)}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>"
            for label, text in summary_lines(self.summary())
        )
        caption = f"Run on board {escape(repr(self.board.name))}"
        return f"<table><caption>{caption}</caption>{lines}</table>"
