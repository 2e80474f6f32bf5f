# SPDX-License-Identifier: MIT
"""Addresses over time: each buffer is a box as long as it lived."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, Range1d
from bokeh.plotting import figure

from heapkit.views import theme
from heapkit.views.gauges import free_space
from heapkit.views.strip import code_mapper
from heapkit.views.ticks import hover_format

# Boxes; what is more becomes a picture of this many cells. Either is saved with the
# notebook, and all buffers must be seen: a part of them would look like free memory.
LIMIT = 500
CELLS = (110, 420)


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
    """Boxes in events × bytes from ``base``; more than ``limit`` as one picture.

    The picture is an ``image`` of palette indices with its place ``x``, ``y``,
    ``dw``, ``dh``; a cell has the colour of the largest
    buffer in it, and looks taken if any was there.
    """
    columns = {
        "start": np.asarray(start, np.float64),
        "end": np.asarray(end, np.float64),
        "bottom": np.asarray(address).astype(np.float64) - base,
        "top": np.asarray(address).astype(np.float64) - base + np.asarray(size),
    }
    if len(columns["start"]) > limit:
        return _as_image(columns, np.asarray(code))
    return {name: theme.f32(values) for name, values in columns.items()} | {
        "code": np.asarray(code)
    }


def _as_image(
    boxes: dict[str, npt.NDArray[np.float64]], code: npt.NDArray[np.uint8]
) -> dict[str, Any]:
    rows, columns = CELLS
    width, height = boxes["end"].max(), boxes["top"].max()
    image = np.zeros(CELLS, np.uint8)
    across = np.array([boxes["start"], boxes["end"]]) * columns / max(1, width)
    upwards = np.array([boxes["bottom"], boxes["top"]]) * rows / max(1, height)
    left, right = _cells(across, columns)
    low, high = _cells(upwards, rows)
    for i in np.argsort(boxes["top"] - boxes["bottom"], kind="stable"):
        image[low[i] : high[i], left[i] : right[i]] = code[i]
    place = {"x": [0], "y": [0], "dw": [float(width)], "dh": [float(height)]}
    return {"image": [image], **place}


def _cells(edges: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.intp]:
    """First and past-the-last cell of each pair of edges: at least one cell."""
    first = np.minimum(edges[0].astype(np.intp), most - 1)
    return np.array([first, np.maximum(np.rint(edges[1]).astype(np.intp), first + 1)])


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
        x=theme.event_axis(events, x_range),
        y=(f"offset in {heap}", "bytes", Range1d(0, length, name="hk_lives_y")),
    )
    source = theme.as_source(columns, "hk_lives")
    if "image" in source.data:
        fig.image(source=source, color_mapper=code_mapper(), name="hk_lives_image")
        tips = [("event", "$x{0}"), ("offset", "$y{custom}")]
        sizes: tuple[str, ...] = ("$y",)
    else:
        _boxes(fig, source)
        tips = [
            ("events", "@start{0} to @end{0}"),
            ("offsets", "@bottom{custom} to @top{custom}"),
        ]
        sizes = ("@bottom", "@top")
    written = {name: hover_format("bytes") for name in sizes}
    theme.hover(fig, tips, mode="mouse", formatters=written)
    return fig


def _boxes(fig: figure, source: ColumnDataSource) -> None:
    fig.quad(
        left="start",
        right="end",
        bottom="bottom",
        top="top",
        source=source,
        fill_color={"field": "code", "transform": code_mapper()},
        line_color="white",
        line_width=0.4,
        name="hk_lives_boxes",
    )


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
