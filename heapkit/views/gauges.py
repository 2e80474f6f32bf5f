# SPDX-License-Identifier: MIT
"""Free memory and its largest piece over the events of a trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure

from heapkit.views import theme
from heapkit.views.reduce import BUCKETS, extremes
from heapkit.views.ticks import hover_format

_HELD = "B"


def gauge_columns(
    event: npt.NDArray[Any],
    free: npt.NDArray[Any],
    largest: npt.NDArray[Any],
    *,
    end: int,
    buckets: int = BUCKETS,
) -> dict[str, Any]:
    """Event number, free and largest free bytes, at most 4 rows a bucket.

    ``event`` ascends; the last row is repeated at event ``end`` so that the
    lines reach the edge of the figure.
    """
    if not len(event):
        return {name: theme.f32([]) for name in ("event", "free", "largest")}
    rows = extremes(free, largest, buckets=buckets)
    rows = np.append(rows, rows[-1])
    x = np.asarray(event)[rows].astype(np.float64)
    x[-1] = max(end, x[-1])
    return {
        "event": theme.f32(x),
        "free": theme.f32(np.asarray(free)[rows]),
        "largest": theme.f32(np.asarray(largest)[rows]),
    }


def failure_columns(
    event: npt.NDArray[Any], *, size: int, limit: int = 300
) -> dict[str, Any]:
    """Where to mark refused allocations: at the top of a heap of ``size`` bytes.

    More than ``limit`` are thinned evenly.
    """
    shown = event[:: max(1, -(-len(event) // limit))]
    return {
        "event": theme.f32(shown),
        "at": theme.f32(np.full(len(shown), size * 1.03)),
    }


def free_space(
    columns: theme.Columns | ColumnDataSource,
    failures: theme.Columns | ColumnDataSource | None,
    *,
    events: int,
    size: int,
    held: theme.Columns | ColumnDataSource | None = None,
    x_range: Range1d | None = None,
    height: int = 230,
    what: str = "event",
) -> figure:
    """Draw :func:`gauge_columns`; what is free but in pieces is shaded.

    ``held`` is a second run to compare with (B), drawn in grey; ``failures``, if it
    is known which there were, are marked along the top.
    ``what`` is counted on the x axis.
    """
    source = theme.as_source(columns, "hk_gauges")
    fig = theme.chart(
        "hk_gauges_figure",
        title="Free memory and its largest piece",
        height=height,
        x=theme.event_axis(events, x_range, what=what),
        y=("", "bytes", Range1d(0, theme.headroom(size), name="hk_gauges_y")),
    )
    theme.legend_above(fig)
    _areas(fig, source)
    if held is not None:
        _held_lines(fig, theme.as_source(held, "hk_held"))
        show_held(fig, shown=False)
    # The thin line over the thick one: where they are equal both are seen.
    _line(fig, source, "largest", theme.GREEN, "largest free", 3)
    free = _line(fig, source, "free", theme.BLUE, "free", 1.2)
    if failures is not None:
        mark_refusals(fig, theme.as_source(failures, "hk_failures"))
    theme.hover(
        fig,
        [
            (what, "@event{0}"),
            ("free", "@free{custom}"),
            ("largest free", "@largest{custom}"),
        ],
        mode="vline",
        renderers=[free],
        formatters={"@free": hover_format("bytes"), "@largest": hover_format("bytes")},
    )
    return fig


def _areas(fig: figure, source: ColumnDataSource) -> None:
    for low, high, colour, alpha in (
        (0, "largest", theme.GREEN, 0.18),
        ("largest", "free", theme.BLUE, 0.25),
    ):
        fig.varea_step(
            "event",
            y1=low,
            y2=high,
            source=source,
            step_mode="after",
            fill_color=colour,
            fill_alpha=alpha,
        )


def mark_refusals(fig: figure, source: ColumnDataSource) -> None:
    """Draw :func:`failure_columns` along the top."""
    fig.scatter(
        "event",
        "at",
        source=source,
        marker="inverted_triangle",
        size=8,
        color=theme.VERMILION,
        line_color=None,
        legend_label="refused",
        name="hk_refused",
    )


def _line(
    fig: figure,
    source: ColumnDataSource,
    column: str,
    colour: str,
    label: str,
    width: float,
) -> Any:
    return fig.step(
        "event",
        column,
        source=source,
        mode="after",
        line_color=colour,
        line_width=width,
        legend_label=label,
        name=f"hk_line_{column}",
    )


def show_held(fig: figure, *, shown: bool) -> None:
    """Name the run kept for comparison in the legend, or not."""
    for item in fig.legend[0].items:
        if str(getattr(item.label, "value", "")).startswith(_HELD):
            item.visible = shown


def _held_lines(fig: figure, source: ColumnDataSource) -> None:
    for column, dash in (("free", "solid"), ("largest", "dashed")):
        fig.step(
            "event",
            column,
            source=source,
            mode="after",
            line_color=theme.HELD,
            line_dash=dash,
            line_width=1.4,
            legend_label=_HELD if column == "free" else f"{_HELD}, largest",
            name=f"hk_held_{column}",
        )
