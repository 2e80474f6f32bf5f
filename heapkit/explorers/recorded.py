# SPDX-License-Identifier: MIT
"""A recording to look at while it runs, with buttons to stop and resume it."""

from __future__ import annotations

from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, LayoutDOM

from heapkit.explorers import panel, style
from heapkit.explorers.base import Explorer
from heapkit.recorder.recording import Recording, Sample
from heapkit.units import format_bytes
from heapkit.views import live, theme
from heapkit.views.ticks import format_count


class LiveExplorer(Explorer):
    """Bytes held by heap and area, and the rate, of a recording that goes on.

    Each sample of the recording asks for a picture; the coalescer draws as many as
    the page can show.
    """

    kind = "live"

    def __init__(self, recording: Recording, *, name: str) -> None:
        self.recording = recording
        super().__init__(heap="", name=name)
        recording.watch(self._sampled)

    @property
    def title(self) -> str:
        """What the head line says."""
        return f"recording to {self.recording.path.name}: {self.recording.status}"

    def fits(self, recording: Recording) -> bool:
        """Whether it shows that recording."""
        return recording is self.recording

    def close(self) -> None:
        """Take it out of the page; the recording goes on."""
        self.recording.unwatch(self._sampled)
        super().close()

    def _sampled(self) -> None:
        if self.is_open:
            self._coalescer.request()

    def _build(self) -> tuple[list[widgets.Widget], LayoutDOM, list[widgets.Widget]]:
        self._source = ColumnDataSource(data=live.live_columns([], [], {}))
        self._source.name = "hk_live"
        self._held, self._items = live.held(self._source)
        self._rate = live.rate(self._source, self._held.x_range)
        self.zoom = {"time": self._held.x_range, "bytes": self._held.y_range}
        self.zoom["rate"] = self._rate.y_range
        figures = (self._held, self._rate)
        root = column(*figures, sizing_mode="stretch_width", name="hk_live_figures")
        buttons = panel.buttons(stop=self._stop, resume=self._resume)
        self._stopper, self._resumer = buttons.children
        return [buttons], root, []

    def _begin(self) -> None:
        """There are no controls to fit."""

    def _stop(self, *_: object) -> None:
        self._press(self.recording.stop)

    def _resume(self, *_: object) -> None:
        self._press(self.recording.resume)

    def _press(self, action: Any) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  # shown, and kept for tests
            self._say(f"{type(error).__name__}: {error}", error)
            return
        self._coalescer.request()

    def _draw(self) -> str:
        running = self.recording.running
        self._stopper.disabled, self._resumer.disabled = not running, running
        samples = list(self.recording.samples)
        series = _series(samples)
        seconds = [sample.seconds for sample in samples]
        events = [sample.events for sample in samples]
        resumed = [sample.seconds for sample in samples if sample.resumed]
        columns = live.live_columns(seconds, events, series, resumed)
        self._source.data = columns
        for item, name in zip(self._items, series, strict=False):
            item.label, item.visible = {"value": name}, True
        self._extent("time", max(1e9, seconds[-1] * 1e9), seconds[0] * 1e9)
        top = max((max(line) for line in series.values()), default=0)
        self._extent("bytes", theme.headroom(theme.round_top(top)))
        fastest = float(np.nanmax(columns["rate"], initial=0))
        self._extent("rate", theme.headroom(theme.round_top(fastest)))
        return self._describe(samples[-1])

    def _describe(self, sample: Sample) -> str:
        facts = {
            "events": format_count(sample.events),
            "lost": format_count(sample.lost),
            "held": format_bytes(sum(sample.held.values())),
        }
        for name, area in sample.areas.items():
            if area.used is not None:
                free = format_bytes(area.size - area.used)
                facts[f"{name} free"] = f"{free} of {format_bytes(area.size)}"
        facts["state"] = self.recording.status
        return style.facts(**facts)

    def _table(self) -> pd.DataFrame:
        samples = list(self.recording.samples)
        frame = {
            "seconds": [sample.seconds for sample in samples],
            "events": [sample.events for sample in samples],
            "lost": [sample.lost for sample in samples],
        }
        return pd.DataFrame({**frame, **_series(samples)})


def _series(samples: list[Sample]) -> dict[str, list[float]]:
    """What is held of each heap, and what is taken of each area, by sample."""
    heaps = dict.fromkeys(heap for sample in samples for heap in sample.held)
    areas = dict.fromkeys(area for sample in samples for area in sample.areas)
    series = {heap: [float(s.held.get(heap, 0)) for s in samples] for heap in heaps}
    for name in areas:
        used = (sample.areas.get(name) for sample in samples)
        series[f"area {name}, taken"] = [
            float(area.used or 0) if area is not None else 0.0 for area in used
        ]
    return series
