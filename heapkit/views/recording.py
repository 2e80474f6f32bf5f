# SPDX-License-Identifier: MIT
"""Addresses over time: each buffer is a box as long as it lived."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, LinearColorMapper, Range1d
from bokeh.plotting import figure

from heapkit.views import theme
from heapkit.views.gauges import free_space
from heapkit.views.strip import PALETTE
from heapkit.views.ticks import hover_format

# Boxes; more would overlap on a screen, and they are saved with the notebook.
LIMIT = 500


def life_columns(
    start: npt.NDArray[Any],
    end: npt.NDArray[Any],
    address: npt.NDArray[Any],
    size: npt.NDArray[Any],
    code: npt.NDArray[np.uint8],
    *,
    base: int,
    limit: int = LIMIT,
) -> dict[str, Any]:
    """Boxes in events × bytes from ``base``; of more than ``limit`` the largest.

    A box's worth is its area: bytes held times events held.
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    bottom = np.asarray(address).astype(np.float64) - base
    length = np.asarray(size, np.float64)
    rows = np.arange(len(start))
    if len(rows) > limit:
        rows = np.sort(np.argsort((end - start) * length)[-limit:])
    return {
        "start": theme.f32(start[rows]),
        "end": theme.f32(end[rows]),
        "bottom": theme.f32(bottom[rows]),
        "top": theme.f32((bottom + length)[rows]),
        "code": np.asarray(code)[rows],
    }


def lives(
    columns: theme.Columns | ColumnDataSource,
    *,
    heap: str,
    length: int,
    events: int,
    x_range: Range1d | None = None,
    height: int = 300,
) -> figure:
    """Draw :func:`life_columns`: time to the right, addresses upwards."""
    fig = theme.chart(
        "hk_lives_figure",
        title=f"Where each buffer of {heap} was, and how long",
        height=height,
        x=("event", "count", x_range or Range1d(0, max(1, events), name="hk_events")),
        y=(f"offset in {heap}", "bytes", Range1d(0, length, name="hk_lives_y")),
    )
    fig.quad(
        left="start",
        right="end",
        bottom="bottom",
        top="top",
        source=theme.as_source(columns, "hk_lives"),
        fill_color={
            "field": "code",
            "transform": LinearColorMapper(
                palette=list(PALETTE), low=-0.5, high=len(PALETTE) - 0.5
            ),
        },
        line_color="white",
        line_width=0.4,
        name="hk_lives_boxes",
    )
    theme.hover(
        fig,
        [
            ("events", "@start{0} to @end{0}"),
            ("offsets", "@bottom{custom} to @top{custom}"),
        ],
        mode="mouse",
        formatters={"@bottom": hover_format("bytes"), "@top": hover_format("bytes")},
    )
    return fig


def recording_view(
    boxes: theme.Columns,
    gauges: theme.Columns,
    failures: theme.Columns,
    *,
    heap: str,
    length: int,
    events: int,
) -> Column:
    """A whole run of a heap: boxes over free and largest free memory, one time axis."""
    shared = Range1d(0, max(1, events), name="hk_events")
    return column(
        lives(boxes, heap=heap, length=length, events=events, x_range=shared),
        free_space(gauges, failures, events=events, size=length, x_range=shared),
        sizing_mode="stretch_width",
        name="hk_recording_view",
    )
