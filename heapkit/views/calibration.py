# SPDX-License-Identifier: MIT
"""What operations took by size, and the line that was fitted through it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import Column, ColumnDataSource, FixedTicker, Range1d, Whisker
from bokeh.plotting import figure

from heapkit.calibration.charts import Chart, Curve
from heapkit.views import theme
from heapkit.views.ticks import hover_format

# Memory that was not given back just now, and memory that was.
STATE_COLOURS = {"fresh": theme.BLUE, "repeated": theme.ORANGE}
ACROSS = 2  # charts beside each other
_HEIGHT = 220
_LEAST = 1.0  # ns: a logarithmic axis has no 0


def curve_columns(curve: Curve) -> dict[str, Any]:
    """The columns of one curve, by size; what is below 1 ns is drawn there."""
    order = np.argsort(curve.pages)
    told = {
        "pages": curve.pages,
        "median": curve.median,
        "least": curve.median - curve.spread,
        "most": curve.median + curve.spread,
        "model": curve.model,
        "low": curve.low,
        "high": curve.high,
    }
    return {n: theme.f32(np.maximum(v[order], _LEAST)) for n, v in told.items()}


def calibration_view(charts: Sequence[Chart]) -> Column:
    """Points with their spread, and lines through them.

    A shade is what samples drawn again make of the line.
    """
    drawn = [_chart(i, *chart) for i, chart in enumerate(charts)]
    lines = [drawn[i : i + ACROSS] for i in range(0, len(drawn), ACROSS)]
    rows = [row(*line, sizing_mode="stretch_width") for line in lines]
    return column(*rows, sizing_mode="stretch_width", name="hk_calibration")


def _chart(index: int, title: str, curves: Mapping[str, Curve]) -> figure:
    columns = {state: curve_columns(curve) for state, curve in curves.items()}
    name = f"hk_calibration_{index}"
    fig = theme.chart(
        name,
        title=title,
        height=_HEIGHT,
        x=("pages", "count", _range(columns, ("pages",), f"{name}_x")),
        y=("", "ns", _range(columns, ("least", "most", "model"), f"{name}_y")),
        tools="pan,box_zoom,reset,save",
        x_axis_type="log",
        y_axis_type="log",
    )
    fig.yaxis[0].ticker = FixedTicker(ticks=log_ticks(*_ends(fig.y_range)))
    theme.legend_above(fig)
    for state, data in columns.items():
        source = ColumnDataSource(data=data, name=f"{name}_{state}")
        _curve(fig, state, source)
    return fig


def log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten, and 2 and 5 times them where there are few."""
    decades = math.log10(high / low)
    steps = (1, 2, 5) if decades < 2 else (1,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [m * 10.0**e for e in range(first, last + 1) for m in steps]
    return [tick for tick in ticks if low <= tick <= high]


def _ends(shown: Range1d) -> tuple[float, float]:
    return float(shown.start), float(shown.end)


def _range(
    columns: Mapping[str, Mapping[str, Any]], names: Sequence[str], name: str
) -> Range1d:
    shown = [data[n] for data in columns.values() for n in names]
    values = np.concatenate(shown) if shown else np.array([1.0])
    return Range1d(float(values.min()) / 1.5, float(values.max()) * 1.5, name=name)


def _curve(fig: figure, state: str, source: ColumnDataSource) -> None:
    colour = STATE_COLOURS[state]
    fig.varea("pages", "low", "high", source=source, color=colour, alpha=0.2)
    fig.line("pages", "model", source=source, color=colour, line_width=2)
    dots = fig.scatter(
        *("pages", "median"), source=source, size=7, color=colour, legend_label=state
    )
    whisker = Whisker(base="pages", lower="least", upper="most", source=source)
    whisker.line_color = whisker.upper_head.line_color = theme.INK
    whisker.lower_head.line_color = theme.INK
    fig.add_layout(whisker)
    told = {"median": "median", "model": "fit", "low": "fit, from", "high": "fit, to"}
    theme.hover(
        fig,
        [("pages", "@pages{0}"), *((t, f"@{n}{{custom}}") for n, t in told.items())],
        mode="mouse",
        renderers=[dots],
        formatters={f"@{n}": hover_format("ns") for n in told},
    )
