# SPDX-License-Identifier: MIT
"""Page pools: what they hold, what they serve, what they save."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import ColumnDataSource, Range1d, Span
from bokeh.plotting import figure

from heapkit._ffi import PAGE_SIZE
from heapkit.views import theme
from heapkit.views.reduce import BUCKETS, bins, extremes
from heapkit.views.ticks import hover_format

ORDER_COLOURS = (theme.BLUE, theme.ORANGE, theme.GREEN, theme.SKY, theme.PURPLE)
DEFERRED_COLOUR = theme.BLACK


def fill_columns(
    items: npt.NDArray[Any],
    orders: Sequence[int],
    deferred: npt.NDArray[Any],
    *,
    buckets: int = BUCKETS,
) -> dict[str, Any]:
    """Bytes that each pool holds after each event, in columns ``held_<order>``.

    ``items`` is (events, orders) blocks, ``deferred`` bytes freed but not yet
    returned. At most ``2 * buckets`` rows per pool.
    """
    held = np.asarray(items, np.int64) * [PAGE_SIZE << order for order in orders]
    rows = extremes(*held.T, buckets=buckets)
    columns = {"event": theme.f32(rows), "deferred": theme.f32(deferred[rows])}
    for i, order in enumerate(orders):
        columns[f"held_{order}"] = theme.f32(held[rows, i])
    return columns


def hit_columns(
    event: npt.NDArray[Any],
    entries: npt.NDArray[Any],
    pool_entries: npt.NDArray[Any],
    *,
    events: int,
    count: int = 120,
) -> dict[str, Any]:
    """Blocks served by the pools and by the page allocator, per range of events.

    ``hits`` and ``total`` are sums over one of at most ``count`` ranges.
    """
    edges = bins(events, count)
    served = np.zeros(events + 1, np.int64)
    hits = np.zeros(events + 1, np.int64)
    served[event] = entries
    hits[event] = pool_entries
    total = np.add.reduceat(served[:-1], edges[:-1]) if events else served[:0]
    hit = np.add.reduceat(hits[:-1], edges[:-1]) if events else hits[:0]
    return {
        "left": theme.f32(edges[:-1]),
        "right": theme.f32(edges[1:]),
        "hits": theme.f32(hit),
        "total": theme.f32(total),
        "misses": theme.f32(total - hit),
    }


def cdf_columns(latency_ns: npt.NDArray[Any], points: int = 400) -> dict[str, Any]:
    """Latency at evenly spaced ranks: column ``share`` is the fraction at or below."""
    if not len(latency_ns):
        return {"ns": theme.f32([]), "share": theme.f32([])}
    ordered = np.sort(latency_ns)
    n = len(ordered)
    rank = np.unique(np.linspace(0, n - 1, min(n, points)).astype(np.int64))
    return {
        "ns": theme.f32(np.maximum(ordered[rank], 1)),
        "share": theme.f32((rank + 1) / n),
    }


def decades(latency_ns: npt.NDArray[Any]) -> tuple[float, float]:
    """The powers of ten around all values: an axis that seldom changes."""
    low, high = max(1.0, float(latency_ns.min())), max(1.0, float(latency_ns.max()))
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return 10.0**first, 10.0 ** max(last, first + 1)


def pool_fill(
    columns: theme.Columns | ColumnDataSource,
    orders: Sequence[int],
    *,
    events: int,
    top: float,
    x_range: Range1d | None = None,
    height: int = 220,
) -> figure:
    """Draw :func:`fill_columns`; ``top`` bytes end the axis."""
    source = theme.as_source(columns, "hk_fill")
    fig = theme.chart(
        "hk_fill_figure",
        title="What the pools hold",
        height=height,
        x=theme.event_axis(events, x_range),
        y=("", "bytes", Range1d(0, theme.headroom(top), name="hk_fill_y")),
    )
    theme.legend_above(fig)
    for order, colour in zip(orders, _colours(len(orders)), strict=True):
        _pool_line(fig, source, order, colour)
    line = fig.step(
        "event",
        "deferred",
        source=source,
        mode="after",
        line_color=DEFERRED_COLOUR,
        line_width=1.2,
        legend_label="freed, not yet zeroed",
        name="hk_deferred",
    )
    _fill_hover(fig, line, orders)
    return fig


def _fill_hover(fig: figure, line: Any, orders: Sequence[int]) -> None:
    tips = [(f"order {o}", f"@held_{o}{{custom}}") for o in orders]
    theme.hover(
        fig,
        [("event", "@event{0}"), *tips, ("deferred", "@deferred{custom}")],
        mode="vline",
        renderers=[line],
        formatters={
            f"@{c}": hover_format("bytes")
            for c in ("deferred", *(f"held_{o}" for o in orders))
        },
    )


def _pool_line(fig: figure, source: ColumnDataSource, order: int, colour: str) -> None:
    held = f"held_{order}"
    fig.varea_step(
        "event",
        y1=0,
        y2=held,
        source=source,
        step_mode="after",
        fill_color=colour,
        fill_alpha=0.15,
    )
    fig.step(
        "event",
        held,
        source=source,
        mode="after",
        line_color=colour,
        line_width=1.8,
        legend_label=f"order {order}",
        name=f"hk_fill_{order}",
    )


def mark_line(fig: figure, name: str, colour: str) -> Span:
    """A level that is not shown until it has a location."""
    span = Span(
        dimension="width",
        line_color=colour,
        line_dash="dotted",
        line_width=1.5,
        visible=False,
        name=name,
    )
    fig.add_layout(span)
    return span


def hits(
    columns: theme.Columns | ColumnDataSource,
    *,
    events: int,
    top: float,
    x_range: Range1d | None = None,
    height: int = 180,
) -> figure:
    """Draw :func:`hit_columns` as stacked bars."""
    source = theme.as_source(columns, "hk_hits")
    fig = theme.chart(
        "hk_hits_figure",
        title="Who served the blocks",
        height=height,
        x=theme.event_axis(events, x_range),
        y=("blocks", "count", Range1d(0, theme.headroom(top), name="hk_hits_y")),
    )
    theme.legend_above(fig)
    _hit_bars(fig, source)
    theme.hover(
        fig,
        [
            ("events", "@left{0} to @right{0}"),
            ("from a pool", "@hits{0}"),
            ("from the page allocator", "@misses{0}"),
        ],
        mode="mouse",
    )
    return fig


def _hit_bars(fig: figure, source: ColumnDataSource) -> None:
    for low, high, colour, label in (
        (0, "hits", theme.GREEN, "a pool"),
        ("hits", "total", theme.VERMILION, "the page allocator"),
    ):
        fig.quad(
            left="left",
            right="right",
            bottom=low,
            top=high,
            source=source,
            fill_color=colour,
            fill_alpha=0.85,
            line_color=None,
            legend_label=label,
            name=f"hk_hits_{high}",
        )


def latency_cdf(
    lines: Sequence[tuple[str, theme.Columns | ColumnDataSource, str, str]],
    *,
    ns: tuple[float, float],
    title: str = "Latency of an allocation",
    height: int = 220,
) -> figure:
    """Cumulative latency of several runs over a logarithmic axis.

    Each line is (name, :func:`cdf_columns`, label, colour); ``ns`` bounds the
    axis.
    """
    fig = theme.chart(
        "hk_cdf_figure",
        title=title,
        height=height,
        x=("", "ns", Range1d(*ns, name="hk_cdf_x")),
        y=("at or below", "percent", Range1d(0, 1.02, name="hk_cdf_y")),
        x_axis_type="log",
    )
    theme.legend_above(fig)
    for name, columns, label, colour in lines:
        fig.step(
            "ns",
            "share",
            source=theme.as_source(columns, f"hk_cdf_{name}"),
            mode="after",
            line_color=colour,
            line_width=2,
            legend_label=label,
            name=f"hk_cdf_line_{name}",
        )
    theme.hover(
        fig,
        [("latency", "@ns{custom}"), ("at or below", "@share{custom}")],
        mode="mouse",
        line_policy="nearest",
        formatters={"@ns": hover_format("ns"), "@share": hover_format("percent")},
    )
    return fig


def _colours(count: int) -> list[str]:
    return [ORDER_COLOURS[i % len(ORDER_COLOURS)] for i in range(count)]
