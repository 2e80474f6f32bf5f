# SPDX-License-Identifier: MIT
"""How a region fragments under a trace."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, HoverTool, LayoutDOM

from heapkit import metrics
from heapkit.board import Board, PagedHeap, RegionHeap
from heapkit.explorers import panel, style
from heapkit.explorers.replayed import ReplayExplorer
from heapkit.replay import replay
from heapkit.run import Run
from heapkit.trace import Op
from heapkit.units import format_bytes, format_ns
from heapkit.views import gauges, strip, theme
from heapkit.views.page_map import page_map
from heapkit.views.ticks import format_share

FITS = {
    "first fit": "first",
    "best fit": "best",
    "first fit, aligned": "first-align",
    "order aligned": "order-align",
}
NO_FIT = "as the kernel's CMA"


class CarveoutExplorer(ReplayExplorer):
    """Address strip at one event, free against largest free over all of them."""

    kind = "carveout"
    run: Run

    def _build(self) -> tuple[list[widgets.Widget], LayoutDOM, list[widgets.Widget]]:
        sized = self._region(self.board)
        fits = FITS if hasattr(sized, "fit") else {NO_FIT: None}
        self.fit = panel.dropdown("fit", fits)
        self.size = panel.size_slider("size", sized.size)
        self.colour = panel.dropdown(
            "colour", {"by buffer": "buffer", "by size": "size"}
        )
        self.pages = panel.toggle("page map", "every page as one pixel")
        self.event = panel.scrubber()
        self.compare = panel.toggle("hold as B", "keep this run to compare with")
        self.controls = {
            "fit": self.fit,
            "size": self.size,
            "colour": self.colour,
            "page_map": self.pages,
            "event": self.event,
            "compare": self.compare,
        }
        self._b = ""
        self._map = widgets.Image(format="png")
        self._map.layout = widgets.Layout(width="100%", height="256px")
        self._map.add_class("hk-page-map")
        self._map_text = widgets.HTML(layout=widgets.Layout(height="24px"))
        self._map_box = widgets.VBox([self._map_text, self._map])
        buttons = panel.buttons(undo=self.undo, reset=self.reset)
        rows = [
            panel.row(self.size, self.fit, self.colour),
            panel.row(self.pages, self.compare, buttons),
            panel.player(self.event),
        ]
        return rows, self._figure(sized), [self._map_box]

    def _region(self, board: Board) -> RegionHeap:
        """The heap on a board; choice.region_heap() has seen to its kind."""
        heap = board.heap(self.heap)
        if isinstance(heap, PagedHeap):
            raise ValueError(f"heap={self.heap!r}; allowed: a carveout or CMA heap")
        return heap

    def _figure(self, sized: RegionHeap) -> LayoutDOM:
        nothing = np.zeros(0, np.int64)
        empty = strip.strip_columns(
            nothing, nothing, nothing.astype(np.uint8), nothing, base=0, length=1
        )
        self._strip = ColumnDataSource(data=empty, name="hk_strip")
        lines = gauges.gauge_columns(nothing, nothing, nothing, end=1)
        self._gauges = ColumnDataSource(data=lines, name="hk_gauges")
        self._held = ColumnDataSource(data=lines, name="hk_held")
        refused = gauges.failure_columns(nothing, size=1)
        self._refused = ColumnDataSource(data=refused, name="hk_failures")
        self._strip_figure = strip.strip(
            self._strip,
            heap=self.heap,
            base=base_of(sized),
            length=sized.size,
            # A title that changes has the whole layout computed anew, each time.
            title=f"Who holds what in {self.heap}",
        )
        self._gauges_figure = gauges.free_space(
            self._gauges,
            self._refused,
            events=len(self.trace),
            size=sized.size,
            held=self._held,
        )
        self._cursor = theme.cursor(self._gauges_figure, "hk_cursor")
        hover = self._strip_figure.select_one(HoverTool)
        self._address = hover.formatters["@left"]
        self._strip.selected.on_change("indices", self._selected)
        self.zoom = {
            "address": self._strip_figure.x_range,
            "events": self._gauges_figure.x_range,
            "bytes": self._gauges_figure.y_range,
        }
        return column(
            self._strip_figure,
            self._gauges_figure,
            sizing_mode="stretch_width",
            name="hk_carveout",
        )

    def _adopt(self, *, new_board: bool, new_trace: bool) -> None:
        sized = self._region(self.board)
        if new_board:
            panel.fit_slider(self.size, sized.size)
            self.fit.value = getattr(sized, "fit", None)
        panel.fit_scrubber(self.event, len(self.trace))
        if new_trace and len(self.trace):
            self._replay()
            self.event.value = self._worst_event()

    # --- Drawing ------------------------------------------------------------------

    def _draw(self) -> str:
        if not len(self.trace):
            raise ValueError("trace: has no events")
        now = self._values()
        if self._changed("fit", "size"):
            self._replay()
        if self._changed("compare"):
            self._hold()
        if self._changed("fit", "size", "event", "colour", "page_map"):
            self._show_layout()
        self._cursor.location = now["event"]
        return self._describe()

    def _replay(self) -> None:
        changes = {f"{self.heap}.size": self.size.value}
        if self.fit.value is not None:
            changes[f"{self.heap}.fit"] = self.fit.value
        board: Board = self.board.replace(changes)
        self.run = replay(self.trace, board)
        self._lives = metrics.lifetimes(self.run, self.heap)
        index = self.run.heap_index(self.heap)
        self._rows = np.flatnonzero(self.run["heap"] == index)
        self._show_gauges()

    def _show_gauges(self) -> None:
        run, rows, events = self.run, self._rows, len(self.run)
        size = self.size.value
        self._gauges.data = gauges.gauge_columns(
            rows,
            run["free_bytes"][rows],
            run["largest_free_bytes"][rows],
            end=events,
        )
        self._asked = np.count_nonzero(metrics.tried(run, self.heap))
        self._not_served = np.flatnonzero(metrics.refused(run, self.heap))
        self._refused.data = gauges.failure_columns(self._not_served, size=size)
        self._extent("events", max(1, events))
        self._extent("bytes", theme.headroom(size))
        self._extent("address", size)

    def _worst_event(self) -> int:
        """When most free memory lay outside its largest piece, at a refusal if any.

        The end of a trace, where all is given back, would win otherwise.
        """
        free, largest = (
            self.run[name][self._rows].astype(np.int64)
            for name in ("free_bytes", "largest_free_bytes")
        )
        events, before = self._rows, np.arange(len(self._rows))
        if len(self._not_served) and len(events):
            before = np.searchsorted(events, self._not_served, side="right")
            before = np.maximum(before - 1, 0)
            events = self._not_served
        if not len(events):
            return 0
        return int(events[np.argmax((free - largest)[before])])

    def _hold(self) -> None:
        if self.compare.value:
            self._held.data = dict(self._gauges.data)
            self._b = f"{self.fit.label}, {format_bytes(self.size.value)}"
        else:
            self._held.data = {name: theme.f32([]) for name in self._held.data}
            self._b = ""
        gauges.show_held(self._gauges_figure, shown=self.compare.value)

    def _show_layout(self) -> None:
        placed = self._region(self.run.board)
        lives, live = self._lives, metrics.alive_at(self._lives, self.event.value)
        # By address at once: those who draw it then have little left to sort.
        live = live[np.argsort(lives["address"][live])]
        address, size, owner = (lives[c][live] for c in ("address", "size", "buffer"))
        code = strip.owner_codes(owner)
        if self.colour.value == "size":
            code = strip.size_codes(size)
        where = {"base": base_of(placed), "length": placed.size}
        self._strip.data = strip.strip_columns(address, size, code, owner, **where)
        if self._address.args["base"] != where["base"]:
            self._address.args = {"base": where["base"]}
        self._holes = strip.count_holes(address, size, **where)
        self._map_box.layout.display = "" if self.pages.value else "none"
        if self.pages.value:
            drawn = page_map(address, size, code, **where)
            self._map.value = drawn.to_png()
            self._map_text.value = style.plain(drawn.caption)

    def _describe(self) -> str:
        run, event = self.run, self.event.value
        before = self._rows[self._rows <= event]
        size = self.size.value
        free, largest = size, size
        if len(before):
            free = int(run["free_bytes"][before[-1]])
            largest = int(run["largest_free_bytes"][before[-1]])
        what = f"{Op(int(run['op'][event])).name} at {format_ns(run['time_ns'][event])}"
        facts = {
            "free": format_bytes(free),
            "largest": format_bytes(largest),
            "holes": str(self._holes),
            "fragmentation": format_share(metrics.fragmentation(free, largest)),
            "refused": f"{len(self._not_served)} of {self._asked}",
        }
        if self._b:
            facts["B"] = self._b
        facts["event"] = what
        return style.facts(**facts)

    def _selected(self, _attribute: str, _old: Any, new: list[int]) -> None:
        with self._lock:
            self._say(strip.selection_text(self._strip.data, new))

    def _table(self) -> pd.DataFrame:
        return self.run.to_frame()


def base_of(heap: RegionHeap) -> int:
    """Where a board has placed it."""
    assert heap.base is not None, "a board gives every region its base"
    return heap.base
