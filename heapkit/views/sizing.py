# SPDX-License-Identifier: MIT
"""A setting against failures and latency, with the spread over the seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, Range1d, Whisker
from bokeh.plotting import figure

from heapkit.views import theme
from heapkit.views.ticks import UNITS, hover_format

# What an axis ends at where all values are 0: the whole 0 to 100 % would look
# as if little were refused rather than nothing.
FLAT = {"percent": 0.01, "ns": 1e3}


def spread_columns(
    setting: npt.NDArray[Any], value: npt.NDArray[Any]
) -> dict[str, Any]:
    """Least, median and greatest ``value`` of each distinct ``setting``."""
    setting, value = np.asarray(setting, np.float64), np.asarray(value, np.float64)
    settings = np.unique(setting)
    groups = [value[setting == s] for s in settings]
    return {
        "setting": settings,
        "low": np.array([g.min() for g in groups]),
        "mid": np.array([np.median(g) for g in groups]),
        "high": np.array([g.max() for g in groups]),
    }


def sizing_view(
    setting: npt.NDArray[Any],
    failure_rate: npt.NDArray[Any],
    p99_ns: npt.NDArray[Any],
    *,
    label: str,
    chosen: float | None = None,
    failure_target: float | None = None,
    p99_target_ns: float | None = None,
    unit: str = "bytes",
) -> Column:
    """One row per (setting, seed) in; two charts over a shared axis out.

    ``chosen`` is marked in both; a target is drawn where it is given.
    """
    shared = _setting_range(np.asarray(setting, np.float64))
    x = (label, unit, shared)
    failures = spread_columns(setting, failure_rate)
    latency = spread_columns(setting, p99_ns)
    charts = [
        _spread(failures, "failures", "Allocations refused", x, "percent"),
        _spread(latency, "p99", "99th percentile of allocation latency", x, "ns"),
    ]
    targets = (failure_target, "percent"), (p99_target_ns, "ns")
    for chart, (target, written) in zip(charts, targets, strict=True):
        if target is not None:
            _mark(chart, "target", target, written)
        if chosen is not None:
            _mark(chart, "answer", chosen, unit)
    return column(*charts, sizing_mode="stretch_width", name="hk_sizing_view")


def _setting_range(setting: npt.NDArray[Any]) -> Range1d:
    low, high = (setting.min(), setting.max()) if len(setting) else (0.0, 1.0)
    margin = (high - low) * 0.04 or max(1.0, high * 0.1)
    return Range1d(low - margin, high + margin, name="hk_setting")


def _spread(
    columns: dict[str, Any],
    name: str,
    title: str,
    x: tuple[str, str, Range1d],
    unit: str,
) -> figure:
    source = ColumnDataSource(data=columns, name=f"hk_sizing_{name}")
    high = columns["high"][np.isfinite(columns["high"])]
    highest = high.max() if len(high) else 0
    top = theme.headroom(highest if highest > 0 else FLAT[unit])
    fig = theme.chart(
        f"hk_sizing_{name}_figure",
        title=title,
        height=210,
        x=x,
        y=("", unit, Range1d(-top * 0.03, top)),
        tools="xpan,xbox_zoom,reset,save",
    )
    theme.legend_above(fig)
    dots = _median_and_bounds(fig, source)
    theme.hover(
        fig,
        [
            (x[0] or "setting", "@setting{custom}"),
            ("least", "@low{custom}"),
            ("median", "@mid{custom}"),
            ("greatest", "@high{custom}"),
        ],
        mode="vline",
        renderers=[dots],
        formatters={
            "@setting": hover_format(x[1]),
            **{f"@{c}": hover_format(unit) for c in ("low", "mid", "high")},
        },
    )
    return fig


def _median_and_bounds(fig: figure, source: ColumnDataSource) -> Any:
    colour = theme.BLUE
    fig.varea("setting", "low", "high", source=source, color=colour, alpha=0.2)
    fig.line("setting", "mid", source=source, color=colour, line_width=2)
    dots = fig.scatter(
        "setting",
        "mid",
        source=source,
        size=7,
        color=colour,
        legend_label="median (shade: all seeds)",
    )
    whisker = Whisker(base="setting", lower="low", upper="high", source=source)
    whisker.line_color = whisker.upper_head.line_color = theme.INK
    whisker.lower_head.line_color = theme.INK
    fig.add_layout(whisker)
    return dots


def _mark(fig: figure, what: str, at: float, unit: str) -> None:
    """A dashed line through the whole chart, named and with its value."""
    across = what == "target"
    source = ColumnDataSource(data={"at": [float(at)]}, name=f"hk_sizing_{what}")
    draw = fig.hspan if across else fig.vspan
    value = UNITS[unit].text(at) if unit != "count" else ""
    draw(
        "at",
        source=source,
        line_color=theme.VERMILION if across else theme.BLACK,
        line_dash="dashed",
        line_width=1.5,
        legend_label=f"{what} {value}".strip(),
        name=f"hk_{what}",
    )
