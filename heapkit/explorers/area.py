# SPDX-License-Identifier: MIT
"""A real region, as a kernel or a tool reported it, at one moment or at several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, LayoutDOM

from heapkit import arguments, metrics
from heapkit.explorers import panel, style
from heapkit.explorers.base import Explorer
from heapkit.snapshot import Snapshot
from heapkit.units import format_bytes
from heapkit.views import gauges, strip, theme
from heapkit.views.page_map import page_map
from heapkit.views.snapshots import not_free, snapshot_columns
from heapkit.views.ticks import format_share

# Counters that an area may bring along, in pages: what they are called here.
COUNTERS = {
    "alloc_pages_success": "pages allocated",
    "alloc_pages_fail": "pages refused",
    "release_pages_success": "pages released",
}


def frames_of(snapshots: Snapshot | Sequence[Snapshot]) -> tuple[Snapshot, ...]:
    """One or several moments of the same area; ValueError for anything else."""
    frames = (snapshots,) if isinstance(snapshots, Snapshot) else tuple(snapshots)
    if not frames or not all(isinstance(frame, Snapshot) for frame in frames):
        raise arguments.wrong("carveout", "snapshots", snapshots, "Snapshots, or one")
    areas = {(frame.heap, frame.base, frame.size) for frame in frames}
    if len(areas) > 1:
        allowed = "moments of one area: one heap, base and size"
        raise arguments.wrong("carveout", "snapshots", sorted(areas), allowed)
    return frames


class AreaExplorer(Explorer):
    """Address strip of one moment; free against largest free over all of them."""

    kind = "area"

    def __init__(self, frames: tuple[Snapshot, ...], *, name: str) -> None:
        self.frames = frames
        super().__init__(heap=frames[0].heap, name=name)

    @property
    def title(self) -> str:
        """What the head line says."""
        area = self.frames[0]
        return f"{self.heap}: {format_bytes(area.size)} at {area.base:#x}, as reported"

    def fits(self, frames: tuple[Snapshot, ...]) -> bool:
        """Whether this figure can show them: the same area, one moment or several."""
        mine, theirs = self.frames[0], frames[0]
        same = (mine.heap, mine.base, mine.size) == (
            theirs.heap,
            theirs.base,
            theirs.size,
        )
        return same and (len(self.frames) > 1) == (len(frames) > 1)

    def adopt(self, frames: tuple[Snapshot, ...]) -> None:
        """Show other moments of the same area in the same figure."""
        with self._lock:
            new = frames != self.frames
            self.frames = frames
            with self._silently():
                self._begin()
            self._adopted(new=new)

    def _build(self) -> tuple[list[widgets.Widget], LayoutDOM, list[widgets.Widget]]:
        self.colour = panel.dropdown("colour", {"by size": "size", "by owner": "owner"})
        self.pages = panel.toggle("page map", "every page as one pixel")
        self.moment = panel.scrubber("moment")
        self.controls = {
            "colour": self.colour,
            "page_map": self.pages,
            "moment": self.moment,
        }
        self._map = widgets.Image(format="png")
        self._map.layout = widgets.Layout(width="100%", height="256px")
        self._map.add_class("hk-page-map")
        self._map_text = widgets.HTML(layout=widgets.Layout(height="24px"))
        self._map_box = widgets.VBox([self._map_text, self._map])
        buttons = panel.buttons(undo=self.undo, reset=self.reset)
        rows = [panel.row(self.colour, self.pages, buttons)]
        if len(self.frames) > 1:
            rows.append(panel.player(self.moment))
        return rows, self._figure(), [self._map_box]

    def _figure(self) -> LayoutDOM:
        area = self.frames[0]
        self._strip = ColumnDataSource(data=snapshot_columns(area), name="hk_strip")
        self._strip_figure = strip.strip(
            self._strip,
            heap=self.heap,
            base=area.base,
            length=area.size,
            title=f"What is taken of {self.heap}",
        )
        self._strip.selected.on_change("indices", self._selected)
        self.zoom = {"address": self._strip_figure.x_range}
        parts = [self._strip_figure]
        if len(self.frames) > 1:
            parts.append(self._free_space(area.size))
        return column(*parts, sizing_mode="stretch_width", name="hk_area")

    def _free_space(self, size: int) -> LayoutDOM:
        nothing = np.zeros(0, np.int64)
        lines = gauges.gauge_columns(nothing, nothing, nothing, end=1)
        self._gauges = ColumnDataSource(data=lines, name="hk_gauges")
        figure = gauges.free_space(
            self._gauges, None, events=len(self.frames), size=size, what="moment"
        )
        self._cursor = theme.cursor(figure, "hk_cursor")
        self.zoom |= {"moments": figure.x_range, "bytes": figure.y_range}
        return figure

    def _begin(self) -> None:
        panel.fit_scrubber(self.moment, len(self.frames))
        self.moment.value = len(self.frames) - 1
        self._extent("address", self.frames[0].size)
        if len(self.frames) > 1:
            self._show_gauges()

    def _show_gauges(self) -> None:
        count = len(self.frames)
        self._gauges.data = gauges.gauge_columns(
            np.arange(count),
            np.array([frame.free_bytes for frame in self.frames]),
            np.array([frame.largest_free_bytes for frame in self.frames]),
            end=count,
        )
        self._extent("moments", count)
        self._extent("bytes", theme.headroom(self.frames[0].size))

    # --- Drawing ------------------------------------------------------------------

    def _draw(self) -> str:
        frame = self.frames[self.moment.value]
        address, size, code, owner = not_free(frame)
        if self.colour.value == "size":
            in_use = code >= strip.FIRST_OWNER
            code = np.where(in_use, strip.size_codes(size), code)
        where = {"base": frame.base, "length": frame.size}
        self._strip.data = strip.strip_columns(address, size, code, owner, **where)
        if len(self.frames) > 1:
            self._cursor.location = self.moment.value
        self._map_box.layout.display = "" if self.pages.value else "none"
        if self.pages.value:
            drawn = page_map(address, size, code, **where)
            self._map.value = drawn.to_png()
            self._map_text.value = style.plain(drawn.caption)
        return self._describe(frame)

    def _describe(self, frame: Snapshot) -> str:
        free, largest = frame.free_bytes, frame.largest_free_bytes
        facts = {
            "in use": format_bytes(frame.used_bytes),
            "free": format_bytes(free),
            "largest": format_bytes(largest),
            "holes": str(len(frame.holes)),
            "fragmentation": format_share(metrics.fragmentation(free, largest)),
        }
        told = frame.attributes
        facts |= {said: str(told[n]) for n, said in COUNTERS.items() if n in told}
        if told.get("owners"):
            facts["owners"] = str(told["owners"])
        if told.get("differs"):
            facts["differs"] = str(told["differs"])
        return style.facts(**facts)

    def _selected(self, _attribute: str, _old: Any, new: list[int]) -> None:
        with self._lock:
            self._say(strip.selection_text(self._strip.data, new))

    def _table(self) -> pd.DataFrame:
        rows = [
            (number, region.address, region.size, region.state.name, region.owner)
            for number, frame in enumerate(self.frames)
            for region in frame.regions
        ]
        return pd.DataFrame(
            rows, columns=["moment", "address", "size", "state", "owner"]
        )
