# SPDX-License-Identifier: MIT
"""What a page pool holds, serves and saves under a trace."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, LayoutDOM
from numpy.typing import NDArray

from heapkit import metrics
from heapkit._ffi import PAGE_SIZE
from heapkit.board import Board, PagePool, SystemHeap
from heapkit.board_parts import QUALCOMM_LOW_PERCENT
from heapkit.explorers import panel, style
from heapkit.explorers.replayed import ReplayExplorer
from heapkit.replay import replay
from heapkit.run import Run
from heapkit.trace import Op
from heapkit.units import MiB, format_bytes, format_ns
from heapkit.views import pool as view
from heapkit.views import theme
from heapkit.views.ticks import format_share

# drivers/dma-buf/heaps/qcom_dynamic_page_pool.h of Qualcomm's kernels.
QUALCOMM_FILL_MIB = 100


class PoolExplorer(ReplayExplorer):
    """Fill per order, hits against misses, and latency with the pool and without."""

    kind = "pool"
    run: Run
    _without: Run | None

    def _build(self) -> tuple[list[widgets.Widget], LayoutDOM, list[widgets.Widget]]:
        self.pooled = panel.checkbox("page pool", value=True)
        self.deferred = panel.checkbox("deferred free", value=True)
        self.refill = panel.checkbox("refill (Qualcomm)", value=False)
        self.fill = panel.slider("fill, MiB", 1, 256, QUALCOMM_FILL_MIB)
        self.low = panel.slider("low, % of fill", 0, 100, QUALCOMM_LOW_PERCENT)
        self.event = panel.scrubber()
        self.controls = {
            "pool": self.pooled,
            "deferred_free": self.deferred,
            "refill": self.refill,
            "fill_mib": self.fill,
            "low_percent": self.low,
            "event": self.event,
        }
        buttons = panel.buttons(undo=self.undo, reset=self.reset)
        rows = [
            panel.row(self.pooled, self.deferred, self.refill, buttons),
            panel.row(self.fill, self.low),
            panel.player(self.event),
        ]
        return rows, self._figure(), []

    @property
    def _heap(self) -> SystemHeap:
        heap = self.board.heap(self.heap)
        if not isinstance(heap, SystemHeap):
            raise ValueError(f"heap={self.heap!r}; allowed: a system heap")
        return heap

    def _form(self, board: Board, heap: str) -> object:
        return super()._form(board, heap), getattr(board.heap(heap), "orders", ())

    def _figure(self) -> LayoutDOM:
        orders = self._heap.orders
        none = np.zeros(0, np.int64)
        cdf = view.cdf_columns(none)
        self._fill = _source(
            "hk_fill",
            {"event": [], "deferred": []} | {f"held_{o}": [] for o in orders},
        )
        self._hits = _source("hk_hits", view.hit_columns(none, none, none, events=0))
        self._on, self._off = _source("hk_cdf_on", cdf), _source("hk_cdf_off", cdf)
        self._fill_figure = view.pool_fill(self._fill, orders, events=1, top=1)
        shared = self._fill_figure.x_range
        self._hits_figure = view.hits(self._hits, events=1, top=1, x_range=shared)
        lines = [
            ("on", self._on, "as set above", theme.BLUE),
            ("off", self._off, "without a pool", theme.VERMILION),
        ]
        self._cdf_figure = view.latency_cdf(lines, ns=(1e3, 1e6))
        self._marks = [
            view.mark_line(self._fill_figure, "hk_fill_mark", theme.BLACK),
            view.mark_line(self._fill_figure, "hk_low_mark", theme.VERMILION),
        ]
        self._cursors = [
            theme.cursor(self._fill_figure, "hk_cursor"),
            theme.cursor(self._hits_figure, "hk_hits_cursor"),
        ]
        self.zoom = {
            "events": shared,
            "bytes": self._fill_figure.y_range,
            "blocks": self._hits_figure.y_range,
            "latency": self._cdf_figure.x_range,
        }
        return column(
            self._fill_figure,
            self._hits_figure,
            self._cdf_figure,
            sizing_mode="stretch_width",
            name="hk_pool",
        )

    def _adopt(self, *, new_board: bool, new_trace: bool) -> None:
        if new_board:
            self._adopt_pool(self._heap.pool)
        panel.fit_scrubber(self.event, len(self.trace))
        if new_board or new_trace:
            self._without = None

    def _adopt_pool(self, pool: PagePool | None) -> None:
        self.pooled.value = pool is not None
        if pool is not None:
            self.deferred.value = pool.deferred_free
            self.refill.value = bool(pool.fill)
        if pool is not None and pool.fill:
            self.fill.max = max(self.fill.max, 2 * pool.fill // MiB)
            self.fill.value = max(1, pool.fill // MiB)
            low = pool.fill * QUALCOMM_LOW_PERCENT // 100
            self.low.value = 100 * (low if pool.low is None else pool.low) // pool.fill

    # --- Drawing ------------------------------------------------------------------

    def _draw(self) -> str:
        if not len(self.trace):
            raise ValueError("trace: has no events")
        if self._changed("pool", "deferred_free", "refill", "fill_mib", "low_percent"):
            self._replay()
        for cursor in self._cursors:
            cursor.location = self.event.value
        return self._describe()

    def _pool(self) -> PagePool | None:
        """The pool that the controls describe."""
        if not self.pooled.value:
            return None
        given = self._heap.pool or PagePool(orders=self._heap.orders)
        fill = self.fill.value * MiB if self.refill.value else None
        low = None if fill is None else fill * self.low.value // 100
        return PagePool(
            orders=given.orders,
            deferred_free=self.deferred.value,
            fill=fill,
            low=low,
            refill_defer_ns=given.refill_defer_ns,
        )

    def _replay(self) -> None:
        key = f"{self.heap}.pool"
        if self._without is None:
            self._without = replay(self.trace, self.board.replace({key: None}))
        pool = self._pool()
        board = self.board.replace({key: pool})
        if pool is None:
            self.run = replay(self.trace, board)
            self._items = np.zeros((len(self.run), len(self._heap.orders)), np.uint32)
        else:
            self.run = replay(self.trace, board, pool_fill=self.heap)
            self._items = self.run.pool_fill(self.heap)
        self._served = self._served_by(self.run)
        for control in (self.deferred, self.refill):
            control.disabled = pool is None
        for control in (self.fill, self.low):
            control.disabled = pool is None or pool.fill is None
        self._show_fill(pool)
        self._show_hits()
        self._show_latency(self._without)

    def _served_by(self, run: Run) -> NDArray[np.intp]:
        here = run["heap"] == run.heap_index(self.heap)
        return np.flatnonzero(here & (run["op"] == Op.ALLOC) & (run["status"] == 0))

    def _show_fill(self, pool: PagePool | None) -> None:
        orders = self._heap.orders
        run = self.run
        here = run["heap"] == run.heap_index(self.heap)
        deferred = np.where(here, run["deferred_bytes"], 0)
        self._fill.data = view.fill_columns(self._items, orders, deferred)
        marks = (pool.fill, pool.low) if pool and pool.fill else (None, None)
        for line, at in zip(self._marks, marks, strict=True):
            line.update(visible=at is not None, location=at)
        held = [self._fill.data[f"held_{o}"] for o in orders]
        highest = [*(float(h.max(initial=0)) for h in held), float(marks[0] or 0)]
        self._extent("events", len(run))
        self._extent("bytes", theme.headroom(max(highest)))

    def _show_hits(self) -> None:
        run, rows = self.run, self._served
        self._hits.data = view.hit_columns(
            rows,
            run["entries"][rows],
            run["pool_entries"][rows],
            events=len(run),
        )
        self._entries = int(run["entries"][rows].sum())
        self._hit_rate = run["pool_entries"][rows].sum() / max(1, self._entries)
        self._extent("blocks", theme.headroom(self._hits.data["total"].max(initial=0)))

    def _show_latency(self, without: Run) -> None:
        both = [run["latency_ns"][self._served_by(run)] for run in (self.run, without)]
        self._latency = [metrics.percentiles(latency) for latency in both]
        for source, latency in zip((self._on, self._off), both, strict=True):
            source.data = view.cdf_columns(latency)
        together = np.concatenate(both)
        if len(together):
            low, high = view.decades(together)
            self._extent("latency", high, low)

    def _describe(self) -> str:
        if not len(self._served):
            asked = ", ".join(self.trace.heaps)
            return style.facts(
                nothing=f"no event asks {self.heap}; this trace asks {asked}"
            )
        now = self._items[self.event.value]
        held = sum(
            int(n) * (PAGE_SIZE << o)
            for n, o in zip(now, self._heap.orders, strict=True)
        )
        on, off = self._latency
        return style.facts(
            held_now=format_bytes(held),
            from_the_pool=f"{format_share(self._hit_rate)} of {self._entries} blocks",
            p50=_against(on["p50"], off["p50"]),
            p99=_against(on["p99"], off["p99"]),
        )

    def _table(self) -> pd.DataFrame:
        return self.run.to_frame()


def _source(name: str, columns: dict[str, Any]) -> ColumnDataSource:
    return ColumnDataSource(data=columns, name=name)


def _against(on: int | None, off: int | None) -> str:
    texts = ["none" if value is None else format_ns(value) for value in (on, off)]
    return f"{texts[0]} (without: {texts[1]})"
