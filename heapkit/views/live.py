# SPDX-License-Identifier: MIT
"""A recording as it goes: bytes held by heap, and events a second, over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, LegendItem, Range1d
from bokeh.plotting import figure

from heapkit.views import theme

# Lines of a figure: as many as there are colours that can be told apart.
SERIES = len(theme.OWNERS)
POINTS = 10_000  # of all lines together; a browser takes some 100 ms to paint them
_PER_LINE = POINTS // (SERIES + 1)


def live_columns(
    seconds: Sequence[float],
    events: Sequence[int],
    series: Mapping[str, Sequence[float]],
    resumed: Sequence[float] = (),
) -> dict[str, Any]:
    """Time (ns), events a second and the first :data:`SERIES` lines.

    Longer recordings are thinned evenly, up to the latest sample. Before each of the
    times ``resumed`` (seconds) the lines have a gap: nobody knows what was there.
    """
    n = len(seconds)
    rows = np.arange(n - 1, -1, -max(1, -(-n // _PER_LINE)))[::-1]
    at = np.asarray(seconds, np.float64)
    columns = {"time": theme.f32(at[rows] * 1e9)}
    count = np.asarray(events, np.float64)[rows]
    passed = np.diff(at[rows], prepend=0)
    change = np.diff(count, prepend=count[:1])
    columns["rate"] = theme.f32(change / np.maximum(passed, 1e-3))
    lines = list(series.values())[:SERIES]
    for slot in range(SERIES):
        line = lines[slot] if slot < len(lines) else np.full(n, np.nan)
        columns[f"line{slot}"] = theme.f32(np.asarray(line, np.float64)[rows])
    gaps = np.searchsorted(at[rows], np.asarray(resumed, np.float64))
    # Float32 has a value for "no point"; a repeated time moves nothing.
    gaps = np.unique(gaps[(gaps > 0) & (gaps < len(rows))])
    return {name: _with_gaps(name, column, gaps) for name, column in columns.items()}


def _with_gaps(name: str, column: Any, gaps: Any) -> Any:
    return np.insert(column, gaps, column[gaps] if name == "time" else np.nan)


def held(source: ColumnDataSource) -> tuple[figure, list[LegendItem]]:
    """Bytes over time; the legend's items get their names and lines as heaps come."""
    fig = theme.chart(
        "hk_live_held",
        title="Bytes that are held",
        height=240,
        x=("since the start", "ns", Range1d(0, 1e9, name="hk_live_time")),
        y=("held", "bytes", Range1d(0, 1)),
    )
    items = []
    for slot, colour in enumerate(theme.OWNERS):
        line = fig.line(
            "time",
            f"line{slot}",
            source=source,
            line_color=colour,
            line_width=2,
            name=f"hk_live_line{slot}",
        )
        item = LegendItem(label=" ", renderers=[line], visible=False)
        items.append(item)
    theme.legend_above(fig).items = items
    return fig, items


def rate(source: ColumnDataSource, shared: Range1d) -> figure:
    """Events of the trace a second."""
    fig = theme.chart(
        "hk_live_rate",
        title="Events a second",
        height=150,
        x=("since the start", "ns", shared),
        y=("events/s", "count", Range1d(0, 1)),
    )
    line = {"line_color": theme.INK, "line_width": 1.5}
    fig.line("time", "rate", source=source, name="hk_live_rate_line", **line)
    return fig
