# SPDX-License-Identifier: MIT
"""What a frame pays so that CPU and devices see the same bytes."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np
import pandas as pd
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, LayoutDOM

from heapkit import sync_cost
from heapkit.explorers import panel, style
from heapkit.explorers.replayed import ReplayExplorer
from heapkit.trace import Op
from heapkit.units import KiB, MiB, format_bytes, format_ns
from heapkit.views import sync as view
from heapkit.views import theme

MOST_DEVICES = 8
WHOLE = "all of it"
ACCESS = {"read": "r", "write": "w", "read and write": "rw"}
# Two cache lines of a header, a page of metadata, an IOMMU granule, and more.
TOUCHED = (128, 4 * KiB, 64 * KiB, 256 * KiB, 1 * MiB, 4 * MiB, 16 * MiB)


class SyncExplorer(ReplayExplorer):
    """Cost of a frame over the number of attached devices, part by part."""

    kind = "sync"

    def _build(self) -> tuple[list[widgets.Widget], LayoutDOM, list[widgets.Widget]]:
        self.devices = panel.slider("devices", 0, MOST_DEVICES, 2)
        self.coherent = panel.checkbox("coherent", value=False)
        self.iommu = panel.checkbox("IOMMU", value=False)
        self.mapping = panel.dropdown(
            "mapped", {"throughout": False, "for each frame": True}
        )
        self.access = panel.dropdown("access", ACCESS)
        self.size = panel.size_slider("buffer", self._usual_size())
        self.touched = panel.choice_slider("touched", _touched_options(), 0)
        self.frames = panel.slider("frames", 1, 120, 30)
        self.controls = {
            "devices": self.devices,
            "coherent": self.coherent,
            "iommu": self.iommu,
            "map_each_frame": self.mapping,
            "access": self.access,
            "size": self.size,
            "touched": self.touched,
            "frames": self.frames,
        }
        self.access.value = "rw"
        buttons = panel.buttons(undo=self.undo, reset=self.reset)
        rows = [
            panel.row(self.devices, self.size),
            panel.row(self.frames, self.touched),
            panel.row(self.mapping, self.access, self.coherent, self.iommu, buttons),
        ]
        self._constants = widgets.HTML()
        return rows, self._figure(), [self._constants]

    def _figure(self) -> LayoutDOM:
        parts = list(sync_cost.PARTS)
        shown = range(MOST_DEVICES + 1)
        zero = {part: [0.0] * len(shown) for part in parts}
        columns = view.sync_columns(shown, zero)
        self._source = ColumnDataSource(data=columns, name="hk_sync")
        self._chart = view.sync_cost(self._source, parts, most=MOST_DEVICES, top=1)
        self._cursor = theme.cursor(self._chart, "hk_cursor")
        self.zoom = {"ns": self._chart.y_range}
        return column(self._chart, sizing_mode="stretch_width", name="hk_sync_layout")

    def _adopt(self, *, new_board: bool, new_trace: bool) -> None:
        if new_trace:
            panel.fit_slider(self.size, self._usual_size())
        if new_board:
            self._show_constants()

    def _show_constants(self) -> None:
        used = {name for names in sync_cost.PARTS.values() for name in names}
        costs = [self.board.costs[n] for n in self.board.costs if n in used]
        costs.append(self.board.costs["line_bytes"])
        self._constants.value = view.cost_table(costs)

    def _usual_size(self) -> int:
        """Of the trace's largest allocation; 8 MiB where there is none."""
        sizes = self.trace.size[self.trace.op == Op.ALLOC]
        return int(np.max(sizes, initial=4 * KiB)) if len(sizes) else 8 * MiB

    # --- Drawing ------------------------------------------------------------------

    def _draw(self) -> str:
        if self._changed(*(name for name in self.controls if name != "devices")):
            self._replay()
        self._cursor.location = self.devices.value
        return self._describe()

    def _replay(self) -> None:
        size = self.size.value
        touched = self.touched.value
        frames = sync_cost.Frames(
            size=size,
            touched=touched if 0 < touched < size else None,
            access=self.access.value,
            frames=self.frames.value,
            map_each_frame=self.mapping.value,
        )
        shown = range(MOST_DEVICES + 1)
        self._parts = sync_cost.frame_costs(
            self.board,
            self.heap,
            frames,
            shown,
            coherent=self.coherent.value,
            iommu=self.iommu.value,
        )
        self._source.data = view.sync_columns(shown, self._parts)
        self._extent("ns", theme.round_top(float(self._source.data["total"].max())))

    def _describe(self) -> str:
        n = self.devices.value
        costs = {part: float(ns[n]) for part, ns in self._parts.items()}
        total = sum(costs.values())
        most = max(costs, key=lambda part: costs[part])
        facts = {
            "a frame": format_ns(total),
            "attached": f"{n} {'device' if n == 1 else 'devices'}",
            "most of it": f"{most}, {format_ns(costs[most])}",
            "buffer": format_bytes(self.size.value),
        }
        return style.facts(**facts)

    def _table(self) -> pd.DataFrame:
        shown = range(MOST_DEVICES + 1)
        ns = {f"{part}_ns": values for part, values in self._parts.items()}
        return pd.DataFrame({"devices": list(shown), **ns})


def _touched_options() -> dict[str, int]:
    return {**{format_bytes(size): size for size in TOUCHED}, WHOLE: 0}
