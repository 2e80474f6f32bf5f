# SPDX-License-Identifier: MIT
"""What latencies are made of: over the events, by op and heap, and the slowest.

*Parts* are the groups of :mod:`heapkit.cost_groups`: a name and, for each event, the
nanoseconds. Every picture stacks those that any event was charged, in one order and
in the same colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, FactorRange, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from heapkit.cost_groups import GROUPS
from heapkit.views import theme
from heapkit.views.reduce import BUCKETS, bins
from heapkit.views.stack import edges, made_of, stacked
from heapkit.views.ticks import hover_format

Parts = Mapping[str, NDArray[np.float64]]

COLOUR_OF = dict(zip(GROUPS, theme.PARTS, strict=True))
KINDS = 16  # bars by op and heap
SLOWEST = 10
BAR_HEIGHT, FRAME_HEIGHT = 20, 76
LEGEND_COLUMNS = 4
LETTER_WIDTH = 7


def step_columns(
    parts: Parts,
    events: NDArray[np.integer[Any]],
    *,
    end: int,
    buckets: int = BUCKETS,
) -> dict[str, Any]:
    """The mean of each part over at most ``buckets`` spans of ``events``.

    These are numbers, ascending; a span is from ``event`` to before ``until``. The
    last row is repeated at ``end``. Of fewer events than ``buckets`` each is a span.
    """
    n = len(events)
    if not n:
        return {"event": theme.f32([]), "until": theme.f32([])} | stacked(parts, 0)
    start = bins(n, buckets)
    means = {
        name: np.add.reduceat(values, start[:-1]) / np.diff(start)
        for name, values in parts.items()
    }
    drawn = {name: np.append(values, values[-1]) for name, values in means.items()}
    event = np.append(events[start[:-1]], end)
    until = np.append(event[1:], end)
    columns = {"event": theme.f32(event), "until": theme.f32(until)}
    return columns | stacked(drawn, len(start))


def kind_columns(
    parts: Parts,
    op: NDArray[np.integer[Any]],
    heap: NDArray[np.integer[Any]],
    *,
    ops: Mapping[int, str],
    heaps: Sequence[str],
) -> dict[str, Any]:
    """The mean of each part by op and heap, most expensive first; ``events`` each."""
    step = len(heaps) + 1
    code = op.astype(np.int64) * step + heap + 1
    kinds, which = np.unique(code, return_inverse=True)
    events = np.bincount(which, minlength=len(kinds))
    means = {
        name: np.bincount(which, weights=values, minlength=len(kinds)) / events
        for name, values in parts.items()
    }
    order = _dearest(means, len(kinds), len(kinds))
    pairs = (divmod(kind, step) for kind in kinds.tolist())
    names = [f"{ops[o]} {heaps[h - 1]}" if h else ops[o] for o, h in pairs]
    shown = {name: values[order] for name, values in means.items()}
    return {
        "kind": [names[i] for i in order],
        "events": theme.f32(events[order]),
        "made": made_of(shown, len(order)),
    } | stacked(shown, len(order))


def slowest_columns(
    parts: Parts,
    events: NDArray[np.integer[Any]],
    op: NDArray[np.integer[Any]],
    heap: NDArray[np.integer[Any]],
    size: NDArray[np.integer[Any]],
    *,
    ops: Mapping[int, str],
    heaps: Sequence[str],
    most: int = SLOWEST,
) -> dict[str, Any]:
    """Of ``events`` those that took longest, with their op, heap, size and parts."""
    order = _dearest(parts, len(events), most)
    spelt = [ops[int(op[i])] for i in order]
    numbers = events[order].tolist()
    shown = {name: values[order] for name, values in parts.items()}
    return {
        "name": [f"{i} {name}" for i, name in zip(numbers, spelt, strict=True)],
        "event": theme.f32(numbers),
        "op": spelt,
        "heap": [heaps[int(heap[i])] if heap[i] >= 0 else "-" for i in order],
        "size": theme.f32(size[order]),
        "made": made_of(shown, len(order)),
    } | stacked(shown, len(order))


def _dearest(parts: Parts, n: int, most: int) -> NDArray[np.intp]:
    """Rows by the sum of their parts, the largest first."""
    total = np.zeros(n)
    for values in parts.values():
        total += values
    return np.argsort(-total, kind="stable")[:most]


# --- Figures -----------------------------------------------------------------


def over_events(
    columns: theme.Columns | ColumnDataSource,
    parts: Sequence[str],
    *,
    end: int,
    top: float,
    per_step: int = 1,
    height: int = 340,
) -> figure:
    """Draw :func:`step_columns` as stacked steps, of ``per_step`` events each."""
    source = theme.as_source(columns, "hk_breakdown_steps")
    step = f", mean of {per_step} a step" if per_step > 1 else ""
    fig = theme.chart(
        "hk_breakdown_steps_figure",
        title=f"What an event costs{step}",
        height=height,
        x=theme.event_axis(end),
        y=("", "ns", Range1d(0, theme.headroom(top), name="hk_breakdown_steps_y")),
    )
    legend = theme.legend_above(fig)
    legend.ncols = min(LEGEND_COLUMNS, max(1, len(parts)))
    found = _areas(fig, source, parts)
    fields = ["total", *(f"part_{i}" for i in range(len(parts)))]
    tips = [(part, f"@part_{i}{{custom}}") for i, part in enumerate(parts)]
    events = ("events", "@event{0} to before @until{0}")
    theme.hover(
        fig,
        [events, ("all of it", "@total{custom}"), *tips],
        mode="vline",
        renderers=[found],
        formatters={f"@{field}": hover_format("ns") for field in fields},
    )
    return fig


def _areas(fig: figure, source: ColumnDataSource, parts: Sequence[str]) -> Any:
    """Draw the steps of each part; returned is what the pointer finds.

    An area has no rows. The boxes that have lie below the areas, so that they are
    not seen where transparency is not known.
    """
    found = fig.quad(
        left="event",
        right="until",
        bottom=0,
        top="total",
        source=source,
        fill_alpha=0,
        line_color=None,
        name="hk_breakdown_found",
    )
    for i, part in enumerate(parts):
        low, high = edges(i)
        fig.varea_step(
            "event",
            y1=low,
            y2=high,
            source=source,
            step_mode="after",
            fill_color=COLOUR_OF[part],
            legend_label=part,
            name=f"hk_breakdown_step_{i}",
        )
    return found


def bars(
    columns: theme.Columns | ColumnDataSource,
    parts: Sequence[str],
    *,
    name: str,
    label: str,
    title: str,
    tips: Sequence[tuple[str, str]],
) -> figure:
    """A stacked bar for each row of ``columns``, whose names are in ``label``."""
    source = theme.as_source(columns, name)
    names = list(source.data[label])
    top = float(np.max(source.data["total"], initial=0.0))
    fig = theme.chart(
        f"{name}_figure",
        title=title,
        height=FRAME_HEIGHT + BAR_HEIGHT * max(1, len(names)),
        x=("", "ns", Range1d(0, theme.headroom(top), name=f"{name}_x")),
        y=("", "count", FactorRange(factors=names[::-1], name=f"{name}_y")),
        tools="xpan,xbox_zoom,reset,save",
    )
    fig.min_border_left = 24 + LETTER_WIDTH * max(map(len, names), default=0)
    fig.ygrid.visible = False
    drawn = [_bar(fig, source, label, i, part) for i, part in enumerate(parts)]
    written = {"@total": hover_format("ns"), "@size": hover_format("bytes")}
    theme.hover(
        fig,
        [*tips, ("all of it", "@total{custom}"), ("of which", "@made{safe}")],
        mode="hline",
        renderers=drawn[-1:],
        formatters=written,
    )
    return fig


def _bar(fig: figure, source: ColumnDataSource, label: str, i: int, part: str) -> Any:
    left, right = edges(i)
    return fig.hbar(
        y=label,
        left=left,
        right=right,
        height=0.76,
        source=source,
        fill_color=COLOUR_OF[part],
        line_color=None,
        name=f"{source.name}_{i}",
    )


def breakdown_view(
    parts: Parts,
    events: NDArray[np.integer[Any]],
    op: NDArray[np.integer[Any]],
    heap: NDArray[np.integer[Any]],
    size: NDArray[np.integer[Any]],
    *,
    end: int,
    ops: Mapping[int, str],
    heaps: Sequence[str],
) -> Column:
    """The latencies of ``events`` of ``end`` by part; three pictures."""
    by_kind = kind_columns(parts, op, heap, ops=ops, heaps=heaps)
    slowest = slowest_columns(parts, events, op, heap, size, ops=ops, heaps=heaps)
    steps = step_columns(parts, events, end=end)
    charts = [
        over_events(
            steps,
            list(parts),
            end=end,
            top=float(np.max(steps["total"], initial=0.0)),
            per_step=-(-len(events) // BUCKETS),
        ),
        _kinds(by_kind, list(parts)),
        _slowest(slowest, list(parts)),
    ]
    return column(charts, sizing_mode="stretch_width", name="hk_breakdown_view")


def _kinds(columns: theme.Columns, parts: Sequence[str]) -> figure:
    kinds = len(columns["kind"])
    title = "Mean by operation and heap"
    if kinds > KINDS:
        title += f": the {KINDS} dearest, of {kinds}"
    return bars(
        {name: values[:KINDS] for name, values in columns.items()},
        parts,
        name="hk_breakdown_kinds",
        label="kind",
        title=title,
        tips=[("events", "@kind"), ("how many", "@events{0}")],
    )


def _slowest(columns: theme.Columns, parts: Sequence[str]) -> figure:
    return bars(
        columns,
        parts,
        name="hk_breakdown_slowest",
        label="name",
        title=f"The {len(columns['name'])} slowest events",
        tips=[("event", "@event{0} @op"), ("heap", "@heap"), ("size", "@size{custom}")],
    )
