# SPDX-License-Identifier: MIT
"""One look for all figures: palette, fonts, sizes, tools, named sources.

The colours are those of Okabe and Ito, "Color Universal Design" (2008), chosen
to be told apart with every common kind of colour blindness.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import (
    ColumnDataSource,
    FactorRange,
    HoverTool,
    Legend,
    Range1d,
    Span,
)
from bokeh.plotting import figure

from heapkit.views.ticks import label_axis

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"

FREE = "#ECEFF1"
HELD = "#90A4AE"  # of a run kept for comparison; neutral, so that it stays behind
INK = "#37474F"

# Owners take these in turn. Black and the free colour are kept for meaning.
OWNERS = (BLUE, ORANGE, GREEN, SKY, VERMILION, PURPLE, YELLOW)
# One for each part of a latency: those of above, and others as far from each of them,
# in CIE Lab, as they are from each other (16), seen with each kind of colour blindness.
PARTS = (
    *("#A6DBA0", BLUE, SKY, ORANGE, "#661100", GREEN, VERMILION),
    *("#40004B", PURPLE, YELLOW, "#332288", "#7B3F00", "#004D40"),
)
# Sizes are ordered, so their colours are too: light is small.
SIZES = ("#C6DBEF", "#9ECAE1", "#6BAED6", "#3182BD", "#08519C", "#08306B")

FONT = "Helvetica, Arial, sans-serif"
TOOLS = "xpan,xbox_zoom,xwheel_zoom,undo,reset,save"

Columns = Mapping[str, Any]


def as_source(columns: Columns | ColumnDataSource, name: str) -> ColumnDataSource:
    """The source itself, or a new one of that name around ``columns``."""
    if isinstance(columns, ColumnDataSource):
        return columns
    return ColumnDataSource(data=dict(columns), name=name)


def chart(
    name: str,
    *,
    title: str,
    height: int,
    x: tuple[str, str, Range1d],
    y: tuple[str, str, Range1d | FactorRange],
    tools: str = TOOLS,
    x_axis_type: str = "linear",
    y_axis_type: str = "auto",
) -> figure:
    """An empty figure of fixed height that takes the width it is given.

    ``x`` and ``y`` are (label, unit, range); a unit is a key of
    :data:`heapkit.views.ticks.UNITS`, and means nothing beside names. Ranges come
    from Python: a range that the browser computes is sent back on every change of
    the data. No tool is active on the wheel, so that scrolling the page never zooms
    a figure.
    """
    fig = figure(
        name=name,
        title=title,
        height=height,
        x_range=x[2],
        y_range=y[2],
        x_axis_type=x_axis_type,
        y_axis_type=y_axis_type,
        tools=tools,
        sizing_mode="stretch_width",
        min_border_left=76,
        min_border_right=16,
    )
    fig.toolbar.autohide = True
    dress(fig)
    label_axis(fig.xaxis[0], x[0], x[1], ticks=6)
    if isinstance(y[2], Range1d):
        label_axis(fig.yaxis[0], y[0], y[1], ticks=5)
    return fig


def event_axis(
    events: int, shared: Range1d | None = None, *, what: str = "event"
) -> tuple[str, str, Range1d]:
    """``x`` of :func:`chart` over all events, or over the range of another figure."""
    whole = Range1d(0, max(1, events), name="hk_events")
    return what, "count", shared or whole


def dress(fig: figure) -> None:
    """Fonts, colours and lines of every figure."""
    fig.toolbar.logo = None
    fig.toolbar.active_scroll = None
    fig.title.text_font = FONT
    fig.title.text_font_size = "10.5pt"
    fig.title.text_color = INK
    fig.outline_line_color = "#CFD8DC"
    fig.grid.grid_line_color = "#ECEFF1"
    for axis in (fig.xaxis[0], fig.yaxis[0]):
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "9pt"
        axis.minor_tick_line_color = None


def legend_above(fig: figure) -> Legend:
    """A one-line legend over the plot, where it hides no data and is not clipped."""
    legend = Legend(
        orientation="horizontal",
        location="left",
        border_line_color=None,
        padding=0,
        margin=2,
        spacing=14,
        label_text_font=FONT,
        label_text_font_size="9pt",
        click_policy="hide",
    )
    fig.add_layout(legend, "above")
    return legend


def hover(
    fig: figure, tooltips: Sequence[tuple[str, str]], *, mode: str, **options: Any
) -> HoverTool:
    """Add a hover; ``options`` are those of :class:`bokeh.models.HoverTool`."""
    tool = HoverTool(tooltips=list(tooltips), mode=mode, **options)
    fig.add_tools(tool)
    return tool


def cursor(fig: figure, name: str, at: float = 0) -> Span:
    """A vertical line at ``at`` on the x axis."""
    span = Span(
        location=at,
        dimension="height",
        line_color=BLACK,
        line_width=1.5,
        line_dash="dashed",
        # Bokeh paints overlays on a canvas of their own: to move a cursor there
        # does not paint the lines below it again.
        level="overlay",
        name=name,
    )
    fig.add_layout(span)
    return span


def headroom(top: float) -> float:
    """The end of a y axis whose data reach ``top``: never an empty range."""
    return float(top) * 1.06 if top > 0 else 1.0


def round_top(top: float) -> float:
    """The next of a few round numbers: an axis that seldom changes.

    A bar that doubles is seen to double; on an axis that follows the data it
    would look as before.
    """
    if top <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(top))
    return next(
        power * m for m in (1, 1.5, 2, 3, 4, 6, 8, 10) if power * m >= top * 0.999
    )


def f32(values: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Half the bytes on the wire; exact for whole pages up to 64 GiB."""
    return np.ascontiguousarray(values, dtype=np.float32)
