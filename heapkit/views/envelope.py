# SPDX-License-Identifier: MIT
"""The lowest, mean and highest gauges of a long run: a band over its events."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, Range1d
from bokeh.plotting import figure

from heapkit.views import theme
from heapkit.views.gauges import failure_columns, mark_refusals
from heapkit.views.ticks import hover_format

# Spans that are drawn: two pixels each on a usual screen.
SPANS = 400
# What is drawn in each figure: gauge, its name, its colour.
_FREE = (("free", "free", theme.BLUE), ("largest", "largest free", theme.GREEN))
_GAUGES = ("free", "largest", "pool", "deferred")
_ORDER = ("low", "mean", "high")
_SIDES = tuple(f"{g}_{side}" for g in _GAUGES for side in _ORDER)
_KEPT = (("pool", "in pools", theme.ORANGE), ("deferred", "deferred", theme.PURPLE))


def envelope_columns(
    event: npt.NDArray[Any],
    rows: npt.NDArray[np.void],
    *,
    end: int,
    spans: int = SPANS,
) -> dict[str, Any]:
    """First event of each span, and ``free_low``, ``_mean`` and ``_high`` in bytes.

    ``rows`` are those of :meth:`heapkit.FileRun.envelope` with events in them, a row
    per ``event``; ``free`` is followed by ``largest``, ``pool`` and ``deferred``.
    Neighbours are joined until there are at most ``spans`` rows, and no extreme is
    lost. The last row is repeated at event ``end`` so that the bands reach the edge
    of the figure.
    """
    n = len(event)
    if not n:
        return {name: theme.f32([]) for name in ("event", *_SIDES)}
    first = np.arange(0, n, -(-n // spans))
    events = np.add.reduceat(rows["events"], first)[:, np.newaxis]
    sides = {
        "low": np.minimum.reduceat(rows["low"], first, axis=0),
        "mean": np.add.reduceat(rows["sum"].astype(np.float64), first) / events,
        "high": np.maximum.reduceat(rows["high"], first, axis=0),
    }
    x = np.asarray(event)[first].astype(np.float64)
    columns = {"event": theme.f32(np.append(x, max(end, x[-1])))}
    for index, name in enumerate(_GAUGES):
        for side, values in sides.items():
            line = values[:, index]
            columns[f"{name}_{side}"] = theme.f32(np.append(line, line[-1]))
    return columns


def envelope_view(
    columns: theme.Columns,
    refused: npt.NDArray[Any],
    *,
    heap: str,
    events: int,
    size: int,
) -> Column:
    """Draw :func:`envelope_columns` of ``heap``; ``refused`` are events to mark.

    Free memory over what pools and deferred frees hold, if they ever held any, on
    one axis. ``size`` is the most that can be free, in bytes.
    """
    shared = Range1d(0, max(1, events), name="hk_events")
    source = theme.as_source(columns, "hk_envelope")
    free = _bands(
        source,
        _FREE,
        name="hk_envelope_free",
        title=f"{heap}: free memory and its largest piece: lowest, mean, highest",
        events=events,
        top=size,
        x_range=shared,
    )
    if len(refused):  # else the legend would name a sign that is nowhere
        marks = failure_columns(refused, size=size)
        mark_refusals(free, theme.as_source(marks, "hk_failures"))
    figures = [free]
    kept = max((float(np.max(columns[f"{g}_high"], initial=0)) for g, _, _ in _KEPT))
    if kept > 0:
        figures.append(
            _bands(
                source,
                _KEPT,
                name="hk_envelope_kept",
                title=f"{heap}: in pools and not yet returned: lowest, mean, highest",
                events=events,
                top=kept,
                x_range=shared,
            )
        )
    return column(*figures, sizing_mode="stretch_width", name="hk_envelope_view")


def _bands(
    source: ColumnDataSource,
    gauges: tuple[tuple[str, str, str], ...],
    *,
    name: str,
    title: str,
    events: int,
    top: float,
    x_range: Range1d,
) -> figure:
    fig = theme.chart(
        f"{name}_figure",
        title=title,
        height=230,
        x=theme.event_axis(events, x_range),
        y=("", "bytes", Range1d(0, theme.headroom(top), name=f"{name}_y")),
    )
    theme.legend_above(fig)
    for gauge, _, colour in gauges:
        _band(fig, source, gauge, colour)
    # Over all bands; they are also what is seen of a narrow one.
    lines = [_mean(fig, source, *gauge) for gauge in gauges]
    sides = [(gauge, label) for gauge, label, _ in gauges]
    theme.hover(
        fig,
        [
            ("event", "@event{0}"),
            *(
                (
                    label,
                    " … ".join(f"@{gauge}_{side}{{custom}}" for side in _ORDER),
                )
                for gauge, label in sides
            ),
        ],
        mode="vline",
        renderers=[lines[0]],
        formatters={
            f"@{gauge}_{side}": hover_format("bytes")
            for gauge, _ in sides
            for side in _ORDER
        },
    )
    return fig


def _band(fig: figure, source: ColumnDataSource, gauge: str, colour: str) -> None:
    fig.varea_step(
        "event",
        y1=f"{gauge}_low",
        y2=f"{gauge}_high",
        source=source,
        step_mode="after",
        fill_color=colour,
        fill_alpha=0.3,
    )


def _mean(
    fig: figure, source: ColumnDataSource, gauge: str, label: str, colour: str
) -> Any:
    return fig.step(
        "event",
        f"{gauge}_mean",
        source=source,
        mode="after",
        line_color=colour,
        line_width=1.5,
        legend_label=label,
        name=f"hk_line_{gauge}",
    )
